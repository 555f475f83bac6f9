//! What a log file turned out to be: told by what is in it, never by its name alone.

/// The form of a log file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `{"Records": […]}`, as CloudTrail delivers it.
    Records,
    /// A JSON list of records.
    RecordList,
    /// Records one after the other, one a line as a rule.
    RecordLines,
    /// A single record.
    Record,
    /// Events of EventBridge, the record in `detail`.
    EventBridge,
    /// Answers of `LookupEvents`, the record as text in `CloudTrailEvent`.
    LookupEvents,
    /// Objects with the record in `_raw`, as log pipelines export them.
    Raw,
    /// Messages of a CloudWatch Logs subscription, records as text in `logEvents[].message`.
    CloudWatchSubscription,
    /// Lines of a CloudWatch Logs export: a time and a record.
    CloudWatchExport,
    /// Answers of `FilterLogEvents`, `GetLogEvents` or Logs Insights, the record as text in `message` or `@message`.
    CloudWatchEvents,
    /// Results of a CloudTrail Lake query, the record as text in `eventJson`.
    CloudTrailLake,
    /// Denials at VPC endpoints and nothing else.
    NetworkActivity,
    /// Insights and nothing else: statistics, no calls.
    Insight,
    /// A digest: hashes and signatures of other log files.
    Digest,
    /// The signature of a CloudTrail Lake query result.
    QuerySignature,
    /// Aggregated events: summaries of five minutes, no calls.
    Aggregated,
    /// Several of the above in one file.
    Mixed,
    /// Nothing that could be told apart.
    Unknown,
}

impl Form {
    /// The name used in `log_files.kind`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::RecordList => "record_list",
            Self::RecordLines => "record_lines",
            Self::Record => "record",
            Self::EventBridge => "eventbridge",
            Self::LookupEvents => "lookup_events",
            Self::Raw => "raw",
            Self::CloudWatchSubscription => "cloudwatch_subscription",
            Self::CloudWatchExport => "cloudwatch_export",
            Self::CloudWatchEvents => "cloudwatch_events",
            Self::CloudTrailLake => "cloudtrail_lake",
            Self::NetworkActivity => "network_activity",
            Self::Insight => "insight",
            Self::Digest => "digest",
            Self::QuerySignature => "query_signature",
            Self::Aggregated => "aggregated",
            Self::Mixed => "mixed",
            Self::Unknown => "unknown",
        }
    }
}

/// Collects what was seen in a file, to name its form at the end.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// How the first value is laid out.
    layout: Option<Form>,
    /// The form that each item came in, once each.
    items: Vec<Form>,
    calls: u64,
    network: u64,
}

impl Seen {
    pub(super) fn layout(&mut self, form: Form) {
        self.layout.get_or_insert(form);
    }

    /// Notes an item by what it was wrapped in, or that it stood bare.
    pub(super) fn item(&mut self, wrapping: Option<Form>) {
        let form = wrapping.or(self.layout).unwrap_or(Form::Unknown);
        if !self.items.contains(&form) {
            self.items.push(form);
        }
    }

    pub(super) fn call(&mut self, is_network_activity: bool) {
        self.calls += 1;
        self.network += u64::from(is_network_activity);
    }

    /// The form of the whole file, which holds `records` records.
    pub(super) fn form(&self, records: u64) -> Form {
        if self.calls > 0 && self.network == self.calls {
            return Form::NetworkActivity;
        }
        match (self.items.as_slice(), self.layout) {
            ([], None) => Form::Unknown,
            ([] | [Form::RecordLines], Some(Form::RecordLines)) if records == 1 => Form::Record,
            ([], Some(layout)) => layout,
            ([one], _) => *one,
            _ => Form::Mixed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form_is_named_and_several_are_mixed() {
        let mut seen = Seen::default();
        assert_eq!(seen.form(0), Form::Unknown);
        seen.layout(Form::RecordLines);
        seen.item(None);
        assert_eq!(seen.form(1), Form::Record);
        assert_eq!(seen.form(2), Form::RecordLines);
        seen.item(Some(Form::EventBridge));
        assert_eq!(seen.form(2), Form::Mixed);
    }
}
