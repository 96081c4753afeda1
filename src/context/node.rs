//! The tree of contexts: who ends with whom.
//!
//! A node keeps its parent alive and knows its children weakly, so a handle keeps the path to the root
//! and nothing else. The root of everything, the background, is no node.
//!
//! # Invariants
//!
//! 1. `ended` and `done` are written under the node's lock, once, and read without it. So a node that has
//!    ended has a closed channel or none, once whoever ended it has returned; a channel that is made
//!    later is born closed.
//! 2. A child enters `children` under its parent's lock while the parent has not ended, else it is born
//!    ended: whoever ends the parent finds every child, or the child finds the end.
//! 3. `children` stays until all descendants have ended and their channels are closed, or longer. So two
//!    that cancel at the same time both go the whole way, and each may return when its own way is done.
//! 4. No lock is taken under another one but that of a channel which nobody else knows yet. User code
//!    (wakers, the drops of values and causes) runs under none.
//! 5. Nothing recurses along the tree: it may be as deep as memory allows.
//!
//! Rejected: one lock for a whole tree, under which an end would be one step, and every child of every
//! request made one after the other. Go's `context` locks a parent while it ends its children, which
//! needs recursion, and closes channels under the locks.

use super::ContextError;
use crate::chan::{Receiver, end_of_context};
use crate::facade::Mutex;
use crate::panics::drop_all;
use crate::timer::{Alarm, now};
use crate::world::{self, Kind, Site, Step, Tag, What};
use std::any::Any;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::error::Error;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::sync::{Arc, OnceLock, Weak};
use std::task::Wake;
use std::time::Instant;

/// What a user put along a context.
pub(super) type Value = Arc<dyn Any + Send + Sync>;

/// What a user gave as the reason of an end.
pub(super) type Cause = Arc<dyn Error + Send + Sync>;

/// What is a user's, or holds something that is: its drop may do anything.
type Gift = Arc<dyn Send + Sync>;

/// How a context has ended.
#[derive(Clone)]
pub(super) struct Ending {
    pub(super) error: ContextError,
    /// `None`: the error is all there is to say.
    pub(super) cause: Option<Cause>,
}

/// A context.
pub(super) struct Node {
    /// `None`: the background.
    parent: Option<Arc<Node>>,
    /// Under which it is among its parent's children; empty if it is not.
    number: OnceLock<u64>,
    value: Option<Value>,
    /// Where it was made.
    made: Site,
    /// The earliest of its own and its ancestors'.
    deadline: Option<Instant>,
    ended: OnceLock<Ending>,
    /// Closes with the end. Made when somebody asks for it; its sender is let go of uncounted, so that
    /// it closes for no other reason.
    done: OnceLock<Receiver<Infallible>>,
    /// Its place in the world of whoever drives the program.
    tag: Option<Tag>,
    /// Not to be held while waking, dropping what is a user's, or taking another node's lock.
    links: Mutex<Links>,
}

/// What a node holds on to, and is held by.
struct Links {
    /// A map that shrinks: a long life with many short-lived children leaves nothing behind.
    children: BTreeMap<u64, Weak<Node>>,
    /// The number of the last child.
    last: u64,
    /// Of the node's own deadline, until it ends.
    alarm: Option<Alarm>,
}

// No user code runs under the lock, so a panic never leaves the links half changed.
impl UnwindSafe for Node {}
impl RefUnwindSafe for Node {}

impl Node {
    /// A child, which ends with its parent, and at `deadline`.
    #[track_caller]
    pub(super) fn new(
        parent: Option<Arc<Self>>,
        value: Option<Value>,
        deadline: Option<Instant>,
    ) -> Arc<Self> {
        let inherited = parent.as_ref().and_then(|parent| parent.deadline);
        // The parent's alarm serves a deadline that is no earlier than its own.
        let own = deadline.filter(|own| inherited.is_none_or(|inherited| *own < inherited));
        let parents_tag = parent.as_ref().and_then(|parent| parent.tag);
        let what = What::Context { parent: parents_tag.map(|tag| tag.object) };
        let tag = world::tag(what, None, Location::caller());
        let step = Step::of(parents_tag, Kind::Look, Some(Location::caller()));
        let node = Arc::new(Self {
            parent,
            tag,
            number: OnceLock::new(),
            value,
            made: Location::caller(),
            deadline: own.or(inherited),
            ended: OnceLock::new(),
            done: OnceLock::new(),
            links: Mutex::new(Links { children: BTreeMap::new(), last: 0, alarm: None }),
        });
        node.join_parent();
        if tag.is_some() {
            // That it is made when it is asked for is nothing that others see, but its end is.
            node.done();
        }
        drop(step);
        if let Some(own) = own {
            node.keep_to(own);
        }
        node
    }

    /// Invariant 2. Nobody else knows the node yet.
    fn join_parent(self: &Arc<Self>) {
        let Some(parent) = &self.parent else { return };
        let mut links = parent.links.lock();
        if let Some(ending) = parent.ended.get() {
            self.ended.get_or_init(|| ending.clone());
            return;
        }
        links.last += 1;
        let number = *self.number.get_or_init(|| links.last);
        links.children.insert(number, Arc::downgrade(self));
    }

    /// Ends the node at `deadline`, unless it has ended.
    fn keep_to(self: &Arc<Self>, deadline: Instant) {
        if self.ended.get().is_some() {
            return;
        }
        if deadline <= now() {
            return self.end_tree(Ending { error: ContextError::DeadlineExceeded, cause: None }, None);
        }
        let bell = Arc::new(Bell(Arc::downgrade(self)));
        let mut alarm = Some(Alarm::set(deadline, bell.into()));
        let mut links = self.links.lock();
        if self.ended.get().is_none() {
            links.alarm = alarm.take();
        }
        drop(links);
        // It came too late; perhaps because it has fired already.
        drop(alarm);
    }

    pub(super) fn ending(&self, site: Site) -> Option<&Ending> {
        let _step = Step::of(self.tag, Kind::Look, Some(site));
        self.ended.get()
    }

    /// For people.
    pub(super) fn has_ended(&self) -> Option<ContextError> {
        self.ended.get().map(|ending| ending.error)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The nearest value of a type, from the node upwards.
    pub(super) fn value<V: Any + Send + Sync>(&self) -> Option<Arc<V>> {
        let mut path = std::iter::successors(Some(self), |node| node.parent.as_deref());
        let value = path.find_map(|node| node.value.as_ref().filter(|value| value.is::<V>()));
        value.and_then(|value| value.clone().downcast().ok())
    }

    /// The channel that closes with the end.
    pub(super) fn done(&self) -> &Receiver<Infallible> {
        if let Some(done) = self.done.get() {
            return done;
        }
        // What follows is no step, or somebody else might want the lock meanwhile.
        let _quiet = Step::quiet();
        // Invariant 1: whoever ends the node finds the channel, or it is born closed here.
        let _links = self.links.lock();
        self.done.get_or_init(|| {
            let (closer, done) = end_of_context(self.made);
            closer.detach();
            if self.ended.get().is_some() {
                done.close();
            }
            done
        })
    }

    /// Ends the node and all its descendants. When it returns, all of them have ended, by this call or
    /// another one, and their channels are closed.
    pub(super) fn end_tree(self: &Arc<Self>, ending: Ending, site: Option<Site>) {
        let step = Step::of(self.tag, Kind::End, site);
        let tree = self.clone().end_all(&ending);
        // All of them have ended before the first of those who wait is told.
        for done in tree.iter().filter_map(|node| node.done.get()) {
            done.close();
        }
        // Invariant 3: all is done, here at least.
        for node in &tree {
            let children = std::mem::take(&mut node.links.lock().children);
            drop(children);
        }
        drop(step);
        // These may be the last handles of some, and this a cause that came too late.
        let nodes = tree.into_iter().map(|node| node as Gift);
        drop_all(nodes.chain(ending.cause.map(|cause| cause as Gift)));
    }

    /// The same, for its deadline, by a thread that is not a user's: it lets go of the nodes before it
    /// wakes anybody, so that what they hold is dropped by those who are woken. (If they drop their handles
    /// earlier, by themselves, it may still be this thread that has the last.)
    fn end_in_time(self: Arc<Self>) {
        let _step = Step::of(self.tag, Kind::End, None);
        let tree = self.end_all(&Ending { error: ContextError::DeadlineExceeded, cause: None });
        let done: Vec<_> = tree.iter().filter_map(|node| node.done.get().cloned()).collect();
        drop_all(tree);
        for done in done {
            done.close();
        }
    }

    /// Ends the node and all its descendants, and returns them.
    fn end_all(self: Arc<Self>, ending: &Ending) -> Vec<Arc<Self>> {
        let mut tree = vec![self];
        let mut at = 0;
        while let Some(node) = tree.get(at).cloned() {
            let inherited = node.parent.as_ref().and_then(|parent| parent.ended.get());
            if at == 0 {
                node.end(ending, &mut tree);
            } else if let Some(ending) = inherited {
                // As its parent has, perhaps by somebody else's call.
                node.end(ending, &mut tree);
            }
            at += 1;
        }
        tree
    }

    /// Ends the node, unless it has ended, and appends its children to `tree`.
    fn end(&self, ending: &Ending, tree: &mut Vec<Arc<Self>>) {
        let mut links = self.links.lock();
        self.ended.get_or_init(|| ending.clone());
        tree.extend(links.children.values().filter_map(Weak::upgrade));
        let alarm = links.alarm.take();
        drop(links);
        drop(alarm);
    }

    /// Leaves the parent's children.
    fn leave_parent(&self) {
        if let (Some(parent), Some(number)) = (&self.parent, self.number.get()) {
            let link = parent.links.lock().children.remove(number);
            drop(link);
        }
    }

    /// Takes out what a user gave, whose drops may do anything.
    fn take_gifts(&mut self) -> [Option<Gift>; 2] {
        let cause = self.ended.take().and_then(|ending| ending.cause);
        [self.value.take().map(|value| value as Gift), cause.map(|cause| cause as Gift)]
    }
}

impl Drop for Node {
    /// Drops, with the node, all ancestors of which it was the last handle: one after the other, and
    /// also if the drop of some value panics.
    fn drop(&mut self) {
        self.leave_parent();
        let own = self.take_gifts();
        let mut parent = self.parent.take();
        let ancestors = std::iter::from_fn(|| {
            let mut ancestor = Arc::into_inner(parent.take()?)?;
            ancestor.leave_parent();
            parent = ancestor.parent.take();
            Some(ancestor.take_gifts())
        });
        drop_all(std::iter::once(own).chain(ancestors).flatten());
    }
}

/// What a deadline rings. It keeps nothing alive.
struct Bell(Weak<Node>);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        if let Some(node) = self.0.upgrade() {
            node.end_in_time();
        }
    }
}
