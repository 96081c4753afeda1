//! The flight recorder without a scheduler: threads, and futures polled by others.
#![cfg(feature = "rt")]

use hchan::channel;
use hchan::diag::FlightRecorder;
use std::thread;

#[test]
fn threads_and_foreign_tasks_are_recorded() {
    let recorder = FlightRecorder::start().unwrap();
    let (tx, rx) = channel().capacity(1).named("values").build();
    let thread = thread::spawn(move || {
        for n in 0..100 {
            tx.send_blocking(n).unwrap();
        }
    });
    pollster::block_on(async {
        for n in 0..100 {
            assert_eq!(rx.recv().await, Ok(n));
        }
    });
    thread.join().unwrap();
    let recording = recorder.stop();
    assert_eq!(recording.message_count(), 100);
    assert_eq!(recording.poll_count(), 0);
    assert!(recording.sequence_chart().contains("values"));
}
