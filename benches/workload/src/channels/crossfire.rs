//! crossfire: a kind of channel for each number of ends, for threads and for tasks; places for at least
//! one value; threads select over receives.

use super::{Blocking, BlockingRx, BlockingTx, Item, Rx, Selecting, Tx, Waiting};
use crossfire::flavor::Flavor;
use crossfire::select::Select;
use crossfire::{AsyncRx, AsyncTx, MAsyncRx, MAsyncTx, MRx, MTx, mpmc, mpsc, spsc};

pub struct Crossfire;

/// Its documentation asks for this where there is one core.
fn prepare() {
    crossfire::detect_backoff_cfg();
}

impl Blocking for Crossfire {
    const NAME: &'static str = "crossfire";

    fn prepare() {
        prepare();
    }

    fn spsc<T: Item>(capacity: usize) -> Option<(impl BlockingTx<Item = T>, impl BlockingRx<Item = T>)> {
        (capacity > 0).then(|| spsc::bounded_blocking(capacity))
    }

    fn unbounded_spsc<T: Item>() -> Option<(impl BlockingTx<Item = T>, impl BlockingRx<Item = T>)> {
        Some(spsc::unbounded_blocking())
    }

    fn mpsc<T: Item>(
        capacity: usize,
    ) -> Option<(impl BlockingTx<Item = T> + Clone, impl BlockingRx<Item = T>)> {
        (capacity > 0).then(|| mpsc::bounded_blocking(capacity))
    }

    fn unbounded_mpsc<T: Item>() -> Option<(impl BlockingTx<Item = T> + Clone, impl BlockingRx<Item = T>)> {
        Some(mpsc::unbounded_blocking())
    }

    fn mpmc<T: Item>(
        capacity: usize,
    ) -> Option<(impl BlockingTx<Item = T> + Clone, impl BlockingRx<Item = T> + Clone)> {
        (capacity > 0).then(|| mpmc::bounded_blocking(capacity))
    }

    fn unbounded_mpmc<T: Item>()
    -> Option<(impl BlockingTx<Item = T> + Clone, impl BlockingRx<Item = T> + Clone)> {
        Some(mpmc::unbounded_blocking())
    }
}

/// Sending to an unbounded one never waits, and so has no asynchronous form.
impl Waiting for Crossfire {
    const NAME: &'static str = "crossfire";

    fn prepare() {
        prepare();
    }

    fn spsc<T: Item>(capacity: usize) -> Option<(impl Tx<Item = T>, impl Rx<Item = T>)> {
        (capacity > 0).then(|| spsc::bounded_async(capacity))
    }

    fn unbounded_spsc<T: Item>() -> Option<(impl Tx<Item = T>, impl Rx<Item = T>)> {
        Some(spsc::unbounded_async())
    }

    fn mpsc<T: Item>(capacity: usize) -> Option<(impl Tx<Item = T> + Clone, impl Rx<Item = T>)> {
        (capacity > 0).then(|| mpsc::bounded_async(capacity))
    }

    fn unbounded_mpsc<T: Item>() -> Option<(impl Tx<Item = T> + Clone, impl Rx<Item = T>)> {
        Some(mpsc::unbounded_async())
    }

    fn mpmc<T: Item>(capacity: usize) -> Option<(impl Tx<Item = T> + Clone, impl Rx<Item = T> + Clone)> {
        (capacity > 0).then(|| mpmc::bounded_async(capacity))
    }

    fn unbounded_mpmc<T: Item>() -> Option<(impl Tx<Item = T> + Clone, impl Rx<Item = T> + Clone)> {
        Some(mpmc::unbounded_async())
    }
}

impl<T: Item, F: Flavor<Item = T> + 'static> BlockingTx for crossfire::Tx<F> {
    type Item = T;

    fn send(&mut self, value: T) -> bool {
        crossfire::Tx::send(self, value).is_ok()
    }
}

impl<T: Item, F: Flavor<Item = T> + 'static> BlockingTx for MTx<F> {
    type Item = T;

    fn send(&mut self, value: T) -> bool {
        crossfire::Tx::send(self, value).is_ok()
    }
}

impl<T: Item, F: Flavor<Item = T> + 'static> BlockingRx for crossfire::Rx<F> {
    type Item = T;

    fn recv(&mut self) -> Option<T> {
        crossfire::Rx::recv(self).ok()
    }
}

impl<T: Item, F: Flavor<Item = T> + 'static> BlockingRx for MRx<F> {
    type Item = T;

    fn recv(&mut self) -> Option<T> {
        crossfire::Rx::recv(self).ok()
    }
}

impl<T: Item, F: Flavor<Item = T> + 'static> Tx for AsyncTx<F> {
    type Item = T;

    async fn send(&mut self, value: T) -> bool {
        AsyncTx::send(self, value).await.is_ok()
    }
}

impl<T: Item, F: Flavor<Item = T> + 'static> Tx for MAsyncTx<F> {
    type Item = T;

    async fn send(&mut self, value: T) -> bool {
        AsyncTx::send(self, value).await.is_ok()
    }
}

impl<T: Item, F: Flavor<Item = T> + 'static> Tx for crossfire::Tx<F> {
    type Item = T;

    async fn send(&mut self, value: T) -> bool {
        crossfire::Tx::send(self, value).is_ok()
    }
}

impl<T: Item, F: Flavor<Item = T> + 'static> Tx for MTx<F> {
    type Item = T;

    async fn send(&mut self, value: T) -> bool {
        crossfire::Tx::send(self, value).is_ok()
    }
}

impl<T: Item, F: Flavor<Item = T> + 'static> Rx for AsyncRx<F> {
    type Item = T;

    async fn recv(&mut self) -> Option<T> {
        AsyncRx::recv(self).await.ok()
    }
}

impl<T: Item, F: Flavor<Item = T> + 'static> Rx for MAsyncRx<F> {
    type Item = T;

    async fn recv(&mut self) -> Option<T> {
        AsyncRx::recv(self).await.ok()
    }
}

impl Selecting for Crossfire {
    type Tx<T: Item> = crossfire::Tx<spsc::Array<T>>;
    type Rx<T: Item> = crossfire::Rx<spsc::Array<T>>;

    fn channel<T: Item>(capacity: usize) -> Option<(Self::Tx<T>, Self::Rx<T>)> {
        (capacity > 0).then(|| spsc::bounded_blocking(capacity))
    }

    fn of_8<T: Item>(from: &[Self::Rx<T>; 8]) -> impl FnMut() -> T {
        any_of(from)
    }

    fn of_4<T: Item>(from: &[Self::Rx<T>; 4]) -> impl FnMut() -> T {
        any_of(from)
    }

    fn to_4<T: Item + Copy>(_: &[Self::Tx<T>; 4]) -> Option<impl FnMut(T)> {
        None::<fn(T)>
    }
}

fn any_of<T: Item>(from: &[crossfire::Rx<spsc::Array<T>>]) -> impl FnMut() -> T {
    let mut select = Select::new();
    from.iter().for_each(|rx| select.add(rx));
    move || {
        let winner = select.select().expect("they send");
        let rx = from.iter().find(|rx| winner.is_from(*rx)).expect("it is one of them");
        rx.read_select(winner).expect("it has a value")
    }
}
