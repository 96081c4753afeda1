//! The table's rows as criterion's benchmarks: `group/row/contender`.

use criterion::Criterion;
use hchan_bench::rows::{self, Group, Size};
use std::time::Duration;

const WORKERS: usize = 2;
/// The smallest size that a shape is run with: it has threads or tasks to start.
const LEAST: usize = 1_000;

/// Runs criterion, as its command line says, over the rows of some groups.
pub(crate) fn bench(groups: &[Group]) {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    for row in rows::all().into_iter().filter(|row| groups.contains(&row.group)) {
        let mut benchmarks = criterion.benchmark_group(row.path());
        for (contender, start) in &row.contenders {
            // Made ready when it is first run: a filter passes most by.
            let mut shape = None;
            benchmarks.bench_function(*contender, |bencher| {
                let shape = shape.get_or_insert_with(|| start(WORKERS));
                bencher.iter_custom(|iterations| {
                    let size = match row.size {
                        Size::Timed => LEAST.max(iterations as usize),
                        // A run of that size stands for all iterations.
                        Size::Fixed(_, small) => small,
                    };
                    let (_, nanoseconds) = shape(size)[0];
                    Duration::from_nanos((nanoseconds * iterations as f64) as u64)
                });
            });
        }
        benchmarks.finish();
    }
    criterion.final_summary();
}
