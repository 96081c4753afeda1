//! What the checker is to say of each kernel.

use hchan::sim::{Failure, FailureKind, Report, Sim, Verdict};
use hchan_kernels::{Kernel, Program, all};

fn programs() -> impl Iterator<Item = (&'static Kernel, &'static Program)> {
    all().flat_map(|kernel| kernel.programs.iter().map(move |program| (kernel, program)))
}

fn check(sim: Sim, program: &Program) -> Result<Report, Failure> {
    sim.check(program.start)
}

/// Each bug, and how it fails.
fn bugs() -> impl Iterator<Item = (&'static Kernel, &'static Program, FailureKind)> {
    programs().filter_map(|(kernel, program)| Some((kernel, program, program.variant.failure()?)))
}

#[test]
fn each_bug_is_found_and_its_token_replays() {
    for (kernel, program, kind) in bugs() {
        let failure = check(Sim::exhaustive(), program).expect_err(kernel.name);
        assert_eq!(failure.kind, kind, "{}: {failure}", kernel.name);
        let again = check(Sim::replay(&failure.token), program).expect_err(kernel.name);
        assert_eq!((again.kind, &again.story), (kind, &failure.story), "{}", kernel.name);
    }
}

#[test]
fn each_bug_is_found_at_random_and_by_pct() {
    for (kernel, program, kind) in bugs() {
        for sim in [Sim::random(1, 10_000), Sim::pct(1, 10_000, 3)] {
            let failure = check(sim, program).expect_err(kernel.name);
            assert_eq!(failure.kind, kind, "{}: {failure}", kernel.name);
        }
    }
}

#[test]
fn each_fix_is_proven() {
    let others = programs().filter(|(_, program)| program.variant.failure().is_none());
    for (kernel, program) in others {
        let report = check(Sim::exhaustive(), program)
            .unwrap_or_else(|failure| panic!("{}, {}: {failure}", kernel.name, program.variant.name()));
        assert_eq!(report.verdict, Verdict::Exhaustive, "{}: {report}", kernel.name);
    }
}

#[test]
fn each_kernel_has_one_bug_and_one_fix() {
    for kernel in all() {
        let fails: Vec<_> =
            kernel.programs.iter().map(|program| program.variant.failure().is_some()).collect();
        assert!(fails[0] && fails[1..].iter().all(|fails| !fails) && fails.len() >= 2, "{}", kernel.name);
    }
}
