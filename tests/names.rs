//! The paths under which things are found.
#![cfg(feature = "rt")]

use std::any::TypeId;

/// That each pair is one type.
macro_rules! same {
    ($($one:ty, $other:ty;)*) => {
        $(assert_eq!(TypeId::of::<$one>(), TypeId::of::<$other>(), stringify!($one));)*
    };
}

#[test]
fn what_belongs_to_the_runtime_is_in_rt_and_at_the_root() {
    use hchan::rt::{self, sync, task, time};
    same! {
        rt::Runtime, hchan::Runtime;
        rt::Handle, hchan::Handle;
        rt::JoinHandle<u8>, hchan::JoinHandle<u8>;
        rt::JoinError, hchan::JoinError;
        rt::Group<u8>, hchan::Group<u8>;
        rt::GroupError<u8>, hchan::GroupError<u8>;
        rt::Context, hchan::Context;
        rt::ContextError, hchan::ContextError;
        rt::TaskId, hchan::TaskId;
        task::TaskId, hchan::TaskId;
        task::Builder, hchan::task::Builder;
        sync::WaitGroup, hchan::sync::WaitGroup;
        time::Sleep, hchan::time::Sleep;
    }
    assert_eq!((task::id(), task::name()), (None, None));
}

#[test]
fn what_belongs_to_channels_is_in_chan_and_at_the_root() {
    same! {
        hchan::chan::Sender<u8>, hchan::Sender<u8>;
        hchan::chan::Receiver<u8>, hchan::Receiver<u8>;
        hchan::chan::SendError<u8>, hchan::SendError<u8>;
    }
}
