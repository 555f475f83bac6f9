// Random policies and requests, decided by rolecall and by @cloud-copilot/iam-simulate; any disagreement fails.
//
//     node policies.mjs ROLECALL LAKE [PAIRS] [SEED]
//
// rolecall says `conditional` where it depends on a condition; the other one is then asked under every context that matters, and
// where rolecall is sure, all its answers must be the same. A `*` in the middle of an ARN is only used where both read the manual in
// one way: within a part, or at the end; and none stands in the resource type (`arn:…:ro?e/x`), which the manual forbids.

import { execFileSync } from "node:child_process";
import { runSimulation } from "@cloud-copilot/iam-simulate";

const [rolecall, lake, pairs = "3000", seed = "7"] = process.argv.slice(2);

// mulberry32: the same pairs on every machine.
let state = Number(seed) >>> 0;
function random() {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = state;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const pick = (list) => list[Math.floor(random() * list.length)];
const some = (list, most) => Array.from({ length: 1 + Math.floor(random() * most) }, () => pick(list));
const chance = (p) => random() < p;

const ACCOUNT = "111122223333";
const REGION = "eu-west-1";
const names = ["alpha", "beta", "alpha-log", "a"];
const resources = {
  object: () => `arn:aws:s3:::${pick(names)}/${pick(names)}/${pick(names)}`,
  bucket: () => `arn:aws:s3:::${pick(names)}`,
  queue: () => `arn:aws:sqs:${REGION}:${ACCOUNT}:${pick(names)}`,
  table: () => `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/${pick(names)}`,
  role: () => `arn:aws:iam::${ACCOUNT}:role/${pick(names)}`,
  instance: () => `arn:aws:ec2:${REGION}:${ACCOUNT}:instance/${pick(names)}`,
  none: () => "*",
};
const actions = [
  ["s3:GetObject", "object"], ["s3:PutObject", "object"], ["s3:DeleteObject", "object"],
  ["s3:ListBucket", "bucket"], ["s3:GetBucketPolicy", "bucket"], ["s3:ListAllMyBuckets", "none"],
  ["sqs:SendMessage", "queue"], ["sqs:ReceiveMessage", "queue"], ["sqs:ListQueues", "none"],
  ["dynamodb:GetItem", "table"], ["dynamodb:PutItem", "table"], ["dynamodb:ListTables", "none"],
  ["iam:PassRole", "role"], ["iam:GetRole", "role"], ["iam:ListRoles", "none"],
  ["ec2:StartInstances", "instance"], ["ec2:DescribeInstances", "none"],
];

const upper = (text) => (chance(0.2) ? text.toUpperCase() : text);
function actionPattern() {
  const [action] = pick(actions);
  const [prefix, name] = action.split(":");
  const cut = 1 + Math.floor(random() * name.length);
  return pick([
    () => action,
    () => upper(action),
    () => `${prefix}:*`,
    () => "*",
    () => `${prefix}:${name.slice(0, cut)}*`,
    () => `${prefix}:*${name.slice(cut - 1)}`,
    () => `${prefix}:${name.slice(0, cut - 1)}?${name.slice(cut)}`,
  ])();
}
function resourcePattern() {
  const [, kind] = pick(actions);
  const arn = resources[kind]();
  if (arn === "*" || chance(0.15)) return "*";
  const part = arn.lastIndexOf(":") + 1;
  const typed = arn.startsWith("arn:aws:s3") ? -1 : arn.indexOf("/");
  const at = Math.max(part, typed + 1);
  const cut = at + Math.floor(random() * (arn.length - at));
  return pick([
    () => arn,
    () => `${arn.slice(0, cut)}*`,
    () => `${arn.slice(0, cut)}?${arn.slice(cut + 1)}`,
    () => `${arn.slice(0, at)}*`,
    () => `${arn.slice(0, part)}*`,
    () => `${arn.slice(0, at)}*${arn.slice(cut)}`,
  ])();
}

const TAG = "aws:PrincipalTag/team";
function condition() {
  const values = pick([["red"], ["blue"], ["red", "blue"], ["green"]]);
  return { [pick(["StringEquals", "StringNotEquals", "StringEqualsIfExists", "StringLike"])]: { [TAG]: values } };
}
const contexts = [{}, { [TAG]: "red" }, { [TAG]: "blue" }, { [TAG]: "green" }, { [TAG]: "grey" }];

function scalar(list) {
  return list.length === 1 && chance(0.5) ? list[0] : list;
}
function statement() {
  const made = { Effect: chance(0.75) ? "Allow" : "Deny" };
  made[chance(0.85) ? "Action" : "NotAction"] = scalar(some([0, 1, 2].map(actionPattern), 3));
  made[chance(0.85) ? "Resource" : "NotResource"] = scalar(some([0, 1, 2].map(resourcePattern), 3));
  if (chance(0.2)) made.Condition = condition();
  return made;
}
function policy() {
  const statements = Array.from({ length: 1 + Math.floor(random() * 4) }, statement);
  return { Version: "2012-10-17", Statement: scalar(statements) };
}

const cases = Array.from({ length: Number(pairs) }, () => {
  const [action, kind] = pick(actions);
  return { policy: policy(), action, resource: resources[kind]() };
});

function ours(batch) {
  const quote = (text) => `'${text.replaceAll("'", "''")}'`;
  const rows = batch.map((it, n) => `(${n}, ${[JSON.stringify(it.policy), it.action, it.resource].map(quote).join(", ")})`);
  const sql = `SELECT n, policy_decision(policy, action, resource) AS decision
               FROM (VALUES ${rows.join(", ")}) AS t(n, policy, action, resource) ORDER BY n`;
  const out = execFileSync(rolecall, ["--lake", lake, "--format", "jsonl", "sql", sql], { encoding: "utf8", maxBuffer: 1 << 26 });
  return out.trim().split("\n").map((line) => JSON.parse(line).decision);
}

async function theirs(it, contextVariables) {
  const answer = await runSimulation(
    {
      request: {
        principal: `arn:aws:iam::${ACCOUNT}:user/alice`,
        action: it.action,
        resource: { resource: it.resource, accountId: ACCOUNT },
        contextVariables,
      },
      identityPolicies: [{ name: "p", policy: it.policy }],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
    },
    {},
  );
  if (answer.resultType === "error") throw new Error(JSON.stringify(answer.errors ?? answer));
  const word = answer.overallResult ?? answer.result?.evaluationResult;
  return { Allowed: "allowed", ImplicitlyDenied: "implicitly_denied", ExplicitlyDenied: "explicitly_denied" }[word] ?? `unknown: ${word}`;
}

const counts = {};
let disagreements = 0;
let depends = 0;
for (let from = 0; from < cases.length; from += 100) {
  const batch = cases.slice(from, from + 100);
  const decisions = ours(batch);
  for (const [n, it] of batch.entries()) {
    const decision = decisions[n];
    const answers = new Set();
    const asked = JSON.stringify(it.policy).includes(TAG) ? contexts : [{}];
    for (const context of asked) answers.add(await theirs(it, context));
    counts[decision] = (counts[decision] ?? 0) + 1;
    // Where we are sure, all contexts must say the same as we; but what nothing allows may also be denied under conditions.
    const same = answers.size === 1 && answers.has(decision);
    const agree =
      decision === "conditional" ? asked.length > 1
      : decision === "implicitly_denied" && asked.length > 1 ? !answers.has("allowed")
      : same;
    if (decision === "conditional" && answers.size > 1) depends += 1;
    if (!agree) {
      disagreements += 1;
      if (disagreements <= 5) console.error(JSON.stringify({ ours: decision, theirs: [...answers], ...it }));
    }
  }
}
console.log(`${cases.length} pairs, seed ${seed}: ${JSON.stringify(counts)}; of the conditional ones ${depends} depend on the context there too`);
console.log(`${disagreements} disagreements`);
process.exit(disagreements === 0 && cases.length > 0 ? 0 : 1);
