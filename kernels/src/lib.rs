//! Bugs of real Go programs, each cut down to its kernel and written anew on hchan, with its fix.
//!
//! The collection is GoKer, of GoBench (Yuan et al., "GoBench: a benchmark suite of real-world Go concurrency
//! bugs", CGO 2021), and one more; what is taken from it is who waits for whom. A kernel is up to three programs:
//!
//! - the **bug**, which fails in some interleaving, or in all;
//! - where hchan's rule that a channel closes with the last handle of a side makes that bug impossible, the
//!   **natural** program: the same mistake, with each end owned by whoever uses it. It passes. Its bug is then
//!   the program with both ends kept alive, as a Go channel has them: see [`both`](shared::both);
//! - the **fix**, which passes in every interleaving.

mod programs;
pub mod shared;

use hchan::sim::FailureKind;
pub use programs::{LISTED, MISUSED, OTHERS};
use std::future::Future;
use std::pin::Pin;

/// A program that a check starts again and again.
pub type Start = fn() -> Pin<Box<dyn Future<Output = ()>>>;

/// One bug, and what became of it.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    /// The project, and the number of the pull request that mended it.
    pub name: &'static str,
    /// Its programs, the bug first.
    pub programs: &'static [Program],
}

/// One program of a kernel.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// Which of them it is.
    pub variant: Variant,
    /// What is checked.
    pub start: Start,
}

/// Which program of a kernel it is, and so what a check is to say of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Variant {
    /// With the mistake: it fails, like this.
    Bug(FailureKind),
    /// With the mistake and both ends of a channel kept alive: it fails, like this.
    Kept(FailureKind),
    /// With the mistake, and each end owned by whoever uses it: it passes.
    Natural,
    /// Without the mistake: it passes.
    Fix,
}

impl Variant {
    /// How it fails, if it does.
    pub fn failure(self) -> Option<FailureKind> {
        match self {
            Self::Bug(kind) | Self::Kept(kind) => Some(kind),
            Self::Natural | Self::Fix => None,
        }
    }

    /// What the table calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bug(_) => "bug",
            Self::Kept(_) => "bug, ends kept",
            Self::Natural => "natural",
            Self::Fix => "fix",
        }
    }
}

/// A kernel of these programs.
const fn kernel(name: &'static str, programs: &'static [Program]) -> Kernel {
    Kernel { name, programs }
}

/// A program that fails like this.
const fn bug(kind: FailureKind, start: Start) -> Program {
    Program { variant: Variant::Bug(kind), start }
}

/// A program that fails like this, as both ends are kept.
const fn kept(kind: FailureKind, start: Start) -> Program {
    Program { variant: Variant::Kept(kind), start }
}

/// A program that hchan's rule of closing makes right.
const fn natural(start: Start) -> Program {
    Program { variant: Variant::Natural, start }
}

/// A program that was mended.
const fn fix(start: Start) -> Program {
    Program { variant: Variant::Fix, start }
}

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Kernel> {
    LISTED.iter().chain(OTHERS).chain(MISUSED)
}
