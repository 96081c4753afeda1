//! What waits, by time: a heap in which every entry knows its position, so that it can be taken out.
//!
//! Pure: it has no clock and no lock. An indexed heap (Sedgewick's name for one over a table of
//! positions) with four children a node (Johnson, 1975), as in Go's `runtime/time.go`: half as deep as
//! one with two, and the four are side by side in memory. Most timers are later than those before them
//! and are cancelled: the first costs one comparison, and so does the second as a rule, since what takes
//! the place is late as well.
//!
//! # Invariants
//!
//! 1. No node is before its parent. (Child `c` of `p`: `4p + 1 ..= 4p + 4`.)
//! 2. The word beside `entries[nodes[p].slot]` is `p` for each position `p`, and there are no other
//!    entries.
//! 3. Each insertion has a number of its own. It decides among equal deadlines, first come, first
//!    served; and a key whose number is not that of the entry in its slot is stale, and harmless.
//!
//! Rejected: hashed wheels (O(1), but a tick to choose, cascades, and a wake-up per tick or a bitmap
//! of the next one), and lazy cancelling (memory for what was cancelled until its time has come).

use super::slab::Slab;
use std::time::{Duration, Instant};

/// Children a node.
const WIDTH: usize = 4;

/// Up to this many the room for nodes is kept.
const FEW: usize = 64;

/// Values that wait for their deadlines.
#[derive(Debug)]
pub(crate) struct Heap<T> {
    nodes: Vec<Node>,
    entries: Slab<T>,
    /// The number of the next insertion.
    next: u64,
    /// Times are counted from it.
    base: Instant,
}

/// Small, since the way down the heap costs a cache miss a level as soon as it is large.
#[derive(Clone, Copy, Debug)]
struct Node {
    deadline: Nanos,
    number: u64,
    slot: u32,
}

/// A time as nanoseconds after the base, or before; 292 years off are as good as never.
type Nanos = i64;

/// Names an entry, also when it is gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Key {
    slot: u32,
    /// Of several heaps, which one: for whoever has several.
    pub(super) part: u32,
    number: u64,
}

#[cfg(feature = "sim")]
impl Key {
    /// For a clock that does not keep its timers in a heap.
    pub(crate) const fn numbered(number: u64) -> Self {
        Self { part: 0, slot: 0, number }
    }

    pub(crate) const fn number(self) -> u64 {
        self.number
    }
}

impl Node {
    /// By time, and then by number: one value, so that comparing takes no branch.
    fn rank(&self) -> u128 {
        let time = (self.deadline as u64) ^ (1 << 63);
        u128::from(time) << 64 | u128::from(self.number)
    }

    fn is_before(&self, other: &Self) -> bool {
        self.rank() < other.rank()
    }
}

impl<T> Heap<T> {
    /// An empty one, for times within 292 years of `base`.
    #[cfg(test)]
    pub(crate) const fn new(base: Instant) -> Self {
        Self::numbered_from(0, base)
    }

    /// The same, whose first insertion has that number: so keys of another heap are stale in this one.
    pub(crate) const fn numbered_from(next: u64, base: Instant) -> Self {
        Self { nodes: Vec::new(), entries: Slab::new(), next, base }
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The earliest deadline.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.nodes.first().map(|node| self.instant(node.deadline))
    }

    /// Adds a value, behind all others of that deadline. O(1) if it is the latest, else O(log n).
    pub(crate) fn insert(&mut self, deadline: Instant, value: T) -> Key {
        let number = self.next;
        self.next += 1;
        let position = self.nodes.len();
        let slot = self.entries.insert(value);
        let deadline = self.nanos(deadline);
        let node = Node { deadline, number, slot };
        self.nodes.push(node);
        self.sift_up(position, node);
        Key { slot, part: 0, number }
    }

    /// The value of a key, if it still waits.
    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        self.position(key)?;
        self.entries.get_mut(key.slot)
    }

    /// Takes the value of a key out, if it still waits. O(log n).
    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        let position = self.position(key)?;
        Some(self.take(position))
    }

    /// Takes out the first value whose deadline is not after `now`. O(log n).
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<(Instant, T)> {
        let now = self.nanos(now);
        let deadline = self.nodes.first()?.deadline;
        (deadline <= now).then(|| (self.instant(deadline), self.take(0)))
    }

    /// Takes out all values that are not to be kept. O(n).
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) -> Vec<T> {
        let mut gone = Vec::new();
        let Self { nodes, entries, .. } = self;
        nodes.retain(|node| {
            let kept = entries.get(node.slot).is_some_and(&mut keep);
            if !kept {
                gone.push(entries.remove(node.slot));
            }
            kept
        });
        for position in 0..self.nodes.len() {
            self.place(position, self.nodes[position]);
        }
        // Floyd's construction: the later half are leaves.
        for position in (0..self.nodes.len().div_ceil(WIDTH)).rev() {
            self.sift_down(position, self.nodes[position]);
        }
        self.give_back();
        gone
    }

    fn nanos(&self, time: Instant) -> Nanos {
        let nanos = |off: Duration| Nanos::try_from(off.as_nanos()).unwrap_or(Nanos::MAX);
        match time.checked_duration_since(self.base) {
            Some(after) => nanos(after),
            None => -nanos(self.base.duration_since(time)),
        }
    }

    fn instant(&self, nanos: Nanos) -> Instant {
        let off = Duration::from_nanos(nanos.unsigned_abs());
        let time = if nanos < 0 { self.base.checked_sub(off) } else { self.base.checked_add(off) };
        time.unwrap_or(self.base)
    }

    fn position(&mut self, key: Key) -> Option<usize> {
        self.entries.get(key.slot)?;
        let position = *self.entries.word(key.slot) as usize;
        (self.nodes[position].number == key.number).then_some(position)
    }

    /// Takes out the node at `position`; the last one takes its place.
    fn take(&mut self, position: usize) -> T {
        let slot = self.nodes[position].slot;
        let last = self.nodes.pop().expect("there is one at the position");
        if position < self.nodes.len() {
            let parent = position.saturating_sub(1) / WIDTH;
            if position > 0 && last.is_before(&self.nodes[parent]) {
                self.sift_up(position, last);
            } else {
                self.sift_down(position, last);
            }
        }
        self.give_back();
        self.entries.remove(slot)
    }

    /// Puts `node` at `position` or above it.
    fn sift_up(&mut self, mut position: usize, node: Node) {
        while position > 0 {
            let parent = (position - 1) / WIDTH;
            if !node.is_before(&self.nodes[parent]) {
                break;
            }
            self.place(position, self.nodes[parent]);
            position = parent;
        }
        self.place(position, node);
    }

    /// Puts `node` at `position` or below it.
    fn sift_down(&mut self, mut position: usize, node: Node) {
        while let Some(first) = self.first_child(position)
            && self.nodes[first].is_before(&node)
        {
            self.place(position, self.nodes[first]);
            position = first;
        }
        self.place(position, node);
    }

    /// Of the children of the node at `position` the first.
    fn first_child(&self, position: usize) -> Option<usize> {
        let start = WIDTH * position + 1;
        let Some(children) = self.nodes.get(start..start + WIDTH) else {
            return (start..self.nodes.len()).reduce(|a, b| self.first_of(a, b));
        };
        // A tournament without branches: which child is first cannot be predicted.
        let left = usize::from(children[1].is_before(&children[0]));
        let right = 2 + usize::from(children[3].is_before(&children[2]));
        let rights = usize::from(children[right].is_before(&children[left]));
        Some(start + left + (right - left) * rights)
    }

    fn first_of(&self, a: usize, b: usize) -> usize {
        if self.nodes[b].is_before(&self.nodes[a]) { b } else { a }
    }

    fn place(&mut self, position: usize, node: Node) {
        self.nodes[position] = node;
        *self.entries.word(node.slot) = position as u32;
    }

    /// Gives back half of the room when a quarter is used.
    fn give_back(&mut self) {
        let room = self.nodes.capacity();
        if room > FEW && self.nodes.len() < room / 4 {
            self.nodes.shrink_to(room / 2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::sync::LazyLock;

    static START: LazyLock<Instant> = LazyLock::new(Instant::now);

    fn at(millis: u64) -> Instant {
        *START + Duration::from_millis(millis)
    }

    fn check<T>(heap: &mut Heap<T>) {
        for (position, node) in heap.nodes.iter().enumerate() {
            assert!(heap.entries.get(node.slot).is_some(), "invariant 2");
            assert_eq!(*heap.entries.word(node.slot) as usize, position, "invariant 2");
            let parent = position.saturating_sub(1) / WIDTH;
            assert!(position == 0 || heap.nodes[parent].is_before(node), "invariant 1");
        }
    }

    #[test]
    fn what_is_due_comes_out_by_deadline_and_then_first_come_first_served() {
        let mut heap = Heap::new(*START);
        for (number, millis) in [3, 1, 2, 1, 3, 1].into_iter().enumerate() {
            heap.insert(at(millis), number);
        }
        let due: Vec<_> = std::iter::from_fn(|| heap.pop_due(at(2))).map(|(_, number)| number).collect();
        assert_eq!(due, [1, 3, 5, 2]);
        assert_eq!((heap.len(), heap.next_deadline()), (2, Some(at(3))));
    }

    #[test]
    fn times_too_far_to_count_come_last_and_never() {
        let mut heap = Heap::new(*START);
        heap.insert(*START + Duration::from_secs(i64::MAX as u64 / 2), "never");
        heap.insert(at(5), "soon");
        heap.insert(*START - Duration::from_nanos(1), "before");
        assert_eq!(heap.pop_due(at(0)).map(|due| due.1), Some("before"));
        assert_eq!(heap.pop_due(at(4)), None);
        assert_eq!(heap.pop_due(at(5)), Some((at(5), "soon")));
        assert_eq!(heap.pop_due(at(u32::MAX.into())), None);
        assert!(heap.next_deadline() > Some(at(u32::MAX.into())));
    }

    #[test]
    fn a_stale_key_is_harmless() {
        let mut heap = Heap::new(*START);
        let old = heap.insert(at(1), "old");
        assert_eq!(heap.remove(old), Some("old"));
        let new = heap.insert(at(2), "new");
        assert_eq!(old.slot, new.slot);
        assert_eq!(heap.remove(old), None);
        assert_eq!(heap.get_mut(old), None);
        assert_eq!(heap.get_mut(new), Some(&mut "new"));
        assert_eq!(heap.pop_due(at(2)), Some((at(2), "new")));
        assert_eq!(heap.remove(new), None);
    }

    #[test]
    fn a_million_cancelled_leave_little() {
        let mut heap = Heap::new(*START);
        let keys: Vec<_> = (0..1_000_000).map(|number| heap.insert(at(number), number)).collect();
        for key in &keys[1..] {
            heap.remove(*key);
        }
        assert_eq!(heap.len(), 1);
        assert!(heap.nodes.capacity() <= FEW);
        assert_eq!(heap.pop_due(at(0)), Some((at(0), 0)));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Insert(u64),
        /// The key of an earlier insertion, stale or not.
        Remove(usize),
        Pop(u64),
        /// Keep what is not divisible by this.
        Retain(u32),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            6 => (0..50_u64).prop_map(Step::Insert),
            4 => (0..400_usize).prop_map(Step::Remove),
            1 => (0..50_u64).prop_map(Step::Pop),
            1 => (2..5_u32).prop_map(Step::Retain),
        ]
    }

    proptest! {
        #[test]
        fn it_does_what_a_sorted_map_does(steps in prop::collection::vec(step(), 1..400)) {
            let mut heap = Heap::new(*START);
            let mut keys = Vec::new();
            let mut model = BTreeMap::new();
            for step in steps {
                match step {
                    Step::Insert(millis) => {
                        let number = keys.len() as u32;
                        keys.push((heap.insert(at(millis), number), (at(millis), number)));
                        model.insert((at(millis), number), number);
                    }
                    Step::Remove(index) if index < keys.len() => {
                        let (key, place) = keys[index];
                        let is = model.remove(&place);
                        prop_assert_eq!(heap.get_mut(key).copied(), is);
                        prop_assert_eq!(heap.remove(key), is);
                    }
                    Step::Remove(_) => {}
                    Step::Pop(millis) => {
                        while let Some((deadline, number)) = heap.pop_due(at(millis)) {
                            let ((time, _), first) = model.pop_first().expect("it has one more");
                            prop_assert_eq!((deadline, number), (time, first));
                        }
                        prop_assert!(model.keys().next().is_none_or(|(time, _)| *time > at(millis)));
                    }
                    Step::Retain(divisor) => {
                        let mut gone = heap.retain(|number| number % divisor != 0);
                        let mut out: Vec<_> = model.values().copied().filter(|n| n % divisor == 0).collect();
                        model.retain(|_, number| *number % divisor != 0);
                        gone.sort_unstable();
                        out.sort_unstable();
                        prop_assert_eq!(gone, out);
                    }
                }
                prop_assert_eq!(heap.len(), model.len());
                prop_assert_eq!(heap.next_deadline(), model.keys().next().map(|(time, _)| *time));
                check(&mut heap);
            }
        }
    }
}
