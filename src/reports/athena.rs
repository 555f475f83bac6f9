//! The lake's tables as Amazon Athena is told of them.

use std::fmt::Write as _;

use crate::lake::{ColumnType, LakeTable};
use crate::views::columns_of;

/// The day from which events can be: the month in which CloudTrail began.
const FIRST_DAY: &str = "2013-11-01";

/// The statements that make the tables of the lake at `location` (`s3://BUCKET/PREFIX`) known to Athena.
///
/// Days of `events` and `daily_usage` are found by partition projection, so that new ones need no statement. `sessions` has a day for those of which the
/// first event is not known (1970-01-01), far from all others, and its partitions are looked for instead.
pub fn athena(location: &str) -> String {
    let location = location.replace('\'', "''");
    let mut text = String::new();
    for table in LakeTable::ALL {
        let name = table.name();
        let columns = columns_of(table)
            .iter()
            .map(|column| format!("  `{}` {}", column.name, type_of(column.column_type)));
        let columns: Vec<String> = columns.collect();
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "CREATE EXTERNAL TABLE IF NOT EXISTS `{name}` (\n{}\n)",
            columns.join(",\n")
        );
        if table.has_dates() {
            text.push_str("PARTITIONED BY (`date` string)\n");
        }
        let _ = write!(text, "STORED AS PARQUET\nLOCATION '{location}/{name}/'");
        match table {
            LakeTable::Events | LakeTable::DailyUsage => {
                let _ = writeln!(
                    text,
                    "\nTBLPROPERTIES (\n  'projection.enabled' = 'true',\n  'projection.date.type' = 'date',\n  \
                     'projection.date.format' = 'yyyy-MM-dd',\n  'projection.date.range' = '{FIRST_DAY},NOW',\n  \
                     'storage.location.template' = '{location}/{name}/date=${{date}}/'\n);\n"
                );
            }
            _ if table.has_dates() => {
                let _ = writeln!(text, ";\n\nMSCK REPAIR TABLE `{name}`;\n");
            }
            _ => text.push_str(";\n\n"),
        }
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn type_of(column_type: ColumnType) -> &'static str {
    match column_type {
        ColumnType::Text | ColumnType::Json => "string",
        ColumnType::Bool => "boolean",
        ColumnType::Int => "bigint",
        ColumnType::Time => "timestamp",
        ColumnType::TextList => "array<string>",
        ColumnType::IntList => "array<bigint>",
        ColumnType::Resources => "array<struct<arn:string,account_id:string,type:string>>",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_with_its_columns_and_its_place() {
        let text = athena("s3://bucket/lake");
        for table in LakeTable::ALL {
            let name = table.name();
            assert!(text.contains(&format!("LOCATION 's3://bucket/lake/{name}/'")));
        }
        let (_, duplicates) = text.split_once("EXISTS `duplicates`").unwrap();
        let (duplicates, _) = duplicates.split_once(";\n").unwrap();
        assert_eq!(
            duplicates,
            " (\n  `event_id` string,\n  `log_file_key` string,\n  `log_record_index` bigint,\n  `event_time` timestamp\n)\nSTORED AS PARQUET\n\
             LOCATION 's3://bucket/lake/duplicates/'"
        );
        assert!(text.contains("PARTITIONED BY (`date` string)"));
    }
}
