//! What a guarded call costs in a process: a circuit in memory, closed and open, against other breakers.
//!
//! Each sample is the mean of many calls; samples of all variants are taken in turn. Minima are compared.

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;

use failsafe::CircuitBreaker as _;
use fuseboard::{Board, Policy, block_on};
use fuseboard_bench::{Result, Target, options, table, tell};
use serde_json::json;

const HELP: &str = "usage: library_bench [--samples N] [--out DIR]

  --samples N  samples of each variant (60)
  --out DIR    where library.json goes (target/bench)
";

/// How many calls a sample takes the mean of; of those that ask the store each time, fewer.
const CALLS: u32 = 200_000;
const FEW: u32 = 2_000;
/// A closed circuit's successful call may take this long.
const CLOSED_NS: f64 = 2.0;
/// The best of the others takes at least so many times as long.
const AHEAD: f64 = 2.0;
/// An open circuit's refusal may take this long.
const REFUSED_NS: f64 = 9.0;
/// A closed circuit's successful future may take this long.
const ASYNC_NS: f64 = 6.0;

/// One way to make a call.
struct Variant {
    what: &'static str,
    /// Whether it is another's.
    peer: bool,
    calls: u32,
    call: Box<dyn FnMut(u32)>,
    best: f64,
    all: Vec<f64>,
}

fn main() -> ExitCode {
    fuseboard_bench::main("library_bench", run)
}

fn run() -> Result<()> {
    let Some(([samples], out)) = options(HELP, [("--samples", 60)])? else { return Ok(()) };
    let mut variants = variants()?;
    for _ in 0..samples {
        for variant in &mut variants {
            let start = Instant::now();
            (variant.call)(variant.calls);
            let took = start.elapsed().as_nanos() as f64 / f64::from(variant.calls);
            variant.best = variant.best.min(took);
            variant.all.push(took);
        }
    }
    let of = |what: &str| variants.iter().find(|each| each.what.starts_with(what)).map_or(f64::NAN, |each| each.best);
    let best_peer = variants.iter().filter(|each| each.peer).map(|each| each.best).fold(f64::INFINITY, f64::min);
    let closed = of("fuseboard, closed, success");
    let targets = [
        Target::new("closed, success", closed, CLOSED_NS, "ns"),
        Target::new("closed, success, as a share of the best peer", closed / best_peer, 1.0 / AHEAD, "×"),
        Target::new("open, refused", of("fuseboard, open"), REFUSED_NS, "ns"),
        Target::new("closed, a future's success", of("fuseboard, closed, a future"), ASYNC_NS, "ns"),
    ];
    let rows: Vec<Vec<String>> = variants
        .iter()
        .map(|each| vec![each.what.into(), format!("{:.2}", each.best), format!("{:.2}", median(&each.all))])
        .collect();
    let text = format!(
        "## The library\n\none thread, {samples} samples of the mean of {CALLS} calls\n\n{}\n{}",
        table(&["call", "minimum ns", "median ns"], &rows),
        Target::table(&targets),
    );
    let json = json!({
        "schema": "fuseboard.bench-library/1",
        "rows": variants.iter().map(|each| json!({
            "what": each.what, "peer": each.peer, "minimum_ns": each.best, "median_ns": median(&each.all),
        })).collect::<Vec<_>>(),
        "targets": Target::json(&targets),
    });
    tell(&text, &json, &out, "library.json")
}

fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

#[inline(never)]
fn work(number: u32) -> std::result::Result<u32, &'static str> {
    if black_box(number) == u32::MAX { Err("no") } else { Ok(number) }
}

fn variants() -> Result<Vec<Variant>> {
    let variant = |what, peer, call| Variant { what, peer, calls: CALLS, call, best: f64::INFINITY, all: Vec::new() };
    let few = |variant: Variant| Variant { calls: FEW, ..variant };
    let closed = Board::new().circuit("closed")?;
    let awaited = closed.clone();
    let counted = Board::builder().exact_totals(true).build().circuit("counted")?;
    let never = Policy::builder().trip_after(1).cool_down_never().build()?;
    let open = Board::builder().policy(never).build().circuit("open")?;
    drop(open.run(|| Err::<(), _>("broken")));
    let by_hand = Mutex::new(0_u32);
    let recloser = recloser::Recloser::custom().build();
    let failsafe = failsafe::Config::new().build();
    Ok(vec![
        variant("the work alone", false, Box::new(|calls| (0..calls).for_each(|n| _ = black_box(work(n))))),
        variant(
            "the work alone, as a future",
            false,
            Box::new(|calls| {
                block_on(async {
                    for n in 0..calls {
                        _ = black_box(async { work(n) }.await);
                    }
                });
            }),
        ),
        variant(
            "fuseboard, closed, success",
            false,
            Box::new(move |calls| (0..calls).for_each(|n| _ = black_box(closed.run(|| work(n)).done()))),
        ),
        variant(
            "fuseboard, closed, a future's success",
            false,
            Box::new(move |calls| {
                block_on(async {
                    for n in 0..calls {
                        _ = black_box(awaited.run_async(async { work(n) }).await.done());
                    }
                });
            }),
        ),
        few(variant(
            "fuseboard, closed, success, every one counted",
            false,
            Box::new(move |calls| (0..calls).for_each(|n| _ = black_box(counted.run(|| work(n)).done()))),
        )),
        few(variant(
            "fuseboard, open, refused",
            false,
            Box::new(move |calls| (0..calls).for_each(|n| _ = black_box(open.run(|| work(n)).done()))),
        )),
        variant(
            "a counter behind a mutex, by hand",
            false,
            Box::new(move |calls| {
                (0..calls).for_each(|n| {
                    let mut failures = by_hand.lock().expect("no panic");
                    if black_box(work(n)).is_err() {
                        *failures += 1;
                    } else {
                        *failures = 0;
                    }
                });
            }),
        ),
        variant(
            "recloser, closed, success",
            true,
            Box::new(move |calls| (0..calls).for_each(|n| _ = black_box(recloser.call(|| work(n)).ok()))),
        ),
        variant(
            "failsafe, closed, success",
            true,
            Box::new(move |calls| (0..calls).for_each(|n| _ = black_box(failsafe.call(|| work(n)).ok()))),
        ),
    ])
}
