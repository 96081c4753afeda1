//! Finds Go, and builds the program in `go/`.

use std::env;
use std::path::PathBuf;
use std::process::Command;

/// Go's program, and the version that built it.
pub struct Go {
    pub program: PathBuf,
    pub version: String,
}

/// `Err` says why there is none.
pub fn build() -> Result<Go, String> {
    let go = env::var("HCHAN_GO").unwrap_or_else(|_| "go".into());
    let run = |arguments: &[&str]| {
        let output = Command::new(&go)
            .args(arguments)
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/go"))
            .env("GOTOOLCHAIN", "local")
            .output()
            .map_err(|error| format!("no toolchain at `{go}` ({error}); HCHAN_GO names one"))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(format!("`{go} {}`: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr)))
    };
    let version = run(&["env", "GOVERSION"])?.trim().to_owned();
    let program = env::current_exe().expect("a program knows where it is").with_file_name("hchan-bench-go");
    run(&["build", "-o", &program.to_string_lossy(), "."])?;
    Ok(Go { program, version })
}
