//! A queue in memory that speaks the JSON protocol of Amazon SQS.

use std::sync::Mutex;

use serde_json::{Value, json};

/// Messages, and whether they were received.
#[derive(Debug, Default)]
pub struct MemoryQueue(Mutex<Vec<(String, String, bool)>>);

impl MemoryQueue {
    pub fn push(&self, body: &str) {
        let mut messages = self.0.lock().unwrap();
        let id = format!("message-{}", messages.len());
        messages.push((id, body.to_owned(), false));
    }

    /// What is left.
    pub fn bodies(&self) -> Vec<String> {
        let messages = self.0.lock().unwrap();
        messages.iter().map(|(_, body, _)| body.clone()).collect()
    }

    /// As when their time has passed, the messages that were received can be received again.
    pub fn show_again(&self) {
        for message in self.0.lock().unwrap().iter_mut() {
            message.2 = false;
        }
    }

    pub fn answer(&self, action: &str, request: &Value) -> Value {
        let mut messages = self.0.lock().unwrap();
        match action {
            "ReceiveMessage" => {
                let most =
                    usize::try_from(request["MaxNumberOfMessages"].as_u64().unwrap()).unwrap();
                let found = messages.iter_mut().filter(|(_, _, hidden)| !hidden);
                let found = found.take(most).map(|(id, body, hidden)| {
                    *hidden = true;
                    json!({ "MessageId": id, "ReceiptHandle": id, "Body": body })
                });
                json!({ "Messages": found.collect::<Vec<_>>() })
            }
            "DeleteMessageBatch" => {
                let entries = request["Entries"].as_array().unwrap();
                let gone: Vec<&str> = entries
                    .iter()
                    .map(|entry| entry["ReceiptHandle"].as_str().unwrap())
                    .collect();
                messages.retain(|(id, ..)| !gone.contains(&id.as_str()));
                let done: Vec<Value> = entries
                    .iter()
                    .map(|entry| json!({ "Id": entry["Id"] }))
                    .collect();
                json!({ "Successful": done, "Failed": [] })
            }
            other => panic!("{other} is not asked of a queue"),
        }
    }
}
