//! What a message of a queue says: which objects came into which bucket.
//!
//! S3 writes to a queue itself, through SNS or through EventBridge; CloudTrail writes to SNS when it delivered.
//! Sources: Amazon S3 User Guide, "Event message structure" and "EventBridge event message structure"; CloudTrail
//! User Guide, "Configuring Amazon SNS notifications for CloudTrail".

use percent_encoding::percent_decode_str;
use serde::Deserialize;

/// An object that came into a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The bucket.
    pub bucket: String,
    /// The object's key, as it is.
    pub key: String,
    /// Its size in bytes, where the message tells.
    pub size: Option<u64>,
    /// Its `ETag` with its quotes, where the message tells.
    pub etag: Option<String>,
}

/// The objects that a message tells of; it may tell of none, as S3's test message does. `None` where it is no message that we know.
pub fn notices(body: &str) -> Option<Vec<Notice>> {
    let message: Message = serde_json::from_str(body).ok()?;
    match &message.wrapped {
        // SNS wraps once.
        Some(wrapped) if wrapped == VALIDATION => Some(Vec::new()),
        Some(wrapped) => serde_json::from_str::<Message>(wrapped).ok()?.notices(),
        None => message.notices(),
    }
}

/// What CloudTrail sends when a topic is set up.
const VALIDATION: &str = "CloudTrail validation message.";

#[derive(Deserialize)]
struct Message {
    #[serde(rename = "Message")]
    wrapped: Option<String>,
    #[serde(rename = "Records")]
    records: Option<Vec<Record>>,
    #[serde(rename = "Event")]
    event: Option<String>,
    #[serde(rename = "detail-type")]
    detail_type: Option<String>,
    detail: Option<Detail>,
    #[serde(rename = "s3Bucket")]
    s3_bucket: Option<String>,
    #[serde(rename = "s3ObjectKey")]
    s3_object_keys: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Record {
    #[serde(rename = "eventName")]
    event_name: String,
    s3: Detail,
}

#[derive(Deserialize)]
struct Detail {
    bucket: BucketName,
    object: ObjectFacts,
}

#[derive(Deserialize)]
struct BucketName {
    name: String,
}

#[derive(Deserialize)]
struct ObjectFacts {
    key: String,
    size: Option<u64>,
    #[serde(alias = "eTag")]
    etag: Option<String>,
}

impl Message {
    fn notices(self) -> Option<Vec<Notice>> {
        if let Some(records) = self.records {
            let created = records
                .into_iter()
                .filter(|record| record.event_name.contains("ObjectCreated:"));
            // S3 writes keys there as forms do.
            return Some(created.map(|record| record.s3.notice(from_form)).collect());
        }
        if let (Some(kind), Some(detail)) = (&self.detail_type, self.detail) {
            let is_new = kind == "Object Created";
            return Some(
                is_new
                    .then(|| detail.notice(|key| key))
                    .into_iter()
                    .collect(),
            );
        }
        if let (Some(bucket), Some(keys)) = (self.s3_bucket, self.s3_object_keys) {
            let notices = keys.into_iter().map(|key| Notice {
                bucket: bucket.clone(),
                key,
                size: None,
                etag: None,
            });
            return Some(notices.collect());
        }
        (self.event.as_deref() == Some("s3:TestEvent")).then(Vec::new)
    }
}

impl Detail {
    fn notice(self, key: impl Fn(String) -> String) -> Notice {
        Notice {
            bucket: self.bucket.name,
            key: key(self.object.key),
            size: self.object.size,
            etag: self
                .object
                .etag
                .map(|etag| format!("\"{}\"", etag.trim_matches('"'))),
        }
    }
}

fn from_form(key: String) -> String {
    let spaces = key.replace('+', "%20");
    percent_decode_str(&spaces)
        .decode_utf8()
        .map_or(key, std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn direct() -> Value {
        let object = json!({ "key": "AWSLogs/1/a%2Bb+c.json.gz", "size": 7, "eTag": "abc", "sequencer": "0055" });
        let s3 = json!({ "s3SchemaVersion": "1.0", "bucket": { "name": "trail", "arn": "arn:aws:s3:::trail" }, "object": object });
        json!({ "Records": [{ "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": s3 }] })
    }

    fn wanted() -> Notice {
        Notice {
            bucket: "trail".to_owned(),
            key: "AWSLogs/1/a+b c.json.gz".to_owned(),
            size: Some(7),
            etag: Some("\"abc\"".to_owned()),
        }
    }

    fn read(body: &Value) -> Option<Vec<Notice>> {
        notices(&body.to_string())
    }

    #[test]
    fn the_same_object_is_told_in_every_form() {
        assert_eq!(read(&direct()), Some(vec![wanted()]));
        let wrapped = json!({ "Type": "Notification", "TopicArn": "arn:aws:sns:us-east-1:1:t", "Message": direct().to_string() });
        assert_eq!(read(&wrapped), Some(vec![wanted()]));
        let bridged = json!({
            "version": "0", "detail-type": "Object Created", "source": "aws.s3",
            "detail": { "version": "0", "bucket": { "name": "trail" }, "object": { "key": "AWSLogs/1/a+b c.json.gz", "size": 7, "etag": "abc" } }
        });
        assert_eq!(read(&bridged), Some(vec![wanted()]));
        let delivered = json!({ "s3Bucket": "trail", "s3ObjectKey": ["AWSLogs/1/a+b c.json.gz"] });
        let cloudtrail = json!({ "Type": "Notification", "Message": delivered.to_string() });
        let untold = Notice {
            size: None,
            etag: None,
            ..wanted()
        };
        assert_eq!(read(&cloudtrail), Some(vec![untold]));
    }

    #[test]
    fn messages_that_tell_of_nothing_new_are_known_and_others_are_not() {
        let mut removed = direct();
        removed["Records"][0]["eventName"] = json!("ObjectRemoved:Delete");
        for nothing in [
            removed,
            json!({ "Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "trail" }),
            json!({ "Type": "Notification", "Message": VALIDATION }),
            json!({ "detail-type": "Object Deleted", "detail": { "bucket": { "name": "trail" }, "object": { "key": "k" } } }),
        ] {
            assert_eq!(read(&nothing), Some(vec![]), "{nothing}");
        }
        for poison in [
            json!({}),
            json!([]),
            json!({ "Records": [{}] }),
            json!({ "Message": "no JSON" }),
            json!({ "Event": "another" }),
        ] {
            assert_eq!(read(&poison), None, "{poison}");
        }
        assert_eq!(notices("not even JSON"), None);
    }
}
