//! Where the lake of a try lies: in a folder, or in a bucket of a server on loopback, which keeps its objects in a folder too.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, SystemTime};

use rolecall::aws::S3Options;
use rolecall::lake::{Lake, LakeBucket, Patience, Store};

use super::support::copy_folder;
use super::support::s3::{KEY, SECRET, Server};

/// On which side of the line the lakes of a job lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Disk,
    Bucket,
}

/// Where one lake lies.
#[derive(Debug, Clone)]
pub enum Place {
    Disk(PathBuf),
    /// Below the bucket `lake` of the server at a URL, whose bucket is a folder.
    Bucket {
        url: String,
        folder: PathBuf,
        name: String,
    },
}

/// Where the lakes of one job lie; they are gone when it is dropped.
pub enum Ground {
    Disk(tempfile::TempDir),
    Bucket(Server),
}

impl Ground {
    pub fn new(side: Side) -> Self {
        match side {
            Side::Disk => Self::Disk(tempfile::tempdir().unwrap()),
            Side::Bucket => Self::Bucket(Server::new()),
        }
    }

    pub fn place(&self, name: &str) -> Place {
        match self {
            Self::Disk(folder) => Place::Disk(folder.path().join(name)),
            Self::Bucket(server) => Place::Bucket {
                url: server.url.clone(),
                folder: server.folder.path().join("lake").join(name),
                name: name.to_owned(),
            },
        }
    }
}

impl Place {
    /// As one word for a process of our own, and back.
    pub fn word(&self) -> String {
        match self {
            Self::Disk(folder) => folder.display().to_string(),
            Self::Bucket { url, folder, name } => format!("{url} {} {name}", folder.display()),
        }
    }

    pub fn of_word(word: &str) -> Self {
        match word.split(' ').collect::<Vec<_>>()[..] {
            [url, folder, name] => Self::Bucket {
                url: url.to_owned(),
                folder: folder.into(),
                name: name.to_owned(),
            },
            _ => Self::Disk(word.into()),
        }
    }

    /// Its files, with so little patience that a try takes no time: correctness rests on no waiting.
    pub fn store(&self) -> Store {
        self.store_with(Patience {
            writer: Duration::from_millis(400),
            ..Patience::default()
        })
    }

    pub fn store_with(&self, patience: Patience) -> Store {
        match self {
            Self::Disk(folder) => Store::new(folder),
            Self::Bucket { url, name, .. } => {
                let options = S3Options {
                    endpoint_url: Some(url.clone()),
                    region: Some("us-east-1".to_owned()),
                    ..S3Options::default()
                };
                let uri = format!("s3://lake/{name}");
                let bucket = LakeBucket::open(&uri, &options, patience);
                Store::in_bucket(bucket.unwrap())
            }
        }
    }

    /// What the command line needs to find it.
    pub fn flags(&self) -> Vec<String> {
        match self {
            Self::Disk(folder) => vec!["--lake".to_owned(), folder.display().to_string()],
            Self::Bucket { url, name, .. } => [
                "--lake",
                &format!("s3://lake/{name}"),
                "--endpoint-url",
                url,
                "--aws-region",
                "us-east-1",
            ]
            .map(str::to_owned)
            .to_vec(),
        }
    }

    /// The folder that its files lie in, whoever serves them.
    pub fn folder(&self) -> &Path {
        match self {
            Self::Disk(folder) | Self::Bucket { folder, .. } => folder,
        }
    }

    /// Makes it a copy of another one.
    pub fn become_copy_of(&self, other: &Self) {
        if self.folder().exists() {
            std::fs::remove_dir_all(self.folder()).unwrap();
        }
        copy_folder(other.folder(), self.folder());
    }

    /// Whether a process got so far that there is a lake.
    pub fn is_there(&self) -> bool {
        let manifests = std::fs::read_dir(self.folder().join("manifest"));
        manifests.is_ok_and(|mut manifests| manifests.next().is_some())
    }

    /// Hours go by in which the marks of dead readers are not renewed; then somebody opens the lake, in a bucket to write.
    pub fn rest(&self) {
        if let Self::Bucket { folder, .. } = self {
            let long_ago = SystemTime::now() - Duration::from_hours(2);
            for mark in std::fs::read_dir(folder.join("readers"))
                .into_iter()
                .flatten()
            {
                let mark = std::fs::File::options()
                    .write(true)
                    .open(mark.unwrap().path());
                mark.unwrap().set_modified(long_ago).unwrap();
            }
            let lake = Lake::open_in(self.store()).unwrap();
            drop(
                lake.write("2026-04-01T00:00:00Z".parse().unwrap(), || ())
                    .unwrap(),
            );
        }
    }
}

/// Runs this program again with the server's credentials in its environment, unless they are there.
pub fn with_credentials() -> Option<ExitCode> {
    if std::env::var("AWS_ACCESS_KEY_ID").is_ok_and(|key| key == KEY) {
        return None;
    }
    let status = Command::new(std::env::current_exe().unwrap())
        .args(std::env::args_os().skip(1))
        .env("AWS_ACCESS_KEY_ID", KEY)
        .env("AWS_SECRET_ACCESS_KEY", SECRET)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_CONFIG_FILE", "/nonexistent")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        .status()
        .unwrap();
    Some(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
