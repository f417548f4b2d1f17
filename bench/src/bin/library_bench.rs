//! What a guarded call costs in a process: a circuit in memory against other breakers, and what many circuits cost.
//!
//! Each sample is the mean of many calls; samples of all variants are taken in turn. Minima are compared, less the work
//! that every variant does.

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use failsafe::{CircuitBreaker as _, Error as Failsafe, backoff, failure_policy};
use fuseboard::{Board, Circuit, Policy, block_on};
use fuseboard_bench::{Result, Target, options, table, tell};
use serde_json::{Value, json};

const HELP: &str = "usage: library_bench [--samples N] [--out DIR]

  --samples N  samples of each variant (60)
  --out DIR    where library.json goes (target/bench)
";

/// How many calls a sample takes the mean of.
const CALLS: u32 = 100_000;
/// How many circuits a board of many has.
const MANY: u32 = 100_000;
/// How long a circuit that is open stays so.
const LONG: Duration = Duration::from_secs(3600);

/// What the variants of a group do, besides guarding it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    Succeed,
    SucceedLater,
    Fail,
    /// An open circuit is asked.
    Nothing,
    /// A circuit is found by its name.
    Find,
}

/// One way to make a call.
struct Variant {
    does: Does,
    what: &'static str,
    call: Box<dyn FnMut(u32)>,
    best: f64,
    all: Vec<f64>,
}

/// Whose it is.
fn is_peer(what: &str) -> bool {
    ["recloser", "failsafe", "breaker"].iter().any(|peer| what.starts_with(peer))
}

fn main() -> ExitCode {
    fuseboard_bench::main("library_bench", run)
}

fn run() -> Result<()> {
    let Some(([samples], out)) = options(HELP, [("--samples", 60)])? else { return Ok(()) };
    let bytes = bytes_of_a_circuit()?;
    let mut variants = variants()?;
    for _ in 0..samples {
        for variant in &mut variants {
            let start = Instant::now();
            (variant.call)(CALLS);
            let took = start.elapsed().as_nanos() as f64 / f64::from(CALLS);
            variant.best = variant.best.min(took);
            variant.all.push(took);
        }
    }
    let threads = Threads::measure(samples)?;
    let net = |variant: &Variant| (variant.best - work_of(variant.does, &variants)).max(0.0);
    let of = |what: &str| variants.iter().find(|each| each.what == what).map_or(f64::NAN, net);
    let best_peer = |does| {
        let peers = variants.iter().filter(|each| each.does == does && is_peer(each.what));
        peers.map(net).fold(f64::INFINITY, f64::min)
    };
    let success = of("fuseboard");
    let targets = [
        Target::new("success", success, 2.0, "ns"),
        Target::new("success, as a share of the best peer", success / best_peer(Does::Succeed), 0.5, "×"),
        Target::new("success, every one counted", of("fuseboard, every success counted"), 7.0, "ns"),
        Target::new("a future's success", of("fuseboard, a future"), 6.0, "ns"),
        Target::new(
            "the same, as a share of the best peer",
            of("fuseboard, a future") / best_peer(Does::SucceedLater),
            0.25,
            "×",
        ),
        Target::new("a failure that does not open it", of("fuseboard, a failure"), 12.0, "ns"),
        Target::new("refused, with a default", of("fuseboard, refused, a default instead"), 9.0, "ns"),
        Target::new("the same, of one that never closes", of("fuseboard, never closes, a default instead"), 5.0, "ns"),
        Target::new("found by name, one of 10 000", of("fuseboard, always the same"), 22.0, "ns"),
        Target::new("found by name, any of 10 000", of("fuseboard, any of them"), 35.0, "ns"),
        Target::new("two threads on one circuit, against the control", threads.control / threads.shared, 1.11, "×"),
        Target::new("memory of a circuit, its name apart", bytes, 128.0, "B"),
    ];
    tell(
        &text(&variants, &targets, &threads, samples),
        &json(&variants, &targets, &threads, bytes),
        &out,
        "library.json",
    )
}

fn work_of(does: Does, variants: &[Variant]) -> f64 {
    let alone = variants.iter().find(|each| each.does == does && each.what == "the work alone");
    alone.map_or(0.0, |alone| alone.best)
}

fn text(variants: &[Variant], targets: &[Target], threads: &Threads, samples: usize) -> String {
    let mut text = format!("## The library\n\none thread, {samples} samples of the mean of {CALLS} calls\n");
    for (does, head) in [
        (Does::Succeed, "work that succeeds"),
        (Does::SucceedLater, "the same, as a future"),
        (Does::Fail, "work that fails"),
        (Does::Nothing, "a call that is refused"),
        (Does::Find, "a circuit, found by its name among 10 000"),
    ] {
        let rows: Vec<Vec<String>> = variants
            .iter()
            .filter(|each| each.does == does)
            .map(|each| {
                let above = each.best - work_of(does, variants);
                vec![
                    each.what.into(),
                    format!("{:.2}", each.best),
                    format!("{:.2}", median(&each.all)),
                    format!("{above:.2}"),
                ]
            })
            .collect();
        text += &format!("\n{}", table(&[head, "minimum ns", "median ns", "above the work, ns"], &rows));
    }
    let million = |calls: f64| format!("{calls:.0}");
    let rows = [
        vec!["each a circuit of its own".into(), million(threads.control)],
        vec!["all the same circuit".into(), million(threads.shared)],
        vec!["the same, every success counted".into(), million(threads.counted)],
        vec!["recloser, all the same".into(), million(threads.recloser)],
    ];
    text + &format!("\n{}\n{}", table(&["two threads", "million calls/s"], &rows), Target::table(targets))
}

fn json(variants: &[Variant], targets: &[Target], threads: &Threads, bytes: f64) -> Value {
    let row = |each: &Variant| {
        json!({
            "what": each.what, "peer": is_peer(each.what), "minimum_ns": each.best, "median_ns": median(&each.all),
            "work_ns": work_of(each.does, variants),
        })
    };
    json!({
        "schema": "fuseboard.bench-library/2",
        "rows": variants.iter().map(row).collect::<Vec<_>>(),
        "two_threads": {
            "own": threads.control, "same": threads.shared, "counted": threads.counted, "recloser": threads.recloser,
        },
        "bytes": bytes,
        "targets": Target::json(targets),
    })
}

fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

// --- What is called ----------------------------------------------------------------------------------------

#[inline(never)]
fn work(number: u32) -> std::result::Result<u32, &'static str> {
    if black_box(number) == u32::MAX { Err("no") } else { Ok(number) }
}

#[inline(never)]
fn broken(number: u32) -> std::result::Result<u32, &'static str> {
    if black_box(number) == u32::MAX { Ok(number) } else { Err("no") }
}

/// Calls something so many times, and lets nobody forget what it gave.
fn often<T>(mut call: impl FnMut(u32) -> T + 'static) -> Box<dyn FnMut(u32)> {
    Box::new(move |calls| (0..calls).for_each(|number| _ = black_box(call(number))))
}

fn opened(policy: Policy) -> Result<Circuit> {
    let circuit = Board::builder().policy(policy).build().circuit("open")?;
    while circuit.run(|| broken(0)).done().is_none() && circuit.would_run()? {}
    Ok(circuit)
}

fn variants() -> Result<Vec<Variant>> {
    let mut all = Vec::new();
    let mut add = |does, what, call| all.push(Variant { does, what, call, best: f64::INFINITY, all: Vec::new() });
    succeed(&mut add)?;
    succeed_later(&mut add)?;
    fail(&mut add)?;
    refuse(&mut add)?;
    find(&mut add)?;
    Ok(all)
}

type Add<'a> = &'a mut dyn FnMut(Does, &'static str, Box<dyn FnMut(u32)>);

fn succeed(add: Add<'_>) -> Result<()> {
    let does = Does::Succeed;
    let plain = Board::new().circuit("plain")?;
    let counted = Board::builder().exact_totals(true).build().circuit("counted")?;
    let rate = Board::builder().policy(Policy::for_requests()).build().circuit("rate")?;
    let by_hand = Mutex::new(0_u32);
    let recloser = recloser::Recloser::custom().build();
    let failsafe = consecutive();
    add(does, "the work alone", often(work));
    add(does, "fuseboard", often(move |n| plain.run(|| work(n)).done()));
    add(does, "fuseboard, every success counted", often(move |n| counted.run(|| work(n)).done()));
    add(does, "fuseboard, a failure rate", often(move |n| rate.run(|| work(n)).done()));
    let call = move |n| {
        let mut failures = by_hand.lock().expect("no panic");
        *failures = if black_box(work(n)).is_err() { *failures + 1 } else { 0 };
    };
    add(does, "a counter behind a mutex, by hand", often(call));
    add(does, "recloser, a failure rate", often(move |n| recloser.call(|| work(n)).ok()));
    add(does, "failsafe, failures in a row", often(move |n| failsafe.call(|| work(n)).ok()));
    Ok(())
}

fn succeed_later(add: Add<'_>) -> Result<()> {
    let does = Does::SucceedLater;
    let plain = Board::new().circuit("plain")?;
    let breaker = breaker::CircuitBreaker::new(breaker::CircuitBreakerConfig::standard());
    let recloser = recloser::AsyncRecloser::from(recloser::Recloser::custom().build());
    let alone = |calls| {
        block_on(async {
            for n in 0..calls {
                _ = black_box(async { work(n) }.await);
            }
        });
    };
    add(does, "the work alone", Box::new(alone));
    let guarded = move |calls| {
        block_on(async {
            for n in 0..calls {
                _ = black_box(plain.run_async(async { work(n) }).await.done());
            }
        });
    };
    add(does, "fuseboard, a future", Box::new(guarded));
    let called = move |calls| {
        block_on(async {
            for n in 0..calls {
                _ = black_box(breaker.call(|| async { work(n) }).await.ok());
            }
        });
    };
    add(does, "breaker", Box::new(called));
    let called = move |calls| {
        block_on(async {
            for n in 0..calls {
                _ = black_box(recloser.call(async { work(n) }).await.ok());
            }
        });
    };
    add(does, "recloser", Box::new(called));
    Ok(())
}

fn fail(add: Add<'_>) -> Result<()> {
    let does = Does::Fail;
    let patient = Policy::builder().trip_after(u32::MAX).build()?;
    let plain = Board::builder().policy(patient).build().circuit("plain")?;
    let backoff = backoff::constant(LONG);
    let failsafe =
        failsafe::Config::new().failure_policy(failure_policy::consecutive_failures(u32::MAX, backoff)).build();
    let recloser = recloser::Recloser::custom().error_rate(2.0).build();
    add(does, "the work alone", often(broken));
    add(does, "fuseboard, a failure", often(move |n| plain.run(|| broken(n)).done()));
    add(does, "recloser", often(move |n| recloser.call(|| broken(n)).ok()));
    add(does, "failsafe", often(move |n| failsafe.call(|| broken(n)).ok()));
    Ok(())
}

fn refuse(add: Add<'_>) -> Result<()> {
    let does = Does::Nothing;
    let [told, quiet] = [(); 2].map(|()| opened(Policy::builder().cool_down(LONG).cool_down_max(LONG).build()?));
    let (told, quiet) = (told?, quiet?);
    let never = opened(Policy::builder().cool_down_never().build()?)?;
    let recloser = recloser::Recloser::custom().closed_len(1).open_wait(LONG).build();
    for _ in 0..3 {
        drop(recloser.call(|| broken(0)));
    }
    assert!(recloser.call(|| work(0)).is_err(), "recloser is open");
    let failsafe = consecutive();
    while !matches!(failsafe.call(|| broken(0)), Err(Failsafe::Rejected)) {}
    add(does, "fuseboard, told why", often(move |n| told.run(|| work(n)).done()));
    add(does, "fuseboard, refused, a default instead", often(move |n| quiet.run_or(7, || work(n))));
    add(does, "fuseboard, never closes, a default instead", often(move |n| never.run_or(7, || work(n))));
    add(does, "recloser", often(move |n| recloser.call(|| work(n)).ok()));
    add(does, "failsafe", often(move |n| failsafe.call(|| work(n)).ok()));
    Ok(())
}

fn find(add: Add<'_>) -> Result<()> {
    let names: Vec<String> = (0..10_000).map(|number| format!("hosts/h{number}")).collect();
    let board = Board::new();
    let held = names.iter().map(|name| board.circuit(name)).collect::<std::result::Result<Vec<_>, _>>()?;
    let (names, board) = (Arc::new(names), Arc::new((board, held)));
    let (same, any) = (names.clone(), names);
    let (of_same, of_any) = (board.clone(), board);
    add(Does::Find, "fuseboard, always the same", often(move |_| of_same.0.circuit(&same[4711]).is_ok()));
    let scattered = move |n: u32| of_any.0.circuit(&any[(n.wrapping_mul(2_654_435_761) % 10_000) as usize]).is_ok();
    add(Does::Find, "fuseboard, any of them", often(scattered));
    Ok(())
}

fn consecutive() -> impl failsafe::CircuitBreaker {
    let policy = failure_policy::consecutive_failures(2, backoff::constant(LONG));
    failsafe::Config::new().failure_policy(policy).build()
}

// --- Two threads -------------------------------------------------------------------------------------------

/// Millions of calls a second of two threads together, at best.
struct Threads {
    control: f64,
    shared: f64,
    counted: f64,
    recloser: f64,
}

impl Threads {
    fn measure(samples: usize) -> Result<Self> {
        let board = Board::new();
        let counted = Board::builder().exact_totals(true).build().circuit("counted")?;
        let (one, other) = (board.circuit("one")?, board.circuit("other")?);
        let recloser = Arc::new(recloser::Recloser::custom().build());
        let mut best = Self { control: 0.0, shared: 0.0, counted: 0.0, recloser: 0.0 };
        let guard = |circuit: Circuit| move |n| _ = black_box(circuit.run(|| work(n)).done());
        let reclose = |recloser: Arc<recloser::Recloser>| move |n| _ = black_box(recloser.call(|| work(n)).ok());
        for _ in 0..samples.div_ceil(4) {
            best.control = best.control.max(together([guard(one.clone()), guard(other.clone())]));
            best.shared = best.shared.max(together([guard(one.clone()), guard(one.clone())]));
            best.counted = best.counted.max(together([guard(counted.clone()), guard(counted.clone())]));
            best.recloser = best.recloser.max(together([reclose(recloser.clone()), reclose(recloser.clone())]));
        }
        Ok(best)
    }
}

fn together<F: Fn(u32) + Send>(calls: [F; 2]) -> f64 {
    const EACH: u32 = 2_000_000;
    let start = Barrier::new(2);
    let took = thread::scope(|scope| {
        let run = |call: F| {
            let start = &start;
            scope.spawn(move || {
                start.wait();
                let began = Instant::now();
                (0..EACH).for_each(&call);
                began.elapsed()
            })
        };
        let threads = calls.map(run);
        threads.map(|thread| thread.join().expect("no panic")).into_iter().max().unwrap_or_default()
    });
    2.0 * f64::from(EACH) / took.as_secs_f64() / 1e6
}

// --- Memory ------------------------------------------------------------------------------------------------

/// What a circuit adds to the memory of the process, without the characters of its name, when there are many.
fn bytes_of_a_circuit() -> Result<f64> {
    let name = |number: u32| format!("c{number:07}");
    let board = Board::new();
    // What is made once is made before.
    let first = board.circuit("first")?;
    let before = resident()?;
    for number in 0..MANY {
        board.circuit(&name(number))?.run(|| work(number)).done();
    }
    let after = resident()?;
    drop(first);
    Ok((after - before) / f64::from(MANY) - name(0).len() as f64)
}

/// The process's resident memory, in bytes.
fn resident() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS in /proc/self/status")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? * 1024.0)
}
