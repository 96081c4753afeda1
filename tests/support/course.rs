//! What a lesson's header says, and whether its program does that.

use std::process::Command;

/// What is between `//!` and the end of its line, in the header.
fn header(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().map_while(|line| line.strip_prefix("//!"));
    lines.map(|line| line.strip_prefix(' ').unwrap_or(line))
}

/// The first block of text in the header: what the program prints.
pub(crate) fn expected_output(text: &str) -> Option<String> {
    let mut lines = header(text).skip_while(|line| *line != "```text");
    lines.next()?;
    Some(lines.take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect())
}

/// The paragraphs of the header, each as one line.
fn paragraphs(text: &str) -> Vec<String> {
    let lines: Vec<_> = header(text).collect();
    lines.split(|line| line.is_empty()).map(|lines| lines.join(" ")).collect()
}

fn sentences(paragraph: &str) -> usize {
    paragraph.split_inclusive(' ').filter(|word| word.trim_end().ends_with(['.', '?', '!'])).count()
}

/// What a header lacks. `run` is the command that it is to name, `next` the lesson behind it.
pub(crate) fn faults(text: &str, run: &str, next: Option<&str>) -> Vec<String> {
    let paragraphs = paragraphs(text);
    let mut faults = Vec::new();
    let mut ask = |is_so: bool, what: &str| {
        if !is_so {
            faults.push(what.to_owned());
        }
    };
    let starts_with = |start: &str| paragraphs.iter().any(|paragraph| paragraph.starts_with(start));
    let question = &paragraphs[0];
    ask(question.ends_with('?') && sentences(question) == 1, "it does not open with a question");
    let answer = paragraphs.get(1).map_or(0, |answer| sentences(answer));
    ask(answer == 2, "its answer is not of two sentences");
    ask(paragraphs.contains(&format!("`{run}`")), &format!("it does not say `{run}`"));
    ask(expected_output(text).is_some_and(|output| !output.is_empty()), "it does not say what is printed");
    ask(starts_with("In Go: "), "it says nothing about Go");
    let next = next.map_or("Next: ".to_owned(), |next| format!("Next: `{next}`"));
    ask(paragraphs.last().is_some_and(|last| last.starts_with(&next)), &format!("it does not end in {next}"));
    let body = text.split_once("fn main()").map_or("", |(_, body)| body);
    ask(body.contains("assert"), "its main asserts nothing");
    faults
}

/// Runs a program; what was wrong with that, if anything.
pub(crate) fn differs(mut program: Command, expected: &str) -> Result<(), String> {
    let output = program.output().map_err(|error| format!("{error}: `cargo build --examples` makes it"))?;
    let printed = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{}:\n{printed}{errors}", output.status));
    }
    if printed != expected {
        return Err(format!("it printed\n{printed}\nand should have printed\n{expected}"));
    }
    Ok(())
}
