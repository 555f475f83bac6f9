//! The whole help text: a change of words is seen in review.

use super::support::rolecall;

#[test]
fn the_help_of_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::new();
    let commands = [
        "",
        "review",
        "ingest",
        "resolve",
        "status",
        "who",
        "timeline",
        "sessions",
        "switches",
        "permissions",
        "query",
        "sql",
        "show",
        "schema",
        "compact",
        "prune",
    ];
    let shown = rolecall(folder.path(), &["--help"]).stdout;
    for command in commands.iter().filter(|command| !command.is_empty()) {
        assert!(shown.contains(&format!("\n  {command} ")), "{command}");
    }
    // Every line of the list of commands begins with one; `help` is clap's own.
    let listed = shown
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1);
    let listed = listed.take_while(|line| !line.is_empty());
    let listed = listed.filter(|line| !line.starts_with("   ")).count();
    assert_eq!(listed, commands.len(), "a command is not in the list above");
    for command in commands {
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
      review       Ingest, resolve and review in one go
      ingest       Read log files into the lake
      resolve      Bring sessions and attribution up to date
      status       Show what the lake holds: files, rows, time range, accounts, what the logs cannot
                   prove, rejected, unresolved
      who          Tell who is behind an event, key, session or instance, with the proof
      timeline     Show everything a principal did, across all personas and accounts
      sessions     List sessions: whose they were, in which role, from when to when
      switches     List persona switches: when somebody took another role, or went back
      permissions  List permissions by role and by the person behind it, with their first and last use
      query        Ask one of the questions in `sql/queries`, by name
      sql          Ask any SQL over the tables and views
      show         Show the original record of an event, and where it came from
      schema       Show every table, view and column with its meaning
      compact      Put the many small files of a day together
      prune        Give up the events of old days
      help         Print this message or the help of the given subcommand(s)

    Options:
      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Options of every command:
          --lake <PATH>
              Folder that holds the lake; `ROLECALL_LAKE` may name it too [default: rolecall-lake]

          --format <FORMAT>
              Form of the answer [default: by the ending of --output, else table on a terminal, else
              jsonl]

              Possible values:
              - table:    Columns for people
              - json:     One JSON list; of several sections an object with a list for each
              - jsonl:    One JSON object a line
              - csv:      Comma-separated values; cells that a spreadsheet would run are made text
              - markdown: A Markdown table
              - parquet:  A Parquet file

          --output <FILE>
              File for the answer instead of stdout; replaced as a whole, once all of it is there

          --accounts <FILE>
              The organization's accounts, as `aws organizations list-accounts` prints them: names, and
              whose an account is

          --memory <SIZE>
              Memory for sorting, grouping and joining; what does not fit is sorted and grouped on disk,
              in the system's temporary folder
              
              [default: 2GiB]

          --people <FILE>
              Which origins are one person, as TOML: `[[person]]` with `name` and a list of `origins`

    Exit codes:
      0  done
      1  failed
      2  bad usage
      3  finished, but some input was rejected

    $ rolecall review --help
    Ingest, resolve and review in one go

    With `--lake` or `ROLECALL_LAKE` the sources are added to that lake, and the review is of all it
    holds. Without either, they are read into a temporary lake, which is removed again. Without sources
    a lake is reviewed as it is: the one that is named, else `./rolecall-lake`.

    Usage: rolecall review [OPTIONS] [SOURCE]...

    Arguments:
      [SOURCE]...
              Files, folders, quoted glob patterns, `s3://BUCKET/PREFIX`, or `-` for standard input

    Options:
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

    Limits of a log file:
          --max-inflated <SIZE>
              Text that a gzip file may unpack to; what is behind it is not read
              
              [default: 4GiB]

          --max-records <COUNT>
              Records of one file; those behind them are not read
              
              [default: 20000000]

          --max-record <SIZE>
              Text of one record; a longer one is rejected
              
              [default: 16MiB]

          --max-string <SIZE>
              One string in a record; a record with a longer one is rejected
              
              [default: 8MiB]

          --max-nesting <DEPTH>
              How deep the objects and lists of a record may stand in one another
              
              [default: 128]

          --retry-rejected
              Read files again of which something was rejected, for example after a limit was raised

    Buckets:
          --profile <NAME>
              Profile of the shared configuration files

          --assume-role <ARN>
              Role to take first

          --external-id <ID>
              External id that the role's trust policy asks for

          --aws-region <REGION>
              Region of the bucket; without it the bucket is asked

          --endpoint-url <URL>
              Another server that speaks S3

          --expected-bucket-owner <ID>
              Account that must own the bucket

          --path-style
              The bucket's name in the path instead of the host, for servers that want it; addresses get
              it anyway

          --requester-pays
              Pay for the requests where the bucket's owner asks for it

          --requests <COUNT>
              Objects on their way at once
              
              [default: 64]

    Options of every command:
          --lake <PATH>
              Folder that holds the lake; `ROLECALL_LAKE` may name it too [default: rolecall-lake]

          --format <FORMAT>
              Form of the answer [default: by the ending of --output, else table on a terminal, else
              jsonl]

              Possible values:
              - table:    Columns for people
              - json:     One JSON list; of several sections an object with a list for each
              - jsonl:    One JSON object a line
              - csv:      Comma-separated values; cells that a spreadsheet would run are made text
              - markdown: A Markdown table
              - parquet:  A Parquet file

          --output <FILE>
              File for the answer instead of stdout; replaced as a whole, once all of it is there

          --accounts <FILE>
              The organization's accounts, as `aws organizations list-accounts` prints them: names, and
              whose an account is

          --memory <SIZE>
              Memory for sorting, grouping and joining; what does not fit is sorted and grouped on disk,
              in the system's temporary folder
              
              [default: 2GiB]

          --people <FILE>
              Which origins are one person, as TOML: `[[person]]` with `name` and a list of `origins`

    Exit codes:
      0  done: every record was read
      1  failed: the lake or the answer cannot be written
      2  bad usage: a flag, or a source that is not there; nothing was written
      3  finished, but some records or files were rejected; `rolecall status` lists them

    $ rolecall ingest --help
    Read log files into the lake

    Reads gzip or plain JSON: `{"Records": […]}` as CloudTrail delivers it, lists, one record a line,
    bare records, and what EventBridge, LookupEvents, CloudWatch Logs and CloudTrail Lake wrap around
    records; docs/log-files.md lists all. A file that is in the lake already is passed over; one whose
    content changed replaces its old rows. What cannot be read is counted and kept in the table
    `rejected`, and makes the exit code 3.

    Usage: rolecall ingest [OPTIONS] [SOURCE]...

    Arguments:
      [SOURCE]...
              Files, folders, quoted glob patterns, `s3://BUCKET/PREFIX`, or `-` for standard input

    Options:
          --sqs <URL>
              Queue of Amazon SQS that is told of new objects, by its URL: takes what its messages tell
              of, until there is none, and deletes those whose objects are committed

          --no-resolve
              Leave sessions and attribution as they are

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

    Limits of a log file:
          --max-inflated <SIZE>
              Text that a gzip file may unpack to; what is behind it is not read
              
              [default: 4GiB]

          --max-records <COUNT>
              Records of one file; those behind them are not read
              
              [default: 20000000]

          --max-record <SIZE>
              Text of one record; a longer one is rejected
              
              [default: 16MiB]

          --max-string <SIZE>
              One string in a record; a record with a longer one is rejected
              
              [default: 8MiB]

          --max-nesting <DEPTH>
              How deep the objects and lists of a record may stand in one another
              
              [default: 128]

          --retry-rejected
              Read files again of which something was rejected, for example after a limit was raised

    Buckets:
          --profile <NAME>
              Profile of the shared configuration files

          --assume-role <ARN>
              Role to take first

          --external-id <ID>
              External id that the role's trust policy asks for

          --aws-region <REGION>
              Region of the bucket; without it the bucket is asked

          --endpoint-url <URL>
              Another server that speaks S3

          --expected-bucket-owner <ID>
              Account that must own the bucket

          --path-style
              The bucket's name in the path instead of the host, for servers that want it; addresses get
              it anyway

          --requester-pays
              Pay for the requests where the bucket's owner asks for it

          --requests <COUNT>
              Objects on their way at once
              
              [default: 64]

    Options of every command:
          --lake <PATH>
              Folder that holds the lake; `ROLECALL_LAKE` may name it too [default: rolecall-lake]

          --format <FORMAT>
              Form of the answer [default: by the ending of --output, else table on a terminal, else
              jsonl]

              Possible values:
              - table:    Columns for people
              - json:     One JSON list; of several sections an object with a list for each
              - jsonl:    One JSON object a line
              - csv:      Comma-separated values; cells that a spreadsheet would run are made text
              - markdown: A Markdown table
              - parquet:  A Parquet file

          --output <FILE>
              File for the answer instead of stdout; replaced as a whole, once all of it is there

          --accounts <FILE>
              The organization's accounts, as `aws organizations list-accounts` prints them: names, and
              whose an account is

          --memory <SIZE>
              Memory for sorting, grouping and joining; what does not fit is sorted and grouped on disk,
              in the system's temporary folder
              
              [default: 2GiB]

          --people <FILE>
              Which origins are one person, as TOML: `[[person]]` with `name` and a list of `origins`

    Exit codes:
      0  done: every record was read
      1  failed: the lake or the answer cannot be written
      2  bad usage: a flag, or a source that is not there; nothing was written
      3  finished, but some records or files were rejected; `rolecall status` lists them

    $ rolecall resolve --help
    Bring sessions and attribution up to date

    `ingest` does this too; it is needed after `ingest --no-resolve`.

    Usage: rolecall resolve [OPTIONS]

    Options:
      -h, --help
              Print help (see a summary with '-h')

    Options of every command:
          --lake <PATH>
              Folder that holds the lake; `ROLECALL_LAKE` may name it too [default: rolecall-lake]

          --format <FORMAT>
              Form of the answer [default: by the ending of --output, else table on a terminal, else
              jsonl]

              Possible values:
              - table:    Columns for people
              - json:     One JSON list; of several sections an object with a list for each
              - jsonl:    One JSON object a line
              - csv:      Comma-separated values; cells that a spreadsheet would run are made text
              - markdown: A Markdown table
              - parquet:  A Parquet file

          --output <FILE>
              File for the answer instead of stdout; replaced as a whole, once all of it is there

          --accounts <FILE>
              The organization's accounts, as `aws organizations list-accounts` prints them: names, and
              whose an account is

          --memory <SIZE>
              Memory for sorting, grouping and joining; what does not fit is sorted and grouped on disk,
              in the system's temporary folder
              
              [default: 2GiB]

          --people <FILE>
              Which origins are one person, as TOML: `[[person]]` with `name` and a list of `origins`

    Exit codes:
      0  done
      1  failed: no such lake, or it cannot be written
      2  bad usage

    $ rolecall status --help
    Show what the lake holds: files, rows, time range, accounts, what the logs cannot prove, rejected,
    unresolved

    Usage: rolecall status [OPTIONS]

    Options:
      -h, --help
              Print help (see a summary with '-h')

    Options of every command:
          --lake <PATH>
              Folder that holds the lake; `ROLECALL_LAKE` may name it too [default: rolecall-lake]

          --format <FORMAT>
              Form of the answer [default: by the ending of --output, else table on a terminal, else
              jsonl]

              Possible values:
              - table:    Columns for people
              - json:     One JSON list; of several sections an object with a list for each
              - jsonl:    One JSON object a line
              - csv:      Comma-separated values; cells that a spreadsheet would run are made text
              - markdown: A Markdown table
              - parquet:  A Parquet file

          --output <FILE>
              File for the answer instead of stdout; replaced as a whole, once all of it is there

          --accounts <FILE>
              The organization's accounts, as `aws organizations list-accounts` prints them: names, and
              whose an account is

          --memory <SIZE>
              Memory for sorting, grouping and joining; what does not fit is sorted and grouped on disk,
              in the system's temporary folder
              
              [default: 2GiB]

          --people <FILE>
              Which origins are one person, as TOML: `[[person]]` with `name` and a list of `origins`

    Exit codes:
      0  done, also when nothing fits
      1  failed: no such lake, or it cannot answer
      2  bad usage: a flag, a time, a query, a table or a column that is not there

    $ rolecall who --help
    Tell who is behind an event, key, session or instance, with the proof

    WHAT is an event id, an access key, a session ARN, ROLE/SESSION-NAME, a principal id (AROA…:NAME), a
    unique id (AIDA…, AROA…), a session id, an instance id, or an identity's ARN or name. Of many
    sessions the 20 with the most calls are shown. The proof goes hop by hop from the origin to the
    session; for a user or a long-lived key it says who made it, where the logs show that.

    Usage: rolecall who [OPTIONS] <WHAT>

    Arguments:
      <WHAT>
              What to ask about

    Options:
          --descendants
              Show every session that grew out of it: by credentials it asked for, and by users and keys
              it made

      -h, --help
              Print help (see a summary with '-h')

    Options of every command:
          --lake <PATH>
              Folder that holds the lake; `ROLECALL_LAKE` may name it too [default: rolecall-lake]

          --format <FORMAT>
              Form of the answer [default: by the ending of --output, else table on a terminal, else
              jsonl]

              Possible values:
              - table:    Columns for people
              - json:     One JSON list; of several sections an object with a list for each
              - jsonl:    One JSON object a line
              - csv:      Comma-separated values; cells that a spreadsheet would run are made text
              - markdown: A Markdown table
              - parquet:  A Parquet file

          --output <FILE>
              File for the answer instead of stdout; replaced as a whole, once all of it is there

          --accounts <FILE>
              The organization's accounts, as `aws organizations list-accounts` prints them: names, and
              whose an account is

          --memory <SIZE>
              Memory for sorting, grouping and joining; what does not fit is sorted and grouped on disk,
              in the system's temporary folder
              
              [default: 2GiB]

          --people <FILE>
              Which origins are one person, as TOML: `[[person]]` with `name` and a list of `origins`

    Exit codes:
      0  found
      1  failed: nothing fits, or no such lake
      2  bad usage

    $ rolecall timeline --help
    Show everything a principal did, across all personas and accounts

    Every flag that is given narrows the answer; names are compared as they are written. A call that two
    accounts recorded is shown as each of them has it. As a table the main columns are shown, as JSON
    lines all of them.

    Usage: rolecall timeline [OPTIONS]

    Options:
          --principal <WHO>
              Person or workload: ARN, user name, e-mail, OIDC subject or instance id; also a role or
              session ARN

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

          --descendants
              All events of the sessions in which something fits, and of all that grew out of these: by
              credentials they asked for, and by users and keys they made

          --from <TIME>
              From this time on: RFC 3339, a date, or a span back from now (7d, 12h)

          --to <TIME>
              Before this time; a date is its midnight

      -h, --help
              Print help (see a summary with '-h')

    Options of every command:
          --lake <PATH>
              Folder that holds the lake; `ROLECALL_LAKE` may name it too [default: rolecall-lake]

          --format <FORMAT>
              Form of the answer [default: by the ending of --output, else table on a terminal, else
              jsonl]

              Possible values:
              - table:    Columns for people
              - json:     One JSON list; of several sections an object with a list for each
              - jsonl:    One JSON object a line
              - csv:      Comma-separated values; cells that a spreadsheet would run are made text
              - markdown: A Markdown table
              - parquet:  A Parquet file

          --output <FILE>
              File for the answer instead of stdout; replaced as a whole, once all of it is there

          --accounts <FILE>
              The organization's accounts, as `aws organizations list-accounts` prints them: names, and
              whose an account is

          --memory <SIZE>
              Memory for sorting, grouping and joining; what does not fit is sorted and grouped on disk,
              in the system's temporary folder
              
              [default: 2GiB]

          --people <FILE>
              Which origins are one person, as TOML: `[[person]]` with `name` and a list of `origins`

    Exit codes:
      0  done, also when nothing fits
      1  failed: no such lake, or it cannot answer
      2  bad usage: a flag, a time, a query, a table or a column that is not there

    $ rolecall sessions --help
    List sessions: whose they were, in which role, from when to when

    A session is one use of temporary credentials, or a long-lived key in use. Every flag that is given
    narrows the answer. As a table the main columns are shown, in the other formats all of them.

    Usage: rolecall sessions [OPTIONS]

    Options:
          --principal <WHO>
              Person or workload: ARN, name, e-mail, OIDC subject or instance id; also a role or session
              ARN

          --role <ROLE>
              Role anywhere in the chain, by ARN or name

          --access-key <KEY>
              Access key that the session used, or that was handed out for it

          --ip <IP>
              Address the session was used from

          --account <ID>
              Account of the role or of the origin

          --kind <KIND>
              Kind of origin
              
              [possible values: iam_user, root, identity_center_user, saml_user, web_identity,
              cognito_identity, roles_anywhere, ec2_instance, lambda_function, ecs_task, eks_pod,
              aws_service, federated_user, source_identity, external_account, anonymous, unresolved]

          --confidence <LEVEL>
              How sure the attribution is
              
              [possible values: exact, strong, probable, asserted, ambiguous, unresolved]

          --alive-at <TIME>
              Sessions that could be used at this time, for containment: long-lived keys once seen, and
              temporary credentials that had not expired; where the expiry is not known, the longest
              that AWS allows counts

          --from <TIME>
              From this time on: RFC 3339, a date, or a span back from now (7d, 12h)

          --to <TIME>
              Before this time; a date is its midnight

      -h, --help
              Print help (see a summary with '-h')

    Options of every command:
          --lake <PATH>
              Folder that holds the lake; `ROLECALL_LAKE` may name it too [default: rolecall-lake]

          --format <FORMAT>
              Form of the answer [default: by the ending of --output, else table on a terminal, else
              jsonl]

              Possible values:
              - table:    Columns for people
              - json:     One JSON list; of several sections an object with a list for each
              - jsonl:    One JSON object a line
              - csv:      Comma-separated values; cells that a spreadsheet would run are made text
              - markdown: A Markdown table
              - parquet:  A Parquet file

          --output <FILE>
              File for the answer instead of stdout; replaced as a whole, once all of it is there

          --accounts <FILE>
              The organization's accounts, as `aws organizations list-accounts` prints them: names, and
              whose an account is

          --memory <SIZE>
              Memory for sorting, grouping and joining; what does not fit is sorted and grouped on disk,
              in the system's temporary folder
              
              [default: 2GiB]

          --people <FILE>
              Which origins are one person, as TOML: `[[person]]` with `name` and a list of `origins`

    Exit codes:
      0  done, also when nothing fits
      1  failed: no such lake, or it cannot answer
      2  bad usage: a flag, a time, a query, a table or a column that is not there

    $ rolecall switches --help
    List persona switches: when somebody took another role, or went back

    `explicit`: a call handed out the credentials of the new persona. `observed`: their calls changed
    persona, which no event records. `concurrent`: calls of two personas alternate within `--debounce`;
    one row for each pair and day.

    Usage: rolecall switches [OPTIONS]

    Options:
          --principal <WHO>
              Person or workload: ARN, name, e-mail, OIDC subject or instance id

          --role <ROLE>
              Role on either side, by ARN or name

          --account <ID>
              Account on either side

          --kind <KIND>
              `explicit`, `observed` or `concurrent`
              
              [possible values: explicit, observed, concurrent]

          --merge-gap <SPAN>
              How long a persona may rest and still be worn, and how late credentials may be renewed
              (default 15m)

          --debounce <SPAN>
              Within which time calls of two personas must alternate to be called concurrent (default
              5m)

          --from <TIME>
              From this time on: RFC 3339, a date, or a span back from now (7d, 12h)

          --to <TIME>
              Before this time; a date is its midnight

      -h, --help
              Print help (see a summary with '-h')

    Options of every command:
          --lake <PATH>
              Folder that holds the lake; `ROLECALL_LAKE` may name it too [default: rolecall-lake]

          --format <FORMAT>
              Form of the answer [default: by the ending of --output, else table on a terminal, else
              jsonl]

              Possible values:
              - table:    Columns for people
              - json:     One JSON list; of several sections an object with a list for each
              - jsonl:    One JSON object a line
              - csv:      Comma-separated values; cells that a spreadsheet would run are made text
              - markdown: A Markdown table
              - parquet:  A Parquet file

          --output <FILE>
              File for the answer instead of stdout; replaced as a whole, once all of it is there

          --accounts <FILE>
              The organization's accounts, as `aws organizations list-accounts` prints them: names, and
              whose an account is

          --memory <SIZE>
              Memory for sorting, grouping and joining; what does not fit is sorted and grouped on disk,
              in the system's temporary folder
              
              [default: 2GiB]

          --people <FILE>
              Which origins are one person, as TOML: `[[person]]` with `name` and a list of `origins`

    Exit codes:
      0  done, also when nothing fits
      1  failed: no such lake, or it cannot answer
      2  bad usage: a flag, a time, a query, a table or a column that is not there

    $ rolecall permissions --help
    List permissions by role and by the person behind it, with their first and last use

    Only allowed calls count as use; refused ones stand apart. What was never logged (data events, as a
    rule) does not show.

    Usage: rolecall permissions [OPTIONS]

    Options:
          --role <ROLE>
              Role, by ARN or name

          --principal <WHO>
              Person or workload: ARN, name, e-mail, OIDC subject or instance id

          --account <ID>
              Account in which the permission was used

          --action <ACTION>
              Action, `iam:CreateUser`, in any case

      -h, --help
              Print help (see a summary with '-h')

    Options of every command:
          --lake <PATH>
              Folder that holds the lake; `ROLECALL_LAKE` may name it too [default: rolecall-lake]

          --format <FORMAT>
              Form of the answer [default: by the ending of --output, else table on a terminal, else
              jsonl]

              Possible values:
              - table:    Columns for people
              - json:     One JSON list; of several sections an object with a list for each
              - jsonl:    One JSON object a line
              - csv:      Comma-separated values; cells that a spreadsheet would run are made text
              - markdown: A Markdown table
              - parquet:  A Parquet file

          --output <FILE>
              File for the answer instead of stdout; replaced as a whole, once all of it is there

          --accounts <FILE>
              The organization's accounts, as `aws organizations list-accounts` prints them: names, and
              whose an account is

          --memory <SIZE>
              Memory for sorting, grouping and joining; what does not fit is sorted and grouped on disk,
              in the system's temporary folder
              
              [default: 2GiB]

          --people <FILE>
              Which origins are one person, as TOML: `[[person]]` with `name` and a list of `origins`

    Exit codes:
      0  done, also when nothing fits
      1  failed: no such lake, or it cannot answer
      2  bad usage: a flag, a time, a query, a table or a column that is not there

    $ rolecall query --help
    Ask one of the questions in `sql/queries`, by name

    `rolecall query --list` shows all of them with their parameters. A value goes behind its parameter's
    name: `rolecall query review/denials top=5`.

    Usage: rolecall query [OPTIONS] [NAME] [PARAM=VALUE]...

    Arguments:
      [NAME]
              Name of the question, `review/denials`; with --list a part of it

      [PARAM=VALUE]...
              Values for its parameters

    Options:
          --list
              Show all questions, their parameters and what they read

      -h, --help
              Print help (see a summary with '-h')

    Options of every command:
          --lake <PATH>
              Folder that holds the lake; `ROLECALL_LAKE` may name it too [default: rolecall-lake]

          --format <FORMAT>
              Form of the answer [default: by the ending of --output, else table on a terminal, else
              jsonl]

              Possible values:
              - table:    Columns for people
              - json:     One JSON list; of several sections an object with a list for each
              - jsonl:    One JSON object a line
              - csv:      Comma-separated values; cells that a spreadsheet would run are made text
              - markdown: A Markdown table
              - parquet:  A Parquet file

          --output <FILE>
              File for the answer instead of stdout; replaced as a whole, once all of it is there

          --accounts <FILE>
              The organization's accounts, as `aws organizations list-accounts` prints them: names, and
              whose an account is

          --memory <SIZE>
              Memory for sorting, grouping and joining; what does not fit is sorted and grouped on disk,
              in the system's temporary folder
              
              [default: 2GiB]

          --people <FILE>
              Which origins are one person, as TOML: `[[person]]` with `name` and a list of `origins`

    Exit codes:
      0  done, also when nothing fits
      1  failed: no such lake, or it cannot answer
      2  bad usage: a flag, a time, a query, a table or a column that is not there

    $ rolecall sql --help
    Ask any SQL over the tables and views

    `rolecall schema` tells every table, view and column with its meaning. The dialect is DataFusion's,
    close to that of Postgres. Questions only read: nothing else is accepted.

    Usage: rolecall sql [OPTIONS] <SQL>

    Arguments:
      <SQL>
              One question

    Options:
      -h, --help
              Print help (see a summary with '-h')

    Options of every command:
          --lake <PATH>
              Folder that holds the lake; `ROLECALL_LAKE` may name it too [default: rolecall-lake]

          --format <FORMAT>
              Form of the answer [default: by the ending of --output, else table on a terminal, else
              jsonl]

              Possible values:
              - table:    Columns for people
              - json:     One JSON list; of several sections an object with a list for each
              - jsonl:    One JSON object a line
              - csv:      Comma-separated values; cells that a spreadsheet would run are made text
              - markdown: A Markdown table
              - parquet:  A Parquet file

          --output <FILE>
              File for the answer instead of stdout; replaced as a whole, once all of it is there

          --accounts <FILE>
              The organization's accounts, as `aws organizations list-accounts` prints them: names, and
              whose an account is

          --memory <SIZE>
              Memory for sorting, grouping and joining; what does not fit is sorted and grouped on disk,
              in the system's temporary folder
              
              [default: 2GiB]

          --people <FILE>
              Which origins are one person, as TOML: `[[person]]` with `name` and a list of `origins`

    Exit codes:
      0  done, also when nothing fits
      1  failed: no such lake, or it cannot answer
      2  bad usage: a flag, a time, a query, a table or a column that is not there

    $ rolecall show --help
    Show the original record of an event, and where it came from

    The record is put together again from its row: order of fields, white space, nulls and empty objects
    are not those of the log file, and secrets are masked. Further copies and other records under the
    same id are listed with it.

    Usage: rolecall show [OPTIONS] <EVENT_ID>

    Arguments:
      <EVENT_ID>
              Event id

    Options:
      -h, --help
              Print help (see a summary with '-h')

    Options of every command:
          --lake <PATH>
              Folder that holds the lake; `ROLECALL_LAKE` may name it too [default: rolecall-lake]

          --format <FORMAT>
              Form of the answer [default: by the ending of --output, else table on a terminal, else
              jsonl]

              Possible values:
              - table:    Columns for people
              - json:     One JSON list; of several sections an object with a list for each
              - jsonl:    One JSON object a line
              - csv:      Comma-separated values; cells that a spreadsheet would run are made text
              - markdown: A Markdown table
              - parquet:  A Parquet file

          --output <FILE>
              File for the answer instead of stdout; replaced as a whole, once all of it is there

          --accounts <FILE>
              The organization's accounts, as `aws organizations list-accounts` prints them: names, and
              whose an account is

          --memory <SIZE>
              Memory for sorting, grouping and joining; what does not fit is sorted and grouped on disk,
              in the system's temporary folder
              
              [default: 2GiB]

          --people <FILE>
              Which origins are one person, as TOML: `[[person]]` with `name` and a list of `origins`

    Exit codes:
      0  found
      1  failed: nothing fits, or no such lake
      2  bad usage

    $ rolecall schema --help
    Show every table, view and column with its meaning

    It needs no lake. Names of columns that AWS recorded are AWS's own, in snake case.

    Usage: rolecall schema [OPTIONS] [NAME]

    Arguments:
      [NAME]
              Table or view; all of them if not given

    Options:
      -h, --help
              Print help (see a summary with '-h')

    Options of every command:
          --lake <PATH>
              Folder that holds the lake; `ROLECALL_LAKE` may name it too [default: rolecall-lake]

          --format <FORMAT>
              Form of the answer [default: by the ending of --output, else table on a terminal, else
              jsonl]

              Possible values:
              - table:    Columns for people
              - json:     One JSON list; of several sections an object with a list for each
              - jsonl:    One JSON object a line
              - csv:      Comma-separated values; cells that a spreadsheet would run are made text
              - markdown: A Markdown table
              - parquet:  A Parquet file

          --output <FILE>
              File for the answer instead of stdout; replaced as a whole, once all of it is there

          --accounts <FILE>
              The organization's accounts, as `aws organizations list-accounts` prints them: names, and
              whose an account is

          --memory <SIZE>
              Memory for sorting, grouping and joining; what does not fit is sorted and grouped on disk,
              in the system's temporary folder
              
              [default: 2GiB]

          --people <FILE>
              Which origins are one person, as TOML: `[[person]]` with `name` and a list of `origins`

    Exit codes:
      0  done, also when nothing fits
      1  failed: no such lake, or it cannot answer
      2  bad usage: a flag, a time, a query, a table or a column that is not there

    $ rolecall compact --help
    Put the many small files of a day together

    Each day becomes one file, sorted by time, or several where it is large; no row changes. Questions
    that are being answered go on undisturbed, and killed at any moment it does no harm. `ingest` does
    the most needed of it by itself.

    Usage: rolecall compact [OPTIONS]

    Options:
          --dry-run
              Show what there is to do, and do nothing

      -h, --help
              Print help (see a summary with '-h')

    Options of every command:
          --lake <PATH>
              Folder that holds the lake; `ROLECALL_LAKE` may name it too [default: rolecall-lake]

          --format <FORMAT>
              Form of the answer [default: by the ending of --output, else table on a terminal, else
              jsonl]

              Possible values:
              - table:    Columns for people
              - json:     One JSON list; of several sections an object with a list for each
              - jsonl:    One JSON object a line
              - csv:      Comma-separated values; cells that a spreadsheet would run are made text
              - markdown: A Markdown table
              - parquet:  A Parquet file

          --output <FILE>
              File for the answer instead of stdout; replaced as a whole, once all of it is there

          --accounts <FILE>
              The organization's accounts, as `aws organizations list-accounts` prints them: names, and
              whose an account is

          --memory <SIZE>
              Memory for sorting, grouping and joining; what does not fit is sorted and grouped on disk,
              in the system's temporary folder
              
              [default: 2GiB]

          --people <FILE>
              Which origins are one person, as TOML: `[[person]]` with `name` and a list of `origins`

    Exit codes:
      0  done
      1  failed: no such lake, or it cannot be written
      2  bad usage

    $ rolecall prune --help
    Give up the events of old days

    Whole days go, and what speaks of nothing else. A session stays as long as an event that stays needs
    it, and what was known of it stays known, also where the event that proved it goes. Log files stay
    listed, so that reading the same ones again brings nothing back; late and changed files bring their
    old events until the next time. Files that somebody is reading go when the next rolecall opens the
    lake.

    Usage: rolecall prune [OPTIONS] --before <DATE>

    Options:
          --before <DATE>
              The first day that stays: a date (`2026-03-02`), or a span back from now (`365d`); of a
              time its day, UTC

          --dry-run
              Show what would go, and change nothing

      -h, --help
              Print help (see a summary with '-h')

    Options of every command:
          --lake <PATH>
              Folder that holds the lake; `ROLECALL_LAKE` may name it too [default: rolecall-lake]

          --format <FORMAT>
              Form of the answer [default: by the ending of --output, else table on a terminal, else
              jsonl]

              Possible values:
              - table:    Columns for people
              - json:     One JSON list; of several sections an object with a list for each
              - jsonl:    One JSON object a line
              - csv:      Comma-separated values; cells that a spreadsheet would run are made text
              - markdown: A Markdown table
              - parquet:  A Parquet file

          --output <FILE>
              File for the answer instead of stdout; replaced as a whole, once all of it is there

          --accounts <FILE>
              The organization's accounts, as `aws organizations list-accounts` prints them: names, and
              whose an account is

          --memory <SIZE>
              Memory for sorting, grouping and joining; what does not fit is sorted and grouped on disk,
              in the system's temporary folder
              
              [default: 2GiB]

          --people <FILE>
              Which origins are one person, as TOML: `[[person]]` with `name` and a list of `origins`

    Exit codes:
      0  done
      1  failed: no such lake, or it cannot be written
      2  bad usage
    "#);
}
