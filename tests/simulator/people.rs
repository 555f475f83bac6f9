//! What people do: keys, tokens, the console, single sign-on, roles in many accounts.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::estate::{
    Copies, Estate, MANAGEMENT, NOT_COLLECTED, PRODUCTION, SHOP, STORE, Session, Truth, VENDOR,
};

const NAMES: [&str; 6] = ["alice", "bob", "carol", "dave", "erin", "frank"];

fn name(estate: &mut Estate) -> &'static str {
    estate.dice.pick::<&str>(&NAMES)
}

pub fn user_key(estate: &mut Estate) {
    let who = name(estate);
    let user = estate.user(PRODUCTION, who);
    estate.work(&user);
}

pub fn role(estate: &mut Estate) {
    let who = name(estate);
    let user = estate.user(PRODUCTION, who);
    let other = name(estate);
    // Session names are free text, and now and then a colleague's name.
    let session = estate.assume(&user, PRODUCTION, "team/Deployer", other, &Copies::All);
    estate.work(&session);
}

pub fn chain(estate: &mut Estate) {
    let who = name(estate);
    let mut at = estate.user(PRODUCTION, who);
    for _ in 0..2 + estate.dice.below(4) {
        let account = *estate.dice.pick(&[PRODUCTION, SHOP, MANAGEMENT]);
        let role = *estate.dice.pick(&["Operations", "Reader", "DatabaseAdmin"]);
        let copies = if estate.dice.one_in(3) {
            Copies::CallersOnly
        } else {
            Copies::All
        };
        at = estate.assume(&at, account, role, "work", &copies);
        estate.wait();
    }
    estate.work(&at);
}

pub fn juggling(estate: &mut Estate) {
    let who = name(estate);
    let mut at = estate.user(PRODUCTION, who);
    for hop in 0..30 {
        at = estate.assume(
            &at,
            PRODUCTION,
            ["JugA", "JugB"][hop % 2],
            "j",
            &Copies::All,
        );
        estate.pass(3300);
    }
    estate.work(&at);
}

pub fn session_token(estate: &mut Estate) {
    let who = name(estate);
    let user = estate.user(SHOP, who);
    let key = estate.key();
    let mut answer = estate.issued(&user, &key, 43200);
    answer.as_object_mut().unwrap().remove("assumedRoleUser");
    estate.call(&user, "sts", "GetSessionToken", |record| {
        record["responseElements"] = answer;
        record["readOnly"] = json!(false);
    });
    let mut session = user.clone();
    session.identity["accessKeyId"] = json!(key);
    session.identity["sessionContext"] =
        json!({ "attributes": { "creationDate": estate.time(), "mfaAuthenticated": "true" } });
    estate.work(&session);
    let role = estate.assume(&session, SHOP, "Admin", who, &Copies::All);
    estate.work(&role);
}

pub fn federation_token(estate: &mut Estate) {
    let who = name(estate);
    let user = estate.user(PRODUCTION, who);
    let key = estate.key();
    let arn = format!("arn:aws:sts::{PRODUCTION}:federated-user/{who}-temp");
    let mut answer = estate.issued(&user, &key, 3600);
    answer["federatedUser"] =
        json!({ "federatedUserId": format!("{PRODUCTION}:{who}-temp"), "arn": arn });
    answer.as_object_mut().unwrap().remove("assumedRoleUser");
    estate.call(&user, "sts", "GetFederationToken", |record| {
        record["requestParameters"] = json!({ "name": format!("{who}-temp") });
        record["responseElements"] = answer;
        record["readOnly"] = json!(false);
    });
    let session = Session {
        identity: json!({
            "type": "FederatedUser", "principalId": format!("{PRODUCTION}:{who}-temp"), "arn": arn, "accountId": PRODUCTION,
            "accessKeyId": key,
            "sessionContext": {
                "sessionIssuer": {
                    "type": "IAMUser", "principalId": user.identity["principalId"], "arn": user.identity["arn"],
                    "accountId": PRODUCTION, "userName": who,
                },
                "attributes": { "creationDate": estate.time(), "mfaAuthenticated": "false" },
            },
        }),
        truth: user.truth,
    };
    estate.work(&session);
}

/// Signs in; the console session, whose key changes with every service.
fn sign_in(estate: &mut Estate, user: &Session) -> Session {
    let mut bare = user.clone();
    bare.identity.as_object_mut().unwrap().remove("accessKeyId");
    estate.call(&bare, "signin", "ConsoleLogin", |record| {
        record["eventType"] = json!("AwsConsoleSignIn");
        record["responseElements"] = json!({ "ConsoleLogin": "Success" });
        record["additionalEventData"] = json!({ "MFAUsed": "Yes", "MobileVersion": "No" });
        record["readOnly"] = json!(false);
    });
    let mut session = bare;
    session.identity["sessionContext"] =
        json!({ "attributes": { "creationDate": estate.time(), "mfaAuthenticated": "true" } });
    session
}

/// Calls in the console: a new key each, and not every one says that it is the console's.
fn click(estate: &mut Estate, session: &Session) {
    for _ in 0..2 + estate.dice.below(4) {
        estate.wait();
        let mut with_key = session.clone();
        with_key.identity["accessKeyId"] = json!(estate.key());
        let says_so = !estate.dice.one_in(3);
        estate.call(&with_key, "ec2", "DescribeVpcs", |record| {
            record["userAgent"] = json!("AWS Internal");
            if says_so {
                record["sessionCredentialFromConsole"] = json!("true");
            }
        });
    }
}

pub fn console(estate: &mut Estate) {
    let who = name(estate);
    let user = estate.user(PRODUCTION, who);
    let session = sign_in(estate, &user);
    click(estate, &session);
}

/// A role switch in the console; the key that STS hands out is never used.
fn switch(estate: &mut Estate, from: &Session, account: &str, copies: &Copies) -> Session {
    let who = from.identity["userName"]
        .as_str()
        .unwrap_or("switcher")
        .to_owned();
    let mut caller = from.clone();
    caller.identity["accessKeyId"] = json!(estate.key());
    let mut role = estate.assume(&caller, account, "Switchable", &who, copies);
    role.truth = from.truth.clone();
    let mut bare = role.clone();
    let identity = bare.identity.as_object_mut().unwrap();
    identity.remove("accessKeyId");
    identity.remove("sessionContext");
    let switched_from = from.identity["arn"].clone();
    estate.call(&bare, "signin", "SwitchRole", |record| {
        record["eventType"] = json!("AwsConsoleSignIn");
        record["responseElements"] = json!({ "SwitchRole": "Success" });
        record["additionalEventData"] = json!({ "SwitchFrom": switched_from });
    });
    role
}

pub fn switch_role(estate: &mut Estate) {
    let who = name(estate);
    let user = estate.user(PRODUCTION, who);
    let session = sign_in(estate, &user);
    estate.wait();
    let account = *estate.dice.pick(&[PRODUCTION, SHOP]);
    let role = switch(estate, &session, account, &Copies::All);
    click(estate, &role);
}

pub fn switch_role_seen_from_target(estate: &mut Estate) {
    let user = estate.user(NOT_COLLECTED, "gina");
    let mut session = user.clone();
    session.identity["sessionContext"] =
        json!({ "attributes": { "creationDate": estate.time(), "mfaAuthenticated": "true" } });
    let copies = Copies::OwnersOnly(user.truth.clone());
    let role = switch(estate, &session, SHOP, &copies);
    click(estate, &role);
}

pub fn exit_role(estate: &mut Estate) {
    let who = name(estate);
    let user = estate.user(PRODUCTION, who);
    let session = sign_in(estate, &user);
    let role = switch(estate, &session, SHOP, &Copies::All);
    click(estate, &role);
    estate.wait();
    let mut bare = role;
    let identity = bare.identity.as_object_mut().unwrap();
    identity.remove("accessKeyId");
    identity.remove("sessionContext");
    // The same person may have worn this hat in several sessions; all of them are hers.
    estate.call(&bare, "signin", "ExitRole", |record| {
        record["eventType"] = json!("AwsConsoleSignIn");
        record["responseElements"] = json!({ "ExitRole": "Success" });
    });
}

pub fn command_line_login(estate: &mut Estate) {
    let who = name(estate);
    let user = estate.user(SHOP, who);
    let session = sign_in(estate, &user);
    estate.wait();
    estate.call(&session, "signin", "CreateOAuth2Token", |record| {
        record["requestParameters"] =
            json!({ "client_id": "arn:aws:signin:::devtools/same-device" });
    });
    let mut vended = session;
    vended.identity["accessKeyId"] = json!(estate.key());
    estate.work(&vended);
}

pub fn console_by_token(estate: &mut Estate) {
    let who = name(estate);
    let user = estate.user(PRODUCTION, who);
    let role = estate.assume(&user, PRODUCTION, "Portal", who, &Copies::All);
    estate.wait();
    estate.call(&role, "signin", "GetSigninToken", |record| {
        record["responseElements"] =
            json!({ "credentials": { "accessKeyId": role.identity["accessKeyId"] } });
    });
    let mut console = role.clone();
    console.identity["sessionContext"]["attributes"]["creationDate"] = json!(estate.time());
    click(estate, &console);
}

fn saml(
    estate: &mut Estate,
    account: &str,
    role: &str,
    subject: &str,
    truth: Truth,
) -> (Session, String) {
    let key = estate.key();
    let session = estate.role_session(account, role, subject, &key, truth.clone());
    let answer = estate.issued(&session, &key, 3600);
    let provider = format!("arn:aws:iam::{account}:saml-provider/corp");
    let caller = Session {
        identity: json!({
            "type": "SAMLUser", "principalId": format!("aGFzaA==:{subject}"), "userName": subject, "identityProvider": "aGFzaA==",
        }),
        truth,
    };
    let id = estate.call(&caller, "sts", "AssumeRoleWithSAML", |record| {
        record["recipientAccountId"] = json!(account);
        record["requestParameters"] = json!({
            "roleArn": format!("arn:aws:iam::{account}:role/{role}"), "roleSessionName": subject, "principalArn": provider,
        });
        record["responseElements"] = answer;
        record["readOnly"] = json!(true);
    });
    (session, id)
}

pub fn saml_command_line(estate: &mut Estate) {
    let subject = format!("{}@example.com", name(estate));
    let truth = Truth::Origin("saml_user", subject.clone());
    let (session, _) = saml(estate, PRODUCTION, "SamlAdmin", &subject, truth);
    estate.work(&session);
}

pub fn saml_console(estate: &mut Estate) {
    let subject = format!("{}@example.com", name(estate));
    let truth = Truth::Origin("saml_user", subject.clone());
    let (session, _) = saml(estate, SHOP, "SamlReader", &subject, truth);
    let console = session.clone();
    let mut bare = session;
    let identity = bare.identity.as_object_mut().unwrap();
    identity.remove("accessKeyId");
    identity.remove("sessionContext");
    estate.pass(1);
    estate.call(&bare, "signin", "ConsoleLogin", |record| {
        record["eventType"] = json!("AwsConsoleSignIn");
        record["responseElements"] = json!({ "ConsoleLogin": "Success" });
    });
    click(estate, &console);
}

/// A user of Identity Center, as its own events show them.
fn center_user(estate: &mut Estate, subject: &str) -> Session {
    let user_id = estate.id("USER", subject);
    Session {
        identity: json!({
            "type": "IdentityCenterUser", "accountId": MANAGEMENT,
            "onBehalfOf": { "userId": user_id, "identityStoreArn": STORE },
        }),
        truth: Truth::Origin("identity_center_user", subject.to_owned()),
    }
}

fn center(estate: &mut Estate, shows_portal: bool, shows_saml: bool) {
    let subject = format!("{}@corp.example", name(estate));
    let who = center_user(estate, &subject);
    if shows_portal {
        estate.call(&who, "sso", "CreateToken", |_| ());
        estate.wait();
        estate.call(&who, "sso", "GetRoleCredentials", |record| {
            record["serviceEventDetails"] = json!({ "role_name": "Admin", "account_id": SHOP });
            record["awsRegion"] = json!("eu-west-1");
        });
    }
    let role = "aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0123456789abcdef";
    let mut session = if shows_saml {
        saml(estate, SHOP, role, &subject, who.truth.clone()).0
    } else {
        estate.role_session(SHOP, role, &subject, "", who.truth.clone())
    };
    session.identity["accessKeyId"] = json!(estate.key());
    // Without it only a second meeting of both logs would tell the user's name.
    if shows_portal || estate.dice.one_in(2) {
        let mut named = session.clone();
        named.identity["onBehalfOf"] = who.identity["onBehalfOf"].clone();
        estate.work(&named);
    }
    estate.work(&session);
    // Nobody else gets credentials in this second.
    estate.pass(1);
}

pub fn identity_center(estate: &mut Estate) {
    center(estate, true, true);
}

pub fn identity_center_members_logs(estate: &mut Estate) {
    center(estate, false, true);
}

pub fn identity_center_use_only(estate: &mut Estate) {
    center(estate, false, false);
}

pub fn root(estate: &mut Estate) {
    let root = Session {
        identity: json!({
            "type": "Root", "principalId": SHOP, "arn": format!("arn:aws:iam::{SHOP}:root"), "accountId": SHOP, "accessKeyId": "",
        }),
        truth: Truth::Origin("root", format!("arn:aws:iam::{SHOP}:root")),
    };
    let session = sign_in(estate, &root);
    click(estate, &session);
}

pub fn assume_root(estate: &mut Estate) {
    let who = name(estate);
    let user = estate.user(MANAGEMENT, who);
    let admin = estate.assume(&user, MANAGEMENT, "SecurityAdmin", who, &Copies::All);
    estate.wait();
    let key = estate.key();
    let mut answer = estate.issued(&admin, &key, 900);
    answer.as_object_mut().unwrap().remove("assumedRoleUser");
    estate.call(&admin, "sts", "AssumeRoot", |record| {
        record["requestParameters"] = json!({ "targetPrincipal": SHOP });
        record["responseElements"] = answer;
        record["readOnly"] = json!(false);
    });
    let session = Session {
        identity: json!({
            "type": "Root", "principalId": SHOP, "arn": format!("arn:aws:iam::{SHOP}:root"), "accountId": SHOP, "accessKeyId": key,
            "sessionContext": {
                "attributes": { "creationDate": estate.time(), "mfaAuthenticated": "false" }, "assumedRoot": "true",
            },
        }),
        truth: admin.truth,
    };
    estate.work(&session);
}

pub fn owners_copy_only(estate: &mut Estate) {
    let who = name(estate);
    let user = estate.user(PRODUCTION, who);
    // Any record of hers tells whose unique id it is.
    estate.work(&user);
    let copies = Copies::OwnersOnly(user.truth.clone());
    let session = estate.assume(&user, SHOP, "Reader", who, &copies);
    estate.work(&session);
}

pub fn third_party(estate: &mut Estate) {
    let truth = Truth::Origin("external_account", VENDOR.to_owned());
    let vendor = estate.role_session(VENDOR, "Scanner", "job-7", "ASIAVENDOR", truth.clone());
    let session = estate.assume(
        &vendor,
        PRODUCTION,
        "VendorAccess",
        "job-7",
        &Copies::OwnersOnly(truth),
    );
    estate.work(&session);
}

pub fn organization_role(estate: &mut Estate) {
    let who = name(estate);
    let user = estate.user(MANAGEMENT, who);
    let session = estate.assume(
        &user,
        SHOP,
        "OrganizationAccountAccessRole",
        who,
        &Copies::All,
    );
    estate.work(&session);
}

pub fn anonymous(estate: &mut Estate) {
    let nobody = Session {
        identity: json!({ "type": "AWSAccount", "principalId": "", "accountId": "anonymous" }),
        truth: Truth::Origin("anonymous", "anonymous".to_owned()),
    };
    estate.call(&nobody, "s3", "GetObject", |record| {
        record["recipientAccountId"] = json!(PRODUCTION);
        record["eventCategory"] = json!("Data");
        record["managementEvent"] = json!(false);
    });
}

pub fn source_identity_only(estate: &mut Estate) {
    let who = name(estate);
    let key = estate.key();
    let truth = Truth::Origin("source_identity", format!("{who}-badge"));
    let mut session = estate.role_session(PRODUCTION, "Carried", "x", &key, truth);
    session.identity["sessionContext"]["sourceIdentity"] = json!(format!("{who}-badge"));
    estate.work(&session);
}

pub fn before_the_window(estate: &mut Estate) {
    let key = estate.key();
    let mut session = estate.role_session(
        PRODUCTION,
        "Early",
        "x",
        &key,
        Truth::Unknowable("issuer_outside_window"),
    );
    let created = "2026-05-04T00:00:00Z"
        .parse::<chrono::DateTime<chrono::Utc>>()
        .unwrap()
        - TimeDelta::hours(3);
    session.identity["sessionContext"]["attributes"]["creationDate"] =
        json!(created.format("%Y-%m-%dT%H:%M:%SZ").to_string());
    estate.work(&session);
}

pub fn lost_issue(estate: &mut Estate) {
    let key = estate.key();
    // A colleague's name, which proves nothing.
    let session = estate.role_session(PRODUCTION, "Lost", "alice", &key, Truth::Unknowable("lost"));
    estate.work(&session);
}

pub fn two_in_a_second(estate: &mut Estate) {
    let role = ["Shared", "Shared2"][usize::from(estate.dice.one_in(2))];
    let (one, other) = (estate.user(SHOP, "carol"), estate.user(SHOP, "dave"));
    let sessions = [&one, &other].map(|user| estate.assume(user, SHOP, role, "cli", &Copies::All));
    // The keys tell them apart, as long as they are shown.
    for session in &sessions {
        estate.work(session);
    }
    let mut forwarded = sessions[0].clone();
    forwarded.truth = Truth::Ambiguous;
    forwarded.identity["accessKeyId"] = json!(estate.key());
    forwarded.identity["invokedBy"] = json!("cloudformation.amazonaws.com");
    estate.call(&forwarded, "ec2", "CreateVpc", |record: &mut Value| {
        record["sourceIPAddress"] = json!("cloudformation.amazonaws.com");
    });
    estate.pass(1);
}
