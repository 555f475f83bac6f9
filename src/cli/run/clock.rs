//! The time of day, and waiting that ends when the process is told to stop.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};

use crate::schedule::Clock;

/// A clock may be set while nobody looks: it is read again after this time at the latest.
const LONGEST_NAP: Duration = Duration::from_secs(30);

/// The machine's clock.
pub(super) struct RealClock {
    is_stopped: Arc<AtomicBool>,
    stop: Receiver<()>,
}

impl RealClock {
    /// A clock that stops at SIGTERM and SIGINT.
    pub(super) fn new(runtime: &Handle) -> io::Result<Self> {
        let (send, stop) = channel();
        let is_stopped = Arc::new(AtomicBool::new(false));
        let _inside = runtime.enter();
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let flag = Arc::clone(&is_stopped);
        runtime.spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::info!("told to stop: what is being done is done first");
            flag.store(true, Ordering::SeqCst);
            // Nobody listens once the scheduler has ended.
            let _ = send.send(());
        });
        Ok(Self { is_stopped, stop })
    }
}

/// The time now.
#[expect(
    clippy::disallowed_methods,
    reason = "the scheduler's clock is read here, and handed on"
)]
pub(super) fn now() -> DateTime<Utc> {
    Utc::now()
}

impl Clock for RealClock {
    fn now(&self) -> DateTime<Utc> {
        now()
    }

    fn wait_until(&mut self, time: DateTime<Utc>) -> bool {
        while !self.is_stopped() {
            let Ok(left) = (time - now()).to_std() else {
                return true;
            };
            if left.is_zero() {
                return true;
            }
            match self.stop.recv_timeout(left.min(LONGEST_NAP)) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
        false
    }

    fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::SeqCst)
    }
}
