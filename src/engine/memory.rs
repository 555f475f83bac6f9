//! How much memory questions take, and who of their operators may have it.

use std::fmt;

use datafusion::error::Result;
use datafusion::execution::memory_pool::{
    FairSpillPool, GreedyMemoryPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};

/// Half for operators that can go on with less, by writing to disk, and half for those that cannot.
///
/// In DataFusion's fair pool the first may take everything before the second ask: sorts that filled the pool
/// leave nothing for the merge of what they sorted, and the question fails for some megabytes.
#[derive(Debug)]
pub(super) struct SplitPool {
    spilling: FairSpillPool,
    fixed: GreedyMemoryPool,
    bytes: usize,
}

impl SplitPool {
    pub(super) fn new(bytes: usize) -> Self {
        Self {
            spilling: FairSpillPool::new(bytes / 2),
            fixed: GreedyMemoryPool::new(bytes - bytes / 2),
            bytes,
        }
    }

    fn of(&self, consumer: &MemoryConsumer) -> &dyn MemoryPool {
        if consumer.can_spill() {
            &self.spilling
        } else {
            &self.fixed
        }
    }
}

impl fmt::Display for SplitPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, half of which can spill",
            bytesize::ByteSize(self.bytes as u64)
        )
    }
}

impl MemoryPool for SplitPool {
    fn name(&self) -> &'static str {
        "split"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.of(consumer).register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.of(consumer).unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.of(reservation.consumer())
            .grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.of(reservation.consumer()).shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.of(reservation.consumer())
            .try_grow(reservation, additional)
    }

    fn reserved(&self) -> usize {
        self.spilling.reserved() + self.fixed.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.bytes)
    }
}
