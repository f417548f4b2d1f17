//! What the pipeline costs beside its steps: 20 steps that do nothing but wait, all at once, and none at all.
//!
//! Each measurement is one call of `fuseboard after`. The control starts the same 20 programs at once and waits for them,
//! as a minimal program would; what the pipeline takes above that, and above a call without a step, is its own.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use fuseboard_bench::{Result, Samples, Target, options, program, table, tell};
use serde_json::{Value, json};

const HELP: &str = "usage: pipeline_bench [--samples N] [--out DIR]

  --samples N  runs of each (20)
  --out DIR    where pipeline.json and, meanwhile, the state go (target/bench)

The program is $FUSEBOARD_BIN, else target/release/fuseboard.
";

const STEPS: usize = 20;
/// What the pipeline may take above its critical path.
const OVERHEAD_MS: f64 = 5.0;

fn main() -> ExitCode {
    fuseboard_bench::main("pipeline_bench", run)
}

fn run() -> Result<()> {
    let Some(([samples], out)) = options(HELP, [("--samples", 20)])? else { return Ok(()) };
    let place = out.join(format!("pipeline-{}", std::process::id()));
    fs::create_dir_all(&place)?;
    let measured = measure(&place.canonicalize()?, samples);
    fs::remove_dir_all(&place)?;
    let (text, json) = told(&measured?, samples);
    tell(&text, &json, &out, "pipeline.json")
}

#[derive(Default)]
struct Measured {
    empty: Samples,
    whole: Samples,
    control: Samples,
    overhead: Samples,
}

fn measure(place: &Path, samples: usize) -> Result<Measured> {
    let steps =
        (0..STEPS).map(|number| format!("[[step]]\nname = 's{number}'\nkind = 'recorder'\nrun = ['sleep', '0.05']\n"));
    fs::write(place.join("full.toml"), format!("[pipeline]\njobs = {STEPS}\n{}", steps.collect::<String>()))?;
    fs::write(place.join("empty.toml"), "")?;
    let mut measured = Measured::default();
    for _ in 0..samples {
        let (empty, whole, control) = (after(place, "empty.toml")?, after(place, "full.toml")?, control()?);
        measured.empty.push(empty);
        measured.whole.push(whole);
        measured.control.push(control);
        measured.overhead.push(whole.saturating_sub(empty).saturating_sub(control));
    }
    Ok(measured)
}

/// How long the same programs take by themselves.
fn control() -> Result<Duration> {
    let start = Instant::now();
    let children =
        (0..STEPS).map(|_| Command::new("sleep").arg("0.05").spawn()).collect::<std::io::Result<Vec<_>>>()?;
    for mut child in children {
        child.wait()?;
    }
    Ok(start.elapsed())
}

/// How long one call took.
fn after(place: &Path, config: &str) -> Result<Duration> {
    let report = place.join("report.json");
    let start = Instant::now();
    let status = Command::new(program()?)
        .args(["-q", "--config", config, "after", "--report"])
        .arg(&report)
        .current_dir(place)
        .env("FUSEBOARD_STORE", format!("sqlite:{}", place.join("state/state.db").display()))
        .env("XDG_STATE_HOME", place.join("state"))
        .env_remove("FUSEBOARD_RUN")
        .stdin(Stdio::null())
        .status()?;
    let took = start.elapsed();
    if !status.success() {
        return Err(format!("after ended with {status}").into());
    }
    let report: Value = serde_json::from_slice(&fs::read(&report)?)?;
    match report["result"].as_str() {
        Some("success") => Ok(took),
        _ => Err(format!("not all went well: {report}").into()),
    }
}

fn told(measured: &Measured, samples: usize) -> (String, Value) {
    let rows = [
        ("`after` without a step", &measured.empty),
        ("`after` with 20 steps of 50 ms", &measured.whole),
        ("the same 20 programs by themselves", &measured.control),
        ("the pipeline's own: the difference", &measured.overhead),
    ];
    let shown: Vec<Vec<String>> = rows
        .iter()
        .map(|(what, samples)| {
            vec![(*what).into(), format!("{:.1}", samples.minimum()), format!("{:.1}", samples.median())]
        })
        .collect();
    let targets = [Target::new("overhead with 20 steps, median", measured.overhead.median(), OVERHEAD_MS, "ms")];
    let text = format!(
        "## Pipeline\n\n{STEPS} steps at once, {samples} samples\n\n{}\n{}",
        table(&["what", "minimum ms", "median ms"], &shown),
        Target::table(&targets),
    );
    let json = json!({
        "schema": "fuseboard.bench-pipeline/1",
        "rows": rows.iter().map(|(what, samples)| json!({
            "what": what, "minimum_ms": samples.minimum(), "median_ms": samples.median(),
        })).collect::<Vec<_>>(),
        "targets": Target::json(&targets),
    });
    (text, json)
}
