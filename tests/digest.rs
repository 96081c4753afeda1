//! What `examples/digest.rs` promises: its digest, its order, and how it stops.
//!
//! These tests run the built example, which `cargo test` builds; `cargo test --test digest` alone
//! does not (`cargo build --example digest` before it does).

#![cfg(all(feature = "rt", not(hchan_loom)))]

use sha2::{Digest, Sha256};
use std::env::consts::EXE_SUFFIX;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder of a test's own, gone when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("digest-{}-{name}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Writes a file, in folders that are made as needed.
    fn write(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> &Self {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A tree in which the order of names and that of paths differ.
fn sample(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write("a/c", "one").write("a-b/d", "two").write("a.txt", "three").write("a/b/e", "");
    folder.write("z/large", vec![7; 300_000]).write("z/blank name", " ");
    folder
}

fn example() -> Command {
    let tests = std::env::current_exe().unwrap();
    let profile = tests.parent().and_then(Path::parent).unwrap();
    let example = profile.join(format!("examples/digest{EXE_SUFFIX}"));
    assert!(example.exists(), "{example:?} is not built: run `cargo build --example digest`");
    let mut command = Command::new(example);
    command.env_remove("DIGEST_WORKERS");
    command
}

fn run(folder: &Folder) -> Output {
    example().arg(&folder.0).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What is printed, without the lines that name the folder and the time.
fn stable(output: &Output) -> String {
    let text = text(&output.stdout);
    let lines: Vec<_> = text.lines().skip(1).filter(|line| !line.contains(" MB/s, ")).collect();
    lines.join("\n")
}

/// The combined digest of a run that came to its end.
fn digest(folder: &Folder) -> String {
    let output = run(folder);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
    let text = text(&output.stdout);
    text.lines().last().and_then(|line| line.strip_prefix("sha256 ")).expect("a digest").to_owned()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (from, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if from.is_dir() { copy(&from, &to) } else { assert!(fs::copy(from, to).is_ok()) }
    }
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(unix)]
#[test]
fn its_header_shows_what_it_prints() {
    let folder = Folder::new("header");
    folder.write("tree/README", "hello\n").write("tree/b/one", "1\n").write("tree/b/c/two", "22\n");
    folder.write("tree/z", "");
    std::os::unix::fs::symlink("z", folder.0.join("tree/b/last")).unwrap();
    fs::create_dir(folder.0.join("tree/empty")).unwrap();
    let output = example().current_dir(&folder.0).arg("tree").output().unwrap();
    let header: Vec<_> = include_str!("../examples/digest.rs")
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .skip_while(|line| *line != "digest of tree")
        .take_while(|line| *line != "```")
        .collect();
    assert_eq!(header.first(), Some(&"digest of tree"));
    let header: Vec<_> = header.into_iter().skip(1).filter(|line| !line.contains(" MB/s, ")).collect();
    assert_eq!(stable(&output), header.join("\n"));
}

#[test]
fn the_digest_is_that_of_the_lines_of_sha256sum_in_the_order_of_paths() {
    let lines = [
        ("a-b/d", &b"two"[..]),
        ("a.txt", b"three"),
        ("a/b/e", b""),
        ("a/c", b"one"),
        ("z/blank name", b" "),
        ("z/large", &[7; 300_000]),
    ]
    .map(|(path, content)| format!("{}  {path}\0", hex(content)));
    assert_eq!(digest(&sample("lines")), hex(lines.concat()));
}

#[test]
fn two_runs_and_a_copy_have_the_same_digest() {
    let (folder, other) = (sample("runs"), Folder::new("copy"));
    copy(&folder.0, &other.0);
    let first = stable(&run(&folder));
    assert_eq!(stable(&run(&folder)), first);
    assert_eq!(stable(&run(&other)), first);
}

#[test]
fn a_byte_and_a_name_change_the_digest_and_an_empty_folder_does_not() {
    let folder = sample("changes");
    let before = digest(&folder);
    let after = digest(folder.write("a/c", "onf"));
    assert_ne!(after, before);
    folder.write("a/c", "one");
    assert_eq!(digest(&folder), before);
    fs::rename(folder.0.join("z/large"), folder.0.join("z/larger")).unwrap();
    assert_ne!(digest(&folder), before);
    fs::rename(folder.0.join("z/larger"), folder.0.join("z/large")).unwrap();
    fs::create_dir(folder.0.join("z/empty")).unwrap();
    assert_eq!(digest(&folder), before);
}

#[test]
fn the_number_of_workers_does_not_matter() {
    let folder = Folder::new("workers");
    for n in 0..300_usize {
        folder.write(format!("{}/{}/{n}", n % 3, n % 7), vec![n as u8; n * n]);
    }
    let outputs = ["1", "2", "7", "40"]
        .map(|workers| stable(&example().env("DIGEST_WORKERS", workers).arg(&folder.0).output().unwrap()));
    assert!(outputs[0].contains("sha256 "), "{}", outputs[0]);
    assert!(outputs.iter().all(|output| *output == outputs[0]), "{outputs:#?}");
}

#[test]
fn more_files_than_may_be_in_flight_wait_for_a_slow_first_one() {
    let folder = Folder::new("in-flight");
    File::create(folder.0.join("0")).unwrap().set_len(32 << 20).unwrap();
    for n in 0..5000 {
        fs::write(folder.0.join(format!("file {n}")), "x").unwrap();
    }
    let output = run(&folder);
    assert!(stable(&output).contains("\n    5001       33559432  total; 0 special"), "{}", stable(&output));
}

#[cfg(unix)]
#[test]
fn a_link_is_not_followed_and_its_target_is_its_content() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new("links");
    folder.write("file", "target");
    symlink("target", folder.0.join("link")).unwrap();
    symlink("..", folder.0.join("round")).unwrap();
    let lines = [("target", " file"), ("target", "@link"), ("..", "@round")];
    let lines = lines.map(|(content, path)| format!("{} {path}\0", hex(content)));
    assert_eq!(digest(&folder), hex(lines.concat()));
}

#[cfg(unix)]
#[test]
fn a_fifo_is_skipped_and_counted() {
    let folder = sample("fifo");
    let before = digest(&folder);
    assert!(Command::new("mkfifo").arg(folder.0.join("a/fifo")).status().unwrap().success());
    assert_eq!(digest(&folder), before);
    assert!(stable(&run(&folder)).contains("total; 1 special files skipped"));
}

// Elsewhere file systems refuse such names.
#[cfg(target_os = "linux")]
#[test]
fn names_need_not_be_utf_8_and_control_characters_are_escaped() {
    use std::os::unix::ffi::OsStrExt;
    let folder = Folder::new("names");
    let name = std::ffi::OsStr::from_bytes(b"\xffolder\n");
    folder.write(Path::new(name).join("file"), "x");
    let line = [hex("x").as_bytes(), b"  \xffolder\n/file\0"].concat();
    assert_eq!(digest(&folder), hex(line));
    assert!(stable(&run(&folder)).contains(r#"  "\xFFolder\n/""#));
}

/// A path longer than the system can open, which no privilege helps with. The length of a folder on
/// the way to it is just below the limit, so that it is the last step that fails.
#[cfg(target_os = "linux")]
fn add_too_long_a_path(folder: &Folder, last: impl FnOnce(&Folder, PathBuf)) {
    const LIMIT: usize = 4095;
    const STEP: usize = 100;
    let step = |n: usize| format!("m{n:0>width$}", width = STEP - 2);
    let length = folder.0.as_os_str().len();
    let steps = (LIMIT - length) / STEP;
    // It is made in two parts, and the second is moved to the end of the first.
    let (outer, inner): (PathBuf, PathBuf) =
        ((0..steps / 2).map(step).collect(), (steps / 2..steps).map(step).collect());
    let elsewhere = Folder::new(&format!("{}-inner", folder.0.file_name().unwrap().display()));
    fs::create_dir_all(folder.0.join(&outer)).unwrap();
    fs::create_dir_all(elsewhere.0.join(&inner)).unwrap();
    last(&elsewhere, inner.join("x".repeat(2 * STEP)));
    let first = step(steps / 2);
    fs::rename(elsewhere.0.join(&first), folder.0.join(&outer).join(&first)).unwrap();
}

#[cfg(target_os = "linux")]
fn stops_at_the_unreadable(folder: &Folder) {
    folder.write("a/one", "1").write("b", "2").write("z/last", "3");
    for workers in ["1", "2", "8"] {
        let output = example().env("DIGEST_WORKERS", workers).arg(&folder.0).output().unwrap();
        let (error, stdout) = (text(&output.stderr), text(&output.stdout));
        assert_eq!(output.status.code(), Some(1), "{error}{stdout}");
        assert!(error.starts_with("digest: cannot read m0000"), "{error}");
        assert!(error.ends_with("File name too long (os error 36)\n"), "{error}");
        let sha = hex([format!("{}  a/one\0", hex("1")), format!("{}  b\0", hex("2"))].concat());
        assert!(stdout.ends_with(&format!("\nPARTIAL sha256 {sha}\n")), "{stdout}");
        assert!(stdout.contains("\n       2              2  PARTIAL total"), "{stdout}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn it_stops_at_a_file_that_cannot_be_opened_and_reports_on_what_came_before() {
    let folder = Folder::new("no-file");
    add_too_long_a_path(&folder, |inner, path| fs::write(inner.0.join(path), "").unwrap());
    stops_at_the_unreadable(&folder);
}

#[cfg(target_os = "linux")]
#[test]
fn it_stops_at_a_folder_that_cannot_be_opened_and_reports_on_what_came_before() {
    let folder = Folder::new("no-folder");
    add_too_long_a_path(&folder, |inner, path| fs::create_dir(inner.0.join(path)).unwrap());
    stops_at_the_unreadable(&folder);
}

#[cfg(unix)]
#[test]
fn an_interrupt_stops_it_and_it_reports_on_what_it_has() {
    let folder = sample("interrupt");
    File::create(folder.0.join("m")).unwrap().set_len(64 << 30).unwrap();
    let mut child = example().arg(&folder.0).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    stdout.read_line(&mut first).unwrap();
    assert!(first.starts_with("digest of "), "{first}");
    let kill = format!("kill -INT {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(130), "digest: interrupted\n".into()));
    assert!(rest.lines().last().unwrap().starts_with("PARTIAL sha256 "), "{rest}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let folder = sample("reader");
    let mut child = example().arg(&folder.0).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_a_failure() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = example().arg(&sample("full").0).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).starts_with("digest: output: No space left"), "{}", text(&output.stderr));
}

#[test]
fn bad_input_is_explained() {
    let folder = sample("bad-input");
    let path = |path: &str| folder.0.join(path).into_os_string();
    let refused = |command: &mut Command, why: &str| {
        let output = command.output().unwrap();
        let error = text(&output.stderr);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{error}");
        assert!(error.contains(why) && error.contains("usage: digest [DIR]"), "{error}");
    };
    refused(example().arg(path("missing")), "missing\": ");
    refused(example().arg(path("a.txt")), "a.txt\" is not a folder");
    refused(example().arg(path("a")).arg(path("z")), "more than one argument");
    refused(example().arg(path("a")).env("DIGEST_WORKERS", "0"), "DIGEST_WORKERS=0: ");
    let help = example().arg("--help").output().unwrap();
    assert_eq!((help.status.code(), help.stderr.len()), (Some(0), 0));
    assert!(text(&help.stdout).starts_with("usage: digest [DIR]\n"));
}

#[test]
fn without_an_argument_it_reads_this_crate_without_what_is_built() {
    let output = text(&example().output().unwrap().stdout);
    assert_eq!(output.lines().next(), Some("digest of this crate without target and .git"));
    assert!(output.contains("  src/\n") && !output.contains("  target/\n") && !output.contains("  .git/\n"));
}
