//! The pictures, as a browser shows them: it is asked for screenshots, by day and by night, and these are not empty.
//!
//! Needs Chromium (`CHROMIUM` names it, if it is called otherwise): `cargo test --test pictures -- --ignored`.
//! The pictures stay in `target/pictures`, to be looked at.
#![cfg(feature = "sim")]

use hchan::diag::{FlightRecorder, Recording};
use hchan::*;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Computes for a third of the time that has passed since then: however slow the machine is, that is a broad box.
fn compute(since: Instant) {
    let (start, time) = (Instant::now(), since.elapsed() / 3);
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// A small run in which some compute, and two wait for each other at the end.
fn recorded() -> Recording {
    let begun = Instant::now();
    let recorder = FlightRecorder::start().unwrap();
    let runtime = Runtime::builder().workers(2).build().unwrap();
    let (stuck, both_stuck) = bounded(0);
    runtime.run(async move {
        let (jobs, work) = channel().capacity(2).named("jobs").build::<u32>();
        let (results, sums) = channel().capacity(0).named("results").build::<u32>();
        for name in ["alice", "bob"] {
            let (work, results) = (work.clone(), results.clone());
            task::Builder::new().name(name).go(async move {
                while let Ok(n) = work.recv().await {
                    let start = Instant::now();
                    while start.elapsed() < Duration::from_micros(40 * u64::from(n)) {}
                    results.send(n * n).await.unwrap();
                }
            });
        }
        drop((work, results));
        task::Builder::new().name("source").go(async move { jobs.send_many(1..=8).await });
        let mut sum = 0;
        while let Ok(n) = sums.recv().await {
            sum += n;
        }
        assert_eq!(sum, 204);
        compute(begun);
        let (there, from_there) = channel().capacity(0).named("there").build::<u32>();
        let (back, from_back) = channel().capacity(0).named("back").build::<u32>();
        // Each waits for the other's first word, behind one that has passed.
        for (name, tx, rx, is_first) in
            [("romeo", there, from_back, true), ("juliet", back, from_there, false)]
        {
            let stuck = stuck.clone();
            task::Builder::new().name(name).go(async move {
                if is_first {
                    tx.send(1).await.unwrap();
                    rx.recv().await.unwrap();
                } else {
                    rx.recv().await.unwrap();
                    tx.send(1).await.unwrap();
                }
                compute(begun);
                stuck.send(()).await.unwrap();
                let _ = rx.recv().await;
                let _ = tx.send(1).await;
            });
        }
    });
    for _ in 0..2 {
        both_stuck.recv_blocking().unwrap();
    }
    // Until both are seen to wait.
    loop {
        let recording = recorder.snapshot();
        if recording.html().matches("edge bad").count() >= 4 {
            return recording;
        }
        std::thread::yield_now();
    }
}

fn told() -> String {
    let failure = sim::Sim::exhaustive().check(|| async {
        let (forks, table) = channel().capacity(1).named("fork").build::<u8>();
        let (spoons, drawer) = channel().capacity(1).named("spoon").build::<u8>();
        forks.send(0).await.unwrap();
        spoons.send(0).await.unwrap();
        let (one, other) = ((table.clone(), drawer.clone()), (table, drawer));
        let first = task::Builder::new().name("plato").go(async move {
            one.0.recv().await.unwrap();
            one.1.recv().await.unwrap();
        });
        let second = task::Builder::new().name("kant").go(async move {
            other.1.recv().await.unwrap();
            other.0.recv().await.unwrap();
        });
        first.await.unwrap();
        second.await.unwrap();
        drop((forks, spoons));
    });
    failure.unwrap_err().sequence_chart()
}

/// The browser's picture of a file, and what it complained about.
fn screenshot(file: &Path, size: (u32, u32), is_dark: bool) -> (PathBuf, String) {
    let browser = std::env::var("CHROMIUM").unwrap_or_else(|_| "chromium".into());
    let ending = if is_dark { "dark.png" } else { "light.png" };
    let picture = file.with_extension(ending);
    let _ = fs::remove_file(&picture);
    let mut command = Command::new(browser);
    command
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr"])
        .args(["--virtual-time-budget=2000", "--host-resolver-rules=MAP * ~NOTFOUND"])
        .arg(format!("--window-size={},{}", size.0, size.1))
        .arg(format!("--screenshot={}", picture.display()));
    if is_dark {
        command.arg("--blink-settings=preferredColorScheme=0");
    }
    let output = command.arg(format!("file://{}", file.display())).output().expect("Chromium can be started");
    let log = String::from_utf8_lossy(&output.stderr);
    (picture, log.lines().filter(|line| line.contains("CONSOLE")).collect())
}

/// How often each colour is in a part of a picture, from one line to another.
fn colours(picture: &Path, lines: std::ops::Range<usize>) -> HashMap<[u8; 3], usize> {
    let decoder = png::Decoder::new(BufReader::new(File::open(picture).expect("there is a picture")));
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let width = info.color_type.samples();
    let mut colours = HashMap::new();
    for line in lines.start..lines.end.min(info.height as usize) {
        let line = &pixels[line * info.line_size..][..info.width as usize * width];
        for pixel in line.chunks_exact(width) {
            *colours.entry([pixel[0], pixel[1], pixel[2]]).or_default() += 1;
        }
    }
    colours
}

#[test]
#[ignore = "needs Chromium, which .ci/run installs; it runs this"]
fn a_browser_shows_pages_and_charts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/pictures");
    fs::create_dir_all(&folder).unwrap();
    let recording = recorded();
    recording.save(folder.join("recording.json")).unwrap();
    recording.save(folder.join("page.html")).unwrap();
    recording.save(folder.join("sequence.svg")).unwrap();
    fs::write(folder.join("story.svg"), told()).unwrap();
    for file in ["page.html", "sequence.svg", "story.svg"] {
        let size = if file == "page.html" { (1280, 2600) } else { size_of(&folder.join(file)) };
        let mut grounds = Vec::new();
        for is_dark in [false, true] {
            let (picture, complaints) = screenshot(&folder.join(file), size, is_dark);
            assert_eq!(complaints, "", "{file}");
            let colours = colours(&picture, 0..usize::MAX);
            assert!(colours.len() > 20, "{file}: {} colours", colours.len());
            let (ground, count) = colours.iter().max_by_key(|(_, count)| **count).unwrap();
            let all: usize = colours.values().sum();
            assert!(*count < all * 99 / 100, "{file}: next to nothing is drawn");
            grounds.push(ground.iter().map(|part| u32::from(*part)).sum::<u32>());
            if file == "page.html" {
                // The script has drawn the threads: there are the colours of several tasks, in broad boxes.
                let drawn = colours_of_boxes(&picture);
                assert!(drawn >= 3, "{drawn} tasks are seen");
            }
        }
        assert!(grounds[0] > 600 && grounds[1] < 200, "{file}: light by day, dark by night: {grounds:?}");
    }
}

/// How large an image is, as it says.
fn size_of(svg: &Path) -> (u32, u32) {
    let text = fs::read_to_string(svg).unwrap();
    let of = |name: &str| {
        let (_, rest) = text.split_once(&format!(" {name}=\"")).unwrap();
        rest.split('"').next().unwrap().parse().unwrap()
    };
    (of("width"), of("height"))
}

/// How many colours that are no grey fill much of the upper part of a page.
fn colours_of_boxes(picture: &Path) -> usize {
    let is_colour = |[red, green, blue]: [u8; 3]| red.max(green).max(blue) - red.min(green).min(blue) > 40;
    let colours = colours(picture, 100..400);
    colours.into_iter().filter(|(colour, count)| is_colour(*colour) && *count > 100).count()
}
