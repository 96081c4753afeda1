//! Guests that are written by the tests, as text.

/// Imports everything, and does `body`.
pub fn module(body: &str) -> String {
    format!(
        r#"(module
            (import "hchan" "send" (func $send (param i32 i32 i32) (result i32)))
            (import "hchan" "recv" (func $recv (param i32 i32 i32) (result i32)))
            (import "hchan" "select" (func $select (param i32 i32 i32) (result i32)))
            (import "hchan" "size" (func $size (param i32) (result i32)))
            (import "hchan" "close" (func $close (param i32) (result i32)))
            (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
            (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
            (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "path_open"
                (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
            (memory (export "memory") 1)
            {body})"#
    )
}

/// A guest that makes the calls, each of which answers a number, and sends the answers to `handle`.
pub fn calls(handle: usize, calls: &[&str]) -> String {
    let body: String = (0..)
        .zip(calls)
        .map(|(n, call)| format!("(i32.store (i32.const {}) {call})\n", 60_000 + 4 * n))
        .collect();
    let len = 4 * calls.len();
    module(&format!(
        r#"(func (export "_start")
            {body} (drop (call $send (i32.const {handle}) (i32.const 60000) (i32.const {len}))))"#
    ))
}

/// The numbers of a message.
pub fn numbers(message: &[u8]) -> Vec<i32> {
    message.chunks_exact(4).map(|n| i32::from_le_bytes(n.try_into().unwrap())).collect()
}

/// The number that is the message.
pub fn number(message: &[u8]) -> u32 {
    u32::from_le_bytes(message.try_into().unwrap())
}
