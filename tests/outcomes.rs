//! What comes of tasks and groups, as values: errors that go with `?`, are compared, and converted.
#![cfg(feature = "rt")]

use hchan::{Group, GroupError, JoinError, TaskId, go};
use std::error::Error;
use std::fmt::{Debug, Display};
use std::future::pending;
use std::io;

type Boxed = Box<dyn Error + Send + Sync>;

/// What a group says of one member that fails with `error`.
async fn fails<E: Send + Sync + Debug + Display + 'static>(error: E) -> Result<(), Boxed> {
    let mut group = Group::new();
    group.go(async { Err(error) });
    group.wait().await?;
    Ok(())
}

#[test]
fn whatever_a_member_fails_with_goes_on_by_a_question_mark() {
    hchan::run(async {
        let said = [
            fails("a text").await,
            fails(String::from("a text")).await,
            fails(Boxed::from("a text")).await,
            fails(io::Error::other("a text")).await,
        ];
        assert!(said.into_iter().all(|said| said.unwrap_err().to_string() == "a text"));
    });
}

#[test]
fn failures_of_groups_are_compared() {
    assert_eq!(GroupError::Task(1), GroupError::Task(1));
    assert_ne!(GroupError::Task(1), GroupError::Task(2));
    assert_ne!(GroupError::Task(1), GroupError::Cancelled);
    hchan::run(async {
        let mut group = Group::new();
        group.go(async { Err("no") });
        assert_eq!(group.wait().await, Err(GroupError::Task("no")));
        group.cancel();
        assert_eq!(group.wait().await, Err(GroupError::Cancelled));
    });
}

async fn panicked() -> JoinError {
    go(async { panic!("oh") }).await.unwrap_err()
}

#[test]
#[allow(clippy::eq_op, reason = "that is what is asked")]
fn errors_of_joins_are_equal_if_they_say_the_same_of_the_same_task() {
    hchan::run(async {
        let aborted = go(pending::<()>());
        aborted.abort();
        let (aborted, one, other) = (aborted.await.unwrap_err(), panicked().await, panicked().await);
        assert!(one == one && aborted == aborted);
        assert!(one != other && one != aborted);
        assert!(GroupError::<u8>::Panicked(one) != GroupError::Panicked(other));
    });
}

#[test]
fn an_error_of_a_join_goes_on_as_one_of_input_and_output() {
    async fn read() -> io::Result<String> {
        go(async { std::fs::read_to_string("Cargo.toml") }).await?
    }
    async fn stumble() -> io::Result<()> {
        go(async { panic!("oh") }).await?
    }
    hchan::run(async {
        assert!(read().await.unwrap().contains("hchan"));
        let error = stumble().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Other);
        assert!(error.to_string().contains("oh"));
        assert!(error.get_ref().unwrap().downcast_ref::<JoinError>().unwrap().is_panic());
    });
}

#[test]
fn a_task_has_a_number() {
    let task = go(async {});
    let id: TaskId = task.id();
    assert_eq!(u64::from(id).to_string(), id.to_string());
    assert_ne!(u64::from(id), 0);
}
