//! Can one compute with infinite things, if each of them is a channel?
//!
//! A power series is a channel on which its coefficients come, as exact fractions and for ever; operations on
//! series are tasks between channels, and an equation that a series solves is a loop of them. No task runs
//! ahead, as all channels have capacity 0: each waits until its coefficient is taken.
//!
//! `cargo run --example 31_power_series`
//!
//! ```text
//! exp x = 1, 1, 1/2, 1/6, 1/24, 1/120, 1/720, 1/5040
//! sin x = 0, 1, 0, -1/6, 0, 1/120, 0, -1/5040
//! tan x = 0, 1, 0, 1/3, 0, 2/15, 0, 17/315
//! tan x = sin x / cos x: true
//! nobody is left behind
//! ```
//!
//! The idea is Doug McIlroy's, "Squinting at Power Series" (1990), and older than Go.
//!
//! In Go: `test/chan/powser1.go` in its repository, with a channel of requests beside each channel of data.
//! Its goroutines stay when the answer is printed; here a reader that leaves ends all that worked for it.
//!
//! Next: `32_channel_1_condvar`, what is inside a channel.

use hchan::{Receiver, Sender, bounded, go, never, run, select, sim};
use std::collections::VecDeque;
use std::fmt;
use std::ops::{Add, Div, Mul, Neg};

/// What is left to read of a series: its next coefficient comes first.
type Series = Receiver<Ratio>;

/// Starts a task that computes a series. It ends, with `None`, when nobody reads any more, or when what it
/// reads has ended.
fn series<W>(work: impl FnOnce(Sender<Ratio>) -> W) -> Series
where
    W: Future<Output = Option<()>> + Send + 'static,
{
    let (sender, series) = bounded(0);
    go(work(sender));
    series
}

async fn next(series: &Series) -> Option<Ratio> {
    series.recv().await.ok()
}

async fn put(sender: &Sender<Ratio>, coefficient: Ratio) -> Option<()> {
    sender.send(coefficient).await.ok()
}

/// A constant: `value + 0x + 0x² + ...`
fn constant(value: i128) -> Series {
    series(async move |out| {
        put(&out, whole(value)).await?;
        loop {
            put(&out, whole(0)).await?;
        }
    })
}

fn negate(f: Series) -> Series {
    series(async move |out| {
        loop {
            put(&out, -next(&f).await?).await?;
        }
    })
}

fn add(f: Series, g: Series) -> Series {
    series(async move |out| {
        loop {
            put(&out, next(&f).await? + next(&g).await?).await?;
        }
    })
}

/// The integral of `f` that is `start` at 0. It can say so before it has read anything: that is what gets a
/// loop of series going.
fn integral(start: i128, f: Series) -> Series {
    series(async move |out| {
        put(&out, whole(start)).await?;
        for n in 1.. {
            put(&out, next(&f).await? / whole(n)).await?;
        }
        None
    })
}

/// `f * g`: coefficient n is the sum of all `f[i] * g[n - i]`.
fn multiply(f: Series, g: Series) -> Series {
    series(async move |out| {
        let (mut fs, mut gs) = (Vec::new(), Vec::new());
        loop {
            fs.push(next(&f).await?);
            gs.push(next(&g).await?);
            put(&out, sum_of_products(&fs, &gs)).await?;
        }
    })
}

/// `f / g`, the series `q` for which `q * g = f`.
fn divide(f: Series, g: Series) -> Series {
    series(async move |out| {
        let first = next(&g).await?;
        let (mut gs, mut qs) = (Vec::new(), Vec::new());
        loop {
            let q = (next(&f).await? + -sum_of_products(&qs, &gs)) / first;
            qs.push(q);
            put(&out, q).await?;
            gs.push(next(&g).await?);
        }
    })
}

fn sum_of_products(fs: &[Ratio], gs: &[Ratio]) -> Ratio {
    fs.iter().zip(gs.iter().rev()).fold(whole(0), |sum, (f, g)| sum + *f * *g)
}

/// Two readers for one series: the first sets the pace, the second follows.
fn split(f: Series) -> (Series, Series) {
    let ((first, left), (second, right)) = (bounded(0), bounded(0));
    go(serve_both(f, first, second));
    (left, right)
}

/// Reads on when the first reader has what was read, and keeps what the second one has not. Ends with either.
async fn serve_both(f: Series, first: Sender<Ratio>, second: Sender<Ratio>) -> Option<()> {
    let nobody = never();
    let (mut for_first, mut for_second, mut later) = (None, None, VecDeque::new());
    loop {
        for_second = for_second.or_else(|| later.pop_front());
        // Otherwise a loop, in which the second reader feeds `f`, would compute for ever, asked or not.
        let source = if for_first.is_none() { &f } else { &nobody };
        select! {
            recv(source) -> coefficient => {
                for_first = Some(coefficient.ok()?);
                later.extend(for_first);
            }
            send(first, in for_first) -> sent => sent.ok()?,
            send(second, in for_second) -> sent => sent.ok()?,
        }
    }
}

/// The series `s` with `s = equation(s)`: what the equation computes is led back into it.
fn solve(equation: impl FnOnce(Series) -> Series) -> Series {
    let (back, into_it) = bounded(0);
    let (solution, again) = split(equation(into_it));
    go(lead(again, back));
    solution
}

async fn lead(from: Series, to: Sender<Ratio>) -> Option<()> {
    loop {
        put(&to, next(&from).await?).await?;
    }
}

/// exp' = exp
fn exp() -> Series {
    solve(|exp| integral(1, exp))
}

/// cos' = -sin, and sin' = cos
fn cos() -> Series {
    solve(|cos| integral(1, negate(integral(0, cos))))
}

fn sin() -> Series {
    integral(0, cos())
}

/// tan' = 1 + tan²
fn tan() -> Series {
    solve(|tan| {
        let (one, other) = split(tan);
        integral(0, add(constant(1), multiply(one, other)))
    })
}

async fn first(count: usize, series: Series) -> Vec<Ratio> {
    let mut coefficients = Vec::new();
    while coefficients.len() < count {
        coefficients.push(next(&series).await.expect("it is infinite"));
    }
    coefficients
}

fn shown(coefficients: &[Ratio]) -> String {
    coefficients.iter().map(Ratio::to_string).collect::<Vec<_>>().join(", ")
}

fn main() {
    run(async {
        println!("exp x = {}", shown(&first(8, exp()).await));
        println!("sin x = {}", shown(&first(8, sin()).await));
        println!("tan x = {}", shown(&first(8, tan()).await));
    });
    // A run by the checker would fail if a task were left that waits for ever.
    let is_so = sim::run(1, async { first(20, tan()).await == first(20, divide(sin(), cos())).await });
    println!("tan x = sin x / cos x: {is_so}");
    println!("nobody is left behind");
    assert!(is_so);
}

/// A fraction in lowest terms, its denominator positive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Ratio(i128, i128);

fn whole(number: i128) -> Ratio {
    Ratio(number, 1)
}

fn ratio(numerator: i128, denominator: i128) -> Ratio {
    let (mut a, mut b) = (numerator, denominator);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    // The greatest common divisor, with the sign of the denominator.
    let divisor = a.abs() * denominator.signum();
    Ratio(numerator / divisor, denominator / divisor)
}

impl Add for Ratio {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        ratio(self.0 * other.1 + other.0 * self.1, self.1 * other.1)
    }
}

impl Mul for Ratio {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        ratio(self.0 * other.0, self.1 * other.1)
    }
}

impl Div for Ratio {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        ratio(self.0 * other.1, self.1 * other.0)
    }
}

impl Neg for Ratio {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0, self.1)
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self(numerator, 1) => write!(f, "{numerator}"),
            Self(numerator, denominator) => write!(f, "{numerator}/{denominator}"),
        }
    }
}
