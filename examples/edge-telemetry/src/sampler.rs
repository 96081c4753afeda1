//! How much is kept under load: all, or of each device every second, fourth or eighth reading.
//!
//! The share follows the queue: filled to three quarters it is halved, emptied to one quarter it is doubled. In between
//! it stays, so that it does not flap. It is decided anew only after a quarter of the queue has passed: the last
//! decision is to have had its effect. A pure machine: the same lengths make the same decisions.

/// The most that is left out: seven of eight.
const LEAST: u32 = 8;

/// The machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sampler {
    /// One of so many is kept; a power of two.
    one_of: u32,
    /// Readings until the next decision.
    pause: usize,
}

impl Default for Sampler {
    fn default() -> Self {
        Self { one_of: 1, pause: 0 }
    }
}

impl Sampler {
    pub fn one_of(self) -> u32 {
        self.one_of
    }

    /// Whether this reading of this device is kept, when the queue is so full. The devices take turns.
    pub fn keeps(&mut self, device: u32, sequence: u32, len: usize, capacity: usize) -> bool {
        if self.pause > 0 {
            self.pause -= 1;
        } else {
            let before = self.one_of;
            if len * 4 >= capacity * 3 {
                self.one_of = (self.one_of * 2).min(LEAST);
            } else if len * 4 <= capacity {
                self.one_of = (self.one_of / 2).max(1);
            }
            if self.one_of != before {
                self.pause = capacity / 4;
            }
        }
        device.wrapping_add(sequence).is_multiple_of(self.one_of)
    }
}
