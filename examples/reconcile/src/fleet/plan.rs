//! What to do about a set, given what is known of it: a pure function.
//!
//! Invariants:
//! 1. A plan that is carried out on what it was made from leaves nothing to do, unless it was cut at `MOST`
//!    changes: then the rest is the next plan.
//! 2. Everything it does depends on all that it looked at: the set, and each key that it writes. So a plan that was
//!    made from old knowledge fails as a whole.
//! 3. A set that cannot be read changes no unit.

use crate::etcd::{Entry, Txn};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The most units of a set.
pub const UNITS: u32 = 10_000;
/// The most changes of one transaction (etcd's own limit is 128, of which one is the set's condition).
const MOST: usize = 100;

/// What a set should be.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    pub units: u32,
    pub image: String,
    /// When it ends, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<u64>,
}

/// What a unit is.
#[derive(Serialize)]
struct Unit<'a> {
    image: &'a str,
}

/// What the controller says about a set.
#[derive(Serialize)]
#[serde(untagged)]
enum Status<'a> {
    Ready { units: u32, image: &'a str },
    Broken { error: &'a str },
}

/// What to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    pub txn: Txn,
    /// When the set ends by itself.
    pub until: Option<Duration>,
}

/// What should be there.
struct Goal<'a> {
    /// How many units; `None`: those that are there.
    units: Option<u32>,
    image: &'a str,
    status: Option<Status<'a>>,
    /// Until when that is so.
    until: Option<Duration>,
}

impl<'a> Goal<'a> {
    /// From what somebody wrote, if there is something, and if it can be read.
    fn new(spec: Option<&'a Result<Spec, String>>, now: Duration) -> Self {
        match spec {
            None => Self { units: Some(0), image: "", status: None, until: None },
            Some(Err(error)) => {
                Self { units: None, image: "", status: Some(Status::Broken { error }), until: None }
            }
            Some(Ok(Spec { units, image, expires })) => {
                let end = expires.map(Duration::from_millis);
                let units = if end.is_some_and(|end| end <= now) { 0 } else { *units };
                let status = Some(Status::Ready { units, image });
                Self { units: Some(units), image, status, until: end.filter(|end| *end > now) }
            }
        }
    }
}

/// Compares what is `known` of the set `name` with what it should be at `now` (since 1970).
pub fn plan(prefix: &str, name: &str, known: &[Entry], now: Duration) -> Plan {
    let known: BTreeMap<&str, &Entry> = known.iter().map(|entry| (entry.key.as_str(), entry)).collect();
    let set_key = format!("{prefix}/sets/{name}");
    let spec = known.get(set_key.as_str()).map(|set| read(&set.value));
    let goal = Goal::new(spec.as_ref(), now);
    let mut write = Vec::new();
    if let Some(units) = goal.units {
        change_units(&format!("{prefix}/units/{name}/"), units, goal.image, &known, &mut write);
    }
    // The status comes last, so that it is said when it is so.
    let status_key = format!("{prefix}/status/{name}");
    let status = goal.status.map(|status| json(&status));
    if known.get(status_key.as_str()).map(|entry| &entry.value) != status.as_ref() {
        write.push((status_key, status));
    }
    write.truncate(MOST);
    let revision = |key: &str| known.get(key).map_or(0, |entry| entry.revision);
    let mut expect: Vec<_> = write.iter().map(|(key, _)| (key.clone(), revision(key))).collect();
    expect.push((set_key.clone(), revision(&set_key)));
    Plan { txn: Txn { expect, write }, until: goal.until }
}

/// The units that are missing or other than they should be are written, those that are too many deleted.
fn change_units(
    prefix: &str,
    units: u32,
    image: &str,
    known: &BTreeMap<&str, &Entry>,
    write: &mut Vec<(String, Option<Vec<u8>>)>,
) {
    let unit = json(&Unit { image });
    let wanted: BTreeSet<String> = (0..units).map(|number| format!("{prefix}{number}")).collect();
    for key in &wanted {
        if known.get(key.as_str()).is_none_or(|entry| entry.value != unit) {
            write.push((key.clone(), Some(unit.clone())));
        }
    }
    for key in known.keys() {
        if key.starts_with(prefix) && !wanted.contains(*key) {
            write.push((key.to_string(), None));
        }
    }
}

fn read(value: &[u8]) -> Result<Spec, String> {
    let spec: Spec = serde_json::from_slice(value).map_err(|error| error.to_string())?;
    if spec.units > UNITS {
        return Err(format!("{} units are more than {UNITS}", spec.units));
    }
    Ok(spec)
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("strings and numbers can be written")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1000);

    /// Carries a plan out, as etcd would.
    fn carry_out(plan: &Plan, known: &mut Vec<Entry>, revision: i64) {
        for (key, value) in &plan.txn.write {
            known.retain(|entry| entry.key != *key);
            if let Some(value) = value {
                known.push(Entry { key: key.clone(), value: value.clone(), revision });
            }
        }
    }

    fn known(entries: &[(&str, &str, i64)]) -> Vec<Entry> {
        let entry = |(key, value, revision): &(&str, &str, i64)| Entry {
            key: key.to_string(),
            value: value.as_bytes().to_vec(),
            revision: *revision,
        };
        entries.iter().map(entry).collect()
    }

    #[test]
    fn what_is_carried_out_leaves_nothing_to_do() {
        for set in [
            r#"{"units":2,"image":"b"}"#,
            r#"{"units":0,"image":"a"}"#,
            r#"{"units":250,"image":"a"}"#,
            r#"{"units":2,"image":"a","expires":1}"#,
            r#"{"units":10001,"image":"a"}"#,
            "nonsense",
        ] {
            let unit = r#"{"image":"a"}"#;
            let mut known =
                known(&[("/f/sets/x", set, 1), ("/f/units/x/0", unit, 2), ("/f/units/x/7", "broken", 3)]);
            let mut plans = 0;
            loop {
                let plan = plan("/f", "x", &known, NOW);
                if plan.txn.write.is_empty() {
                    break;
                }
                assert!(plan.txn.expect.len() <= 128, "etcd would refuse it");
                plans += 1;
                assert!(plans <= 3, "{set}: {plan:?}");
                carry_out(&plan, &mut known, 4);
            }
        }
    }

    #[test]
    fn a_plan_depends_on_all_that_it_looked_at() {
        let known = known(&[
            ("/f/sets/x", r#"{"units":2,"image":"b"}"#, 5),
            ("/f/units/x/0", r#"{"image":"a"}"#, 6),
            ("/f/units/x/2", "", 7),
        ]);
        let expect = [
            ("/f/units/x/0", 6),
            ("/f/units/x/1", 0),
            ("/f/units/x/2", 7),
            ("/f/status/x", 0),
            ("/f/sets/x", 5),
        ];
        let expect = expect.map(|(key, revision)| (key.to_owned(), revision));
        assert_eq!(plan("/f", "x", &known, NOW).txn.expect, expect);
    }

    #[test]
    fn a_set_that_cannot_be_read_changes_no_unit() {
        let known = known(&[("/f/sets/x", r#"{"units":-1}"#, 5), ("/f/units/x/0", "", 7)]);
        let write = plan("/f", "x", &known, NOW).txn.write;
        assert_eq!(write.len(), 1, "{write:?}");
        assert_eq!(write[0].0, "/f/status/x");
    }

    #[test]
    fn a_set_ends_when_it_expires_and_says_when_that_is() {
        let known = known(&[("/f/sets/x", r#"{"units":1,"image":"a","expires":1000001}"#, 5)]);
        let end = Duration::from_millis(1_000_001);
        assert_eq!(plan("/f", "x", &known, NOW).until, Some(end));
        let after = plan("/f", "x", &known, end);
        assert_eq!((after.until, after.txn.write.len()), (None, 1), "the status alone");
    }
}
