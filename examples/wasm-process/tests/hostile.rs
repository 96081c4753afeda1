//! What guests cannot do to the host and to each other.

mod common;
mod text;

use common::{all, alone, program, run};
use hchan::{Context, bounded, go};
use hchan_wasm_process::{End, Errno, Failure, Host, Limits};
use text::{calls, module, number, numbers};

const STAGE: &str = include_str!("../guests/stage.wat");
const MERGE: &str = include_str!("../guests/merge.wat");
const SPIN: &str = include_str!("../guests/spin.wat");
const FAIL: &str = include_str!("../guests/fail.wat");

#[test]
fn a_guest_that_loops_holds_up_nobody_and_can_be_cancelled() {
    let (spin, stage) = (program(SPIN), program(STAGE));
    run(async move {
        let context = Context::background().with_cancel();
        let (tx, started) = bounded(1);
        let loops = spin.process().end(End::Sender(tx));
        let inner = context.clone();
        let loops = go(async move { loops.run(&inner).await });
        started.recv().await.unwrap();
        let (question, rx) = bounded(0);
        let (tx, answer) = bounded(0);
        let process = stage.process().end(End::Receiver(rx)).end(End::Sender(tx));
        let answers = go(alone(process));
        for n in 0..100_u32 {
            question.send(n.to_le_bytes().to_vec()).await.unwrap();
            assert_eq!(number(&answer.recv().await.unwrap()), n + 1);
        }
        drop(question);
        assert_eq!(answers.await.unwrap(), Ok(0));
        assert!(!loops.is_finished());
        context.cancel();
        assert_eq!(loops.await.unwrap(), Err(Failure::Cancelled));
        assert!(started.recv().await.is_err(), "its ends are gone");
    });
}

#[test]
fn a_budget_ends_a_loop_and_one_of_host_calls_too() {
    let host = Host::new(Limits { fuel: Some(1_000_000), slice: 10_000, ..Limits::default() });
    for body in [
        "(loop $ever (br $ever))",
        "(loop $ever (drop (call $size (i32.const 3))) (br $ever))",
        "(loop $ever (drop (call $yield)) (br $ever))",
        "(loop $ever (drop (call $random (i32.const 0) (i32.const 65536))) (br $ever))",
        "(loop $ever (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) (br $ever))",
        // More than a slice at once, and then more than there is.
        "(loop $ever (drop (memory.grow (i32.const 10))) (br $ever))",
    ] {
        let source = module(&format!("(func (export \"_start\") {body})"));
        let process = host.program(&source).unwrap().process();
        assert_eq!(run(alone(process)), Err(Failure::OutOfFuel), "{body}");
    }
}

#[test]
fn what_the_host_copies_for_a_guest_is_paid_for_by_it() {
    // Five instructions a turn; and 64 KiB, which are eight thousand more.
    let turns = |count: u32| {
        let source = module(&format!(
            r#"(func (export "_start") (local $n i32)
                (loop $next
                    (drop (call $random (i32.const 0) (i32.const 65536)))
                    (local.set $n (i32.add (local.get $n) (i32.const 1)))
                    (br_if $next (i32.lt_u (local.get $n) (i32.const {count})))))"#
        ));
        let host = Host::new(Limits { fuel: Some(1_000_000), slice: 1000, ..Limits::default() });
        run(alone(host.program(source).unwrap().process()))
    };
    assert_eq!(turns(110), Ok(0));
    assert_eq!(turns(130), Err(Failure::OutOfFuel));
}

#[test]
fn a_guest_that_traps_harms_nobody_and_its_channels_close() {
    let (fail, merge) = (program(FAIL), program(MERGE));
    run(async move {
        // One message is in flight to it, one waits behind.
        let (to_fail, rx) = bounded(0);
        let (tx, from_fail) = bounded(1);
        let fails = go(alone(fail.process().end(End::Receiver(rx)).end(End::Sender(tx))));
        let (other, rx) = bounded(1);
        let (tx, merged) = bounded(1);
        let merges = merge.process();
        let merges =
            go(alone(merges.end(End::Receiver(from_fail)).end(End::Receiver(rx)).end(End::Sender(tx))));
        to_fail.send(b"x".to_vec()).await.unwrap();
        let Err(Failure::Trap(why)) = fails.await.unwrap() else { panic!("it trapped") };
        assert!(why.contains("unreachable"), "{why}");
        assert!(to_fail.send(b"y".to_vec()).await.is_err(), "nobody receives any more");
        other.send(b"z".to_vec()).await.unwrap();
        assert_eq!(merged.recv().await.unwrap(), b"z", "the others go on");
        drop(other);
        assert_eq!(merges.await.unwrap(), Ok(0));
    });
}

#[test]
fn traps_of_every_kind_are_the_guests_own() {
    for (body, word) in [
        ("(drop (i32.div_s (i32.const 1) (i32.const 0)))", "zero"),
        ("(drop (i32.load (i32.const 65536)))", "memory"),
        ("(i32.store (i32.const -1) (i32.const 0))", "memory"),
        ("(call $deep)", "stack"),
    ] {
        let source = module(&format!("(func $deep (call $deep)) (func (export \"_start\") {body})"));
        match run(alone(program(&source).process())) {
            Err(Failure::Trap(why)) => assert!(why.contains(word), "{body}: {why}"),
            other => panic!("{body}: {other:?}"),
        }
    }
}

#[test]
fn bad_handles_and_pointers_are_answered_with_an_error_and_lose_no_message() {
    const BAD: i32 = -(Errno::BadHandle as i32);
    const FAULT: i32 = -(Errno::Fault as i32);
    // Handle 3 receives, 4 sends. At 0: arms that are no good, each in another way.
    let cases = [
        ("(call $send (i32.const 3) (i32.const 0) (i32.const 1))", BAD),
        ("(call $send (i32.const 9) (i32.const 0) (i32.const 1))", BAD),
        ("(call $send (i32.const -1) (i32.const 0) (i32.const 1))", BAD),
        ("(call $recv (i32.const 4) (i32.const 0) (i32.const 1))", BAD),
        ("(call $recv (i32.const 0) (i32.const 0) (i32.const 1))", BAD),
        ("(call $close (i32.const 1))", BAD),
        ("(call $size (i32.const 77))", BAD),
        ("(call $send (i32.const 4) (i32.const 65536) (i32.const 1))", FAULT),
        ("(call $send (i32.const 4) (i32.const -1) (i32.const -1))", FAULT),
        ("(call $recv (i32.const 3) (i32.const 65535) (i32.const 2))", FAULT),
        ("(call $recv (i32.const 3) (i32.const 1) (i32.const -1))", FAULT),
        ("(call $select (i32.const 65530) (i32.const 1) (i32.const 0))", FAULT),
        ("(call $select (i32.const 0) (i32.const -1) (i32.const 0))", -(Errno::Invalid as i32)),
        // An arm that receives to where there is nothing, beside one that is ready.
        ("(call $select (i32.const 0) (i32.const 2) (i32.const -1))", FAULT),
        // One of a bad handle, beside one that is ready.
        ("(call $select (i32.const 20) (i32.const 2) (i32.const -1))", BAD),
        ("(call $select (i32.const 60) (i32.const 1) (i32.const -1))", -(Errno::Invalid as i32)),
        ("(call $read (i32.const 3) (i32.const 80) (i32.const 1) (i32.const 65535))", Errno::Fault as i32),
        ("(call $read (i32.const 3) (i32.const 88) (i32.const 1) (i32.const 0))", Errno::Fault as i32),
        ("(call $read (i32.const 4) (i32.const 80) (i32.const 1) (i32.const 100))", Errno::BadHandle as i32),
        ("(call $write (i32.const 3) (i32.const 80) (i32.const 1) (i32.const 100))", Errno::BadHandle as i32),
        ("(call $write (i32.const 3) (i32.const 80) (i32.const 0) (i32.const 100))", Errno::BadHandle as i32),
        ("(call $write (i32.const 4) (i32.const 88) (i32.const 1) (i32.const 100))", Errno::Fault as i32),
        (
            "(call $write (i32.const 4) (i32.const 80) (i32.const 5000) (i32.const 100))",
            Errno::Invalid as i32,
        ),
        ("(call $random (i32.const 65000) (i32.const 1000))", Errno::Fault as i32),
        (
            "(call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 0))",
            Errno::NoSys as i32,
        ),
        // And after all that, the message that was there from the start.
        ("(call $recv (i32.const 3) (i32.const 200) (i32.const 100))", 5),
    ];
    let words = |words: &[i32]| -> String {
        words.iter().flat_map(|n| n.to_le_bytes()).map(|byte| format!("\\{byte:02x}")).collect()
    };
    let arms = words(&[
        1, 3, 65_000, 1000, 0, // to where there is no place
        1, 3, 200, 100, 0, // ready
        1, 9, 200, 100, 0, // no such handle
        5, 3, 200, 100, 0, // nothing that can be done; from 80 on also parts of a read
        65_000, 1000, 0, 0,
    ]);
    // The parts: at 80 one that is good, at 88 one that is not.
    let parts = words(&[200, 8, 65_000, 1000]);
    let (texts, expected): (Vec<_>, Vec<_>) = cases.iter().copied().unzip();
    let source = calls(4, &texts);
    let data = format!(r#"(data (i32.const 0) "{arms}") (data (i32.const 80) "{parts}"))"#);
    let source = format!("{}{data}", source.trim_end().strip_suffix(')').unwrap());
    let answers = run(async move {
        let (tx, rx) = bounded(1);
        tx.send(b"hello".to_vec()).await.unwrap();
        let (out, answers) = bounded(1);
        let guest = go(alone(program(&source).process().end(End::Receiver(rx)).end(End::Sender(out))));
        let answers = all(answers).await;
        assert_eq!(guest.await.unwrap(), Ok(0));
        answers
    });
    for ((text, expected), answer) in texts.iter().zip(&expected).zip(numbers(&answers[0])) {
        assert_eq!(answer, *expected, "{text}");
    }
    assert_eq!(answers.len(), 1, "nothing else was sent");
}

#[test]
fn arms_that_overlap_do_not_make_the_host_copy_more_than_a_message() {
    // Thirty arms that send the same 32 KiB are a message's worth; two hundred are too many.
    let fill = r#"(local $n i32) (loop $next
        (i32.store (local.get $n) (i32.const 2))
        (i32.store offset=4 (local.get $n) (i32.const 3))
        (i32.store offset=8 (local.get $n) (i32.const 10000))
        (i32.store offset=12 (local.get $n) (i32.const 32768))
        (local.set $n (i32.add (local.get $n) (i32.const 20)))
        (br_if $next (i32.lt_u (local.get $n) (i32.const 4000))))
        (call $exit (i32.sub (i32.const 0) (call $select (i32.const 0) (i32.const 200) (i32.const 0))))"#;
    let source = module(&format!("(func (export \"_start\") {fill})"));
    let few = source.replace("(i32.const 200)", "(i32.const 30)");
    for (source, expected) in [(source, Errno::TooLong), (few, Errno::Again)] {
        let (tx, _full) = bounded(0);
        let process = program(&source).process().end(End::Sender(tx));
        assert_eq!(run(alone(process)), Ok(expected as i32));
    }
}

#[test]
fn a_guest_that_is_cancelled_or_aborted_while_it_waits_takes_nothing_with_it() {
    let stage = program(STAGE);
    run(async move {
        for abort in [false, true] {
            let context = Context::background().with_cancel();
            let (tx, rx) = bounded(0);
            let (out, from) = bounded(1);
            let process = stage.process().end(End::Receiver(rx.clone())).end(End::Sender(out));
            let inner = context.clone();
            let guest = go(async move { process.run(&inner).await });
            // After an answer it waits for the next question, or is about to.
            tx.send(1_u32.to_le_bytes().to_vec()).await.unwrap();
            from.recv().await.unwrap();
            if abort {
                guest.abort();
                assert!(guest.await.unwrap_err().is_aborted());
            } else {
                context.cancel();
                assert_eq!(guest.await.unwrap(), Err(Failure::Cancelled));
            }
            assert!(from.recv().await.is_err());
            let next = go(async move { tx.send(b"next".to_vec()).await });
            assert_eq!(rx.recv().await.unwrap(), b"next");
            next.await.unwrap().unwrap();
        }
    });
}

#[test]
fn memory_has_a_limit_when_it_grows_and_when_it_starts() {
    let host = Host::new(Limits { memory: 3 << 16, ..Limits::default() });
    let source = calls(3, &["(memory.grow (i32.const 2))", "(memory.grow (i32.const 1))", "(memory.size)"]);
    let process = host.program(&source).unwrap();
    let answers = run(async move {
        let (tx, rx) = bounded(1);
        assert_eq!(alone(process.process().end(End::Sender(tx))).await, Ok(0));
        rx.recv().await.unwrap()
    });
    assert_eq!(numbers(&answers), [1, -1, 3]);
    let large = r#"(module (memory (export "memory") 4) (func (export "_start")))"#;
    assert!(host.program(large).is_err());
}

#[test]
fn what_cannot_be_run_is_refused_before_it_is_started() {
    let host = Host::new(Limits::default());
    for (source, word) in [
        ("(module", "expected"),
        ("\0asm\u{1}\0\0\0garbage", "this module"),
        ("(module (memory (export \"memory\") 1))", "_start"),
        ("(module (func (export \"_start\")))", "memory"),
        ("(module (memory (export \"memory\") 1) (func (export \"_start\") (param i32)))", "_start"),
        ("(module (memory (export \"memory\") 1) (func $f (export \"_start\")) (start $f))", "start"),
        (
            "(module (import \"env\" \"puts\" (func)) (memory (export \"memory\") 1) (func (export \"_start\")))",
            "puts",
        ),
        (
            "(module (import \"hchan\" \"send\" (func)) (memory (export \"memory\") 1) (func (export \"_start\")))",
            "send",
        ),
        ("(module (memory (export \"memory\") 1) (func (export \"_start\") (i32.const 1)))", "type"),
    ] {
        let error = host.program(source).expect_err(source).to_string();
        assert!(error.contains(word), "{source}: {error}");
    }
}
