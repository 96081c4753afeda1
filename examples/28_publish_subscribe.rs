//! How does one tell the same thing to everybody who wants to hear it?
//!
//! A channel gives each value to one receiver, so every subscriber gets a channel of its own, and a hub sends
//! to all. What happens to the slow ones is the hub's choice: here each has room for two, and loses the
//! oldest.
//!
//! `cargo run --example 28_publish_subscribe`
//!
//! ```text
//! news 1 went to 2
//! news 2 went to 2
//! news 3 went to 2
//! the quick one read: [1, 2, 3]
//! the slow one reads what is left: [2, 3]
//! the slow one has left
//! news 4 went to 1
//! ```
//!
//! In Go: a map of channels under a mutex, and an explicit unsubscribe; a send to one who has left hangs.
//!
//! Next: `29_dining_philosophers`, who is waiting for whom?

use hchan::{Receiver, Sender, bounded, run};

const ROOM: usize = 2;

#[derive(Default)]
struct Hub {
    subscribers: Vec<Sender<u32>>,
}

impl Hub {
    fn subscribe(&mut self) -> Receiver<u32> {
        let (subscriber, news) = bounded(ROOM);
        self.subscribers.push(subscriber);
        news
    }

    /// Tells everybody, and waits for nobody. Those who have dropped their receiver are struck off.
    fn publish(&mut self, news: u32) {
        self.subscribers.retain(|subscriber| subscriber.force_send(news).is_ok());
        println!("news {news} went to {}", self.subscribers.len());
    }
}

fn main() {
    run(async {
        let mut hub = Hub::default();
        let (quick, slow) = (hub.subscribe(), hub.subscribe());

        let mut read = Vec::new();
        for news in 1..=3 {
            hub.publish(news);
            read.push(quick.recv().await.expect("the hub is there"));
        }
        println!("the quick one read: {read:?}");

        let left: Vec<_> = slow.drain().collect();
        println!("the slow one reads what is left: {left:?}");
        drop(slow);
        println!("the slow one has left");
        hub.publish(4);

        // The other end: no hub, no news. What was sent before can still be read.
        drop(hub);
        assert_eq!(quick.recv().await, Ok(4));
        assert!(quick.recv().await.is_err());
        assert_eq!((read.len(), left), (3, vec![2, 3]));
    });
}
