//! Records made by hand, with documentation account ids and keys that end in EXAMPLE.

use serde_json::{Value, json};

pub const ACCOUNT: &str = "111122223333";
pub const OTHER_ACCOUNT: &str = "444455556666";

/// `{"Records": […]}` as bytes.
pub fn records_file(records: &[Value]) -> Vec<u8> {
    serde_json::to_vec(&json!({ "Records": records })).unwrap()
}

/// One record a line.
pub fn lines(records: &[Value]) -> Vec<u8> {
    records
        .iter()
        .map(|record| format!("{record}\n"))
        .collect::<String>()
        .into_bytes()
}

pub fn user(name: &str) -> Value {
    json!({
        "type": "IAMUser",
        "principalId": format!("AIDA{}EXAMPLE", name.to_uppercase()),
        "arn": format!("arn:aws:iam::{ACCOUNT}:user/{name}"),
        "accountId": ACCOUNT,
        "accessKeyId": format!("AKIA{}EXAMPLE", name.to_uppercase()),
        "userName": name,
    })
}

/// A role session as its calls show it.
pub fn session(account: &str, role: &str, name: &str, key: &str, created: &str) -> Value {
    let role_id = format!("AROA{}EXAMPLE", role.to_uppercase());
    json!({
        "type": "AssumedRole",
        "principalId": format!("{role_id}:{name}"),
        "arn": format!("arn:aws:sts::{account}:assumed-role/{role}/{name}"),
        "accountId": account,
        "accessKeyId": key,
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": role_id,
                "arn": format!("arn:aws:iam::{account}:role/{role}"),
                "accountId": account,
                "userName": role,
            },
            "attributes": { "creationDate": created, "mfaAuthenticated": "false" },
        },
    })
}

/// A call.
pub fn call(id: &str, who: Value, time: &str, source: &str, name: &str) -> Value {
    let account = who["accountId"].as_str().unwrap_or(ACCOUNT).to_owned();
    json!({
        "eventVersion": "1.11",
        "userIdentity": who,
        "eventTime": time,
        "eventSource": format!("{source}.amazonaws.com"),
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": "192.0.2.1",
        "userAgent": "test",
        "requestParameters": null,
        "responseElements": null,
        "requestID": format!("request-of-{id}"),
        "eventID": id,
        "readOnly": true,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": account,
        "eventCategory": "Management",
    })
}

/// An `AssumeRole` that succeeds; the credentials live for an hour of the same day.
pub fn assume(
    id: &str,
    who: Value,
    time: &str,
    account: &str,
    role: &str,
    name: &str,
    key: &str,
) -> Value {
    let mut record = call(id, who, time, "sts", "AssumeRole");
    let arn = format!("arn:aws:iam::{account}:role/{role}");
    record["requestParameters"] = json!({ "roleArn": arn, "roleSessionName": name });
    record["responseElements"] = json!({
        "credentials": { "accessKeyId": key, "sessionToken": "SECRET", "expiration": later(time) },
        "assumedRoleUser": {
            "assumedRoleId": format!("AROA{}EXAMPLE:{name}", role.to_uppercase()),
            "arn": format!("arn:aws:sts::{account}:assumed-role/{role}/{name}"),
        },
    });
    record["resources"] = json!([{ "ARN": arn, "accountId": account, "type": "AWS::IAM::Role" }]);
    record
}

/// An hour after `time`, in CloudTrail's spelling of expirations.
fn later(time: &str) -> String {
    let time: chrono::DateTime<chrono::Utc> = time.parse().unwrap();
    (time + chrono::TimeDelta::hours(1))
        .format("%b %-d, %Y, %-I:%M:%S %p")
        .to_string()
}

/// The other account's copy of a cross-account call.
pub fn twin(record: &mut Value, id: &str, recipient: &str) -> Value {
    record["sharedEventID"] = json!(format!("shared-{id}"));
    let mut copy = record.clone();
    copy["eventID"] = json!(id);
    copy["recipientAccountId"] = json!(recipient);
    let who = &record["userIdentity"];
    copy["userIdentity"] = json!({
        "type": "AWSAccount",
        "principalId": who["principalId"],
        "accountId": who["accountId"],
    });
    copy
}
