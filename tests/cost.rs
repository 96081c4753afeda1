//! What operations cost: allocations, memory, and the time of a cancel. Regressions of other libraries
//! are named after their source.

#[path = "support/heap.rs"]
mod heap;
mod support;

use hchan::*;
use heap::{allocations, growth};
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};
use support::*;

/// Checks that `f` does not allocate, the first time apart: a queue may be made then, or a generator
/// seeded.
fn never_allocates(what: &str, mut f: impl FnMut()) {
    f();
    assert_eq!(allocations(&mut f), 0, "{what} allocates");
}

/// What a channel takes that keeps track of its handles, as all do in a debug build.
const TRACKING: isize = if cfg!(debug_assertions) { 320 } else { 0 };

#[test]
fn an_idle_channel_takes_at_most_136_bytes() {
    let of = |name: &str, bytes: isize| {
        #[allow(clippy::print_stderr, reason = "a figure")]
        {
            eprintln!("{name}: {bytes} bytes of heap, both handles included");
        }
        assert!(bytes <= 136 + TRACKING, "{name} takes {bytes} bytes");
        assert!(bytes > 0, "the allocator counts");
    };
    of("bounded(0)", growth(|| bounded::<u64>(0)));
    of("bounded(1)", growth(|| bounded::<u64>(1)));
    of("bounded(1024)", growth(|| bounded::<u64>(1024)));
    of("bounded(1024) of 4 KiB", growth(|| bounded::<[u8; 4096]>(1024)));
    of("unbounded", growth(unbounded::<u64>));
    assert_eq!(allocations(never::<u64>), 0);
}

#[test]
fn waiting_as_a_task_and_handing_over_allocate_nothing() {
    let (tx, rx) = bounded::<u64>(0);
    never_allocates("a receive that waits", || {
        let mut receive = pin!(rx.recv());
        assert!(poll(receive.as_mut()).is_pending());
        tx.try_send(1).unwrap();
        assert_eq!(poll(receive), Poll::Ready(Ok(1)));
    });
    never_allocates("a send that waits", || {
        let mut send = pin!(tx.send(1));
        assert!(poll(send.as_mut()).is_pending());
        assert_eq!(rx.try_recv(), Ok(1));
        assert_eq!(poll(send), Poll::Ready(Ok(())));
    });
    never_allocates("a send and a receive that are cancelled", || {
        assert!(poll(pin!(tx.send(1)).as_mut()).is_pending());
        assert!(poll(pin!(rx.recv()).as_mut()).is_pending());
    });
    never_allocates("a wait for the end that is cancelled", || {
        assert!(poll(pin!(rx.closed()).as_mut()).is_pending());
    });
    let mut values = Vec::with_capacity(8);
    never_allocates("a receive of many that waits", || {
        values.clear();
        let mut receive = pin!(rx.recv_many(&mut values, 8));
        assert!(poll(receive.as_mut()).is_pending());
        tx.try_send(1).unwrap();
        assert_eq!(poll(receive), Poll::Ready(1));
    });
    let (tx, rx) = bounded::<u64>(2);
    never_allocates("a queue that is there", || {
        tx.try_send(1).unwrap();
        assert_eq!(tx.force_send(2), Ok(None));
        assert_eq!(tx.force_send(3), Ok(Some(1)));
        let mut send = pin!(tx.send(4));
        assert!(poll(send.as_mut()).is_pending());
        assert!(rx.try_iter().eq(2..5));
        assert!(poll(send).is_ready());
    });
}

#[test]
fn a_select_of_up_to_eight_arms_allocates_nothing() {
    let channels: Vec<_> = (0..8).map(|_| bounded::<usize>(0)).collect();
    let [a, b, c, d, e, f, g, h] = std::array::from_fn(|n| &channels[n].1);
    let tx = &channels[0].0;
    #[expect(clippy::needless_range_loop, reason = "the number of the arm, not an element")]
    for winner in 0..8 {
        never_allocates("a select of eight receives that waits", || {
            let mut select = pin!(async {
                select! {
                    recv(a) -> n => n, recv(b) -> n => n, recv(c) -> n => n, recv(d) -> n => n,
                    recv(e) -> n => n, recv(f) -> n => n, recv(g) -> n => n, recv(h) -> n => n,
                }
            });
            assert!(poll(select.as_mut()).is_pending());
            channels[winner].0.try_send(winner).unwrap();
            assert_eq!(poll(select), Poll::Ready(Ok(winner)));
        });
    }
    let mut slot = None;
    never_allocates("a select of sends, slots and futures that waits", || {
        slot = Some(1);
        let mut select = pin!(async {
            select! {
                send(tx, in slot) -> _ => true,
                recv(b) -> _ => false,
                wait(std::future::pending::<()>()) => false,
                wait(std::future::pending::<()>()) => false,
            }
        });
        assert!(poll(select.as_mut()).is_pending());
        assert_eq!(a.try_recv(), Ok(1));
        assert_eq!(poll(select), Poll::Ready(true));
    });
    never_allocates("a select that does not wait", || {
        select_blocking! { recv(a) -> _ => unreachable!(), send(tx, 1) -> _ => unreachable!(), default => () }
    });
    let mut select = Select::new();
    [b, c, d].into_iter().for_each(|rx| assert!(select.recv(rx) < 3));
    never_allocates("a dynamic select that waits and is cancelled", || {
        assert!(poll(pin!(select.wait()).as_mut()).is_pending());
    });
}

#[test]
fn letting_eight_waiters_go_allocates_nothing() {
    let make = || {
        let (tx, rx) = bounded::<u64>(0);
        let rx = Box::leak(Box::new(rx));
        let receives: Vec<_> = (0..8).map(|_| waiting(rx.recv())).collect();
        (tx, receives)
    };
    let (tx, mut receives) = make();
    assert_eq!(allocations(|| tx.close()), 0);
    assert!(receives.iter_mut().all(|receive| poll(receive.as_mut()) == Poll::Ready(Err(RecvError))));
}

/// The fewest allocations that `wait`, on a thread of its own, made in any of the rounds; `meet` is
/// called again and again until it has met it. The fewest, since the lock itself allocates when a thread
/// first meets another one in it.
fn fewest_while_blocked(wait: impl Fn() + Send + Sync, meet: impl Fn() -> bool) -> usize {
    const ROUNDS: usize = 30;
    let (counts, counted) = std::sync::mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| (0..ROUNDS).for_each(|_| counts.send(allocations(&wait)).unwrap()));
        (0..ROUNDS)
            .map(|_| {
                // Time for the thread to park: what follows holds without, but this is the case meant.
                thread::sleep(Duration::from_millis(1));
                while !meet() {
                    thread::yield_now();
                }
                counted.recv().unwrap()
            })
            .min()
            .expect("some rounds")
    })
}

#[test]
fn waiting_as_a_thread_allocates_nothing() {
    let (tx, rx) = bounded::<u64>(0);
    let (_other, rx2) = bounded::<u64>(0);
    let fewest = fewest_while_blocked(|| assert_eq!(rx.recv_blocking(), Ok(1)), || tx.try_send(1).is_ok());
    assert_eq!(fewest, 0, "a blocked receive");
    let fewest = fewest_while_blocked(|| tx.send_blocking(1).unwrap(), || rx.try_recv().is_ok());
    assert_eq!(fewest, 0, "a blocked send");
    let select = || {
        select_blocking! {
            send(tx, 1) -> sent => sent.unwrap(), recv(rx2) -> _ => (), recv(rx2) -> _ => (), recv(rx2) -> _ => (),
            recv(rx2) -> _ => (), recv(rx2) -> _ => (), recv(rx2) -> _ => (), default(LONG) => unreachable!(),
        }
    };
    assert_eq!(fewest_while_blocked(select, || rx.try_recv().is_ok()), 0, "a blocked select");
}

/// By how much the heap grows when `f` happens 100,000 times, after a first time.
fn growth_of_many(f: impl Fn()) -> isize {
    f();
    growth(|| (0..100_000).for_each(|_| f()))
}

#[test]
fn crossfire_an_idle_channel_does_not_grow_with_cancelled_receives_behind_one_that_stays() {
    let (_tx, rx) = bounded::<u64>(0);
    let _stays = waiting(rx.recv());
    assert_eq!(growth_of_many(|| assert!(poll(pin!(rx.recv())).is_pending())), 0);
}

#[test]
fn crossfire_an_idle_channel_does_not_grow_with_cancelled_sends_behind_one_that_stays() {
    let (tx, _rx) = bounded::<u64>(0);
    let _stays = waiting(tx.send(0));
    assert_eq!(growth_of_many(|| assert!(poll(pin!(tx.send(1))).is_pending())), 0);
}

#[test]
fn crossfire_idle_channels_do_not_grow_with_cancelled_selects_behind_others_that_stay() {
    let (tx, _rx) = bounded::<u64>(0);
    let (_tx2, rx2) = bounded::<u64>(0);
    let _stay = (waiting(tx.send(0)), waiting(rx2.recv()));
    let select = || async {
        select! { send(tx, 1) -> _ => (), recv(rx2) -> _ => () }
    };
    assert_eq!(growth_of_many(|| assert!(poll(pin!(select())).is_pending())), 0);
}

#[test]
fn an_idle_channel_does_not_grow_with_values_that_come_back() {
    let (tx, rx) = bounded::<u64>(0);
    let handed_and_cancelled = || {
        let mut receive = pin!(rx.recv());
        assert!(poll(receive.as_mut()).is_pending());
        tx.try_send(1).unwrap();
        receive.set(rx.recv());
        assert_eq!(rx.try_recv(), Ok(1));
    };
    assert_eq!(growth_of_many(handed_and_cancelled), 0);
}

#[test]
fn flume_182_an_idle_channel_does_not_grow_with_polls() {
    let (_tx, rx) = bounded::<u64>(0);
    let mut receive = pin!(rx.recv());
    let mut select = pin!(async {
        select! { recv(rx) -> n => n, recv(rx) -> n => n }
    });
    let bells = [Bell::new(), Bell::new()];
    let mut both = |bell: &Arc<Bell>| {
        assert!(poll_with(receive.as_mut(), bell).is_pending());
        assert!(poll_with(select.as_mut(), bell).is_pending());
    };
    bells.iter().for_each(&mut both);
    assert_eq!(growth(|| bells.iter().cycle().take(20_000).for_each(&mut both)), 0);
}

#[test]
fn tokio_7355_flume_146_the_memory_of_a_burst_is_given_back() {
    const BURST: u64 = 1_000_000;
    type Empty = fn(&Receiver<u64>) -> u64;
    let ways: [(&str, Empty); 3] = [
        ("try_recv", |rx| rx.try_iter().count() as u64),
        ("drain", |rx| rx.drain().len() as u64),
        ("close_and_take", |rx| rx.close_and_take().len() as u64),
    ];
    for (name, empty) in ways {
        let (tx, rx) = unbounded();
        let left = growth(|| {
            assert!(growth(|| tx.send_many_blocking(0..BURST).unwrap()) >= 8 * BURST as isize);
            assert_eq!(empty(&rx), BURST);
        });
        assert!(left <= 2048, "{left} bytes are left after {name}");
    }
}

#[test]
fn the_memory_of_values_that_came_back_is_given_back() {
    let (tx, rx) = bounded::<u64>(0);
    // The first wait of a process makes the list of channels at which somebody waits.
    drop(waiting(rx.recv()));
    let left = growth(|| {
        let receives: Vec<_> = (0..20_000).map(|_| waiting(rx.recv())).collect();
        (0..20_000).for_each(|n| tx.try_send(n).unwrap());
        drop(receives);
        assert_eq!((rx.len(), rx.try_iter().count()), (20_000, 20_000));
    });
    assert!(left <= 2048, "{left} bytes are left");
}

#[test]
fn a_bounded_channel_does_not_allocate_past_its_capacity() {
    let (tx, _rx) = bounded::<u64>(1000);
    let bytes = growth(|| (0..1000).for_each(|n| tx.try_send(n).unwrap()));
    assert!((8000..8100).contains(&bytes), "{bytes} bytes for 1000 of 8");
}

/// The time of cancelling one in the middle of `n` that wait: the best of many rounds.
fn cancel_among(n: usize) -> Duration {
    const ROUNDS: usize = 7;
    const EACH: usize = 64;
    let (_tx, rx) = bounded::<u64>(0);
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let mut receives: Vec<Option<Pin<Box<Receiving<'_, u64>>>>> = (0..n)
            .map(|_| {
                let mut receive = Box::pin(rx.recv());
                assert!(poll(receive.as_mut()).is_pending());
                Some(receive)
            })
            .collect();
        let middle = n / 2 - EACH / 2;
        let start = Instant::now();
        receives[middle..middle + EACH].iter_mut().for_each(|receive| drop(black_box(receive.take())));
        best = best.min(start.elapsed());
    }
    best / EACH as u32
}

#[test]
fn kanal_flume_crossbeam_a_cancel_costs_the_same_however_many_wait() {
    cancel_among(256);
    let (few, many) = (cancel_among(256), cancel_among(16_384));
    #[allow(clippy::print_stderr, reason = "a figure")]
    {
        eprintln!("a cancel among 256: {few:?}, among 16,384: {many:?}");
    }
    // 64 times as many. A scan would take as much longer; misses of the cache take a little.
    assert!(many < few * 10 + Duration::from_micros(1), "{few:?} among 256, {many:?} among 16,384");
}
