//! Each sample story is told by the command its README names.

use super::support::{TempLake, project, rolecall};
use serde_json::Value;

fn sample_lake() -> (TempLake, String) {
    let lake = TempLake::new();
    let logs = project().join("sample-logs");
    let root = lake.root().display().to_string();
    let ran = rolecall(
        lake.folder.path(),
        &["ingest", logs.to_str().unwrap(), "--lake", &root],
    );
    assert_eq!(
        ran.code, 3,
        "the damaged story makes the exit code 3\n{}",
        ran.stderr
    );
    (lake, root)
}

fn rows(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn who_tells_the_way_back_to_alice() {
    let (lake, root) = sample_lake();
    let ran = rolecall(
        lake.folder.path(),
        &[
            "who",
            "ASIABREAKGLASEXAMPLE",
            "--lake",
            &root,
            "--format",
            "table",
        ],
    );
    insta::assert_snapshot!(ran.shown(lake.folder.path()), @"
    exit 0
    --- stdout
    ASIABREAKGLASEXAMPLE (access key)
      is arn:aws:iam::111122223333:user/alice (iam_user), confidence exact
      0. arn:aws:iam::111122223333:user/alice
         named by its own records; join direct, exact
         1 call at 2026-03-02T09:00:00Z, first from 203.0.113.10 with aws-cli/2.27.0 md/Botocore#1.37.0 ua/2.1 os/linux#6.1, keys [AKIAALICE0000EXAMPLE]
         would be contradicted by logs that were changed: the identity is as AWS recorded it
      1. arn:aws:iam::111122223333:role/SecurityAnalystRole as alice
         AssumeRole at 2026-03-02T09:00:00Z from 203.0.113.10 with aws-cli/2.27.0 md/Botocore#1.37.0 ua/2.1 os/linux#6.1, event 3df5fe57-6753-c639-3382-2bb9d3305a9f, handed out key ASIAANALYST00EXAMPLE; join issued_key, exact
         5 calls from 2026-03-02T09:02:10Z to 2026-03-02T09:40:00Z, keys [ASIAANALYST00EXAMPLE]
         confirmed by [issue_second]
         would be contradicted by another call that issued this key, another principal under it, credentials made at another second, another source identity, use after its end
      2. arn:aws:iam::111122223333:role/SecurityBreakGlassRole as alice
         AssumeRole at 2026-03-02T09:20:00Z from 203.0.113.10 with aws-cli/2.27.0 md/Botocore#1.37.0 ua/2.1 os/linux#6.1, event 920aa03b-55ae-363b-33fa-8966df032062, handed out key ASIABREAKGLASEXAMPLE; join issued_key, exact
         2 calls from 2026-03-02T09:21:30Z to 2026-03-02T09:22:05Z, keys [ASIABREAKGLASEXAMPLE]
         confirmed by [issue_second]
         would be contradicted by another call that issued this key, another principal under it, credentials made at another second, another source identity, use after its end
      it was used from:
        203.0.113.10 with aws-cli/2.27.0 md/Botocore#1.37.0 ua/2.1 os/linux#6.1: 2 calls from 2026-03-02T09:21:30Z to 2026-03-02T09:22:05Z

    --- stderr
    ");
    let ran = rolecall(
        lake.folder.path(),
        &["who", "ASIABREAKGLASEXAMPLE", "--lake", &root],
    );
    let steps: Vec<_> = rows(&ran.stdout)
        .into_iter()
        .filter(|row| row["section"] == "hop")
        .collect();
    let personas: Vec<_> = steps
        .iter()
        .map(|step| step["persona_arn"].as_str().unwrap())
        .collect();
    assert_eq!(
        personas,
        [
            "arn:aws:iam::111122223333:user/alice",
            "arn:aws:iam::111122223333:role/SecurityAnalystRole",
            "arn:aws:iam::111122223333:role/SecurityBreakGlassRole",
        ]
    );
}

#[test]
fn the_timeline_follows_bob_through_three_accounts() {
    let (lake, root) = sample_lake();
    let ran = rolecall(
        lake.folder.path(),
        &["timeline", "--principal", "bob", "--lake", &root],
    );
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let calls: Vec<(String, i64)> = rows(&ran.stdout)
        .iter()
        .filter(|row| row["attribution"] != "shared_event")
        .map(|row| {
            (
                row["event_name"].as_str().unwrap().to_owned(),
                row["hop_count"].as_i64().unwrap(),
            )
        })
        .collect();
    let wanted = [
        ("AssumeRole", 0),
        ("AssumeRole", 1),
        ("UpdateService", 2),
        ("AssumeRole", 2),
        ("DescribeDBInstances", 3),
        ("DeleteDBInstance", 3),
    ];
    assert_eq!(calls, wanted.map(|(name, hops)| (name.to_owned(), hops)));
}

#[test]
fn who_tells_dave_from_carol() {
    let (lake, root) = sample_lake();
    for (key, person) in [
        ("ASIASUPPORT01EXAMPLE", "carol"),
        ("ASIASUPPORT02EXAMPLE", "dave"),
    ] {
        let ran = rolecall(lake.folder.path(), &["who", key, "--lake", &root]);
        let rows = rows(&ran.stdout);
        let hop = rows.iter().rfind(|row| row["section"] == "hop").unwrap();
        assert_eq!(hop["origin_name"], person);
    }
}

#[test]
fn status_shows_what_of_the_damaged_file_is_missing() {
    let (lake, root) = sample_lake();
    let ran = rolecall(lake.folder.path(), &["status", "--lake", &root]);
    let rejected: Vec<_> = rows(&ran.stdout)
        .into_iter()
        .filter(|row| row["section"] == "rejected")
        .collect();
    let reasons: Vec<_> = rejected
        .iter()
        .map(|row| row["reason"].as_str().unwrap())
        .collect();
    assert_eq!(reasons, ["missing_event_time", "truncated_gzip"]);
    let ran = rolecall(
        lake.folder.path(),
        &["timeline", "--principal", "erin", "--lake", &root],
    );
    assert_eq!(rows(&ran.stdout).len(), 6);
}

#[test]
fn the_review_names_the_right_person_in_each_story() {
    let folder = tempfile::tempdir().unwrap();
    let logs = project().join("sample-logs");
    let ran = rolecall(
        folder.path(),
        &["review", logs.to_str().unwrap(), "--format", "table"],
    );
    insta::assert_snapshot!(ran.shown(folder.path()), @"
    exit 3
    --- stdout

    Books
    =====
    Every record that was read is an event, or was one until its day was pruned; a duplicate of one; or rejected.

     log_files   records   events   pruned   duplicates   rejected   files_rejected   sessions   unresolved_sessions   first_event_time       last_event_time
    ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
            18        63       61        0            0          2                0         36                     1   2026-03-02T09:00:00Z   2026-03-12T02:01:00Z

    Coverage
    ========
    Where and when the logs speak. What happened elsewhere, or before and after, is not in this review.
    What to do: look for accounts and regions that you use and that are missing here, and collect their logs.

     account_id     account_name   aws_region   first_event_time       last_event_time        days_with_events   days_without   longest_silence_hours   silent_hours   events   read_events   sts_events   data_events
    ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
     111122223333                  us-east-1    2026-03-02T09:00:00Z   2026-03-12T02:01:00Z                  7              4                      71            227       31            22           10             0
     444455556666                  us-east-1    2026-03-03T14:03:00Z   2026-03-09T03:05:00Z                  5              2                      43            126       24            17            9             0
     777788889999                  us-east-1    2026-03-03T14:06:00Z   2026-03-08T03:04:00Z                  2              4                     108            108        6             2            1             0

    What these logs cannot prove
    ============================
    What is left out of the logs, by account, and how many sessions it leaves without an issuing event or a caller.
    What to do: docs/attribution.md explains the reasons, and which further logs take them away.

     account_id     reason                        sessions   events
    ────────────────────────────────────────────────────────────────
     111122223333   data_events_off                      0        0
     222233334444   cross_account_not_collected          1        1
     444455556666   cross_account_not_collected          1        2
     444455556666   data_events_off                      0        0
     444455556666   lost                                 1        2
     777788889999   data_events_off                      0        0

    Forms of the log files
    ======================
    What the log files turned out to be. Digests, Insights and aggregates hold no calls, and give no events.

     kind      log_files   records   events   duplicates   rejected   example
    ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
     records          18        63       61            0          2   AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/02/111122223333_CloudTrail_us-east-1_20260302T0910Z_sampleBreakGlas1.json.gz

    Who acted, and in which roles
    =============================
    Every person and workload that stands at the start of a chain, and the roles they wore like hats.
    What to do: `rolecall timeline --principal WHO` shows all that one of them did.

     who                                     kind                   account        roles                                           events   denied   last_used_at
    ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
     i-0f00000000000b002                     ec2_instance           444455556666   ShopWeb                                              2        0   2026-03-07T02:06:00Z
     alice                                   iam_user               111122223333   SecurityAnalystRole, SecurityBreakGlassRole          8        1   2026-03-02T09:40:00Z
     bob                                     iam_user               111122223333   DatabaseAdmin, Operations, ShopDeploy                6        0   2026-03-03T14:09:20Z
     erin                                    iam_user               111122223333   AuditRole                                            6        0   2026-03-05T08:07:00Z
     grace                                   iam_user               111122223333   BillingAdmin                                         5        0   2026-03-08T08:33:00Z
     heidi                                   iam_user               111122223333   ReportReader                                         5        0   2026-03-10T10:25:00Z
     ivan                                    iam_user               111122223333   SupportAdmin                                         3        0   2026-03-11T16:06:00Z
     svc-backup                              iam_user               111122223333   DataExport                                           2        0   2026-03-12T02:01:00Z
     carol                                   iam_user               444455556666   Support                                              2        0   2026-03-04T11:04:00Z
     dave                                    iam_user               444455556666   Support                                              2        0   2026-03-04T11:05:00Z
     frank@example.com                       identity_center_user                  AWSReservedSSO_Administrator_0123456789abcdef        3        0   2026-03-06T07:03:00Z
     resize-images                           lambda_function        444455556666   ResizeImagesRole                                     2        1   2026-03-07T09:50:03Z
     777788889999                            root                   777788889999                                                        3        0   2026-03-08T03:04:00Z
     repo:example/shop:ref:refs/heads/main   web_identity           444455556666   GitHubDeploy                                         3        0   2026-03-06T12:01:00Z
     ec2.amazonaws.com                       aws_service                                                                                1        0   2026-03-07T02:00:00Z
     lambda.amazonaws.com                    aws_service                                                                                1        0   2026-03-07T09:50:00Z

    Persona switches
    ================
    When somebody took another role, or went back to an earlier one.

     switched_at            who                                     from_persona                               to_persona                                                        kind       confidence
    ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
     2026-03-02T09:00:00Z   alice                                   111122223333 user/alice                    111122223333 role/SecurityAnalystRole                             explicit   exact
     2026-03-02T09:20:00Z   alice                                   111122223333 role/SecurityAnalystRole      111122223333 role/SecurityBreakGlassRole                          explicit   exact
     2026-03-02T09:40:00Z   alice                                   111122223333 role/SecurityBreakGlassRole   111122223333 role/SecurityAnalystRole                             observed   exact
     2026-03-03T14:00:00Z   bob                                     111122223333 user/bob                      111122223333 role/Operations                                      explicit   exact
     2026-03-03T14:03:00Z   bob                                     111122223333 role/Operations               444455556666 role/ShopDeploy                                      explicit   exact
     2026-03-03T14:06:00Z   bob                                     444455556666 role/ShopDeploy               777788889999 role/DatabaseAdmin                                   explicit   exact
     2026-03-04T11:00:00Z   carol                                   444455556666 user/carol                    444455556666 role/Support                                         explicit   exact
     2026-03-04T11:00:00Z   dave                                    444455556666 user/dave                     444455556666 role/Support                                         explicit   exact
     2026-03-05T08:00:00Z   erin                                    111122223333 user/erin                     111122223333 role/AuditRole                                       explicit   exact
     2026-03-06T07:00:00Z   frank@example.com                                                                  444455556666 role/AWSReservedSSO_Administrator_0123456789abcdef   explicit   exact
     2026-03-06T12:00:00Z   repo:example/shop:ref:refs/heads/main                                              444455556666 role/GitHubDeploy                                    explicit   exact
     2026-03-07T02:00:00Z   i-0f00000000000b002                                                                444455556666 role/ShopWeb                                         explicit   exact
     2026-03-07T09:50:00Z   resize-images                                                                      444455556666 role/ResizeImagesRole                                explicit   exact
     2026-03-08T08:30:00Z   grace                                   111122223333 user/grace                    111122223333 role/BillingAdmin                                    explicit   exact
     2026-03-10T10:00:00Z   heidi                                   111122223333 user/heidi                    111122223333 role/ReportReader                                    explicit   exact
     2026-03-11T16:00:00Z   ivan                                    111122223333 user/ivan                     111122223333 role/SupportAdmin                                    explicit   exact
     2026-03-12T02:00:00Z   svc-backup                              111122223333 user/svc-backup               111122223333 role/DataExport                                      explicit   exact

    Chains over more than one role
    ==============================
    Roles that were reached through other roles. The log of the last call names only the last role.
    What to do: a chain that no runbook knows is a way around somebody's trust policy.

     created_at             who     roles                                                                            events   confidence
    ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
     2026-03-02T09:20:00Z   alice   111122223333 SecurityAnalystRole > 111122223333 SecurityBreakGlassRole                2   exact
     2026-03-03T14:03:00Z   bob     111122223333 Operations > 444455556666 ShopDeploy                                     2   exact
     2026-03-03T14:06:00Z   bob     111122223333 Operations > 444455556666 ShopDeploy > 777788889999 DatabaseAdmin        2   exact

    Root
    ====
    Root users can do everything in their account.
    What to do: find the reason for each call; daily work needs none.

     first_at               account_id     event_name            calls   errors   example_ip
    ────────────────────────────────────────────────────────────────────────────────────────────
     2026-03-08T03:00:00Z   777788889999   ConsoleLogin              1        0   198.51.100.66
     2026-03-08T03:02:00Z   777788889999   DeactivateMFADevice       1        0   198.51.100.66
     2026-03-08T03:04:00Z   777788889999   StopLogging               1        0   198.51.100.66

    Break-glass roles
    =================
    Roles that are called so: break-glass, emergency, fire-call.
    What to do: compare with your tickets.

     created_at             who     persona                                    events   denied   source_ip_address
    ───────────────────────────────────────────────────────────────────────────────────────────────────────────────
     2026-03-02T09:20:00Z   alice   111122223333 role/SecurityBreakGlassRole        2        0   203.0.113.10

    Third parties
    =============
    Callers from accounts that are not in these logs: partners, or accounts of yours that were not collected.
    What to do: `--accounts FILE` tells your own accounts from others'; collect the logs of your own.

     account_id     whose   persona                             sessions   events   first_at               last_used_at
    ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
     222233334444                                                      1        1                          2026-03-09T01:00:00Z
     222233334444           444455556666 role/PartnerReadOnly          1        2   2026-03-09T01:00:00Z   2026-03-09T01:00:12Z

    One session, several addresses
    ==============================
    Temporary credentials that were used from more than one address. A laptop that changes networks looks the same as a thief.
    What to do: ask the person about the second address; `rolecall who SESSION-ID` shows which came when.

     first_at               who     persona                          addresses                      events   session_id
    ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
     2026-03-10T10:02:00Z   heidi   111122223333 role/ReportReader   198.51.100.222, 203.0.113.91        4   4351576638f94c9b38801ef4ab38004c

    Evidence that contradicts itself
    ================================
    No contradiction was seen.

    Chains that keep themselves alive
    =================================
    No such chain was seen.

    Keys under several identities
    =============================
    No such key was seen.

    Users, roles, keys and passwords that were made
    ===============================================
    How somebody stays who should be gone: new users, keys for others, new passwords, roles opened to others.
    What to do: check each with its maker; `rolecall who KEY --descendants` shows what a key was used for.

     event_time             who    persona                          event_name        made                                        for_whom
    ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
     2026-03-11T16:05:00Z   ivan   111122223333 role/SupportAdmin   CreateUser        arn:aws:iam::111122223333:user/svc-backup   svc-backup
     2026-03-11T16:06:00Z   ivan   111122223333 role/SupportAdmin   CreateAccessKey   AKIABACKDOOR0EXAMPLE                        svc-backup

    Instances with version 1 of the metadata service
    ================================================
    Version 1 hands the instance's role to whoever can make the instance send a request.
    What to do: require version 2 on these instances.

     first_at               instance              persona                     events   last_at
    ────────────────────────────────────────────────────────────────────────────────────────────────────────
     2026-03-07T02:05:00Z   i-0f00000000000b002   444455556666 role/ShopWeb        2   2026-03-07T02:06:00Z

    Top denials
    ===========
    What IAM refused most.
    What to do: a permission that is missing, or somebody who tries doors.

     who             persona                                 iam_action             denied   allowed   last_denied_at
    ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
     resize-images   444455556666 role/ResizeImagesRole      dynamodb:UpdateTable        1         0   2026-03-07T09:50:03Z
     alice           111122223333 role/SecurityAnalystRole   iam:UpdateAccessKey         1         0   2026-03-02T09:18:03Z

    Permissions last used, by role and person
    =========================================
    Allowed calls. What was never logged (data events, as a rule) does not show here.
    What to do: `rolecall permissions --role ROLE` shows all of one role.

     persona                                                           who                                     iam_action                      used   last_used_at
    ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
     111122223333 role/AuditRole                                       erin                                    s3:GetBucketPolicy                 5   2026-03-05T08:07:00Z
     111122223333 role/BillingAdmin                                    grace                                   budgets:ModifyBudget               1   2026-03-08T08:33:00Z
     111122223333 role/BillingAdmin                                    grace                                   ce:GetCostAndUsage                 1   2026-03-08T08:31:10Z
     111122223333 role/DataExport                                      svc-backup                              rds:ModifyDBSnapshotAttribute      1   2026-03-12T02:01:00Z
     111122223333 role/Operations                                      bob                                     sts:AssumeRole                     1   2026-03-03T14:03:00Z
     111122223333 role/ReportReader                                    heidi                                   s3:ListAllMyBuckets                2   2026-03-10T10:25:00Z
     111122223333 role/ReportReader                                    heidi                                   s3:GetBucketPolicy                 1   2026-03-10T10:21:00Z
     111122223333 role/ReportReader                                    heidi                                   sts GetCallerIdentity              1   2026-03-10T10:20:00Z
     111122223333 role/SecurityAnalystRole                             alice                                   cloudtrail:LookupEvents            2   2026-03-02T09:40:00Z
     111122223333 role/SecurityAnalystRole                             alice                                   sts:AssumeRole                     1   2026-03-02T09:20:00Z
     111122223333 role/SecurityAnalystRole                             alice                                   guardduty:ListFindings             1   2026-03-02T09:05:41Z
     111122223333 role/SecurityBreakGlassRole                          alice                                   iam:DeleteLoginProfile             1   2026-03-02T09:22:05Z
     111122223333 role/SecurityBreakGlassRole                          alice                                   iam:UpdateAccessKey                1   2026-03-02T09:21:30Z
     111122223333 role/SupportAdmin                                    ivan                                    iam:CreateAccessKey                1   2026-03-11T16:06:00Z
     111122223333 role/SupportAdmin                                    ivan                                    iam:CreateUser                     1   2026-03-11T16:05:00Z
     444455556666 role/AWSReservedSSO_Administrator_0123456789abcdef   frank@example.com                       ec2:TerminateInstances             1   2026-03-06T07:03:00Z
     444455556666 role/AWSReservedSSO_Administrator_0123456789abcdef   frank@example.com                       ec2:DescribeInstances              1   2026-03-06T07:01:10Z
     444455556666 role/GitHubDeploy                                    repo:example/shop:ref:refs/heads/main   ecs:UpdateService                  1   2026-03-06T12:01:00Z
     444455556666 role/GitHubDeploy                                    repo:example/shop:ref:refs/heads/main   ecr:PutImage                       1   2026-03-06T12:00:30Z
     444455556666 role/NightlyBatch                                    unresolved                              s3:ListAllMyBuckets                1   2026-03-09T03:05:00Z
     444455556666 role/NightlyBatch                                    unresolved                              rds:CreateDBSnapshot               1   2026-03-09T03:00:00Z
     444455556666 role/PartnerReadOnly                                 AROASCANNER000EXAMPLE:scanner           s3:GetBucketPolicy                 1   2026-03-09T01:00:12Z
     444455556666 role/PartnerReadOnly                                 AROASCANNER000EXAMPLE:scanner           iam:ListRoles                      1   2026-03-09T01:00:10Z
     444455556666 role/ResizeImagesRole                                resize-images                           dynamodb:DescribeTable             1   2026-03-07T09:50:02Z
     444455556666 role/ShopDeploy                                      bob                                     sts:AssumeRole                     1   2026-03-03T14:06:00Z
     444455556666 role/ShopDeploy                                      bob                                     ecs:UpdateService                  1   2026-03-03T14:04:12Z
     444455556666 role/ShopWeb                                         i-0f00000000000b002                     secretsmanager:GetSecretValue      1   2026-03-07T02:06:00Z
     444455556666 role/ShopWeb                                         i-0f00000000000b002                     s3:ListAllMyBuckets                1   2026-03-07T02:05:00Z
     444455556666 role/Support                                         carol                                   dynamodb:DescribeTable             1   2026-03-04T11:04:00Z
     444455556666 role/Support                                         dave                                    dynamodb:DeleteTable               1   2026-03-04T11:05:00Z
     777788889999 role/DatabaseAdmin                                   bob                                     rds:DeleteDBInstance               1   2026-03-03T14:09:20Z
     777788889999 role/DatabaseAdmin                                   bob                                     rds:DescribeDBInstances            1   2026-03-03T14:07:45Z

    Unresolved
    ==========
    Sessions whose origin these logs do not tell, by reason. None is guessed.
    What to do: docs/attribution.md explains the reasons; most go away with more logs.

     reason   confidence   sessions   events   example
    ─────────────────────────────────────────────────────────────────────────────────────────────────────
     lost     unresolved          1        2   arn:aws:sts::444455556666:assumed-role/NightlyBatch/batch

    Records in the wrong file
    =========================
    No contradiction was seen; only files with CloudTrail's own names can show one.

    Rejected
    ========
    What could not be read. Its text is in the table `rejected`.

     reason               log_file_key                                                                                                                     rejected   example
    ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
     missing_event_time   AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/05/111122223333_CloudTrail_us-east-1_20260305T0815Z_sampleDamaged001.json.gz          1   no `eventTime`
     truncated_gzip       AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/05/111122223333_CloudTrail_us-east-1_20260305T0815Z_sampleDamaged001.json.gz          1   incomplete deflate stream
    --- stderr
    read 18 log files (18.3 KiB) with 63 records in TIME
    2 records and 0 files were rejected: missing_event_time 1, truncated_gzip 1
    hint: to look into them, run it again with `--lake PATH`, which keeps the lake
    ");
    let again = rolecall(
        folder.path(),
        &["review", logs.to_str().unwrap(), "--format", "table"],
    );
    assert_eq!(ran.stdout, again.stdout, "same input, same bytes");
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        0,
        "the lake was temporary"
    );
}

/// The stories of the README, each with the one command that finds it.
fn stories() -> Vec<(String, Vec<String>)> {
    let text = std::fs::read_to_string(project().join("sample-logs/README.md")).unwrap();
    text.split("\n## ")
        .skip(1)
        .map(|story| {
            let name = story.lines().next().unwrap().to_owned();
            let from = story
                .find("`rolecall ")
                .unwrap_or_else(|| panic!("{name} names no command"));
            let command = story[from + 1..].split('`').next().unwrap();
            let words = command.split_whitespace().skip(1).map(str::to_owned);
            (name, words.collect())
        })
        .collect()
}

#[test]
fn each_story_is_found_by_the_one_command_its_readme_names() {
    // What the answer has to say, in each story.
    let wanted = [
        (
            "break-glass",
            &[
                "arn:aws:iam::111122223333:user/alice",
                "920aa03b-55ae-363b-33fa-8966df032062",
            ][..],
        ),
        (
            "three-accounts",
            &["DeleteDBInstance", "role/DatabaseAdmin", "role/ShopDeploy"],
        ),
        ("same-name", &["arn:aws:iam::444455556666:user/dave"]),
        ("damaged", &["missing_event_time", "truncated_gzip"]),
        (
            "single-sign-on",
            &["frank@example.com", "identity_center_user", "issue_second"],
        ),
        (
            "github-actions",
            &[
                "repo:example/shop:ref:refs/heads/main",
                "oidc-provider/token.actions.githubusercontent.com",
            ],
        ),
        ("instance-profile", &["i-0f00000000000b002", "role/ShopWeb"]),
        (
            "lambda-function",
            &["resize-images", "dynamodb:UpdateTable"],
        ),
        (
            "root-user",
            &["StopLogging", "DeactivateMFADevice", "198.51.100.66"],
        ),
        (
            "console-switch",
            &["arn:aws:iam::111122223333:user/grace", "role/BillingAdmin"],
        ),
        ("partner", &["222233334444", "role/PartnerReadOnly"]),
        ("missing-issuer", &["role/NightlyBatch", "unresolved"]),
        (
            "stolen-key",
            &[
                "arn:aws:iam::111122223333:user/heidi",
                "203.0.113.91",
                "198.51.100.222",
            ],
        ),
        (
            "back-door",
            &[
                "user/svc-backup",
                "arn:aws:iam::111122223333:user/ivan",
                "CreateAccessKey",
                "role/DataExport",
            ],
        ),
    ];
    let (lake, root) = sample_lake();
    let stories = stories();
    let names: Vec<&str> = stories.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, wanted.map(|(name, _)| name));
    for ((name, command), (_, signs)) in stories.iter().zip(wanted) {
        for format in ["table", "jsonl", "json", "csv", "markdown"] {
            let mut arguments: Vec<&str> = command.iter().map(String::as_str).collect();
            arguments.extend(["--lake", &root, "--format", format]);
            let ran = rolecall(lake.folder.path(), &arguments);
            assert_eq!(ran.code, 0, "{name}: {}", ran.stderr);
            for sign in signs {
                let is_shown = ran.stdout.contains(sign)
                    // People see short forms of ARNs in tables.
                    || ran.stdout.contains(&sign.replace("arn:aws:iam::", "").replace(':', " "));
                assert!(is_shown, "{name}, {format}: no `{sign}` in\n{}", ran.stdout);
            }
        }
    }
}

#[test]
fn every_story_has_its_folder_and_its_text() {
    let folders: std::collections::BTreeSet<String> =
        std::fs::read_dir(project().join("sample-logs/stories"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
    let told: std::collections::BTreeSet<String> =
        stories().into_iter().map(|(name, _)| name).collect();
    assert_eq!(folders, told);
}

#[test]
fn what_grew_out_of_a_key_goes_through_all_accounts() {
    let (lake, root) = sample_lake();
    let ran = rolecall(
        lake.folder.path(),
        &[
            "timeline",
            "--access-key",
            "AKIABOB000000EXAMPLE",
            "--descendants",
            "--lake",
            &root,
        ],
    );
    let calls: Vec<Value> = rows(&ran.stdout)
        .iter()
        .map(|row| row["event_name"].clone())
        .collect();
    assert!(
        calls.contains(&Value::from("DeleteDBInstance")),
        "{calls:?}"
    );
    assert_eq!(
        calls.len(),
        6,
        "each call once, as the caller's account recorded it: {calls:?}"
    );
}

#[test]
fn a_timeline_asks_for_the_sessions_first_and_finds_what_the_question_alone_finds() {
    let (lake, root) = sample_lake();
    let ask = |arguments: &[&str]| {
        let arguments = [arguments, &["--lake", &root]].concat();
        rolecall(lake.folder.path(), &arguments)
    };
    let mut fitting = 0;
    for (name, value) in [
        ("principal", "alice"),
        ("principal", "bob"),
        ("principal", "arn:aws:iam::111122223333:user/alice"),
        ("principal", "arn:aws:iam::444455556666:role/ShopDeploy"),
        (
            "principal",
            "arn:aws:sts::111122223333:assumed-role/SecurityAnalystRole/alice",
        ),
        (
            "principal",
            "arn:aws:sts::111122223333:assumed-role/SecurityAnalystRole/nobody",
        ),
        ("role", "SecurityAnalystRole"),
        ("role", "arn:aws:iam::777788889999:role/DatabaseAdmin"),
        ("role", "Nobody%"),
    ] {
        let first = ask(&["timeline", &format!("--{name}={value}")]);
        let alone = ask(&["query", "timeline/events", &format!("{name}={value}")]);
        assert_eq!(first.stdout, alone.stdout, "{name} {value}");
        fitting += usize::from(!first.stdout.is_empty());
    }
    assert!(fitting == 7, "{fitting} of them are in the logs");
}
