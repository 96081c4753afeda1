//! How does one tell all who work on something to stop?
//!
//! By a `Context` that each of them has a handle of: `cancel` ends it and all that were derived from it, and
//! closes the channel `done()`, which every select can wait for. It carries the cause along, and values that
//! belong to the whole work, such as whom it is done for.
//!
//! `cargo run --example 18_context`
//!
//! ```text
//! left, for ann: the user went away
//! right, for ann: the user went away
//! its parent goes on: true
//! ```
//!
//! In Go: package `context`, passed as the first argument, with `ctx.Done()` and `context.Cause(ctx)`.
//!
//! Next: `19_deadline`, a context that ends by itself.

use hchan::{Context, Receiver, bounded, go, run, select};

/// For whom the work is done. A value of a context is found by its type.
struct User(&'static str);

/// Waits for an answer, as long as somebody wants it.
async fn fetch(name: &'static str, context: Context, answers: Receiver<String>) -> String {
    select! {
        recv(answers) -> answer => answer.expect("the server does not hang up"),
        // Nothing is ever sent on it: it closes.
        recv(context.done()) -> _ => {
            let user = context.value::<User>().expect("set by main");
            let cause = context.cause().expect("it has ended");
            format!("{name}, for {}: {cause}", user.0)
        }
    }
}

fn main() {
    run(async {
        let server = Context::background().with_cancel();
        let request = server.with_value(User("ann"));

        // A server that never answers.
        let (_answer, answers) = bounded(0);
        let left = go(fetch("left", request.with_cancel(), answers.clone()));
        let right = go(fetch("right", request.clone(), answers));

        // Both stop, wherever they are: before their select, in it, or not yet started.
        request.cancel_with("the user went away");
        println!("{}", left.await.expect("no panic"));
        println!("{}", right.await.expect("no panic"));

        println!("its parent goes on: {}", server.err().is_none());
        server.cancel();
        assert_eq!(
            request.cause().expect("ended").to_string(),
            "the user went away",
            "the first cause stays"
        );
    });
}
