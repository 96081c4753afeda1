//! The eBPF program, compiled for the kernel that runs: by clang, at run time, with the places of the
//! tracepoint's fields as macros. Neither kernel headers nor BTF are needed for that.

use crate::format::{Format, FormatError};
use std::io::Write;
use std::process::{Command, Stdio};
use std::{fmt, io};

const SOURCE: &str = include_str!("../bpf/switches.bpf.c");

/// Why there is no program.
#[derive(Debug)]
pub enum CompileError {
    /// The tracepoint is another one.
    Format(FormatError),
    /// The compiler could not be run.
    Start(String, io::Error),
    /// It did not like the program: what it said.
    Refused(String, String),
}

/// The macros for the tracepoint `sched_switch`.
pub fn macros(format: &Format) -> Result<Vec<String>, FormatError> {
    let mut macros = Vec::new();
    let fields: [(&str, &[usize]); 4] =
        [("prev_pid", &[4]), ("next_pid", &[4]), ("prev_comm", &[16]), ("next_comm", &[16])];
    for (name, sizes) in fields {
        let field = format.field(name, sizes)?;
        macros.push(format!("-D{}={}", name.to_uppercase(), field.offset));
    }
    // A `long`, which is as long as the kernel's.
    let state = format.field("prev_state", &[4, 8])?;
    macros.push(format!("-DPREV_STATE={}", state.offset));
    macros.push(format!("-DPREV_STATE_TYPE={}", if state.size == 8 { "u64" } else { "u32" }));
    Ok(macros)
}

/// Compiles the program. `CLANG` says which compiler, if not `clang`.
pub fn compile(format: &Format) -> Result<Vec<u8>, CompileError> {
    let macros = macros(format).map_err(CompileError::Format)?;
    let clang = std::env::var("CLANG").unwrap_or_else(|_| "clang".into());
    let start = |error| CompileError::Start(clang.clone(), error);
    let mut compiler = Command::new(&clang)
        // The maps are described by debugging information: hence `-g`.
        .args(["-target", "bpf", "-O2", "-g", "-Wall", "-Werror"])
        .args(macros)
        .args(["-x", "c", "-c", "-", "-o", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(start)?;
    // It reads all of its source before it writes anything.
    let written = compiler.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(SOURCE.as_bytes()));
    let output = compiler.wait_with_output().map_err(start)?;
    if !output.status.success() {
        return Err(CompileError::Refused(clang, String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    written.map_err(start)?;
    Ok(output.stdout)
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format(error) => error.fmt(f),
            Self::Start(clang, error) => write!(
                f,
                "the compiler of the eBPF program, {clang}: {error}. Install Debian's `clang`, or say in \
                 CLANG which one"
            ),
            Self::Refused(clang, said) => {
                write!(f, "{clang} cannot compile the eBPF program for the target `bpf`:\n{said}")
            }
        }
    }
}

impl std::error::Error for CompileError {}
