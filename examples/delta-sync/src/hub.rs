//! The task that owns the latest snapshot, and gives it to all who listen.
//!
//! Each listener has a channel with one place. `force_send` puts the latest snapshot there, over one that nobody has
//! taken yet: who is late gets the latest, and nobody waits for anybody.

use crate::snapshot::Snapshot;
use hchan::{Receiver, Sender, bounded};
use std::sync::Arc;

enum Message {
    Publish(Arc<Snapshot>),
    Listen(Sender<Arc<Snapshot>>),
}

/// A handle of the hub; it stops when the last one is gone.
#[derive(Clone)]
pub struct Hub(Sender<Message>);

impl Hub {
    /// A hub that has an empty snapshot, and what drives it.
    pub fn new() -> (Self, impl Future<Output = ()> + Send) {
        let (tell, told) = bounded(0);
        (Self(tell), drive(told))
    }

    /// Replaces what is served. When this returns, every stream's next look is at it.
    pub async fn publish(&self, snapshot: Snapshot) {
        self.tell(Message::Publish(Arc::new(snapshot))).await;
    }

    /// The latest snapshot, and from then on each one that is the latest.
    pub async fn listen(&self) -> Receiver<Arc<Snapshot>> {
        let (give, get) = bounded(1);
        self.tell(Message::Listen(give)).await;
        get
    }

    async fn tell(&self, message: Message) {
        // It stops after the last handle, and this is one.
        assert!(self.0.send(message).await.is_ok(), "the hub runs");
    }
}

async fn drive(told: Receiver<Message>) {
    let mut latest = Arc::new(Snapshot::default());
    let mut listeners: Vec<Sender<Arc<Snapshot>>> = Vec::new();
    while let Ok(message) = told.recv().await {
        match message {
            Message::Publish(snapshot) => {
                latest = snapshot;
                listeners.retain(|listener| listener.force_send(latest.clone()).is_ok());
            }
            Message::Listen(listener) => {
                // Listeners come more often than snapshots: those that are gone are forgotten here as well.
                listeners.retain(|listener| !listener.is_closed());
                if listener.force_send(latest.clone()).is_ok() {
                    listeners.push(listener);
                }
            }
        }
    }
}
