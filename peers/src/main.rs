//! Asks channel libraries whether they keep the laws of hchan, and prints a Markdown table.
//!
//! `cargo run -p hchan-peers`: all. With a package, a law and a check as arguments it runs that one.

mod adapters;
mod child;
#[path = "../../tests/laws/hchan_adapter.rs"]
mod hchan_adapter;
mod libraries;
mod notes;
#[path = "../../tests/laws/suite.rs"]
mod suite;
mod table;

use std::env;

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match &arguments[..] {
        [] => print!("{}", table::table()),
        [package, law, check] => println!("{}", child::answer(package, law, check)),
        _ => eprintln!("usage: hchan-peers [PACKAGE LAW CHECK]"),
    }
}
