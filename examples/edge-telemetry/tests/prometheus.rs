//! A real Prometheus scrapes the program, and is asked for what it saw.
//!
//! The program is `prometheus` in the path, or what `PROMETHEUS` names.

mod common;

use common::port::Port;
use common::{Collector, Directory, Process, ask, devices, get};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

/// A Prometheus that scrapes one address.
struct Prometheus {
    process: Process,
    port: Port,
}

impl Prometheus {
    /// Starts it, and waits until it is ready.
    fn start(data: &Directory, target: SocketAddr) -> Self {
        let config = data.0.join("prometheus.yml");
        let text = format!(
            "global:\n  scrape_interval: 200ms\n  scrape_timeout: 200ms\nscrape_configs:\n  - job_name: edge\n    \
             static_configs:\n      - targets: ['{target}']\n"
        );
        std::fs::write(&config, text).unwrap();
        let port = Port::new();
        let mut process = Self::spawn(data, port.address);
        ask("Prometheus is ready", || {
            let log = || std::fs::read_to_string(data.0.join("prometheus.log")).unwrap_or_default();
            assert_eq!(process.0.try_wait().unwrap(), None, "it has ended: {}", log());
            get(port.address, "/-/ready").ok()
        });
        Self { process, port }
    }

    fn spawn(data: &Directory, address: SocketAddr) -> Process {
        let program = std::env::var("PROMETHEUS").unwrap_or_else(|_| "prometheus".into());
        let mut command = Command::new(&program);
        command.arg(format!("--config.file={}", data.0.join("prometheus.yml").display()));
        command.arg(format!("--storage.tsdb.path={}", data.0.join("tsdb").display()));
        command.arg(format!("--web.listen-address={address}")).arg("--log.level=error");
        let log = std::fs::File::create(data.0.join("prometheus.log")).unwrap();
        match command.stdout(Stdio::null()).stderr(log).spawn() {
            Ok(process) => Process(process),
            Err(error) => {
                panic!("{program}: {error}; it is in Debian's package `prometheus`, or where PROMETHEUS says")
            }
        }
    }

    /// The value of a query that has one; `None` as long as it has none.
    fn value(&self, query: &str) -> Option<f64> {
        let escaped: String = query.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let body = get(self.port.address, &format!("/api/v1/query?query={escaped}")).ok()?;
        let json: serde_json::Value = serde_json::from_str(&body).expect("Prometheus answers JSON");
        assert_eq!(json["status"], "success", "{query}: {body}");
        let results = json["data"]["result"].as_array()?;
        assert!(results.len() <= 1, "{query}: {body}");
        results.first()?["value"][1].as_str()?.parse().ok()
    }

    #[track_caller]
    fn wait_for(&self, query: &str, value: f64) {
        ask(&format!("{query} is to be {value}"), || (self.value(query) == Some(value)).then_some(()));
    }

    /// Waits until it sees what the page has: the sum over all tenants, or one tenant's. Both may still change.
    #[track_caller]
    fn agrees_with(&self, collector: &Collector, name: &str, tenant: Option<&str>) {
        let query = match tenant {
            Some(tenant) => format!("edge_{name}{{tenant=\"{tenant}\"}}"),
            None => format!("sum(edge_{name})"),
        };
        ask(&format!("{query} is to be that of the page"), || {
            (self.value(&query)? == collector.metric(name, tenant) as f64).then_some(())
        });
    }

    fn kill(self) {
        self.process.signal("-KILL");
    }
}

#[test]
fn prometheus_sees_what_happened_over_kills_of_both() {
    let data = Directory::new("prometheus");
    // Its own, so that it can come back to it.
    let metrics = Port::new();
    let arguments = ["--metrics", &metrics.address.to_string()];
    let collector = Collector::start(&data, &arguments);
    let prometheus = Prometheus::start(&data, collector.metrics);
    prometheus.wait_for("up", 1.0);
    prometheus.wait_for("count(edge_sampling_one_of == 1)", 2.0);

    // At a pace at which nothing is lost, unless the machine stops for long; what is, is the same on both sides.
    let sent = devices(&["--devices", "500", "--readings", "20", "--rate", "5000"], &collector.tenants);
    assert_eq!(sent, 20_000);
    collector.settle(500, 21, sent);
    for name in [
        "received_total",
        "lost_total",
        "sampled_out_total",
        "stored_total",
        "analysed_total",
        "alerts_total",
    ] {
        prometheus.agrees_with(&collector, name, None);
    }
    for tenant in ["north", "south"] {
        prometheus.agrees_with(&collector, "alerts_total", Some(tenant));
        assert!(collector.metric("alerts_total", Some(tenant)) > 0, "no alert of {tenant}");
    }
    // What the scheduler says of itself is on the same page, and typed.
    ask("the runtime's polls", || {
        prometheus.value("hchan_polls_total{runtime=\"main\"}").filter(|polls| *polls > 0.0)
    });
    let metadata = get(prometheus.port.address, "/api/v1/metadata?metric=edge_queue_length").unwrap();
    assert!(metadata.contains("\"type\":\"gauge\""), "{metadata}");

    // Prometheus is killed, and comes back: the collector does not care.
    prometheus.kill();
    let prometheus = Prometheus::start(&data, collector.metrics);
    prometheus.wait_for("up", 1.0);

    // The collector is killed, and comes back at the same address: it is seen to be down, and then to have replayed.
    let stored = collector.metric("stored_total", None) as f64;
    collector.kill();
    prometheus.wait_for("up", 0.0);
    let collector = Collector::start(&data, &arguments);
    prometheus.wait_for("up", 1.0);
    prometheus.wait_for("sum(edge_replayed_total)", stored);
    prometheus.wait_for("sum(edge_analysed_total)", stored);
    collector.stop();
}
