//! A reading, and the datagram that carries one.
//!
//! ```text
//! "EDG1" | device: u32 | sequence: u32 | time: u64, ms | temperature: i32, hundredths     little endian, 24 bytes
//! ```
//!
//! A device counts its readings from 1, and its time only grows. Time is the device's, not ours: rules are over it.

/// The bytes of a datagram.
pub const DATAGRAM: usize = 24;
/// The bytes of a reading without the mark.
pub const READING: usize = DATAGRAM - MARK.len();
const MARK: &[u8; 4] = b"EDG1";

/// What a thermometer can have measured, in hundredths of a degree.
const RANGE: std::ops::RangeInclusive<i32> = -10_000..=200_000;

/// What a device measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reading {
    pub device: u32,
    /// The device's count of readings.
    pub sequence: u32,
    /// Milliseconds, on the device's clock.
    pub time: u64,
    /// Hundredths of a degree.
    pub temperature: i32,
}

impl Reading {
    pub fn to_bytes(self) -> [u8; READING] {
        let mut bytes = [0; READING];
        bytes[..4].copy_from_slice(&self.device.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.time.to_le_bytes());
        bytes[16..].copy_from_slice(&self.temperature.to_le_bytes());
        bytes
    }

    pub fn from_bytes(bytes: &[u8; READING]) -> Self {
        let word = |at: usize| [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        let time = u64::from(u32::from_le_bytes(word(12))) << 32 | u64::from(u32::from_le_bytes(word(8)));
        Self {
            device: u32::from_le_bytes(word(0)),
            sequence: u32::from_le_bytes(word(4)),
            time,
            temperature: i32::from_le_bytes(word(16)),
        }
    }

    pub fn to_datagram(self) -> [u8; DATAGRAM] {
        let mut datagram = [0; DATAGRAM];
        datagram[..MARK.len()].copy_from_slice(MARK);
        datagram[MARK.len()..].copy_from_slice(&self.to_bytes());
        datagram
    }

    /// `None` if that is no reading.
    pub fn from_datagram(datagram: &[u8]) -> Option<Self> {
        let bytes = datagram.strip_prefix(MARK)?.try_into().ok()?;
        let reading = Self::from_bytes(bytes);
        (reading.sequence > 0 && RANGE.contains(&reading.temperature)).then_some(reading)
    }
}
