//! How much everybody does, and what their calls look like, where the logs are to be as large and as mixed as real ones.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::dice::Dice;
use super::estate::{Estate, Session, Truth};
use super::{SCENES, Scene};

/// How often each scene is acted, among all; those that are not named once. Most of what happens in an account is done by machines.
const WEIGHTS: [(&str, u64); 14] = [
    ("EC2 instance", 6),
    ("EC2 instance, use only", 20),
    ("Lambda function", 40),
    ("Lambda function, use only", 20),
    ("ECS task", 40),
    ("EKS service account", 20),
    ("EKS Pod Identity", 10),
    ("GitHub Actions, two in a second", 10),
    ("service-linked role", 60),
    ("service event", 10),
    ("console sign-in", 4),
    ("Identity Center", 6),
    ("role, one hop", 4),
    ("IAM user with a key", 4),
];

/// Acts a day's share: scenes at any time of the day until there are as many records, each scene's handed over as soon as it ends.
pub fn act_day(
    estate: &mut Estate,
    day: DateTime<Utc>,
    records: usize,
    mut hand_over: impl FnMut(Vec<Value>),
) {
    let mut scenes: Vec<(&'static str, Scene)> = Vec::new();
    for scene in SCENES {
        let weight = WEIGHTS.iter().find(|(name, _)| *name == scene.0);
        let times = weight.map_or(1, |(_, weight)| *weight);
        scenes.extend(std::iter::repeat_n(scene, usize::try_from(times).unwrap()));
    }
    let mut done = 0;
    while done < records {
        let (case, scene) = *estate.dice.pick(&scenes);
        estate.case = case;
        let seconds = estate.dice.below(86_400);
        estate.now = day + TimeDelta::seconds(i64::try_from(seconds).unwrap());
        estate.load = Some(Load {
            left: records - done,
        });
        scene(estate);
        let acted = std::mem::take(&mut estate.records);
        done += acted.len();
        hand_over(acted);
    }
}

/// How busy everybody is.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Records that are still wanted.
    left: usize,
}

/// Gives a call what real ones have beside what the scene says.
pub fn dress(dice: &mut Dice, record: &mut Value) {
    let region = *dice.pick(&REGIONS);
    record["awsRegion"] = json!(region);
    let agent = &record["userAgent"];
    if agent == "aws-cli/2.27.0" {
        record["userAgent"] = json!(dice.pick(&AGENTS));
        let network = dice.below(200);
        record["sourceIPAddress"] = json!(format!("203.0.{network}.{}", dice.below(250)));
    }
    let host = record["eventSource"].as_str().unwrap_or_default();
    let host = host.replace("amazonaws.com", &format!("{region}.amazonaws.com"));
    record["tlsDetails"] = json!({
        "tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256", "clientProvidedHostHeader": host,
    });
}

const REGIONS: [&str; 10] = [
    "us-east-1",
    "us-east-1",
    "us-east-1",
    "us-east-1",
    "us-east-1",
    "us-east-1",
    "eu-west-1",
    "eu-west-1",
    "us-west-2",
    "ap-southeast-2",
];

const AGENTS: [&str; 8] = [
    "aws-cli/2.27.0 md/awscrt#0.26.1 ua/2.1 os/linux#6.8.0 md/arch#x86_64 lang/python#3.13.3 md/pyimpl#CPython cfg/retry-mode#standard md/installer#exe md/prompt#off md/command#s3.cp",
    "aws-sdk-java/2.31.40 md/io#sync md/http#Apache ua/2.1 os/Linux#6.1.134 lang/java#21.0.7 md/OpenJDK_64-Bit_Server_VM md/vendor#Amazon.com_Inc. md/en_US cfg/auth-source#imds m/N,E",
    "Boto3/1.38.0 md/Botocore#1.38.0 ua/2.1 os/linux#5.10.235 md/arch#aarch64 lang/python#3.12.10 md/pyimpl#CPython exec-env/AWS_Lambda_python3.12 cfg/retry-mode#legacy Botocore/1.38.0",
    "aws-sdk-go-v2/1.36.3 ua/2.1 os/linux lang/go#1.24.2 md/GOOS#linux md/GOARCH#amd64 api/dynamodb#1.43.1 m/E,g",
    "APN/1.0 HashiCorp/1.0 Terraform/1.11.4 (+https://www.terraform.io) terraform-provider-aws/5.95.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.36.3 ua/2.1 os/linux",
    "kube-controller-manager/v1.32 (linux/amd64)",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/136.0.0.0 Safari/537.36",
    "aws-sdk-rust/1.3.7 ua/2.1 os/linux lang/rust#1.86.0",
];

type Parameters = fn(&mut Dice, &str) -> (Value, Value, Vec<(String, &'static str)>);

/// One kind of call: service, name, whether it is a data event, and its request, answer and resources.
type Call = (&'static str, &'static str, bool, Parameters);

const BY_MACHINES: [Call; 10] = [
    ("s3", "GetObject", true, object),
    ("s3", "PutObject", true, object),
    ("dynamodb", "GetItem", true, item),
    ("dynamodb", "PutItem", true, item),
    ("kms", "Decrypt", false, decrypt),
    ("secretsmanager", "GetSecretValue", false, secret),
    ("sqs", "ReceiveMessage", true, queue),
    ("logs", "CreateLogStream", false, stream),
    ("ecr", "BatchGetImage", false, image),
    ("ssm", "GetParameters", false, parameters),
];

const BY_PEOPLE: [Call; 8] = [
    ("ec2", "DescribeInstances", false, describe),
    ("ec2", "DescribeSecurityGroups", false, describe),
    ("iam", "ListAttachedRolePolicies", false, role),
    ("iam", "GetRole", false, role),
    ("s3", "GetBucketPolicy", false, bucket),
    ("lambda", "UpdateFunctionCode20150331v2", false, function),
    ("cloudformation", "DescribeStacks", false, stack),
    ("ec2", "AuthorizeSecurityGroupIngress", false, ingress),
];

/// What a session does in a load: a machine much more than a person, and some much more than most.
pub fn work(estate: &mut Estate, who: &Session) {
    let is_machine = !matches!(
        &who.truth,
        Truth::Origin(
            "iam_user" | "root" | "identity_center_user" | "saml_user" | "federated_user",
            _
        )
    );
    let dice = &mut estate.dice;
    // Each order of magnitude is as likely as the next.
    let magnitude = dice.below(if is_machine { 7 } else { 5 });
    let calls = (1 << magnitude) * (2 + dice.below(4));
    let pause = if is_machine { 30 } else { 120 };
    let left = estate.load.map_or(0, |load| load.left) as u64;
    for _ in 0..calls.min(left) {
        let seconds = estate.dice.below(pause);
        estate.pass(seconds);
        let dice = &mut estate.dice;
        let kinds: &[Call] = if is_machine { &BY_MACHINES } else { &BY_PEOPLE };
        // The first ones more often than the last.
        let at = dice
            .below(kinds.len() as u64)
            .min(dice.below(kinds.len() as u64));
        let (source, name, is_data, make) = kinds[usize::try_from(at).unwrap()];
        let account = who.account();
        let (request, answer, resources) = make(dice, &account);
        let is_refused = dice.one_in(50);
        estate.call(who, source, name, |record| {
            record["requestParameters"] = request;
            record["responseElements"] = answer;
            if !resources.is_empty() {
                let list = resources.iter().map(|(arn, kind)| json!({ "accountId": account, "type": kind, "ARN": arn }));
                record["resources"] = list.collect();
            }
            if is_data {
                record["eventCategory"] = json!("Data");
                record["managementEvent"] = json!(false);
            }
            if is_refused {
                record["errorCode"] = json!("AccessDenied");
                let arn = record["userIdentity"]["arn"].as_str().unwrap_or("somebody");
                let on = resources.first().map_or("*", |(arn, _)| arn.as_str());
                record["errorMessage"] = json!(format!(
                    "User: {arn} is not authorized to perform: {source}:{name} on resource: {on} because no identity-based policy allows the {source}:{name} action"
                ));
                record["responseElements"] = Value::Null;
            }
        });
    }
}

type Made = (Value, Value, Vec<(String, &'static str)>);

fn object(dice: &mut Dice, account: &str) -> Made {
    let bucket = format!("orders-{account}-{}", dice.below(12));
    let key = format!("in/2026/{:02}/{}.json.gz", dice.below(12), dice.hex(24));
    let arns = vec![
        (format!("arn:aws:s3:::{bucket}/{key}"), "AWS::S3::Object"),
        (format!("arn:aws:s3:::{bucket}"), "AWS::S3::Bucket"),
    ];
    let host = format!("{bucket}.s3.us-east-1.amazonaws.com");
    (
        json!({ "bucketName": bucket, "Host": host, "key": key }),
        Value::Null,
        arns,
    )
}

fn item(dice: &mut Dice, account: &str) -> Made {
    let table = format!("orders-{}", dice.below(6));
    let arn = format!("arn:aws:dynamodb:us-east-1:{account}:table/{table}");
    let request =
        json!({ "tableName": table, "key": { "id": dice.hex(12) }, "consistentRead": false });
    (request, Value::Null, vec![(arn, "AWS::DynamoDB::Table")])
}

fn decrypt(dice: &mut Dice, account: &str) -> Made {
    let mut key = Dice::of(dice.below(8), account);
    let arn = format!("arn:aws:kms:us-east-1:{account}:key/{}", key.uuid());
    let request = json!({
        "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "encryptionContext": { "aws:s3:arn": format!("arn:aws:s3:::orders-{account}-{}", dice.below(12)) },
    });
    (request, Value::Null, vec![(arn, "AWS::KMS::Key")])
}

fn secret(dice: &mut Dice, account: &str) -> Made {
    let id = format!(
        "arn:aws:secretsmanager:us-east-1:{account}:secret:db/{}",
        dice.below(30)
    );
    (json!({ "secretId": id }), Value::Null, Vec::new())
}

fn queue(dice: &mut Dice, account: &str) -> Made {
    let name = format!("orders-{}", dice.below(9));
    let request = json!({
        "queueUrl": format!("https://sqs.us-east-1.amazonaws.com/{account}/{name}"),
        "maxNumberOfMessages": 10, "waitTimeSeconds": 20, "attributeNames": ["All"],
    });
    let arn = format!("arn:aws:sqs:us-east-1:{account}:{name}");
    (request, Value::Null, vec![(arn, "AWS::SQS::Queue")])
}

fn stream(dice: &mut Dice, _: &str) -> Made {
    let request = json!({
        "logGroupName": format!("/aws/lambda/orders-{}", dice.below(40)),
        "logStreamName": format!("2026/05/04/[$LATEST]{}", dice.hex(32)),
    });
    (request, Value::Null, Vec::new())
}

fn image(dice: &mut Dice, account: &str) -> Made {
    let repository = format!("shop/cart-{}", dice.below(5));
    let arn = format!("arn:aws:ecr:us-east-1:{account}:repository/{repository}");
    let request = json!({
        "registryId": account, "repositoryName": repository,
        "imageIds": [{ "imageDigest": format!("sha256:{}", dice.hex(64)) }],
        "acceptedMediaTypes": ["application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"],
    });
    (request, Value::Null, vec![(arn, "AWS::ECR::Repository")])
}

fn parameters(dice: &mut Dice, _: &str) -> Made {
    let names: Vec<String> = (0..=dice.below(6))
        .map(|at| format!("/shop/prod/setting-{at}"))
        .collect();
    (
        json!({ "names": names, "withDecryption": true }),
        Value::Null,
        Vec::new(),
    )
}

fn describe(dice: &mut Dice, _: &str) -> Made {
    let items: Vec<Value> = (0..dice.below(4))
        .map(|_| json!({ "value": format!("i-{}", dice.hex(17)) }))
        .collect();
    let request =
        json!({ "maxResults": 1000, "filterSet": { "items": items }, "instancesSet": {} });
    (request, Value::Null, Vec::new())
}

fn role(dice: &mut Dice, _: &str) -> Made {
    (
        json!({ "roleName": format!("service-{}", dice.below(50)) }),
        Value::Null,
        Vec::new(),
    )
}

fn bucket(dice: &mut Dice, account: &str) -> Made {
    let bucket = format!("orders-{account}-{}", dice.below(12));
    let arn = format!("arn:aws:s3:::{bucket}");
    let request =
        json!({ "bucketName": bucket, "Host": "s3.us-east-1.amazonaws.com", "policy": "" });
    (request, Value::Null, vec![(arn, "AWS::S3::Bucket")])
}

fn function(dice: &mut Dice, account: &str) -> Made {
    let name = format!("orders-{}", dice.below(5));
    let arn = format!("arn:aws:lambda:us-east-1:{account}:function:{name}");
    let request = json!({ "functionName": arn, "publish": false, "dryRun": false, "s3Bucket": "deploy", "s3Key": dice.hex(20) });
    let answer = json!({
        "functionName": name, "functionArn": arn, "runtime": "python3.12", "codeSize": dice.below(9_000_000),
        "role": format!("arn:aws:iam::{account}:role/service-role/{name}-fn"), "handler": "app.handler", "timeout": 30,
        "codeSha256": dice.hex(44), "version": "$LATEST", "revisionId": dice.uuid(), "state": "Active", "packageType": "Zip",
        "environment": {}, "tracingConfig": { "mode": "PassThrough" }, "memorySize": 512, "layers": [],
    });
    (request, answer, Vec::new())
}

fn stack(dice: &mut Dice, _: &str) -> Made {
    (
        json!({ "stackName": format!("shop-{}", dice.below(20)) }),
        Value::Null,
        Vec::new(),
    )
}

fn ingress(dice: &mut Dice, _: &str) -> Made {
    let group = format!("sg-{}", dice.hex(17));
    let request = json!({
        "groupId": group,
        "ipPermissions": { "items": [{ "groups": {}, "fromPort": 443, "toPort": 443, "ipProtocol": "tcp", "ipRanges": { "items": [{ "cidrIp": "10.0.0.0/8" }] } }] },
    });
    let answer = json!({
        "requestId": dice.uuid(), "_return": true,
        "securityGroupRuleSet": { "items": [{ "groupId": group, "securityGroupRuleId": format!("sgr-{}", dice.hex(17)), "fromPort": 443, "toPort": 443 }] },
    });
    (request, answer, Vec::new())
}
