//! The part of `tests/grammar.rs` about selects that do not compile: each mistake is answered by what to
//! write instead. The mistakes become the programs of a crate that is checked once.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A mistake: a name, whether it is made in async code, the arms, and what the compiler has to say.
type Mistake = (&'static str, Where, &'static str, &'static str);

#[derive(Clone, Copy, PartialEq)]
enum Where {
    Task,
    Thread,
}

use Where::{Task, Thread};

const MISTAKES: &[Mistake] = &[
    // What stands before the arms and between them.
    ("biased_alone", Thread, "biased;", "expected at least one arm behind `biased;`"),
    ("biased_without_semicolon", Task, "biased recv(rx) => {}", "expected `;` behind `biased`"),
    ("biased_with_comma", Task, "biased, recv(rx) => {}", "expected `;` behind `biased`"),
    ("comma_first", Thread, ", recv(rx) => {}", "expected an arm, found `,`"),
    ("comma_twice", Thread, "recv(rx) => (),, default => ()", "expected an arm, found `,`"),
    (
        "semicolon",
        Thread,
        "recv(rx) => run(); default => ()",
        "expected `,` behind the body of an arm, found `;`",
    ),
    ("no_comma", Thread, "recv(rx) => run() default => ()", "a body that is not in braces ends with a comma"),
    // What an arm consists of.
    ("no_body", Thread, "recv(rx) -> n =>", "expected a body behind `=>` in the arm `recv"),
    ("no_arrow", Task, "recv(rx) -> n", "expected `=> body` behind `recv"),
    ("no_arrow_no_pattern", Task, "recv(rx)", "expected `=> body` behind `recv"),
    ("no_pattern", Thread, "recv(rx) -> => {}", "expected a pattern behind `->`"),
    (
        "two_arrows",
        Thread,
        "recv(rx) => run() => run()",
        "expected `,` behind the body of an arm, found `=>`",
    ),
    ("no_operands", Thread, "recv => {}", "expected operands in parentheses behind `recv`"),
    ("wait_without_operands", Task, "wait => {}", "`send(sender, in slot)` or `wait(future)`"),
    ("no_parentheses", Thread, "recv rx => {}", "expected `recv(receiver)`, found `recv rx`"),
    (
        "pattern_without_arrow",
        Thread,
        "recv(rx) n => {}",
        "expected an arm such as `recv(receiver) -> result",
    ),
    ("body_without_arrow", Thread, "recv(rx) -> n { run() }", "expected `=> body` behind `recv"),
    // The kinds of arms.
    (
        "unknown",
        Thread,
        "receive(rx) -> n => {}",
        "expected `recv`, `send`, `wait` or `default`, found `receive`",
    ),
    ("recv_nothing", Thread, "recv() -> n => {}", "expected `recv(receiver)`, found `recv()`"),
    ("recv_two", Thread, "recv(rx, n) => {}", "expected `recv(receiver)`, found `recv(rx, n)`"),
    (
        "send_one",
        Thread,
        "send(tx) => {}",
        "expected `send(sender, value)` or `send(sender, in slot)`, found",
    ),
    (
        "send_three",
        Thread,
        "send(tx, 1, 2) => {}",
        "expected `send(sender, value)` or `send(sender, in slot)`",
    ),
    (
        "send_in_nothing",
        Thread,
        "send(tx, in) => {}",
        "expected `send(sender, value)` or `send(sender, in slot)`",
    ),
    ("wait_nothing", Task, "wait() => {}", "expected `wait(future)`, found `wait()`"),
    ("wait_two", Task, "wait(future, 1) => {}", "expected `wait(future)`, found `wait(future, 1)`"),
    ("wait_on_a_thread", Thread, "wait(future) => {}", "`wait(future)` is for `select!` in async code"),
    (
        "default_with_result",
        Thread,
        "default -> n => {}",
        "write `default => body` or `default(duration) => body`",
    ),
    ("default_time_with_result", Task, "default(TIME) -> n => {}", "`default` has no result"),
    (
        "default_two_times",
        Task,
        "default(TIME, TIME) => {}",
        "expected `default` or `default(duration)`, found",
    ),
    ("two_defaults", Thread, "default => {} default(TIME) => {}", "there is more than one `default`"),
    (
        "default_without_body",
        Thread,
        "recv(rx) => {} default =>",
        "expected a body behind `=>` in the arm `default",
    ),
    ("default_alone", Thread, "recv(rx) => {} default", "expected an arm such as"),
    // From tokio, futures and older macros.
    ("tokio_arm", Task, "n = rx.recv() => {}", "expected an arm such as `recv(receiver) -> result => body,`"),
    ("tokio_guard", Task, "recv(rx) -> n, if true => {}", "expected an arm such as"),
    ("tokio_else", Task, "recv(rx) => {} else => {}", "expected operands in parentheses behind `else`"),
    ("pattern_with_type", Task, "recv(rx) -> n: u8 => {}", "expected an arm such as"),
    // Types: the compiler's own words, at the operand.
    ("recv_from_a_sender", Thread, "recv(tx) => {}", "expected `&Receiver<_>`, found `&Sender<i32>`"),
    (
        "send_to_a_receiver",
        Thread,
        "send(rx, 1) => {}",
        "expected `&Sender<{integer}>`, found `&Receiver<i32>`",
    ),
    ("send_something_else", Thread, "send(tx, \"1\") => {}", "expected `i32`, found `&str`"),
    ("slot_without_in", Thread, "send(tx, slot) => {}", "expected `i32`, found `Option<i32>`"),
    ("slot_that_is_none", Thread, "send(tx, in value) => {}", "mismatched types"),
    ("wait_for_a_number", Task, "wait(1) => {}", "is not a future"),
    ("time_that_is_none", Thread, "default(\"soon\") => {}", "expected `Duration`, found `&str`"),
    ("pattern_that_may_fail", Thread, "recv(rx) -> Ok(_) => {}", "Err(_)"),
    ("bodies_of_two_types", Thread, "recv(rx) => 1, default => \"\"", "expected integer, found `&str`"),
];

/// Without the feature `rt`.
const MISTAKES_WITHOUT_RT: &[Mistake] = &[(
    "time_without_a_timer",
    Task,
    "recv(rx) => {} default(TIME) => {}",
    "`default(duration)` in `select!` needs hchan's feature `rt`",
)];

/// The program of a mistake.
fn program((_, place, arms, _): &Mistake) -> String {
    let (head, select) = match place {
        Task => ("async fn mistake", "select!"),
        Thread => ("fn mistake", "select_blocking!"),
    };
    format!(
        "#![allow(unused)]
         const TIME: std::time::Duration = std::time::Duration::ZERO;
         fn run() {{}}
         fn main() {{}}
         {head}(tx: hchan::Sender<i32>, rx: hchan::Receiver<i32>, slot: Option<i32>, mut value: i32) {{
             let future = std::future::ready(());
             let _ = hchan::{select} {{ {arms} }};
         }}"
    )
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("it has one")).expect("a directory for the mistakes");
    // Untouched if it is the same, so that the next run has less to check.
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return;
    }
    fs::write(path, text).expect("a file for a mistake");
}

/// What the compiler says of all mistakes, a line each. Their crate has that `name`, and the library with
/// these `options`.
fn checked(name: &str, options: &str, mistakes: &[Mistake]) -> String {
    let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let library = Path::new(env!("CARGO_MANIFEST_DIR"));
    let _ = fs::remove_dir_all(root.join("src"));
    for mistake in mistakes {
        write(&root.join(format!("src/bin/{}.rs", mistake.0)), &program(mistake));
    }
    let manifest = format!(
        "[package]\nname = \"mistakes\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
         [dependencies]\nhchan = {{ path = {library:?}{options} }}\n[workspace]\n"
    );
    write(&root.join("Cargo.toml"), &manifest);
    // The same versions as the library has, which are there without a network.
    fs::copy(library.join("Cargo.lock"), root.join("Cargo.lock")).expect("the library has a lock file");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["check", "--offline", "--bins", "--keep-going", "--message-format", "short", "--target-dir"])
        .arg(root.join("target"))
        .current_dir(&root)
        .output()
        .expect("cargo runs");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_mistake_is_answered_by_what_to_write_instead() {
    are_answered(&checked("mistakes", "", MISTAKES), MISTAKES);
}

#[test]
fn what_needs_the_timer_says_so_where_there_is_none() {
    let mistakes = MISTAKES_WITHOUT_RT;
    are_answered(&checked("mistakes-without-rt", ", default-features = false", mistakes), mistakes);
}

fn are_answered(said: &str, mistakes: &[Mistake]) {
    assert!(said.contains("src/bin/"), "the mistakes were checked:\n{said}");
    let mut missing = String::new();
    for (name, _, arms, expected) in mistakes {
        let file = format!("src/bin/{name}.rs:");
        let of_this: Vec<_> = said.lines().filter(|line| line.starts_with(&file)).collect();
        if !of_this.iter().any(|line| line.contains(expected)) {
            let of_this = of_this.join("\n    ");
            write!(missing, "\n{name}: {arms}\n  expected: {expected}\n  found:\n    {of_this}").unwrap();
        }
        // One mistake, one error, or two if the compiler looks at it twice: no rubble of the expansion.
        let errors = of_this.iter().filter(|line| line.contains(": error")).count();
        if errors == 0 || errors > 2 {
            write!(missing, "\n{name}: {arms}\n  {errors} errors:\n    {}", of_this.join("\n    ")).unwrap();
        }
    }
    assert!(missing.is_empty(), "{missing}");
}
