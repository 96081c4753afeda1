//! Has the rows measured, and the results written.

use crate::arguments::Arguments;
use crate::child::{How, Measured, measure};
use crate::results::{Board, Cell, Line, Part};
use crate::rows::{Group, Row};
use crate::shapes::CPU;
use crate::{go, machine, markdown, plot};
use std::fs;
use std::path::Path;
use std::time::Instant;

/// The folder of the pictures, beside the page.
const PLOTS: &str = "plots";

/// Prints the rows.
pub fn list(arguments: &Arguments) -> Result<(), String> {
    for row in arguments.chosen()? {
        let mut names: Vec<_> = row.contenders.iter().map(|(name, _)| *name).collect();
        names.extend(row.go.then_some("go"));
        println!("{}: {}", row.path(), names.join(", "));
    }
    Ok(())
}

/// Measures, and writes or prints.
pub fn make(arguments: &Arguments) -> Result<(), String> {
    let rows = arguments.chosen()?;
    let wanted = arguments.contenders.contains(&"go") && rows.iter().any(|row| row.go);
    let go = if wanted { Some(go::build()) } else { None };
    if let Some(Err(why)) = &go {
        eprintln!("Go is skipped: {}", why.trim());
    }
    let head = head(arguments, go.as_ref());
    let program = go.and_then(Result::ok).map(|go| go.program);
    let how = How {
        quick: arguments.quick,
        workers: arguments.workers,
        one_core: arguments.one_core,
        go: program.as_deref(),
    };
    let mut board = Board { contenders: arguments.contenders.clone(), lines: Vec::new() };
    let start = Instant::now();
    for (at, row) in rows.iter().enumerate() {
        let lines = lines(row, arguments, &how);
        for line in &lines {
            let (group, title, unit) = (line.group, line.title(), line.unit);
            let ratio = board.ratio(line).map_or("–".into(), markdown::times);
            eprintln!(
                "[{}/{}, {:.0?}] {group}/{title}, {unit}: {ratio}",
                at + 1,
                rows.len(),
                start.elapsed()
            );
        }
        board.lines.extend(lines);
    }
    match &arguments.into {
        None => print!("{}", markdown::page(&board, &head, None)),
        Some(folder) => write(&board, &head, folder)
            .map_err(|error| format!("{} could not be written: {error}", folder.display()))?,
    }
    Ok(())
}

fn write(board: &Board, head: &[String], folder: &Path) -> std::io::Result<()> {
    let plots = folder.join(PLOTS);
    fs::create_dir_all(&plots)?;
    for part in Part::all().filter(|part| !board.lines(*part).is_empty()) {
        fs::write(plots.join(part.name()).with_extension("svg"), plot::svg(board, part))?;
    }
    fs::write(folder.join("RESULTS.md"), markdown::page(board, head, Some(PLOTS)))
}

/// Where, of what, and how it was measured.
fn head(arguments: &Arguments, go: Option<&Result<go::Go, String>>) -> Vec<String> {
    let mut head = vec![
        format!("{}; {} workers", machine::machine(), arguments.workers),
        machine::versions(),
        machine::rustc(),
    ];
    head.extend(go.map(|go| match go {
        Ok(go) => format!("go: {}", go.version),
        Err(why) => format!("go: skipped: {}", why.lines().next().unwrap_or_default()),
    }));
    head.push(format!("commit {}", machine::commit()));
    let sizes = if arguments.quick { ", small sizes" } else { "" };
    let cores = if arguments.one_core { ", all on one core" } else { "" };
    head.push(format!("{} interleaved rounds{sizes}{cores}", arguments.rounds));
    head
}

/// Has all contenders measured, in rounds.
fn lines(row: &Row, arguments: &Arguments, how: &How<'_>) -> Vec<Line> {
    let contenders = &arguments.contenders;
    let mut lines: Vec<Line> = Vec::new();
    let mut failed = vec![None; contenders.len()];
    for _ in 0..arguments.rounds {
        for (at, contender) in contenders.iter().enumerate() {
            if failed[at].is_some() {
                continue;
            }
            match measure(contender, row, how) {
                Measured::Figures(figures) => {
                    for (words, number) in figures {
                        line(&mut lines, row, &words, contenders.len()).cells[at].samples.push(number);
                    }
                }
                Measured::None => {}
                Measured::Failed(how) => failed[at] = Some(how),
            }
        }
    }
    if lines.is_empty() {
        line(&mut lines, row, "message", contenders.len());
    }
    for line in &mut lines {
        line.cells.iter_mut().zip(&failed).for_each(|(cell, failed)| cell.failed = *failed);
    }
    // On one core it is the time on the wall.
    lines.retain(|line| line.words != CPU || row.group == Group::Threads);
    lines
}

/// The line of a figure, which is added if it is new.
fn line<'a>(lines: &'a mut Vec<Line>, row: &Row, words: &str, width: usize) -> &'a mut Line {
    let at = lines.iter().position(|line| line.words == words).unwrap_or_else(|| {
        lines.push(Line {
            group: row.group,
            row: row.name.clone(),
            words: words.to_owned(),
            unit: row.unit,
            cells: vec![Cell::default(); width],
        });
        lines.len() - 1
    });
    &mut lines[at]
}
