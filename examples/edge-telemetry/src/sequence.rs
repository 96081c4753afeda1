//! What was lost before it was read: the gaps in the devices' own counting.
//!
//! UDP and the kernel's buffer lose silently; a device that counts makes it visible one reading later. The last ones of
//! a device that falls silent cannot be missed.

/// What a sequence number tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Seen {
    /// The next one, after so many that never came.
    New { lost: u32 },
    /// There was one with this number, or it was given up as lost.
    Old,
    /// There is no such device.
    Stranger,
}

/// For each device the last number.
#[derive(Clone, Debug)]
pub struct Sequences {
    last: Vec<u32>,
}

impl Sequences {
    /// For devices with numbers below `devices`: who floods with other numbers takes no memory.
    pub fn new(devices: u32) -> Self {
        Self { last: vec![0; devices as usize] }
    }

    pub fn see(&mut self, device: u32, sequence: u32) -> Seen {
        match self.last.get_mut(device as usize) {
            None => Seen::Stranger,
            Some(last) if sequence <= *last => Seen::Old,
            Some(last) => {
                let lost = sequence - *last - 1;
                *last = sequence;
                Seen::New { lost }
            }
        }
    }
}
