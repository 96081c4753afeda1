//! What the last panic of a driven program said. It is not printed: a check sees many panics, of which most are
//! expected, and the one that matters is in the story.

use std::cell::RefCell;
use std::sync::Once;

std::thread_local! {
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps from now on what panics say on threads that are driven; other threads' go on to the hook that there
/// was.
pub(super) fn watch() {
    static WATCHED: Once = Once::new();
    WATCHED.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !crate::world::is_driven() {
                return before(info);
            }
            let payload = info.payload();
            let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default();
            let place = info.location().map(|place| format!(" at {}:{}", place.file(), place.line()));
            let said = format!("{text}{}", place.unwrap_or_default());
            let _ = LAST.try_with(|last| *last.borrow_mut() = said);
        }));
    });
}

/// What the last one said, and where.
pub(super) fn last() -> String {
    LAST.with(|last| last.borrow().clone())
}
