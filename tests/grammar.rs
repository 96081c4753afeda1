//! What `select!` and `select_blocking!` take: all that crossbeam's takes, and what is their own. Most of
//! it is that it compiles, without `unsafe` and without warnings; the rest that it means what it says.
//!
//! What they do not take is in `support/grammar_mistakes.rs`.

#![forbid(unsafe_code)]
#![deny(clippy::all)]
#![cfg_attr(feature = "rt", deny(unused))]
#![allow(
    clippy::redundant_closure_call,
    clippy::match_single_binding,
    clippy::never_loop,
    clippy::needless_range_loop,
    reason = "operands and bodies of every shape are what is tested"
)]

#[path = "support/grammar_mistakes.rs"]
mod mistakes;
mod support;

use hchan::*;
use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;
use support::*;

/// An unbounded channel in which something is always ready.
fn full() -> (Sender<i32>, Receiver<i32>) {
    let (tx, rx) = unbounded();
    (0..100).for_each(|n| tx.try_send(n).unwrap());
    (tx, rx)
}

struct Holder {
    rx: Receiver<i32>,
    tx: Sender<i32>,
    slot: Option<i32>,
    slots: Vec<Option<i32>>,
}

impl Holder {
    fn new() -> Self {
        let (tx, rx) = full();
        Self { rx, tx, slot: Some(1), slots: vec![None, Some(2)] }
    }

    fn lend(&self) -> &Receiver<i32> {
        &self.rx
    }

    fn make(&self) -> Receiver<i32> {
        self.rx.clone()
    }
}

#[test]
fn a_handle_is_any_expression_that_derefs_to_one() {
    let holder = Holder::new();
    let rx = &holder.rx;
    let (boxed, arc, counted) = (Box::new(rx.clone()), Arc::new(rx.clone()), Rc::new(rx.clone()));
    let (locked, shared) = (Mutex::new(rx.clone()), RefCell::new(rx.clone()));
    let array = [rx.clone(), rx.clone()];
    let references = [&array[0]];
    macro_rules! each {
        ($($rx:expr),* $(,)?) => {
            [$(select_blocking! { recv($rx) -> n => n.unwrap() }),*]
        };
    }
    let got = each![
        holder.rx,
        rx,
        &rx,
        &&rx,
        *rx,
        boxed,
        *boxed,
        arc,
        &arc,
        counted,
        holder.lend(),
        holder.make(),
        array[1],
        &array[0],
        references[0],
        locked.lock().unwrap(),
        shared.borrow(),
        { &holder.rx },
        if true { rx } else { &array[0] },
        (|| rx.clone())(),
    ];
    assert!(got.into_iter().eq(0..20));
    let tx = Arc::new(holder.tx.clone());
    select_blocking! { send(tx, 1) -> sent => sent.unwrap() }
    select_blocking! { send(&*tx, 1) -> sent => sent.unwrap() }
    // The temporary lives until the select is over, and its receiver with it.
    select_blocking! { send(Holder::new().tx, 1) -> sent => sent.unwrap() }
}

#[test]
fn commas_braces_and_patterns_may_be_left_out_or_not() {
    let (tx, rx) = full();
    select_blocking! { recv(rx) -> _ => {} }
    select_blocking! { recv(rx) -> _ => {}, }
    select_blocking! { recv(rx) => {} send(tx, 1) => {} default => {} }
    select_blocking! { recv(rx) => {}, send(tx, 1) => {}, default => {}, }
    select_blocking!(recv(rx,) -> _ => (), send(tx, 1,) -> _ => (), default() => ());
    select_blocking![recv(rx) -> _ => (), default(Duration::ZERO,) => (),];
    select_blocking! {
        recv(rx) -> n => if n.is_ok() { 1 } else { 2 },
        send(tx, 1) -> _ => match 1 { n => n },
        default => loop { break 3 },
    };
    let text = |n: Result<i32, RecvError>| {
        select_blocking! {
            send(tx, 1) -> Ok(()) | Err(SendError(_)) => (),
            recv(rx) -> Ok(_) | Err(RecvError) => (),
            recv(rx) -> mut n => { assert!(n.is_ok()); n = Ok(1); assert!(n.is_ok()) }
            recv(rx) -> ref n @ (Ok(_) | Err(_)) => assert!(n.is_ok()),
        }
        n.map(|n| n.to_string())
    };
    assert_eq!(text(Ok(1)).as_deref(), Ok("1"));
}

#[test]
fn a_select_is_an_expression_anywhere() {
    let (_tx, rx) = full();
    let doubled = 2 * select_blocking! { recv(rx) -> n => n.unwrap() + 1 };
    assert_eq!(doubled, 2);
    if select_blocking! { recv(rx) -> n => n == Ok(1), default => false } {
        assert_eq!((select_blocking! { recv(rx) -> n => n }, 0), (Ok(2), 0));
    }
    let closure = || select_blocking! { recv(rx) -> n => n };
    assert_eq!(closure(), Ok(3));
    let boxed: Box<dyn Fn() -> i32> =
        select_blocking! { recv(rx) => Box::new(|| 1), default => Box::new(|| 2) };
    assert_eq!(boxed(), 1);
    // Never run: it waits for ever, and has every type.
    let _: fn() -> String = || select_blocking! {};
    let _: fn() -> ! = || select_blocking! {};
    drop(async {
        select! {}
    });
}

#[test]
fn bodies_leave_loops_and_functions() {
    fn sum(rx: &Receiver<i32>, limit: i32) -> Result<i32, RecvError> {
        let mut sum = 0;
        let label = 'outer: loop {
            for _ in 0..3 {
                select_blocking! {
                    recv(rx) -> n => match n? {
                        0 => continue,
                        n if n < 0 => break 'outer n,
                        n if n > limit => return Ok(n),
                        n => sum += n,
                    },
                    default => break 'outer sum,
                }
            }
        };
        Ok(label)
    }
    let (tx, rx) = unbounded();
    tx.send_many_blocking([0, 1, 0, 2, -1, 9, 3]).unwrap();
    assert_eq!((sum(&rx, 5), sum(&rx, 5), sum(&rx, 5)), (Ok(-1), Ok(9), Ok(3)));
    drop(tx);
    assert_eq!(sum(&rx, 5), Err(RecvError));
}

#[cfg(feature = "rt")]
#[test]
fn bodies_and_operands_await_and_use_the_question_mark() {
    async fn relay(rx: &Receiver<String>, tx: &Sender<i32>, more: &Receiver<i32>) -> Option<i32> {
        select! {
            recv(rx) -> text => {
                let n = text.ok()?.parse::<i32>().ok()?;
                select! {
                    send(tx, more.recv().await.ok()? + n) -> sent => sent.ok()?,
                    recv(select! { recv(more) -> _ => more, default => more }) -> _ => return None,
                }
                let again = async { select! { recv(more) -> n => n.ok(), default(Duration::ZERO) => Some(5) } };
                again.await
            }
            wait(std::future::pending::<()>()) -> () => None,
        }
    }
    let (texts, rx) = unbounded();
    let (tx, out) = bounded(1);
    let (feed, more) = bounded(1);
    let run = || pollster::block_on(relay(&rx, &tx, &more));
    texts.try_send("20".to_owned()).unwrap();
    feed.try_send(3).unwrap();
    assert_eq!((run(), out.try_recv()), (Some(5), Ok(23)));
    texts.try_send("twenty".to_owned()).unwrap();
    assert_eq!((run(), out.try_recv()), (None, Err(TryRecvError::Empty)));
}

#[cfg(feature = "rt")]
#[test]
fn operands_are_evaluated_once_and_in_the_order_written() {
    let holder = Holder::new();
    let seen = RefCell::new(Vec::new());
    fn note<'a, T>(seen: &RefCell<Vec<&'a str>>, what: &'a str, value: T) -> T {
        seen.borrow_mut().push(what);
        value
    }
    let Holder { rx, tx, .. } = &holder;
    let mut slot = [Some(1)];
    select_blocking! {
        send(note(&seen, "tx", tx), note(&seen, "value", 1)) -> _ => (),
        default(note(&seen, "time", Duration::ZERO)) => (),
        recv(note(&seen, "rx", rx)) -> _ => (),
        send(note(&seen, "tx2", tx), in slot[note(&seen, "slot", 0)]) -> _ => (),
    }
    assert_eq!(seen.take(), ["tx", "value", "time", "rx", "tx2", "slot"]);
    pollster::block_on(async {
        select! {
            default(note(&seen, "time", Duration::ZERO)) => (),
            recv(note(&seen, "rx", never::<()>())) -> _ => (),
            wait(note(&seen, "future", std::future::ready(()))) => (),
            wait(async { note(&seen, "lazy", ()) }) => (),
        }
    });
    let seen = seen.take();
    assert_eq!((&seen[..3], seen.len() <= 4), (&["time", "rx", "future"][..], true));
}

#[test]
fn an_operand_that_fails_gives_a_slot_back() {
    let (tx, _rx) = full();
    let mut slot = Some("kept");
    let (other, _in) = bounded(0);
    let mut fails = || -> Option<()> {
        select_blocking! {
            send(other, in slot) -> _ => Some(()),
            send(tx, None?) -> _ => Some(()),
        }
    };
    assert_eq!(fails(), None);
    assert_eq!(slot, Some("kept"));
}

#[test]
fn a_slot_is_any_place() {
    let mut holder = Holder::new();
    let mut boxed = Box::new(Some(3));
    let mut pair = (Some(4), ());
    let mut local = Some(5);
    let by_reference = &mut local;
    let (tx, rx) = unbounded();
    select_blocking! { send(tx, in holder.slot) -> sent => sent.unwrap() }
    select_blocking! { send(tx, in holder.slots[1]) -> sent => sent.unwrap() }
    select_blocking! { send(holder.tx, in holder.slots[0]) -> _ => panic!("it is empty"), default => () }
    select_blocking! { send(tx, in *boxed) -> sent => sent.unwrap() }
    select_blocking! { send(tx, in pair.0) -> sent => sent.unwrap() }
    select_blocking! { send(tx, in *by_reference,) -> sent => sent.unwrap() }
    assert!(rx.drain().eq(1..6));
    assert_eq!(
        (holder.slot, holder.slots, *boxed, pair.0, local),
        (None, vec![None, None], None, None, None)
    );
    // Two slots of one select; one that was refused has its value in the error, not in the slot.
    drop(rx);
    let (mut a, mut b) = (Some(1), Some(2));
    let refused = select_blocking! { biased; send(tx, in a) -> res => res, send(tx, in b) -> res => res };
    assert_eq!((refused, a, b), (Err(SendError(1)), None, Some(2)));
}

#[test]
fn biased_is_the_order_written_and_else_every_ready_arm_wins_in_turn() {
    let (tx, rx) = full();
    let off = never::<i32>();
    for _ in 0..20 {
        let won = select_blocking! {
            biased;
            recv(off) -> _ => 0, recv(rx) -> _ => 1, send(tx, 1) -> _ => 2, recv(rx) -> _ => 3, default => 4,
        };
        assert_eq!(won, 1);
    }
    let mut wins = [0; 4];
    for _ in 0..400 {
        let won = select_blocking! {
            recv(off) -> _ => 0, recv(rx) -> _ => 1, send(tx, 1) -> _ => 2, recv(rx) -> _ => 3, default => 0,
        };
        tx.try_send(1).unwrap();
        wins[won] += 1;
    }
    // Of 400 by chance, 133 each: fewer than 60 has a probability below 10^-16.
    assert!(wins[0] == 0 && wins[1..].iter().all(|wins| *wins > 60), "{wins:?}");
}

#[test]
fn twenty_arms() {
    let channels: Vec<_> = (0..20).map(|_| bounded(1)).collect();
    let rx = |n: usize| &channels[n].1;
    for winner in 0..20 {
        channels[winner].0.try_send(winner).unwrap();
        let won = select_blocking! {
            recv(rx(0)) -> n => n, recv(rx(1)) -> n => n, recv(rx(2)) -> n => n, recv(rx(3)) -> n => n,
            recv(rx(4)) -> n => n, recv(rx(5)) -> n => n, recv(rx(6)) -> n => n, recv(rx(7)) -> n => n,
            recv(rx(8)) -> n => n, recv(rx(9)) -> n => n, recv(rx(10)) -> n => n, recv(rx(11)) -> n => n,
            recv(rx(12)) -> n => n, recv(rx(13)) -> n => n, recv(rx(14)) -> n => n, recv(rx(15)) -> n => n,
            recv(rx(16)) -> n => n, recv(rx(17)) -> n => n, recv(rx(18)) -> n => n, recv(rx(19)) -> n => n,
        };
        assert_eq!(won, Ok(winner));
    }
}

#[cfg(feature = "rt")]
#[test]
fn names_of_the_program_and_of_the_expansion_do_not_meet() {
    let (sender, receiver) = full();
    let (entry, outcome, winner, value, time, others, selecting) = (1, 2, 3, 4, Duration::ZERO, 5, 6);
    let mut slot = Some(7);
    let future = std::future::ready(8);
    let off = never::<i32>();
    let sum = pollster::block_on(async {
        select! {
            recv(off) -> entry => entry.unwrap(),
            send(sender, value) -> _ => entry + outcome + winner + value + others + selecting,
            send(sender, in slot) -> _ => entry + outcome + winner + value + others + selecting,
            wait(future) -> outcome => entry + outcome + winner + value + others + selecting - 6,
            default(time) => 0,
        }
    });
    assert_eq!(sum, 21);
    assert_eq!(receiver.try_recv(), Ok(0));
}

#[cfg(feature = "rt")]
fn is_send<T: Send>(value: T) -> T {
    value
}

#[cfg(feature = "rt")]
#[test]
fn the_future_of_a_select_is_send_if_its_arms_are() {
    let (tx, rx) = unbounded::<i32>();
    let mut slot = Some(1);
    let future = is_send(async move {
        select! { recv(rx) -> _ => 1, send(tx, 1) -> _ => 2, send(tx, in slot) -> _ => 3,
        wait(std::future::ready(())) => 4, default(LONG) => 5 }
    });
    assert!(std::thread::spawn(|| pollster::block_on(future)).join().is_ok());
}

#[test]
fn payloads_and_handles_that_stay_on_their_thread_can_be_selected_there() {
    let (tx, rx) = bounded::<Rc<i32>>(0);
    let counted = Rc::new(rx);
    let mut select = pin!(async {
        select! { recv(counted) -> n => n.map(|n| *n), wait(async { drop(Rc::new(())); std::future::pending().await }) -> n => n }
    });
    assert!(poll(select.as_mut()).is_pending());
    select_blocking! { send(tx, Rc::new(5)) -> sent => sent.unwrap() }
    assert_eq!(poll(select), Poll::Ready(Ok(5)));
}
