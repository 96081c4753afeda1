//! What guests do with channels. They are WebAssembly text.

mod common;
mod text;

use common::{all, alone, program, run};
use hchan::{Group, bounded, go};
use hchan_wasm_process::{End, Errno};
use text::{calls, module, number, numbers};

const STAGE: &str = include_str!("../guests/stage.wat");
const MERGE: &str = include_str!("../guests/merge.wat");

#[test]
fn a_thousand_guests_are_one_pipeline() {
    const GUESTS: u32 = 1000;
    const MESSAGES: u32 = 50;
    let stage = program(STAGE);
    let sums = run(async move {
        let mut guests = Group::new();
        let (first, mut last) = bounded(1);
        for _ in 0..GUESTS {
            let (tx, rx) = bounded(1);
            let process = stage.process().end(End::Receiver(last)).end(End::Sender(tx));
            guests.go(async move { alone(process).await.map(|code| assert_eq!(code, 0)) });
            last = rx;
        }
        go(async move { first.send_many((0..MESSAGES).map(|n| n.to_le_bytes().to_vec())).await });
        let sums = all(last).await;
        guests.wait().await.unwrap();
        sums
    });
    let sums: Vec<u32> = sums.iter().map(|sum| number(sum)).collect();
    assert_eq!(sums, (GUESTS..GUESTS + MESSAGES).collect::<Vec<_>>());
}

#[test]
fn an_exit_code_is_its_result() {
    let source = module("(func (export \"_start\") (call $exit (i32.const 7)) (unreachable))");
    assert_eq!(run(alone(program(&source).process())), Ok(7));
}

#[test]
fn a_message_that_does_not_fit_is_kept_and_its_size_told() {
    let source = calls(
        4,
        &[
            "(call $size (i32.const 3))",
            "(call $recv (i32.const 3) (i32.const 0) (i32.const 4))",
            "(call $size (i32.const 3))",
            "(call $recv (i32.const 3) (i32.const 0) (i32.const 10))",
            "(call $recv (i32.const 3) (i32.const 0) (i32.const 10))",
            "(call $recv (i32.const 3) (i32.const 0) (i32.const 10))",
            "(call $send (i32.const 4) (i32.const 0) (i32.const 65537))",
        ],
    );
    let answers = run(async move {
        let (tx, rx) = bounded(2);
        tx.send_many([b"0123456789".to_vec(), b"next".to_vec()]).await.unwrap();
        drop(tx);
        let (out, answers) = bounded(1);
        let process = program(&source).process().end(End::Receiver(rx)).end(End::Sender(out));
        assert_eq!(alone(process).await, Ok(0));
        answers.recv().await.unwrap()
    });
    let (again, long, pipe) = (-(Errno::Again as i32), -(Errno::TooLong as i32), -(Errno::Pipe as i32));
    assert_eq!(numbers(&answers), [again, long, 10, 10, 4, pipe, -(Errno::Fault as i32)]);
}

#[test]
fn ends_that_a_guest_closes_are_closed_for_the_others_too() {
    // It closes both, tries to use them, and waits at a third one.
    let source = calls(
        5,
        &[
            "(call $close (i32.const 3))",
            "(call $close (i32.const 4))",
            "(call $close (i32.const 4))",
            "(call $recv (i32.const 3) (i32.const 0) (i32.const 4))",
            "(call $recv (i32.const 6) (i32.const 0) (i32.const 4))",
        ],
    );
    run(async move {
        let (tx, rx) = bounded::<Vec<u8>>(1);
        let (out, closed) = bounded(1);
        let (answers, answered) = bounded(1);
        let (go_on, last) = bounded(0);
        let process = program(&source).process().end(End::Receiver(rx)).end(End::Sender(out));
        let guest = go(alone(process.end(End::Sender(answers)).end(End::Receiver(last))));
        assert!(closed.recv().await.is_err());
        tx.closed().await;
        assert!(!guest.is_finished());
        go_on.send(b"now".to_vec()).await.unwrap();
        let bad = -(Errno::BadHandle as i32);
        assert_eq!(numbers(&answered.recv().await.unwrap()), [0, 0, bad, bad, 3]);
        assert_eq!(guest.await.unwrap(), Ok(0));
    });
}

#[test]
fn a_select_takes_from_all_and_ends_when_all_are_closed() {
    let merge = program(MERGE);
    let mut merged = run(async move {
        let ((a, from_a), (b, from_b), (tx, merged)) = (bounded(0), bounded(1), bounded(0));
        let process = merge.process().end(End::Receiver(from_a)).end(End::Receiver(from_b));
        let guest = go(alone(process.end(End::Sender(tx))));
        go(async move { a.send_many((0..100_u32).map(|n| n.to_le_bytes().to_vec())).await.unwrap() });
        go(async move { b.send_many((100..300_u32).map(|n| n.to_le_bytes().to_vec())).await.unwrap() });
        let merged = all(merged).await;
        assert_eq!(guest.await.unwrap(), Ok(0));
        merged.iter().map(|message| number(message)).collect::<Vec<_>>()
    });
    let (a, b): (Vec<u32>, Vec<u32>) = merged.iter().copied().partition(|n| *n < 100);
    assert!(a.is_sorted() && b.is_sorted(), "each in its order");
    merged.sort_unstable();
    assert_eq!(merged, (0..300).collect::<Vec<_>>());
}

#[test]
fn a_select_sends_times_out_and_tells_of_what_is_closed() {
    // Arms at 0: receive from 3, send to 4. Handle 5 takes the answers.
    let data = "(data (i32.const 0) \"\\01\\00\\00\\00\\03\\00\\00\\00\\00\\02\\00\\00\\10\\00\\00\\00\\09\\00\\00\\00\\02\\00\\00\\00\\04\\00\\00\\00\\40\\02\\00\\00\\02\\00\\00\\00\\09\\00\\00\\00\"))";
    let (both, none, first) = ("(i32.const 2)", "(i32.const 0)", "(i32.const 1)");
    let select = |count, ms: i32| format!("(call $select (i32.const 0) {count} (i32.const {ms}))");
    let texts = [
        select(both, -1),                         // the send: there is place for one
        "(i32.load (i32.const 36))".to_owned(),   // and its result
        select(both, 0),                          // nothing is ready any more
        select(both, 1),                          // nor later
        select(none, 0),                          // nothing at all
        "(call $close (i32.const 6))".to_owned(), // tells the test to close 3
        select(first, -1),                        // so that this ends
        "(i32.load (i32.const 16))".to_owned(),
    ];
    let source = calls(5, &texts.each_ref().map(String::as_str));
    let source = format!("{}{data}", source.trim_end().strip_suffix(')').unwrap());
    let (answers, sent) = run(async move {
        let ((tx, rx), (out, sent), (answers, answered), (ready, closed)) =
            (bounded(1), bounded(1), bounded(1), bounded(1));
        let process = program(&source).process().end(End::Receiver(rx)).end(End::Sender(out));
        let guest = go(alone(process.end(End::Sender(answers)).end(End::Sender(ready))));
        assert!(closed.recv().await.is_err());
        drop(tx);
        assert_eq!(guest.await.unwrap(), Ok(0));
        (answered.recv().await.unwrap(), all(sent).await)
    });
    let again = -(Errno::Again as i32);
    assert_eq!(numbers(&answers), [1, 0, again, again, again, 0, 0, -(Errno::Pipe as i32)]);
    assert_eq!(sent, [[0, 0]]);
}

#[test]
fn a_read_fills_its_parts_in_order_and_a_write_gathers_them() {
    // Two parts, the second before the first in memory; the same ones are written.
    let body = r#"
        (data (i32.const 0) "\c8\00\00\00\03\00\00\00\64\00\00\00\10\00\00\00")
        (func (export "_start")
            (drop (call $read (i32.const 3) (i32.const 0) (i32.const 2) (i32.const 32)))
            (i32.store (i32.const 12) (i32.sub (i32.load (i32.const 32)) (i32.const 3)))
            (drop (call $write (i32.const 4) (i32.const 0) (i32.const 2) (i32.const 36)))
            (drop (call $send (i32.const 4) (i32.const 32) (i32.const 8)))
            (drop (call $send (i32.const 4) (i32.const 100) (i32.const 5))))"#;
    let sent = run(async move {
        let ((tx, rx), (out, sent)) = (bounded(1), bounded(3));
        tx.send(b"abcdefgh".to_vec()).await.unwrap();
        let process = program(module(body)).process().end(End::Receiver(rx)).end(End::Sender(out));
        assert_eq!(alone(process).await, Ok(0));
        all(sent).await
    });
    assert_eq!(sent[0], b"abcdefgh", "as it came");
    assert_eq!(numbers(&sent[1]), [8, 8], "so many were read and written");
    assert_eq!(sent[2], b"defgh");
}
