//! A send whose value stays the caller's unless the arm wins: `send(tx, in slot)`.
//!
//! While the select waits, the value is in the arm's node, not in the slot: the node is pinned, so a
//! peer may take the value from there even if the select is forgotten and the slot long gone. An arm
//! that did not win puts the value back when it is dropped, before the winner's body runs.

use crate::arm::SendArm;
use crate::shared::Shared;
use pin_project_lite::pin_project;
use std::pin::Pin;

pin_project! {
    /// Sends what is in a slot, if anything is.
    pub(super) struct SlotArm<'a, T> {
        slot: &'a mut Option<T>,
        #[pin]
        arm: SendArm<'a, T>,
    }

    impl<T> PinnedDrop for SlotArm<'_, T> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            **this.slot = this.arm.take_back();
        }
    }
}

impl<'a, T> SlotArm<'a, T> {
    /// An arm that is never ready if the slot is empty.
    pub(super) fn new(shared: &'a Shared<T>, slot: &'a mut Option<T>) -> Self {
        let arm = SendArm::send_if_some(shared, slot.take());
        Self { slot, arm }
    }

    pub(super) fn send_arm(self: Pin<&Self>) -> Pin<&SendArm<'a, T>> {
        self.project_ref().arm
    }
}
