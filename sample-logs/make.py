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


if __name__ == "__main__":
    for story in (analyst, three_accounts, same_name, damaged):
        story()
