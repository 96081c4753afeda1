//! Threads and tasks at once, with payloads that are counted. The totals balance exactly: every value is
//! received once, or came back once, or was dropped once, and nothing is left alive.
//!
//! A failure prints its seed; `HCHAN_SEED=n` starts there. The schedule is the machine's, so a seed
//! repeats the decisions and not the interleaving.

mod support;

use hchan::*;
use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Poll;
use std::thread;
use std::time::Duration;
use support::*;

/// Where the payloads of one round went.
#[derive(Default)]
struct Ledger {
    tally: Arc<Tally>,
    /// For each payload, how often it was received.
    received: Vec<AtomicUsize>,
    /// How often it came back to its sender: refused, cancelled, displaced.
    returned: Vec<AtomicUsize>,
    /// The next payload.
    next: AtomicUsize,
}

impl Ledger {
    fn new(payloads: usize) -> Self {
        let zeros = || (0..payloads).map(|_| AtomicUsize::new(0)).collect();
        Self { received: zeros(), returned: zeros(), ..Self::default() }
    }

    /// The next payload, or `None` when all were made.
    fn make(&self) -> Option<Token> {
        let id = self.next.fetch_add(1, SeqCst);
        (id < self.received.len()).then(|| self.tally.token(id))
    }

    fn receive(&self, token: Token) {
        self.received[token.id].fetch_add(1, SeqCst);
    }

    fn take_back(&self, token: Token) {
        self.returned[token.id].fetch_add(1, SeqCst);
    }

    /// Checks the totals when everything is gone.
    fn balance(&self, what: &str, dropped: Dropped) {
        assert_eq!(self.tally.alive(), 0, "{what}: payloads were leaked");
        for (id, (received, returned)) in self.received.iter().zip(&self.returned).enumerate() {
            let times = received.load(SeqCst) + returned.load(SeqCst);
            assert!(times <= 1, "{what}: payload {id} turned up {times} times");
            assert!(dropped == Dropped::Some || times == 1, "{what}: payload {id} is lost");
        }
    }
}

/// Whether the channel may have dropped values.
#[derive(PartialEq)]
enum Dropped {
    Some,
    None,
}

/// Runs `round` with some seeds.
fn with_seeds(rounds: u64, round: impl Fn(u64)) {
    let first = std::env::var("HCHAN_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    for seed in first..first + rounds {
        if let Err(panic) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| round(seed))) {
            #[allow(clippy::print_stderr, reason = "how to repeat it")]
            {
                eprintln!("failed with HCHAN_SEED={seed}");
            }
            std::panic::resume_unwind(panic);
        }
    }
}

fn channel_of(capacity: Option<usize>) -> (Sender<Token>, Receiver<Token>) {
    capacity.map_or_else(unbounded, bounded)
}

/// Sends until the payloads are used up or the channel is closed, in all ways there are.
fn send_all(tx: &Sender<Token>, ledger: &Ledger, rng: &mut Rng) {
    while let Some(token) = ledger.make() {
        match rng.below(8) {
            0 => back(ledger, tx.send_blocking(token).err().map(SendError::into_inner)),
            1 => back(ledger, pollster::block_on(tx.send(token)).err().map(SendError::into_inner)),
            2 => back(ledger, tx.try_send(token).err().map(TrySendError::into_inner)),
            3 => {
                let time = Duration::from_micros(rng.below(50) as u64);
                back(ledger, tx.send_timeout_blocking(token, time).err().map(SendTimeoutError::into_inner));
            }
            4 => {
                // Polled once or twice, then withdrawn.
                let mut send = pin!(tx.send(token));
                for _ in 0..=rng.below(2) {
                    match poll(send.as_mut()) {
                        Poll::Ready(result) => {
                            back(ledger, result.err().map(SendError::into_inner));
                            break;
                        }
                        Poll::Pending => thread::yield_now(),
                    }
                }
                back(ledger, send.as_mut().cancel());
            }
            5 => {
                let mut slot = Some(token);
                select_blocking! {
                    send(tx, in slot) -> sent => back(ledger, sent.err().map(SendError::into_inner)),
                    default(Duration::from_micros(20)) => (),
                }
                back(ledger, slot);
            }
            6 => {
                let batch: Vec<_> =
                    std::iter::once(token).chain((0..rng.below(9)).map_while(|_| ledger.make())).collect();
                if let Err(error) = tx.send_many_blocking(batch) {
                    error.into_inner().into_iter().for_each(|token| ledger.take_back(token));
                }
            }
            _ => match tx.force_send(token) {
                Ok(displaced) => back(ledger, displaced),
                Err(SendError(token)) => ledger.take_back(token),
            },
        }
    }
}

fn back(ledger: &Ledger, token: impl IntoIterator<Item = Token>) {
    token.into_iter().for_each(|token| ledger.take_back(token));
}

/// Receives until the channel is closed and empty, in all ways there are; half of them give up early.
fn receive_all(rx: &Receiver<Token>, ledger: &Ledger, rng: &mut Rng) {
    loop {
        let closed = match rng.below(12) {
            0 => rx.recv_blocking().map(|token| ledger.receive(token)).is_err(),
            1 => pollster::block_on(rx.recv()).map(|token| ledger.receive(token)).is_err(),
            2 => {
                let mut values = Vec::new();
                let count = rx.recv_many_blocking(&mut values, 1 + rng.below(5));
                values.into_iter().for_each(|token| ledger.receive(token));
                count == 0
            }
            3 => {
                rx.drain().for_each(|token| ledger.receive(token));
                false
            }
            4 => {
                let time = Duration::from_micros(rng.below(50) as u64);
                match rx.recv_timeout_blocking(time) {
                    Ok(token) => {
                        ledger.receive(token);
                        false
                    }
                    Err(error) => error.is_closed(),
                }
            }
            5 => {
                let mut select = Select::new();
                select.recv(rx);
                // Half of them are given back.
                match select.try_select() {
                    Some(selected) if rng.one_in(2) => {
                        selected.recv(rx).map(|token| ledger.receive(token)).is_err()
                    }
                    _ => false,
                }
            }
            _ => polled_and_dropped(rx, ledger, rng),
        };
        if closed && rx.try_recv().map(|token| ledger.receive(token)) == Err(TryRecvError::Closed) {
            return;
        }
    }
}

/// A receive that is polled once or twice and dropped, perhaps with a value in its hands.
fn polled_and_dropped(rx: &Receiver<Token>, ledger: &Ledger, rng: &mut Rng) -> bool {
    let mut receive = pin!(rx.recv());
    for _ in 0..=rng.below(2) {
        match poll(receive.as_mut()) {
            Poll::Ready(Ok(token)) => {
                ledger.receive(token);
                return false;
            }
            Poll::Ready(Err(RecvError)) => return true,
            Poll::Pending => thread::yield_now(),
        }
    }
    false
}

/// Three senders and three receivers, and one who closes the channel after a while if `closes`.
fn many_to_many(capacity: Option<usize>, seed: u64, payloads: usize, closes: bool) {
    let ledger = &Ledger::new(payloads);
    let (tx, rx) = channel_of(capacity);
    thread::scope(|scope| {
        for n in 0..3 {
            let (tx, rx) = (tx.clone(), rx.clone());
            scope.spawn(move || send_all(&tx, ledger, &mut Rng::new(seed * 8 + n)));
            scope.spawn(move || receive_all(&rx, ledger, &mut Rng::new(seed * 8 + 4 + n)));
        }
        if closes {
            let rx = rx.clone();
            scope.spawn(move || {
                let mut rng = Rng::new(seed);
                let moment = rng.below(payloads);
                while ledger.next.load(SeqCst) < moment {
                    thread::yield_now();
                }
                if rng.one_in(2) {
                    rx.close_and_take().into_iter().for_each(|token| ledger.receive(token));
                } else {
                    rx.close();
                }
            });
        }
        drop(tx);
    });
    // Those who gave up last may have left something: it came back to the queue.
    rx.try_iter().for_each(|token| ledger.receive(token));
    assert_eq!((rx.len(), rx.is_closed()), (0, true));
    drop(rx);
    ledger.balance(&format!("capacity {capacity:?}, seed {seed}"), Dropped::None);
}

fn many_to_many_at(capacity: Option<usize>) {
    ends(move || {
        with_seeds(10, |seed| many_to_many(capacity, seed, 1500, false));
        with_seeds(30, |seed| many_to_many(capacity, seed, 400, true));
    });
}

#[test]
fn values_balance_over_a_rendezvous() {
    many_to_many_at(Some(0));
}

#[test]
fn values_balance_over_a_queue_of_one() {
    many_to_many_at(Some(1));
}

#[test]
fn values_balance_over_a_queue_of_two() {
    many_to_many_at(Some(2));
}

#[test]
fn values_balance_over_a_queue_of_eight() {
    many_to_many_at(Some(8));
}

#[test]
fn values_balance_over_an_unbounded_queue() {
    many_to_many_at(None);
}

#[test]
fn values_balance_when_the_receivers_leave_at_random_moments() {
    ends(|| {
        with_seeds(80, |seed| {
            let ledger = &Ledger::new(300);
            let (tx, rx) = channel_of([Some(0), Some(1), Some(3), None][seed as usize % 4]);
            thread::scope(|scope| {
                for n in 0..2 {
                    let (tx, rx) = (tx.clone(), rx.clone());
                    scope.spawn(move || send_all(&tx, ledger, &mut Rng::new(seed * 4 + n)));
                    scope.spawn(move || {
                        let mut rng = Rng::new(seed * 4 + 2 + n);
                        for _ in 0..rng.below(200) {
                            polled_and_dropped(&rx, ledger, &mut rng);
                        }
                    });
                }
                drop((tx, rx));
            });
            ledger.balance(&format!("seed {seed}"), Dropped::Some);
        });
    });
}

/// Two channels and four parties that each select over a send on one and a receive on the other, in
/// opposite orders, as threads and as tasks. Each does it until it has sent and received its share.
fn crosswise(capacity: usize, seed: u64, each: usize) {
    let ledger = &Ledger::new(4 * each);
    let (ab, ba) = (channel_of(Some(capacity)), channel_of(Some(capacity)));
    let left = &AtomicUsize::new(4 * each);
    let (stop, stopped) = &bounded::<()>(0);
    let took = |token: Token| {
        ledger.receive(token);
        if left.fetch_sub(1, SeqCst) == 1 {
            stop.close();
        }
    };
    thread::scope(|scope| {
        for party in 0..4 {
            let (tx, rx) = if party % 2 == 0 { (&ab.0, &ba.1) } else { (&ba.0, &ab.1) };
            scope.spawn(move || {
                let mut rng = Rng::new(seed * 4 + party);
                let mut mine: VecDeque<_> = (0..each).map_while(|_| ledger.make()).collect();
                loop {
                    let mut slot = mine.pop_front();
                    let go_on = if rng.one_in(2) {
                        select_blocking! {
                            send(tx, in slot) -> sent => sent.is_ok(),
                            recv(rx) -> token => { took(token.unwrap()); true }
                            recv(stopped) -> _ => false,
                        }
                    } else {
                        pollster::block_on(async {
                            select! {
                                recv(rx) -> token => { took(token.unwrap()); true }
                                recv(stopped) -> _ => false,
                                send(tx, in slot) -> sent => sent.is_ok(),
                            }
                        })
                    };
                    if let Some(token) = slot {
                        mine.push_front(token);
                    }
                    if !go_on {
                        break;
                    }
                }
                assert!(mine.is_empty(), "the end came though {} were not sent", mine.len());
            });
        }
    });
    drop((ab, ba));
    ledger.balance(&format!("capacity {capacity}, seed {seed}"), Dropped::None);
}

#[test]
fn selects_that_meet_selects_in_opposite_orders_pass_every_value_once() {
    ends(|| {
        with_seeds(8, |seed| crosswise(0, seed, 400));
        with_seeds(8, |seed| crosswise(1, seed, 400));
    });
}

#[test]
fn selects_that_are_cancelled_while_they_meet_selects_lose_nothing() {
    ends(|| {
        with_seeds(40, |seed| {
            let ledger = &Ledger::new(400);
            let (a, b) = (channel_of(Some(seed as usize % 2)), channel_of(Some(0)));
            let party = |tx: &Sender<Token>, rx: &Receiver<Token>, mut rng: Rng| {
                while let Some(token) = ledger.make() {
                    let mut slot = Some(token);
                    {
                        let mut select = pin!(async {
                            select! {
                                send(tx, in slot) -> sent => assert!(sent.is_ok()),
                                recv(rx) -> token => ledger.receive(token.unwrap()),
                            }
                        });
                        for _ in 0..rng.below(4) {
                            if poll(select.as_mut()).is_ready() {
                                break;
                            }
                            thread::yield_now();
                        }
                    }
                    back(ledger, slot);
                }
            };
            thread::scope(|scope| {
                scope.spawn(|| party(&a.0, &b.1, Rng::new(seed * 2)));
                scope.spawn(|| party(&b.0, &a.1, Rng::new(seed * 2 + 1)));
            });
            [&a.1, &b.1].into_iter().flat_map(|rx| rx.drain()).for_each(|token| ledger.receive(token));
            ledger.balance(&format!("seed {seed}"), Dropped::None);
        });
    });
}
