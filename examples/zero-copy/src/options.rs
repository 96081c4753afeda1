//! The command line.

use crate::exchange::Plan;
use crate::record::LONGEST;
use std::net::SocketAddr;

pub const USAGE: &str = "\
usage: hchan-zero-copy [compare] [OPTION VALUE]...    both versions, over loopback
       hchan-zero-copy relay [ADDRESS]                a server that answers each message with itself
       hchan-zero-copy send ADDRESS [OPTION VALUE]... messages to such a server

  --messages N   how many are counted (100000); a tenth of that goes before
  --payload N    bytes of payload in each (100)
  --help         this";

/// What is to be done.
#[derive(Debug)]
pub enum Job {
    Compare(Plan),
    Relay(SocketAddr),
    Send(SocketAddr, Plan),
    Help,
}

pub fn parse(arguments: impl Iterator<Item = String>) -> Result<Job, String> {
    let mut arguments = arguments.peekable();
    let command = match arguments.next_if(|word| !word.starts_with('-')) {
        Some(word) => word,
        None => "compare".into(),
    };
    let job = match command.as_str() {
        "compare" => options(&mut arguments)?.map(Job::Compare),
        "relay" => {
            let address = arguments.next().unwrap_or_else(|| "127.0.0.1:0".into());
            if is_help(&address) { None } else { Some(Job::Relay(self::address(&address)?)) }
        }
        "send" => {
            let address = arguments.next().ok_or("send wants an address")?;
            let address = self::address(&address)?;
            options(&mut arguments)?.map(|plan| Job::Send(address, plan))
        }
        other => return Err(format!("{other}: no such command\n{USAGE}")),
    };
    match arguments.next() {
        Some(other) if job.is_some() => Err(format!("{other}: one too many\n{USAGE}")),
        _ => Ok(job.unwrap_or(Job::Help)),
    }
}

/// `None` if help is asked for.
fn options(arguments: &mut impl Iterator<Item = String>) -> Result<Option<Plan>, String> {
    let (mut messages, mut payload) = (100_000, 100);
    while let Some(name) = arguments.next() {
        if is_help(&name) {
            return Ok(None);
        }
        let value = arguments.next().ok_or_else(|| format!("{name} wants a value"))?;
        match name.as_str() {
            "--messages" => messages = number(&name, &value, 1, 1_000_000_000)?,
            "--payload" => payload = number(&name, &value, 0, LONGEST as u64 - 64)?,
            _ => return Err(format!("{name}: no such option\n{USAGE}")),
        }
    }
    Ok(Some(Plan { warm_up: (messages / 10).max(1), messages, payload: payload as usize }))
}

fn is_help(word: &str) -> bool {
    word == "--help" || word == "-h"
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("{text}: no address and port, as in 127.0.0.1:7000"))
}

fn number(name: &str, text: &str, least: u64, most: u64) -> Result<u64, String> {
    text.parse()
        .ok()
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| format!("{name}: {text} is no number from {least} to {most}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Result<Job, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn what_is_not_said_is_the_default() {
        let Ok(Job::Compare(plan)) = of("") else { panic!("it compares") };
        assert_eq!((plan.messages, plan.warm_up, plan.payload), (100_000, 10_000, 100));
        let Ok(Job::Send(_, plan)) = of("send 127.0.0.1:1 --payload 7") else { panic!("it sends") };
        assert_eq!(plan.payload, 7);
        assert!(matches!(of("relay"), Ok(Job::Relay(_))));
        assert!(matches!(of("relay --help"), Ok(Job::Help)) && matches!(of("--help"), Ok(Job::Help)));
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        let lines =
            ["sent", "send", "send here", "--messages 0", "--payload 99999", "--size 1", "relay 1:2 3"];
        for line in lines {
            assert!(of(line).is_err(), "{line}");
        }
    }
}
