//! How much memory questions take, and who of their operators may have it.

use std::fmt;

use datafusion::error::Result;
use datafusion::execution::memory_pool::{
    FairSpillPool, GreedyMemoryPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};

/// Half for operators that can go on with less, by writing to disk, and half for those that cannot.
///
/// In DataFusion's fair pool the first may take everything before the second ask: sorts that filled the pool
/// leave nothing for the merge of what they sorted, and the question fails for some megabytes. And in a question of many operators, most of
/// which hold next to nothing, an equal share can be less than a sort needs to begin: a little is lent to whoever asks, as long as a quarter
/// of the half is left.
#[derive(Debug)]
pub(super) struct SplitPool {
    spilling: FairSpillPool,
    fixed: GreedyMemoryPool,
    bytes: usize,
}

/// What is lent beyond an equal share, as a part of the half that can spill: 32 MiB of 1 GiB.
const LENT: usize = 32;

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

    /// Whether a reservation may have so much beyond its share.
    fn may_borrow(&self, reservation: &MemoryReservation, additional: usize) -> bool {
        let half = self.bytes / 2;
        reservation.consumer().can_spill()
            && reservation.size().saturating_add(additional) <= half / LENT
            && self.spilling.reserved().saturating_add(additional) <= half - half / 4
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
        let pool = self.of(reservation.consumer());
        match pool.try_grow(reservation, additional) {
            Err(_) if self.may_borrow(reservation, additional) => {
                pool.grow(reservation, additional);
                Ok(())
            }
            answer => answer,
        }
    }

    fn reserved(&self) -> usize {
        self.spilling.reserved() + self.fixed.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn many_small_operators_leave_enough_for_a_sort_to_begin() {
        const MIB: usize = 1 << 20;
        let pool: Arc<dyn MemoryPool> = Arc::new(SplitPool::new(2048 * MIB));
        let register = |at: usize| {
            let consumer = MemoryConsumer::new(format!("sort {at}"));
            consumer.with_can_spill(true).register(&pool)
        };
        let sorts: Vec<MemoryReservation> = (0..100).map(register).collect();
        // An equal share is ten of them.
        assert!(sorts[0].try_grow(30 * MIB).is_ok());
        assert!(sorts[0].try_grow(30 * MIB).is_err());
        let lent = sorts.iter().skip(1);
        let lent = lent.filter(|sort| sort.try_grow(30 * MIB).is_ok()).count();
        assert_eq!(lent, 24, "a quarter stays for the shares of the others");
        assert!(sorts[99].try_grow(10 * MIB).is_ok());
        drop(sorts);
        assert_eq!(pool.reserved(), 0);
    }
}
