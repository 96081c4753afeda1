//! In the steady state nothing is allocated for a message: counted.

use async_io::Async;
use hchan::Runtime;
use hchan_zero_copy::counting::Counting;
use hchan_zero_copy::exchange::{Measured, Plan, WINDOWS, exchange};
use hchan_zero_copy::naive;
use hchan_zero_copy::relay::Relay;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const PLAN: Plan = Plan { warm_up: 10_000, messages: 100_000, payload: 100 };

/// As many threads as it needs: to start another one would allocate.
fn runtime() -> Runtime {
    Runtime::builder().workers(2).max_threads(2).build().expect("it starts")
}

async fn pooled() -> Measured {
    let relay = Relay::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("there is a port");
    let measured = exchange(relay.address, PLAN).await.expect("all come back");
    relay.stop().await;
    measured
}

async fn naive() -> Measured {
    let listener = Async::<TcpListener>::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a port");
    let address = listener.get_ref().local_addr().expect("it has one");
    let relay = hchan::go(naive::relay_one(listener));
    let measured = naive::exchange(address, PLAN).await.expect("all come back");
    relay.await.expect("no panic").expect("it ends");
    measured
}

#[test]
fn a_hundred_thousand_messages_allocate_nothing() {
    let runtime = runtime();
    let pooled = runtime.run(pooled());
    println!("pooled: {:.0} ns a message; {:?}", pooled.nanoseconds(), pooled.windows);
    // What is made for a message or a buffer is made in every window. What is made once is not: a queue
    // that is longer than it ever was, the table of waiting threads at the first contention.
    assert_eq!(pooled.windows.len(), WINDOWS as usize);
    assert!(pooled.clean() >= pooled.windows.len() / 2, "{:?}", pooled.windows);
    assert!(pooled.of_tasks() < 50, "{:?}", pooled.windows);
    assert!(pooled.of_others() < PLAN.messages / 10, "a vector a wake-up: {:?}", pooled.windows);

    let naive = runtime.run(naive());
    println!("naive: {:.0} ns a message, {} allocations", naive.nanoseconds(), naive.of_tasks());
    println!("naive / pooled: {:.1} times the time", naive.nanoseconds() / pooled.nanoseconds());
    assert!(naive.clean() == 0 && naive.of_tasks() > 4 * PLAN.messages, "it counts: {:?}", naive.windows);
    let [pooled, naive] = [pooled, naive].map(|it| it.written.buffers as f64 / it.written.calls as f64);
    assert!(pooled > 2.0 && naive == 1.0, "messages in a call: {pooled}, {naive}");
}
