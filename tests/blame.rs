//! A mistake of the caller's is reported at the caller's line. A test of its own, since what reports it is
//! for the whole process.

use hchan::sync::WaitGroup;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

static LINES: Mutex<Vec<(String, u32)>> = Mutex::new(Vec::new());

#[test]
fn a_count_that_goes_wrong_is_blamed_on_who_counted() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(|place| (place.file().to_owned(), place.line()));
        LINES.lock().unwrap().extend(place);
    }));
    let group = WaitGroup::new();
    let before = line!();
    let _ = catch_unwind(AssertUnwindSafe(|| group.done()));
    group.add(usize::MAX);
    let _ = catch_unwind(AssertUnwindSafe(|| group.add(1)));
    drop(panic::take_hook());
    let here = |line| (file!().to_owned(), before + line);
    assert_eq!(*LINES.lock().unwrap(), [here(1), here(3)]);
}
