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
         calls: 1 at 2026-03-02T09:00:00Z, from 203.0.113.10 with aws-cli/2.27.0 md/Botocore#1.37.0 ua/2.1 os/linux#6.1, keys [AKIAALICE0000EXAMPLE]
      1. arn:aws:iam::111122223333:role/SecurityAnalystRole as alice
         AssumeRole at 2026-03-02T09:00:00Z, event 3df5fe57-6753-c639-3382-2bb9d3305a9f; join issued_key, exact
         calls: 5 from 2026-03-02T09:02:10Z to 2026-03-02T09:40:00Z, from 203.0.113.10 with aws-cli/2.27.0 md/Botocore#1.37.0 ua/2.1 os/linux#6.1, keys [ASIAANALYST00EXAMPLE]
      2. arn:aws:iam::111122223333:role/SecurityBreakGlassRole as alice
         AssumeRole at 2026-03-02T09:20:00Z, event 920aa03b-55ae-363b-33fa-8966df032062; join issued_key, exact
         calls: 2 from 2026-03-02T09:21:30Z to 2026-03-02T09:22:05Z, from 203.0.113.10 with aws-cli/2.27.0 md/Botocore#1.37.0 ua/2.1 os/linux#6.1, keys [ASIABREAKGLASEXAMPLE]
    --- stderr
    ");
    let ran = rolecall(
        lake.folder.path(),
        &["who", "ASIABREAKGLASEXAMPLE", "--lake", &root],
    );
    let steps = rows(&ran.stdout);
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
        assert_eq!(rows(&ran.stdout).last().unwrap()["origin_name"], person);
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
    Every record that was read is an event, a duplicate of one, or rejected.
     log_files   records   events   duplicates   rejected   files_rejected   sessions   unresolved_sessions   first_event_time       last_event_time
    ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
             7        28       26            0          2                0         15                     0   2026-03-02T09:00:00Z   2026-03-05T08:07:00Z

    Coverage
    ========
    Where and when the logs speak. What happened elsewhere is not in this review.
     account_id     aws_region   first_event_time       last_event_time        days_with_events   days_without   events
    ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
     111122223333   us-east-1    2026-03-02T09:00:00Z   2026-03-05T08:07:00Z                  3              1       16
     444455556666   us-east-1    2026-03-03T14:03:00Z   2026-03-04T11:05:00Z                  2              0        7
     777788889999   us-east-1    2026-03-03T14:06:00Z   2026-03-03T14:09:20Z                  1              0        3

    Who acted, and in which roles
    =============================
    Every person and workload that stands at the start of a chain.
     origin_kind   origin_id                              origin_account_id   origin_provider   is_human   role_sessions   roles                                         events   denied   first_used_at          last_used_at
    ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
     iam_user      arn:aws:iam::111122223333:user/alice   111122223333                                                 2   SecurityAnalystRole, SecurityBreakGlassRole        8        1   2026-03-02T09:00:00Z   2026-03-02T09:40:00Z
     iam_user      arn:aws:iam::111122223333:user/bob     111122223333                                                 3   DatabaseAdmin, Operations, ShopDeploy              6        0   2026-03-03T14:00:00Z   2026-03-03T14:09:20Z
     iam_user      arn:aws:iam::111122223333:user/erin    111122223333                                                 1   AuditRole                                          6        0   2026-03-05T08:00:00Z   2026-03-05T08:07:00Z
     iam_user      arn:aws:iam::444455556666:user/carol   444455556666                                                 1   Support                                            2        0   2026-03-04T11:00:00Z   2026-03-04T11:04:00Z
     iam_user      arn:aws:iam::444455556666:user/dave    444455556666                                                 1   Support                                            2        0   2026-03-04T11:00:00Z   2026-03-04T11:05:00Z

    Persona switches
    ================
    When somebody took another role, or went back.
     switched_at            origin_id                              from_persona_arn                                        to_persona_arn                                          kind       issuing_api   is_cross_account   confidence   evidence_event_id
    ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
     2026-03-02T09:00:00Z   arn:aws:iam::111122223333:user/alice   arn:aws:iam::111122223333:user/alice                    arn:aws:iam::111122223333:role/SecurityAnalystRole      explicit   AssumeRole    false              exact        3df5fe57-6753-c639-3382-2bb9d3305a9f
     2026-03-02T09:20:00Z   arn:aws:iam::111122223333:user/alice   arn:aws:iam::111122223333:role/SecurityAnalystRole      arn:aws:iam::111122223333:role/SecurityBreakGlassRole   explicit   AssumeRole    false              exact        920aa03b-55ae-363b-33fa-8966df032062
     2026-03-02T09:40:00Z   arn:aws:iam::111122223333:user/alice   arn:aws:iam::111122223333:role/SecurityBreakGlassRole   arn:aws:iam::111122223333:role/SecurityAnalystRole      observed                 false              exact        875c3d7d-da26-30c7-35e7-1fb0ae14336b
     2026-03-03T14:00:00Z   arn:aws:iam::111122223333:user/bob     arn:aws:iam::111122223333:user/bob                      arn:aws:iam::111122223333:role/Operations               explicit   AssumeRole    false              exact        7f50efa5-3d87-c184-b621-e41ff7ffc22f
     2026-03-03T14:03:00Z   arn:aws:iam::111122223333:user/bob     arn:aws:iam::111122223333:role/Operations               arn:aws:iam::444455556666:role/ShopDeploy               explicit   AssumeRole    true               exact        2974bc26-0c8a-d765-11e0-b0ab8980a8af
     2026-03-03T14:06:00Z   arn:aws:iam::111122223333:user/bob     arn:aws:iam::444455556666:role/ShopDeploy               arn:aws:iam::777788889999:role/DatabaseAdmin            explicit   AssumeRole    true               exact        e3a5e08f-2f55-c01f-d8b4-ad35aaf2c52b
     2026-03-04T11:00:00Z   arn:aws:iam::444455556666:user/carol   arn:aws:iam::444455556666:user/carol                    arn:aws:iam::444455556666:role/Support                  explicit   AssumeRole    false              exact        3eccd411-507d-3314-a111-bf09c2a58e21
     2026-03-04T11:00:00Z   arn:aws:iam::444455556666:user/dave    arn:aws:iam::444455556666:user/dave                     arn:aws:iam::444455556666:role/Support                  explicit   AssumeRole    false              exact        4968cc32-4543-36cd-a770-ba7a7c5e7ed4
     2026-03-05T08:00:00Z   arn:aws:iam::111122223333:user/erin    arn:aws:iam::111122223333:user/erin                     arn:aws:iam::111122223333:role/AuditRole                explicit   AssumeRole    false              exact        ab93c717-6686-7c3e-6115-54e4ed373c96

    Chains over more than one role
    ==============================
    The log of the last call names only the last role.
     created_at             origin_id                              chain                                                                                                                                  hop_count   events   confidence   session_id
    ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
     2026-03-02T09:20:00Z   arn:aws:iam::111122223333:user/alice   arn:aws:iam::111122223333:role/SecurityAnalystRole > arn:aws:iam::111122223333:role/SecurityBreakGlassRole                                     2        2   exact        1018acd6dc2ac3d7f07f37aa8108d3ee
     2026-03-03T14:03:00Z   arn:aws:iam::111122223333:user/bob     arn:aws:iam::111122223333:role/Operations > arn:aws:iam::444455556666:role/ShopDeploy                                                          2        2   exact        5119184c8482307361bbfc44553fbe7f
     2026-03-03T14:06:00Z   arn:aws:iam::111122223333:user/bob     arn:aws:iam::111122223333:role/Operations > arn:aws:iam::444455556666:role/ShopDeploy > arn:aws:iam::777788889999:role/DatabaseAdmin           3        2   exact        b02a77a699fdbd76f7e34312f7ba57ce

    Root
    ====
    No call as root was seen.

    Break-glass roles
    =================
    Roles that are called so. Compare with your tickets.
     created_at             origin_id                              persona_arn                                             session_name   events   denied   source_ip_address   confidence   issuing_event_id
    ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
     2026-03-02T09:20:00Z   arn:aws:iam::111122223333:user/alice   arn:aws:iam::111122223333:role/SecurityBreakGlassRole   alice               2        0   203.0.113.10        exact        920aa03b-55ae-363b-33fa-8966df032062

    Third parties
    =============
    No caller from another account was seen.

    Top denials
    ===========
    What IAM refused.
     origin_kind   origin_id                              origin_provider   persona_arn                                          iam_action            denied   last_denied_at         allowed
    ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
     iam_user      arn:aws:iam::111122223333:user/alice                     arn:aws:iam::111122223333:role/SecurityAnalystRole   iam:UpdateAccessKey        1   2026-03-02T09:18:03Z         0

    Permissions last used, by role and person
    =========================================
    What was never logged (data events, as a rule) does not show here.
     persona_arn                                             origin_id                              origin_provider   iam_action                used   last_used_at
    ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
     arn:aws:iam::111122223333:role/AuditRole                arn:aws:iam::111122223333:user/erin                      s3:GetBucketPolicy           5   2026-03-05T08:07:00Z
     arn:aws:iam::111122223333:role/Operations               arn:aws:iam::111122223333:user/bob                       sts:AssumeRole               1   2026-03-03T14:03:00Z
     arn:aws:iam::111122223333:role/SecurityAnalystRole      arn:aws:iam::111122223333:user/alice                     cloudtrail:LookupEvents      2   2026-03-02T09:40:00Z
     arn:aws:iam::111122223333:role/SecurityAnalystRole      arn:aws:iam::111122223333:user/alice                     sts:AssumeRole               1   2026-03-02T09:20:00Z
     arn:aws:iam::111122223333:role/SecurityAnalystRole      arn:aws:iam::111122223333:user/alice                     guardduty:ListFindings       1   2026-03-02T09:05:41Z
     arn:aws:iam::111122223333:role/SecurityBreakGlassRole   arn:aws:iam::111122223333:user/alice                     iam:DeleteLoginProfile       1   2026-03-02T09:22:05Z
     arn:aws:iam::111122223333:role/SecurityBreakGlassRole   arn:aws:iam::111122223333:user/alice                     iam:UpdateAccessKey          1   2026-03-02T09:21:30Z
     arn:aws:iam::444455556666:role/ShopDeploy               arn:aws:iam::111122223333:user/bob                       sts:AssumeRole               1   2026-03-03T14:06:00Z
     arn:aws:iam::444455556666:role/ShopDeploy               arn:aws:iam::111122223333:user/bob                       ecs:UpdateService            1   2026-03-03T14:04:12Z
     arn:aws:iam::444455556666:role/Support                  arn:aws:iam::444455556666:user/carol                     dynamodb:DescribeTable       1   2026-03-04T11:04:00Z
     arn:aws:iam::444455556666:role/Support                  arn:aws:iam::444455556666:user/dave                      dynamodb:DeleteTable         1   2026-03-04T11:05:00Z
     arn:aws:iam::777788889999:role/DatabaseAdmin            arn:aws:iam::111122223333:user/bob                       rds:DeleteDBInstance         1   2026-03-03T14:09:20Z
     arn:aws:iam::777788889999:role/DatabaseAdmin            arn:aws:iam::111122223333:user/bob                       rds:DescribeDBInstances      1   2026-03-03T14:07:45Z

    Unresolved
    ==========
    No session without an origin.

    Records in the wrong file
    =========================
    No contradiction was seen; only files with CloudTrail's own names can show one.

    Rejected
    ========
    What could not be read. Its text is in the table `rejected`.
     reason               log_file_key                                                                                                                     rejected   first_record   first_byte_offset   example
    ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
     missing_event_time   AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/05/111122223333_CloudTrail_us-east-1_20260305T0815Z_sampleDamaged001.json.gz          1              1                1220   no `eventTime`
     truncated_gzip       AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/05/111122223333_CloudTrail_us-east-1_20260305T0815Z_sampleDamaged001.json.gz          1              7                7390   incomplete deflate stream
    --- stderr
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
