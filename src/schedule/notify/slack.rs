//! A message in the form of Slack's incoming webhooks.

use serde_json::{Value, json};

/// The longest text of one of Slack's blocks, in characters.
const SLACK_TEXT: usize = 3000;
/// The message as Slack shows it: a summary, whose words are the definitions', and rows as preformatted text, in which nothing is markup,
/// a link or a mention.
pub(super) fn slack(message: &Value) -> Value {
    let text = |value: &Value, name: &str| {
        let text = value.get(name).and_then(Value::as_str).unwrap_or_default();
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
    };
    let count = |value: &Value, name: &str| value.get(name).and_then(Value::as_u64);
    let mut lines = vec![format!(
        "*{}*: {} to {}",
        text(message, "title"),
        text(message, "window_from"),
        text(message, "window_to")
    )];
    let mut rows = String::new();
    let sections = message.get("sections").and_then(Value::as_array);
    for section in sections.into_iter().flatten() {
        let shown = count(section, "shown").unwrap_or_default();
        if shown == 0 {
            continue;
        }
        let mark = match section.get("is_finding") {
            Some(Value::Bool(true)) => ":warning: ",
            _ => "",
        };
        let changes: Vec<String> = ["new", "changed", "gone"]
            .iter()
            .filter_map(|name| Some((count(section, name)?, name)))
            .filter(|(count, _)| *count > 0)
            .map(|(count, name)| format!("{count} {name}"))
            .collect();
        let said = if !changes.is_empty() {
            changes.join(", ")
        } else if shown == 1 {
            "1 row".to_owned()
        } else {
            format!("{shown} rows")
        };
        lines.push(format!("• {mark}{}: {said}", text(section, "title")));
        let first = section.get("first_rows").and_then(Value::as_array);
        for row in first.into_iter().flatten() {
            let name = section.get("name").and_then(Value::as_str);
            rows.push_str(name.unwrap_or_default());
            rows.push_str(": ");
            rows.push_str(&row.to_string());
            rows.push('\n');
        }
    }
    if lines.len() == 1 {
        lines.push("Nothing to tell.".to_owned());
    }
    if message.get("link").is_some_and(Value::is_string) {
        lines.push(text(message, "link"));
    }
    let summary: String = lines.join("\n").chars().take(SLACK_TEXT).collect();
    let mut blocks = vec![json!({
        "type": "section",
        "text": { "type": "mrkdwn", "text": summary },
    })];
    if !rows.is_empty() {
        let rows: String = rows.chars().take(SLACK_TEXT).collect();
        blocks.push(json!({
            "type": "rich_text",
            "elements": [{
                "type": "rich_text_preformatted",
                "elements": [{ "type": "text", "text": rows }],
            }],
        }));
    }
    json!({ "text": summary, "blocks": blocks, "unfurl_links": false, "unfurl_media": false })
}
