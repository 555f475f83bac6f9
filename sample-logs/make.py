#!/usr/bin/env python3
"""Writes the sample stories beside this file, always the same bytes for the same zlib.

Everything here is invented: account ids and addresses are those that AWS and RFC 5737 set apart for
documentation, keys and unique ids end in EXAMPLE.
"""

import gzip
import hashlib
import io
import json
import pathlib
import uuid

HERE = pathlib.Path(__file__).parent
SECURITY, SHOP, DATABASE = "111122223333", "444455556666", "777788889999"
REGION = "us-east-1"


def event_id(*parts):
    return str(uuid.UUID(hashlib.sha256("/".join(parts).encode()).hexdigest()[:32]))


def user(account, name, key):
    return {
        "type": "IAMUser",
        "principalId": f"AIDA{name.upper():X<9}EXAMPLE",
        "arn": f"arn:aws:iam::{account}:user/{name}",
        "accountId": account,
        "accessKeyId": key,
        "userName": name,
    }


def role_id(role):
    return f"AROA{hashlib.sha256(role.encode()).hexdigest()[:10].upper()}EXAMPLE"


def session(account, role, name, key, created, mfa="false"):
    return {
        "type": "AssumedRole",
        "principalId": f"{role_id(role)}:{name}",
        "arn": f"arn:aws:sts::{account}:assumed-role/{role}/{name}",
        "accountId": account,
        "accessKeyId": key,
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": role_id(role),
                "arn": f"arn:aws:iam::{account}:role/{role}",
                "accountId": account,
                "userName": role,
            },
            "attributes": {"creationDate": created, "mfaAuthenticated": mfa},
        },
    }


def record(who, at, source, name, ip, recipient, read_only=True, request=None, response=None, **more):
    out = {
        "eventVersion": "1.11",
        "userIdentity": who,
        "eventTime": at,
        "eventSource": f"{source}.amazonaws.com",
        "eventName": name,
        "awsRegion": REGION,
        "sourceIPAddress": ip,
        "userAgent": "aws-cli/2.27.0 md/Botocore#1.37.0 ua/2.1 os/linux#6.1",
        "requestParameters": request,
        "responseElements": response,
        "requestID": event_id("request", at, name, json.dumps(who, sort_keys=True)),
        "eventID": event_id("event", at, name, recipient, json.dumps(who, sort_keys=True)),
        "readOnly": read_only,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": recipient,
        "eventCategory": "Management",
    }
    out.update(more)
    return out


def assume(who, at, ip, caller_account, account, role, name, key, expiration):
    """The call as each account records it: the caller's copy first, the role owner's second."""
    arn = f"arn:aws:iam::{account}:role/{role}"
    more = {"resources": [{"ARN": arn, "accountId": account, "type": "AWS::IAM::Role"}]}
    request = {"roleArn": arn, "roleSessionName": name, "durationSeconds": 3600}
    response = {
        "credentials": {
            "accessKeyId": key,
            "sessionToken": "SAMPLE-SESSION-TOKEN-THAT-MUST-NOT-BE-KEPT",
            "expiration": expiration,
        },
        "assumedRoleUser": {
            "assumedRoleId": f"{role_id(role)}:{name}",
            "arn": f"arn:aws:sts::{account}:assumed-role/{role}/{name}",
        },
    }
    if caller_account == account:
        return [record(who, at, "sts", "AssumeRole", ip, account, True, request, response, **more)]
    more["sharedEventID"] = event_id("shared", at, role, name)
    ours = record(who, at, "sts", "AssumeRole", ip, caller_account, True, request, response, **more)
    stranger = {"type": "AWSAccount", "principalId": who["principalId"], "accountId": caller_account}
    theirs = record(stranger, at, "sts", "AssumeRole", ip, account, True, request, response, **more)
    theirs["requestID"] = ours["requestID"]
    return [ours, theirs]


def write(story, account, stamp, name, records, cut=None):
    day = f"{stamp[:4]}/{stamp[4:6]}/{stamp[6:8]}"
    folder = HERE / "stories" / story / "AWSLogs" / account / "CloudTrail" / REGION / day
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"Records": records}, separators=(",", ":")).encode()
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0, compresslevel=9) as packed:
        packed.write(text)
    packed = buffer.getvalue()
    if cut:
        packed = packed[: int(len(packed) * cut)]
    (folder / f"{account}_CloudTrail_{REGION}_{stamp}_{name}.json.gz").write_bytes(packed)


def analyst():
    """Alice takes SecurityAnalystRole, from it SecurityBreakGlassRole, and goes back."""
    ip = "203.0.113.10"
    alice = user(SECURITY, "alice", "AKIAALICE0000EXAMPLE")
    taken = assume(alice, "2026-03-02T09:00:00Z", ip, SECURITY, SECURITY, "SecurityAnalystRole", "alice",
                   "ASIAANALYST00EXAMPLE", "Mar 2, 2026, 10:00:00 AM")
    analyst = session(SECURITY, "SecurityAnalystRole", "alice", "ASIAANALYST00EXAMPLE", "2026-03-02T09:00:00Z", "true")
    deeper = assume(analyst, "2026-03-02T09:20:00Z", ip, SECURITY, SECURITY, "SecurityBreakGlassRole", "alice",
                    "ASIABREAKGLASEXAMPLE", "Mar 2, 2026, 10:20:00 AM")
    glass = session(SECURITY, "SecurityBreakGlassRole", "alice", "ASIABREAKGLASEXAMPLE", "2026-03-02T09:20:00Z", "true")
    first = taken + [
        record(analyst, "2026-03-02T09:02:10Z", "cloudtrail", "LookupEvents", ip, SECURITY),
        record(analyst, "2026-03-02T09:05:41Z", "guardduty", "ListFindings", ip, SECURITY),
        record(analyst, "2026-03-02T09:18:03Z", "iam", "UpdateAccessKey", ip, SECURITY, False,
               {"userName": "mallory", "accessKeyId": "AKIAMALLORY00EXAMPLE", "status": "Inactive"},
               errorCode="AccessDenied",
               errorMessage=f"User: {analyst['arn']} is not authorized to perform: iam:UpdateAccessKey on resource: "
               f"user mallory because no identity-based policy allows the iam:UpdateAccessKey action"),
    ]
    second = deeper + [
        record(glass, "2026-03-02T09:21:30Z", "iam", "UpdateAccessKey", ip, SECURITY, False,
               {"userName": "mallory", "accessKeyId": "AKIAMALLORY00EXAMPLE", "status": "Inactive"}),
        record(glass, "2026-03-02T09:22:05Z", "iam", "DeleteLoginProfile", ip, SECURITY, False, {"userName": "mallory"}),
        record(analyst, "2026-03-02T09:40:00Z", "cloudtrail", "LookupEvents", ip, SECURITY),
    ]
    write("break-glass", SECURITY, "20260302T0910Z", "sampleBreakGlas1", first)
    write("break-glass", SECURITY, "20260302T0945Z", "sampleBreakGlas2", second)


def three_accounts():
    """Bob reaches DatabaseAdmin in a third account through two roles; each account records its part."""
    ip = "198.51.100.20"
    bob = user(SECURITY, "bob", "AKIABOB000000EXAMPLE")
    hop1 = assume(bob, "2026-03-03T14:00:00Z", ip, SECURITY, SECURITY, "Operations", "bob",
                  "ASIAOPERATIONEXAMPLE", "Mar 3, 2026, 3:00:00 PM")
    one = session(SECURITY, "Operations", "bob", "ASIAOPERATIONEXAMPLE", "2026-03-03T14:00:00Z")
    hop2 = assume(one, "2026-03-03T14:03:00Z", ip, SECURITY, SHOP, "ShopDeploy", "ops",
                  "ASIASHOPDEPLOEXAMPLE", "Mar 3, 2026, 3:03:00 PM")
    two = session(SHOP, "ShopDeploy", "ops", "ASIASHOPDEPLOEXAMPLE", "2026-03-03T14:03:00Z")
    hop3 = assume(two, "2026-03-03T14:06:00Z", ip, SHOP, DATABASE, "DatabaseAdmin", "ops",
                  "ASIADBADMIN00EXAMPLE", "Mar 3, 2026, 3:06:00 PM")
    three = session(DATABASE, "DatabaseAdmin", "ops", "ASIADBADMIN00EXAMPLE", "2026-03-03T14:06:00Z")
    write("three-accounts", SECURITY, "20260303T1410Z", "sampleThreeAcco1", hop1 + hop2[:1])
    write("three-accounts", SHOP, "20260303T1412Z", "sampleThreeAcco2", hop2[1:] + hop3[:1] + [
        record(two, "2026-03-03T14:04:12Z", "ecs", "UpdateService", ip, SHOP, False, {"service": "shop", "cluster": "main"}),
    ])
    write("three-accounts", DATABASE, "20260303T1415Z", "sampleThreeAcco3", hop3[1:] + [
        record(three, "2026-03-03T14:07:45Z", "rds", "DescribeDBInstances", ip, DATABASE),
        record(three, "2026-03-03T14:09:20Z", "rds", "DeleteDBInstance", ip, DATABASE, False,
               {"dBInstanceIdentifier": "orders", "skipFinalSnapshot": True}),
    ])


def same_name():
    """Carol and Dave take one role in the same second under one session name; only the keys differ."""
    at, expiration = "2026-03-04T11:00:00Z", "Mar 4, 2026, 12:00:00 PM"
    people = [("carol", "192.0.2.31", "ASIASUPPORT01EXAMPLE"), ("dave", "192.0.2.32", "ASIASUPPORT02EXAMPLE")]
    records = []
    for name, ip, key in people:
        who = user(SHOP, name, f"AKIA{name.upper():0<9}EXAMPLE")
        records += assume(who, at, ip, SHOP, SHOP, "Support", "support", key, expiration)
    carol = session(SHOP, "Support", "support", people[0][2], at)
    dave = session(SHOP, "Support", "support", people[1][2], at)
    records += [
        record(carol, "2026-03-04T11:04:00Z", "dynamodb", "DescribeTable", people[0][1], SHOP, request={"tableName": "tickets"}),
        record(dave, "2026-03-04T11:05:00Z", "dynamodb", "DeleteTable", people[1][1], SHOP, False, {"tableName": "tickets"}),
    ]
    write("same-name", SHOP, "20260304T1110Z", "sampleSameName01", records)


def damaged():
    """Erin takes AuditRole; the file was cut off in transfer, and one of its records has no time."""
    ip = "203.0.113.50"
    erin = user(SECURITY, "erin", "AKIAERIN00000EXAMPLE")
    taken = assume(erin, "2026-03-05T08:00:00Z", ip, SECURITY, SECURITY, "AuditRole", "erin",
                   "ASIAAUDITROLEEXAMPLE", "Mar 5, 2026, 9:00:00 AM")
    audit = session(SECURITY, "AuditRole", "erin", "ASIAAUDITROLEEXAMPLE", "2026-03-05T08:00:00Z")
    no_time = record(audit, "2026-03-05T08:02:00Z", "s3", "GetBucketAcl", ip, SECURITY, request={"bucketName": "audit-logs"})
    del no_time["eventTime"]
    calls = [
        record(audit, f"2026-03-05T08:{minute:02}:00Z", "s3", "GetBucketPolicy", ip, SECURITY,
               request={"bucketName": hashlib.sha256(str(minute).encode()).hexdigest()[:24]})
        for minute in range(3, 13)
    ]
    write("damaged", SECURITY, "20260305T0815Z", "sampleDamaged001", taken + [no_time] + calls, cut=0.8)


def issue(caller, at, ip, api, account, role, name, key, expiration, request, response=None, **more):
    """A call to STS by somebody who has no session yet: a provider, or an AWS service."""
    arn = f"arn:aws:iam::{account}:role/{role}"
    asked = {"roleArn": arn, "roleSessionName": name, "durationSeconds": 3600}
    asked.update(request)
    given = {
        "credentials": {
            "accessKeyId": key,
            "sessionToken": "SAMPLE-SESSION-TOKEN-THAT-MUST-NOT-BE-KEPT",
            "expiration": expiration,
        },
        "assumedRoleUser": {
            "assumedRoleId": f"{role_id(role)}:{name}",
            "arn": f"arn:aws:sts::{account}:assumed-role/{role}/{name}",
        },
    }
    given.update(response or {})
    more.setdefault("resources", [{"ARN": arn, "accountId": account, "type": "AWS::IAM::Role"}])
    return record(caller, at, "sts", api, ip, account, True, asked, given, **more)


def single_sign_on():
    """Frank signs on through IAM Identity Center, with a role that the permission set made for him."""
    ip, role = "203.0.113.60", "AWSReservedSSO_Administrator_0123456789abcdef"
    name = "frank@example.com"
    provider = f"arn:aws:iam::{SHOP}:saml-provider/AWSSSO_0123456789abcdef_DO_NOT_DELETE"
    caller = {"type": "SAMLUser", "principalId": f"c2FtcGxlLW5hbWUtcXVhbGlmaWVy:{name}", "userName": name, "identityProvider": "c2FtcGxlLW5hbWUtcXVhbGlmaWVy"}
    at = "2026-03-06T07:00:00Z"
    signed_on = issue(caller, at, ip, "AssumeRoleWithSAML", SHOP, role, name, "ASIASSOISSUEDEXAMPLE", "Mar 6, 2026, 8:00:00 AM",
                      {"principalArn": provider, "sAMLAssertionID": "_sample"}, {"subject": name, "issuer": "https://portal.sso.us-east-1.amazonaws.com/saml"})
    # The key that is used is not the one that was issued, as is usual for Identity Center.
    frank = session(SHOP, role, name, "ASIASSOINUSE0EXAMPLE", at)
    frank["sessionContext"]["sessionIssuer"]["arn"] = f"arn:aws:iam::{SHOP}:role/aws-reserved/sso.amazonaws.com/{role}"
    write("single-sign-on", SHOP, "20260306T0710Z", "sampleSingleSign", [
        signed_on,
        record(frank, "2026-03-06T07:01:10Z", "ec2", "DescribeInstances", ip, SHOP),
        record(frank, "2026-03-06T07:03:00Z", "ec2", "TerminateInstances", ip, SHOP, False,
               {"instancesSet": {"items": [{"instanceId": "i-0f00000000000a001"}]}}),
    ])


def github_actions():
    """A pipeline of example/shop deploys; its token names repository and branch."""
    ip, role, name = "192.0.2.140", "GitHubDeploy", "GitHubActions"
    host = "token.actions.githubusercontent.com"
    provider = f"arn:aws:iam::{SHOP}:oidc-provider/{host}"
    subject = "repo:example/shop:ref:refs/heads/main"
    caller = {"type": "WebIdentityUser", "principalId": f"{provider}:sts.amazonaws.com:{subject}", "userName": subject, "identityProvider": provider}
    at = "2026-03-06T12:00:00Z"
    token = issue(caller, at, ip, "AssumeRoleWithWebIdentity", SHOP, role, name, "ASIAGITHUBDEPEXAMPLE", "Mar 6, 2026, 1:00:00 PM", {},
                  {"subjectFromWebIdentityToken": subject, "provider": provider, "audience": "sts.amazonaws.com"})
    job = session(SHOP, role, name, "ASIAGITHUBDEPEXAMPLE", at)
    job["sessionContext"]["webIdFederationData"] = {"federatedProvider": provider, "attributes": {}}
    write("github-actions", SHOP, "20260306T1210Z", "sampleGitHubActi", [
        token,
        record(job, "2026-03-06T12:00:30Z", "ecr", "PutImage", ip, SHOP, False, {"repositoryName": "shop", "imageTag": "v42"}),
        record(job, "2026-03-06T12:01:00Z", "ecs", "UpdateService", ip, SHOP, False, {"service": "shop", "cluster": "main"}),
    ])


def instance_profile():
    """An instance whose metadata service still answers version 1 hands its role to whoever asks it."""
    role, instance = "ShopWeb", "i-0f00000000000b002"
    at = "2026-03-07T02:00:00Z"
    service = {"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}
    given = issue(service, at, "ec2.amazonaws.com", "AssumeRole", SHOP, role, instance, "ASIASHOPWEB00EXAMPLE", "Mar 7, 2026, 8:00:00 AM", {},
                  userAgent="ec2.amazonaws.com")
    del given["responseElements"]["assumedRoleUser"]
    web = session(SHOP, role, instance, "ASIASHOPWEB00EXAMPLE", at)
    web["sessionContext"]["ec2RoleDelivery"] = "1.0"
    write("instance-profile", SHOP, "20260307T0210Z", "sampleInstancePr", [
        given,
        record(web, "2026-03-07T02:05:00Z", "s3", "ListBuckets", "203.0.113.70", SHOP),
        record(web, "2026-03-07T02:06:00Z", "secretsmanager", "GetSecretValue", "203.0.113.70", SHOP, request={"secretId": "shop/db"}),
    ])


def lambda_function():
    """The function resize-images writes to a table it should not."""
    role, function = "ResizeImagesRole", "resize-images"
    at = "2026-03-07T09:50:00Z"
    service = {"type": "AWSService", "invokedBy": "lambda.amazonaws.com"}
    given = issue(service, at, "lambda.amazonaws.com", "AssumeRole", SHOP, role, function, "ASIALAMBDA000EXAMPLE", "Mar 7, 2026, 9:50:00 PM", {},
                  userAgent="lambda.amazonaws.com")
    del given["responseElements"]["assumedRoleUser"]
    run = session(SHOP, role, function, "ASIALAMBDA000EXAMPLE", at)
    write("lambda-function", SHOP, "20260307T1000Z", "sampleLambdaFunc", [
        given,
        record(run, "2026-03-07T09:50:02Z", "dynamodb", "DescribeTable", "198.51.100.77", SHOP, request={"tableName": "images"}),
        record(run, "2026-03-07T09:50:03Z", "dynamodb", "UpdateTable", "198.51.100.77", SHOP, False, {"tableName": "orders"},
               errorCode="AccessDenied",
               errorMessage=f"User: {run['arn']} is not authorized to perform: dynamodb:UpdateTable on resource: "
               f"arn:aws:dynamodb:{REGION}:{SHOP}:table/orders because no identity-based policy allows the dynamodb:UpdateTable action"),
    ])


def root_user():
    """Somebody signs in as root, without MFA, and closes the door behind them."""
    ip, at = "198.51.100.66", "2026-03-08T03:00:00Z"
    root = {"type": "Root", "principalId": DATABASE, "arn": f"arn:aws:iam::{DATABASE}:root", "accountId": DATABASE}
    sign_in = record(root, at, "signin", "ConsoleLogin", ip, DATABASE, False, None, {"ConsoleLogin": "Success"}, eventType="AwsConsoleSignIn",
                     additionalEventData={"LoginTo": "https://console.aws.amazon.com/console/home", "MobileVersion": "No", "MFAUsed": "No"})
    acting = dict(root, accessKeyId="ASIAROOT00000EXAMPLE",
                  sessionContext={"attributes": {"creationDate": at, "mfaAuthenticated": "false"}})
    write("root-user", DATABASE, "20260308T0310Z", "sampleRootUser01", [
        sign_in,
        record(acting, "2026-03-08T03:02:00Z", "iam", "DeactivateMFADevice", ip, DATABASE, False,
               {"userName": "bob", "serialNumber": f"arn:aws:iam::{DATABASE}:mfa/bob"}, sessionCredentialFromConsole="true"),
        record(acting, "2026-03-08T03:04:00Z", "cloudtrail", "StopLogging", ip, DATABASE, False,
               {"name": "main"}, sessionCredentialFromConsole="true"),
    ])


def console_switch():
    """Grace signs in to the console and switches to BillingAdmin, whose calls show keys that nobody issued."""
    ip, login, at = "203.0.113.80", "2026-03-08T08:00:00Z", "2026-03-08T08:30:00Z"
    grace = user(SECURITY, "grace", "")
    del grace["accessKeyId"]
    sign_in = record(grace, login, "signin", "ConsoleLogin", ip, SECURITY, False, None, {"ConsoleLogin": "Success"}, eventType="AwsConsoleSignIn",
                     additionalEventData={"LoginTo": "https://console.aws.amazon.com/console/home", "MobileVersion": "No", "MFAUsed": "Yes"})
    in_console = dict(user(SECURITY, "grace", "ASIAGRACECON1EXAMPLE"),
                      sessionContext={"attributes": {"creationDate": login, "mfaAuthenticated": "true"}})
    taken = assume(in_console, at, ip, SECURITY, SECURITY, "BillingAdmin", "grace", "ASIAGRACENOT1EXAMPLE", "Mar 8, 2026, 9:30:00 AM")
    taken[0]["userAgent"] = "AWS Signin, aws-internal/3"
    role = session(SECURITY, "BillingAdmin", "grace", "ASIAGRACECON2EXAMPLE", at, "true")
    target = {key: role[key] for key in ("type", "principalId", "arn", "accountId")}
    switch = record(target, at, "signin", "SwitchRole", ip, SECURITY, False, None, {"SwitchRole": "Success"}, eventType="AwsConsoleSignIn",
                    additionalEventData={"SwitchFrom": grace["arn"], "RedirectTo": "https://console.aws.amazon.com/billing/home"})
    again = session(SECURITY, "BillingAdmin", "grace", "ASIAGRACECON3EXAMPLE", at, "true")
    write("console-switch", SECURITY, "20260308T0840Z", "sampleConsoleSwi", [sign_in] + taken + [
        switch,
        record(role, "2026-03-08T08:31:10Z", "ce", "GetCostAndUsage", ip, SECURITY, sessionCredentialFromConsole="true"),
        record(again, "2026-03-08T08:33:00Z", "budgets", "DeleteBudget", ip, SECURITY, False, {"budgetName": "monthly"}, sessionCredentialFromConsole="true"),
    ])


def partner():
    """A partner's scanner comes in from its own account, whose logs are not ours."""
    ip, their_account = "192.0.2.200", "222233334444"
    role, name, key, at = "PartnerReadOnly", "scanner", "ASIAPARTNER00EXAMPLE", "2026-03-09T01:00:00Z"
    stranger = {"type": "AWSAccount", "principalId": "AROASCANNER000EXAMPLE:scanner", "accountId": their_account}
    came_in = issue(stranger, at, ip, "AssumeRole", SHOP, role, name, key, "Mar 9, 2026, 2:00:00 AM", {"externalId": "sample-external-id"},
                    sharedEventID=event_id("shared", at, role, name))
    scanner = session(SHOP, role, name, key, at)
    write("partner", SHOP, "20260309T0110Z", "samplePartner001", [
        came_in,
        record(scanner, "2026-03-09T01:00:10Z", "iam", "ListRoles", ip, SHOP),
        record(scanner, "2026-03-09T01:00:12Z", "s3", "GetBucketPolicy", ip, SHOP, request={"bucketName": "shop-assets"}),
    ])


def missing_issuer():
    """A session of NightlyBatch is at work; the call that made it is in no log we have."""
    ip, role = "198.51.100.90", "NightlyBatch"
    batch = session(SHOP, role, "batch", "ASIANIGHTLY00EXAMPLE", "2026-03-08T23:00:00Z")
    write("missing-issuer", SHOP, "20260309T0310Z", "sampleMissingIss", [
        record(batch, "2026-03-09T03:00:00Z", "rds", "CreateDBSnapshot", ip, SHOP, False, {"dBSnapshotIdentifier": "orders-nightly"}),
        record(batch, "2026-03-09T03:05:00Z", "s3", "ListBuckets", ip, SHOP),
    ])


def stolen_key():
    """Heidi takes ReportReader at her desk; twenty minutes later its key is used from another place and program."""
    ip, thief = "203.0.113.91", "198.51.100.222"
    heidi = user(SECURITY, "heidi", "AKIAHEIDI0000EXAMPLE")
    at = "2026-03-10T10:00:00Z"
    taken = assume(heidi, at, ip, SECURITY, SECURITY, "ReportReader", "heidi", "ASIASTOLEN000EXAMPLE", "Mar 10, 2026, 11:00:00 AM")
    reader = session(SECURITY, "ReportReader", "heidi", "ASIASTOLEN000EXAMPLE", at)
    write("stolen-key", SECURITY, "20260310T1030Z", "sampleStolenKey1", taken + [
        record(reader, "2026-03-10T10:02:00Z", "s3", "ListBuckets", ip, SECURITY),
        record(reader, "2026-03-10T10:20:00Z", "sts", "GetCallerIdentity", thief, SECURITY, userAgent="python-requests/2.32.0"),
        record(reader, "2026-03-10T10:21:00Z", "s3", "GetBucketPolicy", thief, SECURITY, request={"bucketName": "payroll"}, userAgent="python-requests/2.32.0"),
        record(reader, "2026-03-10T10:25:00Z", "s3", "ListBuckets", ip, SECURITY),
    ])


def back_door():
    """Ivan, as SupportAdmin, makes the user svc-backup and a key for it; a day later the key opens another role."""
    ip, later = "203.0.113.101", "198.51.100.150"
    ivan = user(SECURITY, "ivan", "AKIAIVAN00000EXAMPLE")
    at = "2026-03-11T16:00:00Z"
    taken = assume(ivan, at, ip, SECURITY, SECURITY, "SupportAdmin", "ivan", "ASIASUPPORTADEXAMPLE", "Mar 11, 2026, 5:00:00 PM")
    admin = session(SECURITY, "SupportAdmin", "ivan", "ASIASUPPORTADEXAMPLE", at)
    made = user(SECURITY, "svc-backup", "AKIABACKDOOR0EXAMPLE")
    made["principalId"] = "AIDASVCBACKUP0EXAMPLE"
    made_user = record(admin, "2026-03-11T16:05:00Z", "iam", "CreateUser", ip, SECURITY, False, {"userName": "svc-backup"},
                       {"user": {"path": "/", "userName": "svc-backup", "userId": made["principalId"], "arn": made["arn"],
                                 "createDate": "Mar 11, 2026, 4:05:00 PM"}})
    made_key = record(admin, "2026-03-11T16:06:00Z", "iam", "CreateAccessKey", ip, SECURITY, False, {"userName": "svc-backup"},
                      {"accessKey": {"userName": "svc-backup", "accessKeyId": made["accessKeyId"], "status": "Active",
                                     "createDate": "Mar 11, 2026, 4:06:00 PM"}})
    write("back-door", SECURITY, "20260311T1610Z", "sampleBackDoor01", taken + [made_user, made_key])
    then = "2026-03-12T02:00:00Z"
    opened = assume(made, then, later, SECURITY, SECURITY, "DataExport", "backup", "ASIADATAEXPOREXAMPLE", "Mar 12, 2026, 3:00:00 AM")
    export = session(SECURITY, "DataExport", "backup", "ASIADATAEXPOREXAMPLE", then)
    write("back-door", SECURITY, "20260312T0210Z", "sampleBackDoor02", opened + [
        record(export, "2026-03-12T02:01:00Z", "rds", "ModifyDBSnapshotAttribute", later, SECURITY, False,
               {"dBSnapshotIdentifier": "orders-nightly", "attributeName": "restore", "valuesToAdd": ["222233334444"]}),
    ])


STORIES = (
    analyst, three_accounts, same_name, damaged, single_sign_on, github_actions, instance_profile, lambda_function, root_user,
    console_switch, partner, missing_issuer, stolen_key, back_door,
)

if __name__ == "__main__":
    for story in STORIES:
        story()
