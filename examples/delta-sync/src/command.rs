//! Commands as lines of text.

use crate::world::Command;
use std::fs;
use std::net::SocketAddr;

/// What can be said.
pub const HELP: &str = "\
  cluster NAME ADDRESS.. [tls SECRET]    where requests can go; over TLS, checked with an authority
  listener NAME ADDRESS [tls SECRET]     where requests come in; over TLS, with a certificate
  route LISTENER PREFIX CLUSTER          which requests go where
  certificate NAME CHAIN KEY             a secret, from two files in PEM
  authority NAME CERTIFICATES            a secret, from a file in PEM
  drop cluster|listener|secret NAME
  drop route LISTENER PREFIX";

/// Reads a line; `None` if it is empty or a comment. Files are read here and now.
pub fn parse(line: &str) -> Result<Option<Command>, String> {
    let words: Vec<&str> = line.split_whitespace().take_while(|word| !word.starts_with('#')).collect();
    let owned = |word: &str| word.to_owned();
    Ok(Some(match words[..] {
        [] => return Ok(None),
        ["cluster", name, ref addresses @ .., "tls", secret] => {
            Command::Cluster { name: owned(name), addresses: all(addresses)?, authority: Some(owned(secret)) }
        }
        ["cluster", name, ref addresses @ ..] => {
            Command::Cluster { name: owned(name), addresses: all(addresses)?, authority: None }
        }
        ["listener", name, at] => {
            Command::Listener { name: owned(name), address: address(at)?, certificate: None }
        }
        ["listener", name, at, "tls", secret] => {
            Command::Listener { name: owned(name), address: address(at)?, certificate: Some(owned(secret)) }
        }
        ["route", listener, prefix, cluster] => {
            Command::Route { listener: owned(listener), prefix: path(prefix)?, cluster: owned(cluster) }
        }
        ["certificate", name, chain, key] => {
            Command::Certificate { name: owned(name), chain: read(chain)?, key: read(key)? }
        }
        ["authority", name, file] => Command::Authority { name: owned(name), certificates: read(file)? },
        ["drop", "cluster", name] => Command::DropCluster(owned(name)),
        ["drop", "listener", name] => Command::DropListener(owned(name)),
        ["drop", "secret", name] => Command::DropSecret(owned(name)),
        ["drop", "route", listener, prefix] => {
            Command::DropRoute { listener: owned(listener), prefix: path(prefix)? }
        }
        _ => return Err(format!("not a command: {}", line.trim())),
    }))
}

fn all(words: &[&str]) -> Result<Vec<SocketAddr>, String> {
    words.iter().map(|word| address(word)).collect()
}

fn address(word: &str) -> Result<SocketAddr, String> {
    word.parse().map_err(|_| format!("{word} is not an address: IP:PORT"))
}

fn path(word: &str) -> Result<String, String> {
    if word.starts_with('/') {
        Ok(word.to_owned())
    } else {
        Err(format!("{word} does not begin with a slash"))
    }
}

fn read(file: &str) -> Result<String, String> {
    fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))
}
