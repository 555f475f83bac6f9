//! The whole help text: a change of words is seen in review.

use super::support::rolecall;

#[test]
fn the_help_of_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::new();
    for command in [
        "", "review", "ingest", "resolve", "status", "who", "timeline", "sql",
    ] {
        let arguments: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let ran = rolecall(folder.path(), &arguments);
        assert_eq!(ran.code, 0);
        text.push_str(&format!(
            "$ rolecall {}\n{}\n",
            arguments.join(" "),
            ran.stdout
        ));
    }
    insta::assert_snapshot!(text, @r#"
    $ rolecall --help
    Tells who was really behind every assumed-role session in AWS CloudTrail logs, and what they did
    with it

    Usage: rolecall [OPTIONS] <COMMAND>

    Commands:
      review    Ingest, resolve and review in one go
      ingest    Read log files into the lake
      resolve   Bring sessions and attribution up to date
      status    Show what the lake holds: files, rows, time range, accounts, rejected, unresolved
      who       Tell who is behind an event, key, session or instance, with the proof
      timeline  Show everything a principal did, across all personas and accounts
      sql       Ask any SQL over the tables and views
      help      Print this message or the help of the given subcommand(s)

    Options:
          --lake <PATH>
              Folder that holds the lake; `ROLECALL_LAKE` may name it too [default: rolecall-lake]

          --format <FORMAT>
              Form of the answer [default: table on a terminal, else jsonl]

              Possible values:
              - table: Columns for people
              - jsonl: One JSON object a line

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Exit codes:
      0  done
      1  failed
      2  bad usage
      3  finished, but some input was rejected

    $ rolecall review --help
    Ingest, resolve and review in one go

    With `--lake` or `ROLECALL_LAKE` the sources are added to that lake, and the review is of all it
    holds; without sources it is reviewed as it is. With neither, a temporary lake is used and removed
    again.

    Usage: rolecall review [OPTIONS] [SOURCE]...

    Arguments:
      [SOURCE]...
              Files, folders or quoted glob patterns

    Options:
          --from <TIME>
              Log files from this day on, by their keys; a file whose key tells no day is read

          --lake <PATH>
              Folder that holds the lake; `ROLECALL_LAKE` may name it too [default: rolecall-lake]

          --format <FORMAT>
              Form of the answer [default: table on a terminal, else jsonl]

              Possible values:
              - table: Columns for people
              - jsonl: One JSON object a line

          --to <TIME>
              Log files up to this day, and the day after it, since delivery lags

          --account <ID>
              Log files of this account; may be given several times

          --region <REGION>
              Log files of this region; may be given several times

      -h, --help
              Print help (see a summary with '-h')

    $ rolecall ingest --help
    Read log files into the lake

    Reads gzip or plain JSON: `{"Records": […]}` as CloudTrail delivers it, one record a line, or bare
    records. A file that is in the lake already is passed over; one whose content changed replaces its
    old rows. What cannot be read is counted and kept in the table `rejected`, and makes the exit code
    3.

    Usage: rolecall ingest [OPTIONS] <SOURCE>...

    Arguments:
      <SOURCE>...
              Files, folders or quoted glob patterns

    Options:
          --lake <PATH>
              Folder that holds the lake; `ROLECALL_LAKE` may name it too [default: rolecall-lake]

          --no-resolve
              Leave sessions and attribution as they are

          --format <FORMAT>
              Form of the answer [default: table on a terminal, else jsonl]

              Possible values:
              - table: Columns for people
              - jsonl: One JSON object a line

          --from <TIME>
              Log files from this day on, by their keys; a file whose key tells no day is read

          --to <TIME>
              Log files up to this day, and the day after it, since delivery lags

          --account <ID>
              Log files of this account; may be given several times

          --region <REGION>
              Log files of this region; may be given several times

      -h, --help
              Print help (see a summary with '-h')

    $ rolecall resolve --help
    Bring sessions and attribution up to date

    `ingest` does this too; it is needed after `ingest --no-resolve`.

    Usage: rolecall resolve [OPTIONS]

    Options:
          --lake <PATH>
              Folder that holds the lake; `ROLECALL_LAKE` may name it too [default: rolecall-lake]

          --format <FORMAT>
              Form of the answer [default: table on a terminal, else jsonl]

              Possible values:
              - table: Columns for people
              - jsonl: One JSON object a line

      -h, --help
              Print help (see a summary with '-h')

    $ rolecall status --help
    Show what the lake holds: files, rows, time range, accounts, rejected, unresolved

    Usage: rolecall status [OPTIONS]

    Options:
          --lake <PATH>
              Folder that holds the lake; `ROLECALL_LAKE` may name it too [default: rolecall-lake]

          --format <FORMAT>
              Form of the answer [default: table on a terminal, else jsonl]

              Possible values:
              - table: Columns for people
              - jsonl: One JSON object a line

      -h, --help
              Print help (see a summary with '-h')

    $ rolecall who --help
    Tell who is behind an event, key, session or instance, with the proof

    WHAT is an event id, an access key, a session ARN, ROLE/SESSION-NAME, a session id or an instance
    id.

    Usage: rolecall who [OPTIONS] <WHAT>

    Arguments:
      <WHAT>
              What to ask about

    Options:
          --lake <PATH>
              Folder that holds the lake; `ROLECALL_LAKE` may name it too [default: rolecall-lake]

          --format <FORMAT>
              Form of the answer [default: table on a terminal, else jsonl]

              Possible values:
              - table: Columns for people
              - jsonl: One JSON object a line

      -h, --help
              Print help (see a summary with '-h')

    $ rolecall timeline --help
    Show everything a principal did, across all personas and accounts

    Every flag that is given narrows the answer; names are compared as they are written. A call that two
    accounts recorded is shown as each of them has it. As a table the main columns are shown, as JSON
    lines all of them.

    Usage: rolecall timeline [OPTIONS]

    Options:
          --lake <PATH>
              Folder that holds the lake; `ROLECALL_LAKE` may name it too [default: rolecall-lake]

          --principal <WHO>
              Person or workload: ARN, user name, e-mail, OIDC subject or instance id; also a role or
              session ARN

          --format <FORMAT>
              Form of the answer [default: table on a terminal, else jsonl]

              Possible values:
              - table: Columns for people
              - jsonl: One JSON object a line

          --role <ROLE>
              Role anywhere in the chain, by ARN or name

          --access-key <KEY>
              Access key that signed the call

          --ip <IP>
              Address the call came from

          --resource <ARN>
              ARN among the `resources` of the record; many services write none

          --event <NAME>
              Name of the call, `DeleteBucket`

          --account <ID>
              Account that recorded the call

          --region <REGION>
              Region of the call

          --from <TIME>
              Calls from this time on: RFC 3339, a date, or a span back from now (7d, 12h)

          --to <TIME>
              Calls before this time; a date is its midnight

      -h, --help
              Print help (see a summary with '-h')

    $ rolecall sql --help
    Ask any SQL over the tables and views

    Tables: events, sessions, rejected, `log_files`, duplicates. Views: `attributed_events`,
    `call_outcomes`, `permission_usage`, `persona_switches`. `SHOW TABLES` lists them, `DESCRIBE events`
    tells the columns of one. The dialect is DataFusion's. Questions only read: nothing else is
    accepted.

    Usage: rolecall sql [OPTIONS] <SQL>

    Arguments:
      <SQL>
              One question

    Options:
          --lake <PATH>
              Folder that holds the lake; `ROLECALL_LAKE` may name it too [default: rolecall-lake]

          --format <FORMAT>
              Form of the answer [default: table on a terminal, else jsonl]

              Possible values:
              - table: Columns for people
              - jsonl: One JSON object a line

      -h, --help
              Print help (see a summary with '-h')
    "#);
}
