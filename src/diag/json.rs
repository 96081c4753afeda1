//! A dump as JSON, for programs.

use super::dump::{
    ChannelDump, Dump, GroupDump, HandleDump, Party, RuntimeDump, TaskDump, TaskState, ThreadDump, WaitsFor,
    WorkerActivity, WorkerDump,
};
use super::graph::{Hang, Verdict};
use std::fmt::{Display, Write};
use std::panic::Location;
use std::time::Duration;

impl Dump {
    /// All of it as JSON, in one line. Times are in milliseconds; parties are `{"task":1}`, `{"thread":1}` or
    /// `{}`; channels refer to their places in `channels`; what is not known is `null`.
    ///
    /// ```
    /// let json = hchan::diag::dump().to_json();
    /// assert!(json.starts_with(r#"{"took_ms":"#));
    /// ```
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut json = Json(String::new());
        json.object(|json| {
            json.value("took_ms", millis(self.took));
            json.value("timers", self.timers);
            json.value("other_threads", or_null(self.other_threads));
            json.array("hangs", &self.hangs, write_hang);
            json.array("runtimes", &self.runtimes, write_runtime);
            json.array("channels", &self.channels, write_channel);
            json.array("groups", &self.groups, write_group);
            json.array("threads", &self.threads, write_thread);
        });
        json.0
    }
}

/// What has been written.
struct Json(String);

impl Json {
    fn object(&mut self, fields: impl FnOnce(&mut Self)) {
        self.0.push('{');
        fields(self);
        self.0.push('}');
    }

    fn key(&mut self, name: &str) {
        if !self.0.ends_with(['{', '[']) {
            self.0.push(',');
        }
        let _ = write!(self.0, "\"{name}\":");
    }

    /// A number, a truth value, or `null`.
    fn value(&mut self, name: &str, value: impl Display) {
        self.key(name);
        let _ = write!(self.0, "{value}");
    }

    fn text(&mut self, name: &str, text: Option<&str>) {
        self.key(name);
        match text {
            Some(text) => self.string(text),
            None => self.0.push_str("null"),
        }
    }

    fn string(&mut self, text: &str) {
        self.0.push('"');
        for c in text.chars() {
            match c {
                '"' | '\\' => self.0.extend(['\\', c]),
                '\u{0}'..'\u{20}' => {
                    let _ = write!(self.0, "\\u{:04x}", c as u32);
                }
                c => self.0.push(c),
            }
        }
        self.0.push('"');
    }

    fn site(&mut self, name: &str, site: &'static Location<'static>) {
        self.text(name, Some(&format!("{}:{}:{}", site.file(), site.line(), site.column())));
    }

    fn array<T>(&mut self, name: &str, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.key(name);
        self.0.push('[');
        for (number, item) in items.iter().enumerate() {
            if number > 0 {
                self.0.push(',');
            }
            self.object(|json| write(json, item));
        }
        self.0.push(']');
    }

    fn party(&mut self, name: &str, party: Party) {
        self.key(name);
        self.object(|json| write_party(json, &party));
    }

    fn wait(&mut self, name: &str, wait: Option<&WaitsFor>) {
        self.key(name);
        match wait {
            Some(wait) => self.object(|json| write_wait(json, wait)),
            None => self.0.push_str("null"),
        }
    }
}

fn or_null(value: Option<impl Display>) -> String {
    value.map_or_else(|| "null".into(), |value| value.to_string())
}

fn millis(time: Duration) -> f64 {
    time.as_micros() as f64 / 1_000.0
}

fn write_party(json: &mut Json, party: &Party) {
    match party {
        Party::Task(id) => json.value("task", id),
        Party::Thread(number) => json.value("thread", number),
        Party::Unknown => {}
    }
}

fn write_hang(json: &mut Json, hang: &Hang) {
    let verdict = match hang.verdict {
        Verdict::Deadlock => "deadlock",
        Verdict::Suspected => "suspected",
        Verdict::NeverWoken => "never woken",
        Verdict::NotPolled => "not polled",
    };
    json.text("verdict", Some(verdict));
    json.array("parties", &hang.parties, write_party);
    json.array("cycle", &hang.cycle, write_party);
    if let Some(group) = hang.group {
        json.site("group", group);
    }
    json.value("channel", or_null(hang.channel));
}

fn write_group(json: &mut Json, group: &GroupDump) {
    json.site("made_at", group.made_at);
    match &group.members {
        Some(members) => json.array("members", members, |json, id| json.value("task", id)),
        None => json.value("members", "null"),
    }
}

fn write_runtime(json: &mut Json, runtime: &RuntimeDump) {
    json.text("name", Some(&runtime.name));
    json.value("wanted", runtime.wanted);
    json.value("max_threads", runtime.max_threads);
    json.value("queued", runtime.queued);
    json.array("workers", &runtime.workers, write_worker);
    json.array("tasks", &runtime.tasks, write_task);
}

fn write_worker(json: &mut Json, worker: &WorkerDump) {
    json.value("index", worker.index);
    match worker.activity {
        WorkerActivity::Sleeps => json.text("activity", Some("sleeps")),
        WorkerActivity::Looks => json.text("activity", Some("looks")),
        WorkerActivity::Polls { task, since } => {
            json.text("activity", Some("polls"));
            json.value("task", task);
            json.value("since_ms", millis(since));
        }
    }
    json.value("is_stuck", worker.is_stuck);
    json.value("is_blocked", or_null(worker.is_blocked));
    json.value("queued", worker.queued);
}

fn write_task(json: &mut Json, task: &TaskDump) {
    json.value("id", task.id);
    json.text("name", task.name.as_deref());
    json.site("spawned_at", task.spawned_at);
    match &task.state {
        TaskState::Runs(worker) => {
            json.text("state", Some("runs"));
            json.value("worker", or_null(*worker));
        }
        TaskState::Queued => json.text("state", Some("queued")),
        TaskState::Waits { wait, others, since, can_be_woken, is_joined } => {
            json.text("state", Some("waits"));
            json.wait("wait", wait.as_ref());
            json.value("others", others);
            json.value("since_ms", or_null(since.map(millis)));
            json.value("can_be_woken", can_be_woken);
            json.value("is_joined", is_joined);
        }
    }
}

fn write_wait(json: &mut Json, wait: &WaitsFor) {
    let on_channel = |json: &mut Json, act, channel: Option<usize>, at| {
        json.text("for", Some(act));
        json.value("channel", or_null(channel));
        json.site("at", at);
    };
    let other = |json: &mut Json, act, at| {
        json.text("for", Some(act));
        json.site("at", at);
    };
    match wait {
        WaitsFor::Send(channel, at) => on_channel(json, "send", *channel, at),
        WaitsFor::Receive(channel, at) => on_channel(json, "recv", *channel, at),
        WaitsFor::Closed(channel, at) => on_channel(json, "closed", *channel, at),
        WaitsFor::Select { arms, has_others, at } => {
            other(json, "select", at);
            json.value("has_others", has_others);
            json.array("arms", arms, write_wait);
        }
        WaitsFor::Join(task, at) => {
            other(json, "join", at);
            json.value("task", task);
        }
        WaitsFor::Sleep(at) => other(json, "sleep", at),
        WaitsFor::Job(at) => other(json, "job", at),
        WaitsFor::Future(at) => other(json, "future", at),
    }
}

fn write_channel(json: &mut Json, channel: &ChannelDump) {
    json.text("name", channel.name.as_deref());
    json.site("made_at", channel.made_at);
    json.text("part_of", channel.part_of);
    json.value("capacity", or_null(channel.capacity));
    json.value("len", channel.len);
    json.value("is_closed", channel.is_closed);
    json.value("senders", channel.senders);
    json.value("receivers", channel.receivers);
    json.array("waiters", &channel.waiters, |json, waiter| {
        json.party("party", waiter.party);
        json.value("sends", waiter.sends);
        json.value("observes", waiter.observes);
    });
    json.value("more_waiters", channel.more_waiters);
    json.array("unseen", &channel.unseen, write_party);
    json.array("handles", &channel.handles, write_handle);
}

fn write_handle(json: &mut Json, handle: &HandleDump) {
    json.value("is_sender", handle.is_sender);
    json.site("made_at", handle.made_at);
    json.value("is_clone", handle.is_clone);
    json.party("made_by", handle.made_by);
    if let Some((party, at)) = handle.last_used {
        json.party("last_used_by", party);
        json.site("last_used_at", at);
    }
}

fn write_thread(json: &mut Json, thread: &ThreadDump) {
    json.value("number", thread.number);
    json.text("name", thread.name.as_deref());
    json.wait("wait", Some(&thread.wait));
    json.value("since_ms", millis(thread.since));
    json.value("has_deadline", thread.has_deadline);
    json.value("task", or_null(thread.task));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        let mut json = Json(String::new());
        json.object(|json| json.text("name", Some("a \"b\" \\ \n ä")));
        assert_eq!(json.0, "{\"name\":\"a \\\"b\\\" \\\\ \\u000a ä\"}");
    }
}
