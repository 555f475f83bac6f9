//! Secrets stay out: of the tables, of rejected text, of every file of the lake.

use super::support::TempLake;
use super::support::records::{assume, call, records_file, user};
use serde_json::{Value, json};

const SECRET: &str = "VerySecretValueThatMustNotBeKept";

fn with_secrets() -> Vec<Value> {
    let time = "2026-03-02T09:00:00Z";
    let mut taken = assume(
        "taken",
        user("alice"),
        time,
        "111122223333",
        "Role",
        "name",
        "ASIAROLEEXAMPLE",
    );
    taken["responseElements"]["credentials"]["sessionToken"] = json!(SECRET);
    taken["responseElements"]["credentials"]["secretAccessKey"] = json!(SECRET);
    let mut saml = call("saml", user("alice"), time, "sts", "AssumeRoleWithSAML");
    saml["requestParameters"] =
        json!({ "sAMLAssertion": SECRET, "webIdentityToken": SECRET, "tokenCode": SECRET });
    let mut anywhere = call(
        "anywhere",
        user("alice"),
        time,
        "rolesanywhere",
        "CreateSession",
    );
    anywhere["requestParameters"] = json!({ "cert": SECRET });
    anywhere["responseElements"] = json!({ "credentialSet": [{ "credentials": { "sessionToken": SECRET, "secretAccessKey": SECRET } }] });
    let mut database = call("database", user("alice"), time, "rds", "CreateDBInstance");
    database["requestParameters"] =
        json!({ "masterUserPassword": SECRET, "nested": { "Password": { "plain": SECRET } } });
    let mut newer = call("newer", user("alice"), time, "s3", "ListBuckets");
    newer["futureField"] =
        json!({ "secretAccessKey": SECRET, "text": format!("{{\"sessionToken\":\"{SECRET}\"}}") });
    let mut rejected = taken.clone();
    rejected["eventID"] = json!("rejected");
    rejected.as_object_mut().unwrap().remove("eventTime");
    vec![taken, saml, anywhere, database, newer, rejected]
}

#[test]
fn no_secret_reaches_any_table() {
    let lake = TempLake::new();
    let mut bytes = records_file(&with_secrets());
    // A record cut inside its secret, and a conflicting copy.
    bytes.truncate(bytes.len() - 2);
    bytes.extend(
        format!(r#",{{"eventID":"cut","responseElements":{{"sessionToken":"{SECRET}"#).as_bytes(),
    );
    lake.put("a.json", &bytes);
    let mut other = with_secrets();
    other[0]["userAgent"] = json!("another");
    lake.put("b.json", &records_file(&other));
    lake.ingest();
    let tables = lake.tables();
    assert!(
        tables
            .iter()
            .any(|line| line.contains("conflicting_duplicate"))
    );
    assert!(tables.iter().any(|line| line.contains("truncated_json")));
    for line in &tables {
        assert!(!line.contains("VerySecret"), "{line}");
    }
    // What is no secret stays.
    assert_eq!(
        lake.value("SELECT issued_access_key_id FROM events WHERE event_id = 'taken'"),
        "ASIAROLEEXAMPLE"
    );
}

#[test]
fn no_secret_reaches_the_words_of_a_rejection() {
    let lake = TempLake::new();
    let inner = format!("{{\"responseElements\":{{\"sessionToken\":\"{SECRET}\"}}}}");
    lake.put(
        "a.json",
        json!({ "Records": [inner] }).to_string().as_bytes(),
    );
    lake.ingest();
    for line in lake.tables() {
        assert!(!line.contains("VerySecret"), "{line}");
    }
}
