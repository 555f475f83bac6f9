//! Watches the steps that a lake's files go through: counts them, makes one fail, dies at one.

use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use rolecall::lake::{Step, Watch};

/// Notes every step, and whether it went well.
#[derive(Debug, Default)]
pub struct Notes(pub Mutex<Vec<(Step, bool)>>);

impl Watch for Notes {
    fn before(&self, step: Step, _: &Path) -> io::Result<()> {
        self.0.lock().unwrap().push((step, false));
        Ok(())
    }

    fn after(&self, _: Step, _: &Path) {
        self.0.lock().unwrap().last_mut().unwrap().1 = true;
    }
}

/// Dies at a step, as if the machine's power were cut.
#[derive(Debug)]
pub struct Death {
    pub at: u64,
    pub after: bool,
    seen: AtomicU64,
}

impl Death {
    pub fn new(at: u64, after: bool) -> Self {
        Self {
            at,
            after,
            seen: AtomicU64::new(0),
        }
    }

    fn die() -> ! {
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL)
            .unwrap();
        unreachable!("nobody survives SIGKILL")
    }
}

impl Watch for Death {
    fn before(&self, _: Step, _: &Path) -> io::Result<()> {
        if self.seen.fetch_add(1, Ordering::SeqCst) == self.at && !self.after {
            Self::die();
        }
        Ok(())
    }

    fn after(&self, _: Step, _: &Path) {
        if self.seen.load(Ordering::SeqCst) == self.at + 1 && self.after {
            Self::die();
        }
    }
}

/// Makes a step fail, or every step from one on that needs room.
#[derive(Debug)]
pub struct Failure {
    at: u64,
    full: bool,
    seen: AtomicU64,
    pub told: AtomicU64,
}

impl Failure {
    /// The step numbered `at` fails, once.
    pub fn once(at: u64) -> Self {
        Self {
            at,
            full: false,
            seen: AtomicU64::new(0),
            told: AtomicU64::new(0),
        }
    }

    /// The disk is full from the step numbered `at` on.
    pub fn full_from(at: u64) -> Self {
        Self {
            full: true,
            ..Self::once(at)
        }
    }
}

impl Watch for Failure {
    fn before(&self, step: Step, _: &Path) -> io::Result<()> {
        let number = self.seen.fetch_add(1, Ordering::SeqCst);
        let needs_room = matches!(
            step,
            Step::CreateFolder | Step::CreateFile | Step::Write | Step::SyncFile
        );
        let fails = if self.full {
            number >= self.at && needs_room
        } else {
            number == self.at
        };
        if !fails {
            return Ok(());
        }
        self.told.fetch_add(1, Ordering::SeqCst);
        Err(if self.full {
            io::ErrorKind::StorageFull.into()
        } else {
            // EIO: what a dying disk says.
            io::Error::from_raw_os_error(5)
        })
    }

    fn after(&self, _: Step, _: &Path) {}
}
