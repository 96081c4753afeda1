//! What a task does while one of its requests waits: nothing, or something else.
//!
//! Only a request whose task does nothing else until it is served changes places with its peer's (`footprint`):
//! one under a timeout, or beside another future, leads elsewhere if it has to wait. That is a matter of the
//! code around it, which cannot be asked; but it can be watched. A request is known by its line and by how deep
//! in the stack it is made, which differs between what is awaited as it is and what is polled by something
//! else. Until such a request was seen to wait, it counts as one that does not change places; so both orders
//! are tried, and if it can wait, it will be seen. Two requests that agree in line and depth may still differ
//! in this; so what was seen is a guess, which is verified for each of them (`rehearsal`). Whenever something is learnt that matters for what was
//! done before, the exploration begins anew.

use crate::world::{Kind, Site};

/// What is known of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Known {
    Nothing,
    /// Its task did nothing else.
    Pure,
    /// Its task did something else, once at least.
    Impure,
}

struct Request {
    site: Option<Site>,
    kind: Kind,
    depth: usize,
    known: Known,
}

/// The requests that a program makes.
#[derive(Default)]
pub(super) struct Manners {
    all: Vec<Request>,
    /// Whether something was learnt that matters.
    learnt: bool,
    /// Those that counted as pure in this trace, and mattered.
    trusted: Vec<u32>,
    /// Whether a task was told to wait that does something else then.
    misled: bool,
    /// How often some were distrusted.
    #[cfg(test)]
    pub(super) distrusts: usize,
}

/// Names a request; `None` is one that never changes places anyway.
pub(super) type Manner = Option<u32>;

impl Manners {
    pub(super) fn of(&mut self, site: Option<Site>, kind: Kind, depth: usize) -> Manner {
        let same_site = |other: Option<Site>| match (site, other) {
            (Some(one), Some(other)) => std::ptr::eq(one, other) || one == other,
            (None, None) => true,
            _ => false,
        };
        let same =
            |request: &Request| request.depth == depth && request.kind == kind && same_site(request.site);
        let place = self.all.iter().position(same).unwrap_or_else(|| {
            self.all.push(Request { site, kind, depth, known: Known::Nothing });
            self.all.len() - 1
        });
        Some(place as u32)
    }

    pub(super) fn is_pure(&self, manner: Manner) -> bool {
        manner.is_some_and(|place| self.all[place as usize].known == Known::Pure)
    }

    /// It counts as pure, in this trace.
    pub(super) fn trust(&mut self, manner: Manner) {
        if let Some(place) = manner.filter(|place| !self.trusted.contains(place)) {
            self.trusted.push(place);
        }
    }

    /// Those that counted as pure in this trace.
    pub(super) fn trusted(&self) -> Vec<u32> {
        self.trusted.clone()
    }

    /// Another trace begins.
    pub(super) fn begin(&mut self) {
        self.trusted.clear();
    }

    /// Some of these are no pure ones; it is not known which. True if there are any.
    pub(super) fn distrust(&mut self, trusted: &[u32]) -> bool {
        #[cfg(test)]
        {
            self.distrusts += 1;
        }
        trusted.iter().for_each(|place| self.was_not(Some(*place)));
        !trusted.is_empty()
    }

    /// True if the two are the same operation in the same line.
    pub(super) fn are_alike(&self, one: Manner, other: Manner) -> bool {
        let about = |place: u32| (self.all[place as usize].site, self.all[place as usize].kind);
        one.is_some() && one.map(about) == other.map(about)
    }

    /// It waited, and its task did nothing else.
    pub(super) fn was_pure(&mut self, manner: Manner) {
        let Some(request) = manner.map(|place| &mut self.all[place as usize]) else { return };
        if request.known == Known::Nothing {
            request.known = Known::Pure;
            self.learnt = true;
        }
    }

    /// Its task did something else while it waited.
    pub(super) fn was_not(&mut self, manner: Manner) {
        let Some(request) = manner.map(|place| &mut self.all[place as usize]) else { return };
        self.learnt |= request.known == Known::Pure;
        request.known = Known::Impure;
    }

    /// Its task did something else when it was told to wait.
    pub(super) fn was_misled(&mut self, manner: Manner) {
        self.was_not(manner);
        self.misled = true;
    }

    /// Whether the last trace is void.
    pub(super) fn is_misled(&mut self) -> bool {
        std::mem::take(&mut self.misled)
    }

    /// Something was learnt elsewhere.
    pub(super) fn learn(&mut self) {
        self.learnt = true;
    }

    /// Whether something was learnt since this was asked last.
    pub(super) fn has_learnt(&mut self) -> bool {
        std::mem::take(&mut self.learnt)
    }
}
