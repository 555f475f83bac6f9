//! Reads the files that say what is granted, whatever of the known forms they have.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize as _;
use serde_json::Value;

use super::credentials::Credentials;
use super::document::{Policy, PolicyError};
use super::export::{Export, merge};
use super::grants::{GrantedPolicy, Grants, PolicySource};

/// What can be wrong with a file of grants as a whole.
#[derive(Debug, thiserror::Error)]
pub enum GrantsError {
    /// It cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// It is no JSON.
    #[error("{} is neither JSON nor a credential report", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where it ends to be.
        #[source]
        source: serde_json::Error,
    },
    /// It is a credential report with an error in it.
    #[error("{} is a broken credential report", path.display())]
    Report {
        /// The file.
        path: PathBuf,
        /// Which line.
        #[source]
        source: csv::Error,
    },
    /// It is a policy with an error in it.
    #[error("{} is no policy", path.display())]
    Policy {
        /// The file.
        path: PathBuf,
        /// Which statement.
        #[source]
        source: PolicyError,
    },
    /// It is JSON of another kind.
    #[error("{}: {what}", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
        /// What it is not.
        what: String,
    },
}

impl Grants {
    /// Reads files, each an authorization export, a credential report or a policy.
    pub fn read(paths: &[PathBuf]) -> Result<Self, GrantsError> {
        let mut grants = Self::default();
        let mut exports = Vec::new();
        for path in paths {
            let text = std::fs::read(path).map_err(|source| GrantsError::Read {
                path: path.clone(),
                source,
            })?;
            grants.take_file(path, &String::from_utf8_lossy(&text), &mut exports)?;
        }
        merge(exports, &mut grants);
        Ok(grants)
    }

    fn take_file(
        &mut self,
        path: &Path,
        text: &str,
        exports: &mut Vec<(String, Export)>,
    ) -> Result<(), GrantsError> {
        if Credentials::is_report(text) {
            return self.take_report(path, text);
        }
        let json = |source| GrantsError::Json {
            path: path.to_owned(),
            source,
        };
        let mut values = 0;
        for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
            self.take_value(path, value.map_err(json)?, exports)?;
            values += 1;
        }
        if values == 0 {
            return Err(unknown(path, "the file is empty"));
        }
        Ok(())
    }

    fn take_value(
        &mut self,
        path: &Path,
        value: Value,
        exports: &mut Vec<(String, Export)>,
    ) -> Result<(), GrantsError> {
        let file = path.display().to_string();
        if Export::is_one(&value) {
            let export =
                Export::deserialize(without_nulls(value)).map_err(|source| GrantsError::Json {
                    path: path.to_owned(),
                    source,
                })?;
            exports.push((file, export));
            return Ok(());
        }
        if let Some(content) = value.get("Content").and_then(Value::as_str) {
            let report = BASE64_STANDARD
                .decode(content)
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .filter(|text| Credentials::is_report(text))
                .ok_or_else(|| unknown(path, "`Content` is no credential report in Base64"))?;
            return self.take_report(path, &report);
        }
        // What `get-policy-version` and `get-role-policy` answer holds the policy.
        let document = value
            .pointer("/PolicyVersion/Document")
            .or_else(|| value.get("PolicyDocument"))
            .unwrap_or(&value);
        if document.get("Statement").is_none() && !document.is_string() {
            let what = "neither an answer of get-account-authorization-details, nor a credential report, nor a policy";
            return Err(unknown(path, what));
        }
        let policy = Policy::from_nested(document).map_err(|source| GrantsError::Policy {
            path: path.to_owned(),
            source,
        })?;
        self.loose.push(GrantedPolicy {
            source: PolicySource::File(file),
            policy: policy.into(),
        });
        Ok(())
    }

    fn take_report(&mut self, path: &Path, text: &str) -> Result<(), GrantsError> {
        let rows = Credentials::read(text).map_err(|source| GrantsError::Report {
            path: path.to_owned(),
            source,
        })?;
        self.credentials.extend(rows);
        Ok(())
    }
}

/// Without the fields that are null: some tools print lists that are empty as null.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(
                kept.map(|(name, value)| (name, without_nulls(value)))
                    .collect(),
            )
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

fn unknown(path: &Path, what: &str) -> GrantsError {
    GrantsError::Unknown {
        path: path.to_owned(),
        what: what.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::evaluate::Decision;
    use super::super::grants::PrincipalKind;
    use super::*;

    fn read(texts: &[&str]) -> Result<Grants, GrantsError> {
        let folder = tempfile::tempdir().unwrap();
        let paths = texts.iter().enumerate().map(|(at, text)| {
            let path = folder.path().join(format!("{at}.json"));
            std::fs::write(&path, text).unwrap();
            path
        });
        Grants::read(&paths.collect::<Vec<_>>())
    }

    const EXPORT: &str = r#"{
      "UserDetailList":[{"UserName":"alice","UserId":"AIDA1","Arn":"arn:aws:iam::111122223333:user/alice","GroupList":["ops","gone"],"AttachedManagedPolicies":null,
        "UserPolicyList":[{"PolicyName":"own","PolicyDocument":"%7B%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22sqs%3A%2A%22%2C%22Resource%22%3A%22%2A%22%7D%7D"}],
        "PermissionsBoundary":{"PermissionsBoundaryType":"Policy","PermissionsBoundaryArn":"arn:aws:iam::111122223333:policy/cap"}}],
      "GroupDetailList":[{"GroupName":"ops","GroupId":"AGPA1","Arn":"arn:aws:iam::111122223333:group/ops","AttachedManagedPolicies":[{"PolicyName":"p","PolicyArn":"arn:aws:iam::111122223333:policy/p"}]}],
      "RoleDetailList":[{"RoleName":"r","RoleId":"AROA1","Arn":"arn:aws:iam::111122223333:role/x/r","RolePolicyList":[{"PolicyName":"bad","PolicyDocument":{"Statement":[{"Effect":"Allow","Actoin":"s3:*","Resource":"*"}]}}],
        "AttachedManagedPolicies":[{"PolicyName":"AdministratorAccess","PolicyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}],
        "AssumeRolePolicyDocument":{"Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}}]}"#;
    const POLICIES: &str = r#"{"Policies":[
      {"Arn":"arn:aws:iam::111122223333:policy/p","DefaultVersionId":"v2","PolicyVersionList":[
        {"VersionId":"v1","Document":{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}},
        {"VersionId":"v2","IsDefaultVersion":true,"Document":{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}}]},
      {"Arn":"arn:aws:iam::111122223333:policy/cap","DefaultVersionId":"v1","PolicyVersionList":[
        {"VersionId":"v1","IsDefaultVersion":true,"Document":{"Statement":{"Effect":"Allow","Action":["s3:Get*","sqs:*"],"Resource":"*"}}}]}]}"#;

    #[test]
    fn pages_of_several_files_are_one_account() {
        let grants = read(&[EXPORT, POLICIES]).unwrap();
        let alice = &grants.principals["arn:aws:iam::111122223333:user/alice"];
        assert_eq!((alice.kind, alice.policies.len()), (PrincipalKind::User, 2));
        assert_eq!(alice.unknown, ["group gone"]);
        assert_eq!(alice.decide("sqs:SendMessage", "*"), Decision::Allowed);
        assert_eq!(
            alice.decide("s3:GetObject", "arn:aws:s3:::b/k"),
            Decision::Allowed
        );
        assert_eq!(
            alice.decide("s3:PutObject", "arn:aws:s3:::b/k"),
            Decision::ImplicitlyDenied
        );
        let role = &grants.principals["arn:aws:iam::111122223333:role/x/r"];
        assert_eq!(
            role.unknown,
            ["inline bad", "arn:aws:iam::aws:policy/AdministratorAccess"]
        );
        assert_eq!(
            role.trust.as_ref().unwrap().statements[0].principals[0].1,
            "ec2.amazonaws.com"
        );
        let [problem] = grants.problems.as_slice() else {
            panic!("{:?}", grants.problems);
        };
        assert!(problem.contains(r#"policy bad of arn:aws:iam::111122223333:role/x/r: statement 1: there is no element "Actoin"; is `Action` meant?"#), "{problem}");
        let together = format!("{EXPORT}\n{POLICIES}");
        assert_eq!(read(&[&together]).unwrap().principals.len(), 2);
    }

    #[test]
    fn a_credential_report_tells_of_keys() {
        let report = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated
alice,arn:aws:iam::111122223333:user/alice,2020-01-01T00:00:00+00:00,true,no_information,2020-01-01T00:00:00+00:00,N/A,false,true,2020-01-01T00:00:00+00:00,N/A,N/A,N/A,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A
";
        let wrapped = format!(
            r#"{{"Content":"{}","ReportFormat":"text/csv"}}"#,
            BASE64_STANDARD.encode(report)
        );
        for text in [report, &wrapped] {
            let grants = read(&[text]).unwrap();
            let [alice] = grants.credentials.as_slice() else {
                panic!("one user");
            };
            assert!(alice.has_password() && !alice.has_mfa());
            let keys: Vec<_> = alice.active_keys().collect();
            assert_eq!(keys.len(), 1);
            assert_eq!(
                (keys[0].rotated, keys[0].used),
                (Some("2020-01-01T00:00:00+00:00"), None)
            );
        }
    }

    #[test]
    fn a_file_may_hold_one_policy_and_errors_name_the_file() {
        let policy = r#"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;
        let version = format!(r#"{{"PolicyVersion":{{"Document":{policy}}}}}"#);
        assert_eq!(read(&[policy, &version]).unwrap().loose.len(), 2);
        for (text, message) in [
            ("", "0.json: the file is empty"),
            ("{", "0.json is neither JSON nor a credential report"),
            (
                "{}",
                "0.json: neither an answer of get-account-authorization-details",
            ),
            (r#"{"Statement":[{}]}"#, "0.json is no policy"),
            (
                r#"{"Content":"AA=="}"#,
                "0.json: `Content` is no credential report in Base64",
            ),
        ] {
            let error = read(&[text]).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
        assert!(read(&[&"[".repeat(100_000)]).is_err());
    }
}
