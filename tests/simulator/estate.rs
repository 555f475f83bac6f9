//! An organization that acts by seed: accounts, identities, a clock, the records it writes, and the truth beside them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Timelike as _, Utc};
use serde_json::{Value, json};

use super::dice::Dice;
use super::load::{self, Load};

pub const MANAGEMENT: &str = "777788889999";
pub const PRODUCTION: &str = "111122223333";
pub const SHOP: &str = "444455556666";
/// An account of ours whose trail delivers nothing to these logs.
pub const NOT_COLLECTED: &str = "123412341234";
pub const VENDOR: &str = "222233334444";
pub const STORE: &str = "arn:aws:identitystore::777788889999:identitystore/d-1234567890";

/// What is true of an event, as far as the logs can tell.
#[derive(Debug, Clone)]
pub enum Truth {
    /// This origin, by kind and id.
    Origin(&'static str, String),
    /// Nobody can tell, for this reason.
    Unknowable(&'static str),
    /// Several could have done it.
    Ambiguous,
    /// Not to be judged.
    Anything,
}

/// Credentials as their calls show them: the record's `userIdentity`.
#[derive(Debug, Clone)]
pub struct Session {
    pub identity: Value,
    pub truth: Truth,
}

impl Session {
    pub fn account(&self) -> String {
        self.identity["accountId"]
            .as_str()
            .unwrap_or(PRODUCTION)
            .to_owned()
    }
}

pub struct Estate {
    pub dice: Dice,
    pub now: DateTime<Utc>,
    pub records: Vec<Value>,
    /// Event id → the case it belongs to, and the truth.
    pub truth: BTreeMap<String, (&'static str, Truth)>,
    pub case: &'static str,
    /// How busy everybody is; `None` where a few calls of each session are enough.
    pub load: Option<Load>,
    /// Whoever has the same seed has the same identities.
    identities: u64,
    ids: BTreeMap<String, String>,
}

impl Estate {
    pub fn new(seed: u64) -> Self {
        Self {
            dice: Dice::new(seed),
            load: None,
            identities: seed,
            now: "2026-05-04T06:00:00Z".parse().unwrap(),
            records: Vec::new(),
            truth: BTreeMap::new(),
            case: "",
            ids: BTreeMap::new(),
        }
    }

    pub fn pass(&mut self, seconds: u64) {
        self.now += TimeDelta::seconds(i64::try_from(seconds).unwrap());
    }

    pub fn wait(&mut self) {
        let seconds = 1 + self.dice.below(90);
        self.pass(seconds);
    }

    /// Loses one record in so many; who of several it was may then look certain, and is not judged.
    pub fn lose(&mut self, seed: u64, one_in: u64) {
        let mut dice = Dice::new(seed);
        self.records.retain(|_| !dice.one_in(one_in));
        let kept: BTreeSet<&str> = self
            .records
            .iter()
            .filter_map(|record| record["eventID"].as_str())
            .collect();
        self.truth.retain(|event, _| kept.contains(event.as_str()));
        for (_, truth) in self.truth.values_mut() {
            if matches!(truth, Truth::Ambiguous) {
                *truth = Truth::Anything;
            }
        }
    }

    pub fn time(&self) -> String {
        self.now.format("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// `AROA…`, `AIDA…`: one for each name, for good.
    pub fn id(&mut self, prefix: &str, name: &str) -> String {
        let seed = self.identities;
        let id = self
            .ids
            .entry(format!("{prefix}{name}"))
            .or_insert_with_key(|known| format!("{prefix}{}", Dice::of(seed, known).digits(17)));
        id.clone()
    }

    /// The same identities as everywhere with this seed, whatever else happens.
    pub fn with_identities(mut self, seed: u64) -> Self {
        self.identities = seed;
        self
    }

    pub fn key(&mut self) -> String {
        format!("ASIA{}", self.dice.digits(16))
    }

    /// Whether a row says what is true, and less than the truth: the account, or the id under which Identity Center
    /// knows somebody.
    pub fn is_less_than(&self, truth: &str, row: &Value) -> bool {
        let user = self.ids.get(&format!("USER{truth}"));
        let id = row["origin_id"].as_str().unwrap_or_default();
        let is_account = row["origin_kind"] == "external_account"
            && truth.starts_with("arn:aws:iam::")
            && truth.split(':').nth(4) == Some(id);
        is_account || user.is_some_and(|known| id == known)
    }

    /// An IAM user with a key.
    pub fn user(&mut self, account: &str, name: &str) -> Session {
        let arn = format!("arn:aws:iam::{account}:user/{name}");
        let key = self.id("AKIA", &arn)[..20].to_owned();
        Session {
            identity: json!({
                "type": "IAMUser", "principalId": self.id("AIDA", &arn), "arn": arn, "accountId": account,
                "accessKeyId": key, "userName": name,
            }),
            truth: Truth::Origin("iam_user", arn),
        }
    }

    /// A call, with whatever it needs in `change`.
    pub fn call(
        &mut self,
        who: &Session,
        source: &str,
        name: &str,
        change: impl FnOnce(&mut Value),
    ) -> String {
        let id = self.dice.uuid();
        let account = who.account();
        let mut record = json!({
            "eventVersion": self.dice.pick(&["1.08", "1.09", "1.10", "1.11"]),
            "userIdentity": who.identity, "eventTime": self.time(),
            "eventSource": format!("{source}.amazonaws.com"), "eventName": name,
            "awsRegion": self.dice.pick(&["us-east-1", "eu-west-1"]),
            "sourceIPAddress": "203.0.113.10", "userAgent": "aws-cli/2.27.0",
            "requestParameters": null, "responseElements": null,
            "requestID": self.dice.uuid(), "eventID": id, "readOnly": name.starts_with("List") || name.starts_with("Get"),
            "eventType": "AwsApiCall", "managementEvent": true, "recipientAccountId": account,
            "eventCategory": "Management",
        });
        change(&mut record);
        let id = record["eventID"].as_str().unwrap().to_owned();
        if self.load.is_some() {
            load::dress(&mut self.dice, &mut record);
        } else {
            let truth = (self.case, who.truth.clone());
            self.truth.insert(id.clone(), truth);
        }
        self.records.push(record);
        id
    }

    /// Some calls of a session, spread over some time.
    pub fn work(&mut self, who: &Session) {
        if self.load.is_some() {
            return load::work(self, who);
        }
        for _ in 0..=self.dice.below(3) {
            self.wait();
            let (source, name) = *self.dice.pick(&[
                ("s3", "ListBuckets"),
                ("ec2", "DescribeInstances"),
                ("iam", "ListRoles"),
                ("sqs", "SendMessage"),
            ]);
            self.call(who, source, name, |_| ());
        }
    }

    /// A role session as its calls show it.
    pub fn role_session(
        &mut self,
        account: &str,
        role: &str,
        name: &str,
        key: &str,
        truth: Truth,
    ) -> Session {
        let role_name = role.rsplit('/').next().unwrap();
        let role_arn = format!("arn:aws:iam::{account}:role/{role}");
        let role_id = self.id("AROA", &role_arn);
        Session {
            identity: json!({
                "type": "AssumedRole", "principalId": format!("{role_id}:{name}"),
                "arn": format!("arn:aws:sts::{account}:assumed-role/{role_name}/{name}"),
                "accountId": account, "accessKeyId": key,
                "sessionContext": {
                    "sessionIssuer": {
                        "type": "Role", "principalId": role_id, "arn": role_arn, "accountId": account, "userName": role_name,
                    },
                    "attributes": { "creationDate": self.time(), "mfaAuthenticated": "false" },
                },
            }),
            truth,
        }
    }

    /// What the call says of the credentials that it hands out.
    pub fn issued(&mut self, session: &Session, key: &str, seconds: i64) -> Value {
        let end = (self.now + TimeDelta::seconds(seconds)).format("%b %-d, %Y, %-I:%M:%S %p");
        json!({
            "credentials": { "accessKeyId": key, "sessionToken": "(omitted)", "expiration": end.to_string() },
            "assumedRoleUser": { "assumedRoleId": session.identity["principalId"], "arn": session.identity["arn"] },
        })
    }

    /// A role session as another account's copy of its calls shows it.
    pub fn seen_from_outside(who: &Session) -> Value {
        json!({
            "type": "AWSAccount", "principalId": who.identity["principalId"], "accountId": who.identity["accountId"],
        })
    }

    /// `AssumeRole`: the session it opens. `copies` says which accounts' copies there are.
    pub fn assume(
        &mut self,
        who: &Session,
        account: &str,
        role: &str,
        name: &str,
        copies: &Copies,
    ) -> Session {
        let key = self.key();
        let truth = match copies {
            Copies::OwnersOnly(truth) => truth.clone(),
            Copies::All | Copies::CallersOnly => who.truth.clone(),
        };
        let session = self.role_session(account, role, name, &key, truth);
        let answer = self.issued(&session, &key, 3600);
        let (shared, request) = (self.dice.uuid(), self.dice.uuid());
        let is_cross = who.account() != account;
        let fill = |record: &mut Value| {
            let role_arn = format!("arn:aws:iam::{account}:role/{role}");
            record["requestParameters"] = json!({ "roleArn": role_arn, "roleSessionName": name });
            record["responseElements"] = answer.clone();
            record["requestID"] = json!(request);
            record["readOnly"] = json!(true);
            if is_cross {
                record["sharedEventID"] = json!(shared);
            }
        };
        if !matches!(copies, Copies::OwnersOnly(_)) {
            self.call(who, "sts", "AssumeRole", fill);
        }
        if is_cross && !matches!(copies, Copies::CallersOnly) {
            let outside = Session {
                identity: Self::seen_from_outside(who),
                truth: session.truth.clone(),
            };
            self.call(&outside, "sts", "AssumeRole", |record| {
                fill(record);
                record["recipientAccountId"] = json!(account);
            });
        }
        session
    }

    /// Everything as CloudTrail would deliver it: by account, region and hour, a little late, in no order. Key and text of each file.
    pub fn log_files(&mut self) -> Vec<(String, Vec<u8>)> {
        let mut files: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
        for record in &self.records {
            let name = log_file(record, 60);
            files.entry(name).or_default().push(record);
        }
        let mut written = Vec::new();
        for (at, (name, mut records)) in files.into_iter().enumerate() {
            self.dice.shuffle(&mut records);
            let bytes = serde_json::to_vec(&json!({ "Records": records })).unwrap();
            written.push((format!("{name}{at:016}.json.gz"), bytes));
        }
        written
    }

    /// The truth about each event, as JSON.
    pub fn truth_json(&self) -> Vec<u8> {
        let truth: Vec<Value> = self
            .truth
            .iter()
            .map(|(event, (case, truth))| json!({ "event": event, "case": case, "truth": format!("{truth:?}") }))
            .collect();
        serde_json::to_vec(&truth).unwrap()
    }
}

/// How the key of the log file begins that holds the record, where a new one begins every so many minutes.
pub fn log_file(record: &Value, minutes: u32) -> String {
    let account = record["recipientAccountId"].as_str().unwrap();
    let region = record["awsRegion"].as_str().unwrap();
    let time: DateTime<Utc> = record["eventTime"].as_str().unwrap().parse().unwrap();
    let late = time + TimeDelta::minutes(3);
    let minute = late.minute() / minutes * minutes;
    let (day, hour) = (time.format("%Y/%m/%d"), late.format("%Y%m%dT%H"));
    format!(
        "AWSLogs/{account}/CloudTrail/{region}/{day}/{account}_CloudTrail_{region}_{hour}{:02}Z_",
        minute + 5 % minutes
    )
}

/// Which accounts' copies of a call there are.
#[derive(Debug, Clone)]
pub enum Copies {
    All,
    CallersOnly,
    /// And what is then true.
    OwnersOnly(Truth),
}
