//! What can go wrong with a bucket, in words that name it and say what to do.

use std::io;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

/// What can go wrong with a bucket.
#[derive(Debug, thiserror::Error)]
pub enum S3Error {
    /// A URI without a bucket.
    #[error("`{0}` names no bucket")]
    NoBucket(String),
    /// A prefix with empty parts, dots or control characters.
    #[error("the prefix of `{0}` is none that a lake can have")]
    Prefix(String),
    /// No key begins like that.
    #[error("nothing lies under `{0}`")]
    Nothing(String),
    /// A bucket or a queue could not be reached or read.
    #[error("cannot read `{place}`: {detail}")]
    Refused {
        /// The bucket's or the queue's URI.
        place: String,
        /// The service's code, such as `AccessDenied`; empty where it did not answer.
        code: String,
        /// What it says.
        detail: String,
    },
}

/// What can be done where no credentials were found, or they have ended.
pub(crate) const NO_CREDENTIALS: &str = "no credentials were found: sign in (`aws sso login`), name a profile with `--profile`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; `aws configure list-profiles` shows the profiles that there are";

impl S3Error {
    pub(crate) fn of<E>(place: &str, error: &SdkError<E>) -> Self
    where
        SdkError<E>: ProvideErrorMetadata,
        E: std::error::Error + 'static,
    {
        let (code, detail) = told(error);
        Self::Refused {
            place: place.to_owned(),
            code,
            detail,
        }
    }

    /// What the user can do about it.
    pub fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::NoBucket(_) => "write `s3://BUCKET/PREFIX`",
            Self::Nothing(uri) if uri.contains('*') => {
                "patterns are for files on disk; name a folder of the bucket, and `--from`, `--account` and `--region` for a part of it"
            }
            Self::Nothing(_) => "check the spelling; a folder is read with all its subfolders",
            Self::Prefix(_) => "name one without empty parts, `.`, `..` and control characters",
            Self::Refused { place, code, .. }
                if !place.starts_with("s3://") && code.contains("AccessDenied") =>
            {
                "the identity needs sqs:ReceiveMessage and sqs:DeleteMessage on the queue, and kms:Decrypt where it is encrypted with a key of KMS"
            }
            Self::Refused { code, detail, .. } => match hint_of(code) {
                Some(hint) => hint,
                None if detail.contains("redential") || detail.contains("IMDS") => NO_CREDENTIALS,
                None => "check the network, `--endpoint-url` and `--aws-region`",
            },
        };
        vec![hint.to_owned()]
    }
}

/// A refusal of S3 that came as text.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {message}")]
pub(crate) struct Refusal {
    code: String,
    message: String,
}

impl Refusal {
    /// What an answer in XML says, somewhere in a text.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let part = |name: &str| {
            let (_, rest) = text.split_once(&format!("<{name}>"))?;
            Some(rest.split_once(&format!("</{name}>"))?.0.to_owned())
        };
        Some(Self {
            code: part("Code")?,
            message: part("Message").unwrap_or_default(),
        })
    }

    /// The nearest kind of an error of the system.
    pub(crate) fn kind(&self) -> io::ErrorKind {
        match self.code.as_str() {
            "AccessDenied" => io::ErrorKind::PermissionDenied,
            "NoSuchKey" | "NoSuchBucket" => io::ErrorKind::NotFound,
            "PreconditionFailed" => io::ErrorKind::AlreadyExists,
            _ => io::ErrorKind::Other,
        }
    }

    /// What can be done about it, apart from rights that are missing: which they are depends on what was tried.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        hint_of(&self.code).filter(|_| self.code != "AccessDenied")
    }
}

/// What can be done about a code of AWS's.
fn hint_of(code: &str) -> Option<&'static str> {
    Some(match code {
        "AWS.SimpleQueueService.NonExistentQueue" | "QueueDoesNotExist" => {
            "check the queue's URL; `aws sqs list-queues` lists the queues of an account"
        }
        "NoSuchBucket" | "NotFound" => {
            "check the bucket's name and the account; `aws s3 ls` lists the buckets of an account"
        }
        "AccessDenied" | "Forbidden" => {
            "the identity needs s3:ListBucket on the bucket and s3:GetObject on its objects, and kms:Decrypt where they are encrypted with a key of KMS; docs/s3.md has the policy"
        }
        "PermanentRedirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException" => {
            "the bucket lies in another region: leave `--aws-region` out, or give the right one"
        }
        "InvalidAccessKeyId" | "SignatureDoesNotMatch" => {
            "check the credentials: the access key is not known, or its secret is another one"
        }
        "ExpiredToken" | "TokenRefreshRequired" | "InvalidToken" => {
            "the credentials have ended: sign in again, for example `aws sso login`"
        }
        "RequestTimeTooSkewed" => {
            "this machine's clock is off by more than fifteen minutes: set it"
        }
        _ => return None,
    })
}

/// The service's code, and in words what went wrong.
pub(crate) fn told<E>(error: &SdkError<E>) -> (String, String)
where
    SdkError<E>: ProvideErrorMetadata,
    E: std::error::Error + 'static,
{
    let status = error
        .raw_response()
        .map(|response| response.status().as_u16());
    // An answer to HEAD has no body that could tell more.
    let code = match (error.code(), status) {
        (Some("NotFound") | None, Some(404)) => "NoSuchBucket",
        (None, Some(403)) => "AccessDenied",
        (None, Some(301)) => "PermanentRedirect",
        (code, _) => code.unwrap_or_default(),
    };
    let detail = match error.message() {
        _ if code.is_empty() => innermost(error),
        Some(message) => format!("{code}: {message}"),
        None => code.to_owned(),
    };
    (code.to_owned(), detail)
}

/// What the chain of errors ends with: the outer ones only say that something failed.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
