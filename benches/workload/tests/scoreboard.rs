//! The program, from the command line to the files.

use std::process::{Command, Output};
use std::{env, fs, process};

fn scoreboard(arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_scoreboard")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

#[test]
fn a_small_table_is_measured_and_written_with_its_pictures() {
    let folder = env::temp_dir().join(format!("hchan-scoreboard-{}", process::id()));
    let contenders = ["--contenders", "hchan,kanal,crossfire,tokio"];
    let rows = [
        "--rows",
        "one-thread/seq-128,threads/spsc-0,one-core/spsc-128,tokio/spsc-128,yield-2,idle-channel-1",
    ];
    let into = ["--into", folder.to_str().unwrap()];
    let all = [&["--quick", "--rounds", "1"], &contenders[..], &rows[..], &into[..]].concat();
    let output = scoreboard(&all);
    assert!(output.stdout.is_empty(), "what is written is not printed");

    let page = fs::read_to_string(folder.join("RESULTS.md")).unwrap();
    for part in ["one-thread", "threads", "cpu", "one-core", "tokio", "runtimes", "cost"] {
        assert!(page.contains(&format!("\n## {part}\n")), "{part} is missing: {page}");
        let svg = fs::read_to_string(folder.join("plots").join(part).with_extension("svg")).unwrap();
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"), "{part}: {svg}");
    }
    assert!(!page.contains("## latency"));
    let row = page.lines().find(|line| line.starts_with("| spsc-0 |")).unwrap();
    assert!(row.contains("(kanal)"), "only kanal has capacity 0: {row}");
    assert!(!page.contains("crashes") && !page.contains("hangs"), "{page}");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_part_is_printed() {
    let output = scoreboard(&[
        "--quick",
        "--rounds",
        "1",
        "--rows",
        "seq-1,one-thread/create-1",
        "--contenders",
        "hchan,std",
    ]);
    let page = String::from_utf8(output.stdout).unwrap();
    assert!(page.contains("| ns | hchan | std | hchan / best other | bar |"), "{page}");
    assert!(page.contains("| create-1 |"), "{page}");
}

#[test]
fn the_rows_are_listed_with_who_takes_part() {
    let list = String::from_utf8(scoreboard(&["--list"]).stdout).unwrap();
    assert!(list.contains("threads/spmc-4-128: hchan, crossbeam, kanal, crossfire, flume, async-channel\n"));
    assert!(list.contains("threads/spsc-0: hchan, crossbeam, kanal, flume, std\n"), "{list}");
    assert!(list.contains("runtimes/ping-pong: hchan, tokio, tokio+kanal, smol, go\n"), "{list}");
}
