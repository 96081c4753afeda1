//! What waits, by time: a heap in which every entry knows its position, so that it can be taken out.
//!
//! Pure: it has no clock and no lock. A binary heap over a table of positions is how Lawler and
//! Floyd's siblings did it in the sixties; this one has four children a node (Johnson's d-ary heap,
//! 1975), which is half as deep, has the four compared side by side, and is what Go's `runtime/time.go`
//! uses. Most timers are later than those before them and are cancelled: the first costs one
//! comparison, and so does the second as a rule, since what takes the place is late as well.
//!
//! # Invariants
//!
//! 1. No node is before its parent. (Child `c` of `p`: `4p + 1 ..= 4p + 4`.)
//! 2. `entries[nodes[p].slot].position == p` for each position `p`, and there are no other entries.
//! 3. Each insertion has a number of its own. It decides among equal deadlines, first come, first
//!    served; and a key whose number is not that of the entry in its slot is stale, and harmless.
//!
//! Rejected: hashed wheels (O(1), but a tick to choose, cascades, and a wake-up per tick or a bitmap
//! of the next one), and lazy cancelling (memory for what was cancelled until its time has come).

use super::slab::Slab;
use std::time::Instant;

/// Children a node.
const WIDTH: usize = 4;

/// Up to this many the room for nodes is kept.
const FEW: usize = 64;

/// Values that wait for their deadlines.
#[derive(Debug)]
pub(crate) struct Heap<T> {
    nodes: Vec<Node>,
    entries: Slab<Entry<T>>,
    /// The number of the next insertion.
    next: u64,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    deadline: Instant,
    number: u64,
    slot: u32,
}

#[derive(Debug)]
struct Entry<T> {
    position: u32,
    value: T,
}

/// Names an entry, also when it is gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Key {
    slot: u32,
    number: u64,
}

impl Node {
    fn is_before(&self, other: &Self) -> bool {
        (self.deadline, self.number) < (other.deadline, other.number)
    }
}

impl<T> Heap<T> {
    pub(crate) const fn new() -> Self {
        Self { nodes: Vec::new(), entries: Slab::new(), next: 0 }
    }

    /// How many wait.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The earliest deadline.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.nodes.first().map(|node| node.deadline)
    }

    /// Adds a value, behind all others of that deadline. O(1) if it is the latest, else O(log n).
    pub(crate) fn insert(&mut self, deadline: Instant, value: T) -> Key {
        let number = self.next;
        self.next += 1;
        let position = self.nodes.len();
        let slot = self.entries.insert(Entry { position: position as u32, value });
        let node = Node { deadline, number, slot };
        self.nodes.push(node);
        self.sift_up(position, node);
        Key { slot, number }
    }

    /// The value of a key, if it still waits.
    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        self.position(key)?;
        self.entries.get_mut(key.slot).map(|entry| &mut entry.value)
    }

    /// Takes the value of a key out, if it still waits. O(log n).
    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        let position = self.position(key)?;
        Some(self.take(position))
    }

    /// Takes out the first value whose deadline is not after `now`. O(log n).
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<(Instant, T)> {
        let deadline = self.next_deadline().filter(|deadline| *deadline <= now)?;
        Some((deadline, self.take(0)))
    }

    /// Takes out all values that are not to be kept. O(n).
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) -> Vec<T> {
        let mut gone = Vec::new();
        let Self { nodes, entries, .. } = self;
        nodes.retain(|node| {
            let kept = entries.get(node.slot).is_some_and(|entry| keep(&entry.value));
            if !kept {
                gone.push(entries.remove(node.slot).value);
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

    fn position(&self, key: Key) -> Option<usize> {
        let position = self.entries.get(key.slot)?.position as usize;
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
        self.entries.remove(slot).value
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
        loop {
            let children = WIDTH * position + 1;
            let end = (children + WIDTH).min(self.nodes.len());
            let Some(first) =
                (children..end).reduce(|a, b| if self.nodes[b].is_before(&self.nodes[a]) { b } else { a })
            else {
                break;
            };
            if !self.nodes[first].is_before(&node) {
                break;
            }
            self.place(position, self.nodes[first]);
            position = first;
        }
        self.place(position, node);
    }

    fn place(&mut self, position: usize, node: Node) {
        self.nodes[position] = node;
        if let Some(entry) = self.entries.get_mut(node.slot) {
            entry.position = position as u32;
        }
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
    use std::time::Duration;

    static START: LazyLock<Instant> = LazyLock::new(Instant::now);

    fn at(millis: u64) -> Instant {
        *START + Duration::from_millis(millis)
    }

    fn check<T>(heap: &Heap<T>) {
        for (position, node) in heap.nodes.iter().enumerate() {
            assert_eq!(heap.entries.get(node.slot).unwrap().position as usize, position, "invariant 2");
            let parent = position.saturating_sub(1) / WIDTH;
            assert!(position == 0 || heap.nodes[parent].is_before(node), "invariant 1");
        }
    }

    #[test]
    fn what_is_due_comes_out_by_deadline_and_then_first_come_first_served() {
        let mut heap = Heap::new();
        for (number, millis) in [3, 1, 2, 1, 3, 1].into_iter().enumerate() {
            heap.insert(at(millis), number);
        }
        let due: Vec<_> = std::iter::from_fn(|| heap.pop_due(at(2))).map(|(_, number)| number).collect();
        assert_eq!(due, [1, 3, 5, 2]);
        assert_eq!((heap.len(), heap.next_deadline()), (2, Some(at(3))));
    }

    #[test]
    fn a_stale_key_is_harmless() {
        let mut heap = Heap::new();
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
        let mut heap = Heap::new();
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
            let mut heap = Heap::new();
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
                check(&heap);
            }
        }
    }
}
