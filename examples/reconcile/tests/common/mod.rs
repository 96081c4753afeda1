//! A real etcd, as a process of the test's own.
#![allow(dead_code, reason = "each file of tests uses a part of it")]

pub mod controller;
pub mod port;
pub mod proxy;

use hchan::time::{sleep, timeout};
use hchan_reconcile::etcd::{Client, Txn};
use port::Port;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// After this long a test has failed.
pub const DEADLINE: Duration = Duration::from_secs(100);

/// Runs a test on a runtime of its own: what its tasks print is printed with it.
pub fn run<F: Future<Output = ()> + Send + 'static>(test: F) {
    hchan::Runtime::new().unwrap().run(test);
}

/// An etcd with a folder of its own. Killed and removed at the end.
pub struct Etcd {
    process: Child,
    port: Port,
    folder: PathBuf,
}

impl Etcd {
    pub async fn start() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("etcd-{}-{number}", std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let port = Port::new();
        let mut etcd = Self { process: launch(&port, &folder), port, folder };
        etcd.answers().await;
        etcd
    }

    pub fn address(&self) -> String {
        self.port.address.to_string()
    }

    pub fn client(&self) -> Client {
        Client::new(self.address(), Duration::from_secs(10))
    }

    /// As a loss of power would.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Forgets everything. Only while it is dead.
    pub fn wipe(&self) {
        std::fs::remove_dir_all(&self.folder).unwrap();
    }

    /// Again, at the same port.
    pub async fn restart(&mut self) {
        self.process = launch(&self.port, &self.folder);
        self.answers().await;
    }

    /// Asks until it answers.
    async fn answers(&mut self) {
        let client = self.client();
        let asking = async {
            while client.list("nothing").await.is_err() {
                assert_eq!(self.process.try_wait().unwrap(), None, "etcd has ended");
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(DEADLINE, asking).await.expect("etcd answers");
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn launch(port: &Port, folder: &Path) -> Child {
    let program = std::env::var("ETCD").unwrap_or_else(|_| "etcd".into());
    let here = format!("http://{}", port.address);
    Command::new(&program)
        .arg("--data-dir")
        .arg(folder)
        .args(["--listen-client-urls", &here, "--advertise-client-urls", &here])
        .args(["--listen-peer-urls", "http://127.0.0.1:0"])
        .args(["--initial-advertise-peer-urls", "http://127.0.0.1:0"])
        .args(["--initial-cluster", "default=http://127.0.0.1:0"])
        // It is alone: nobody has to be waited for.
        .args(["--heartbeat-interval", "10", "--election-timeout", "100"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| {
            panic!("{program}: {error}; install Debian's package etcd-server, or set ETCD to the program")
        })
}

pub async fn put(client: &Client, key: &str, value: &str) {
    write(client, key, Some(value)).await;
}

pub async fn delete(client: &Client, key: &str) {
    write(client, key, None).await;
}

/// Writes, again and again while etcd is not there.
async fn write(client: &Client, key: &str, value: Option<&str>) {
    let write = vec![(key.to_owned(), value.map(|value| value.as_bytes().to_vec()))];
    let txn = Txn { expect: Vec::new(), write };
    let writing = async {
        while client.commit(&txn).await.is_err() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, writing).await.expect("etcd is there again");
}

pub type Content = BTreeMap<String, String>;

/// What is in the store.
pub async fn content(client: &Client, prefix: &str) -> Option<(Content, i64)> {
    let listing = client.list(prefix).await.ok()?;
    let text = |value| String::from_utf8_lossy(value).into_owned();
    let entries = listing.entries.iter().map(|entry| (entry.key.clone(), text(&entry.value)));
    Some((entries.collect(), listing.revision))
}

/// Waits until the store is as it should be: looks again whenever something has changed in it.
pub async fn until(client: &Client, prefix: &str, is_so: impl Fn(&Content) -> bool) -> Content {
    let mut last = Content::new();
    let look = async {
        loop {
            let Some((found, revision)) = content(client, prefix).await else {
                sleep(Duration::from_millis(10)).await;
                continue;
            };
            last = found;
            if is_so(&last) {
                return;
            }
            if let Ok(mut watch) = client.watch(prefix, revision + 1).await {
                // A change, or an end.
                let _ = watch.next().await;
            }
        }
    };
    let in_time = timeout(DEADLINE, look).await.is_ok();
    assert!(in_time, "it did not become what it should be; there is {last:#?}");
    last
}
