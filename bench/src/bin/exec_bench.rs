//! What `fuseboard exec` costs: one process at a time against a minimal spawner, and a crowd on one circuit.
//!
//! All variants are measured alternately in the same run, each round beginning with another one, so that a busy
//! machine hurts all of them alike. Minima are compared: they say what the thing costs, medians what it is like.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use fuseboard_bench::{Result, Samples, Target, options, program, table, tell};
use serde_json::{Value, json};

const HELP: &str = "usage: exec_bench [--samples N] [--crowd N] [--each N] [--out DIR]

  --samples N  runs of each variant (300)
  --crowd N    processes at once on one circuit (64)
  --each N     commands that each of them runs, one after the other (20)
  --out DIR    where exec.json and, meanwhile, the state go; on a real disk (target/bench)

The program is $FUSEBOARD_BIN, else target/release/fuseboard.
";

/// `exec` may cost this much more than the minimal spawner, minimum against minimum.
const OVERHEAD_MS: f64 = 1.0;
/// `fuseboard --version` may take this long.
const VERSION_MS: f64 = 3.0;
/// The stripped program may be this large.
const BINARY_MB: f64 = 15.0;

struct Options {
    samples: usize,
    crowd: usize,
    each: usize,
}

struct Bench {
    program: PathBuf,
    spawner: PathBuf,
    store: String,
}

/// One way to run `true`.
struct Variant {
    what: &'static str,
    command: Vec<String>,
    code: i32,
    samples: Samples,
}

fn main() -> ExitCode {
    fuseboard_bench::main("exec_bench", run)
}

fn run() -> Result<()> {
    let numbers = [("--samples", 300), ("--crowd", 64), ("--each", 20)];
    let Some(([samples, crowd, each], out)) = options(HELP, numbers)? else { return Ok(()) };
    let options = Options { samples, crowd, each };
    let state = out.join(format!("state-{}", std::process::id()));
    fs::create_dir_all(&state)?;
    let measured = measure(&options, &state);
    fs::remove_dir_all(&state)?;
    let (text, json) = measured?;
    tell(&text, &json, &out, "exec.json")
}

fn measure(options: &Options, state: &Path) -> Result<(String, Value)> {
    let program = program()?;
    let spawner = std::env::current_exe()?.with_file_name("spawner");
    let store = format!("sqlite:{}", state.canonicalize()?.join("state.db").display());
    let bench = Bench { program, spawner, store };

    let version = bench.output(&["--version"])?.trim().to_owned();
    let size = fs::metadata(&bench.program)?.len() as f64 / 1e6;
    let variants = bench.one_at_a_time(options.samples)?;
    let crowd = bench.crowd(options.crowd, options.each)?;

    let minimum = |at: usize| variants[at].samples.minimum();
    let overhead = minimum(EXEC) - minimum(SPAWNER);
    let targets = [
        Target::new("exec, above the minimal spawner", overhead, OVERHEAD_MS, "ms"),
        Target::new("--version", minimum(VERSION), VERSION_MS, "ms"),
        Target::new("size of the program", size, BINARY_MB, "MB"),
    ];
    let cores = std::thread::available_parallelism()?;
    let (samples, runs) = (options.samples, options.crowd * options.each);
    let text = format!(
        "## `fuseboard exec`\n\n{version}, {cores} cores, {samples} samples of each, alternated, SQLite on disk\n\n\
         {}\n{}\n{}",
        table(&["what", "minimum ms", "median ms", "above the spawner, ms"], &rows(&variants)),
        Target::table(&targets),
        crowd_table(&crowd, options.crowd, runs),
    );
    let json = json!({
        "schema": "fuseboard.bench-exec/1",
        "version": version,
        "cores": cores,
        "samples": samples,
        "variants": variants.iter().map(|each| json!({
            "what": each.what, "minimum_ms": each.samples.minimum(), "median_ms": each.samples.median(),
        })).collect::<Vec<_>>(),
        "targets": Target::json(&targets),
        "crowd": {
            "processes": options.crowd, "runs": runs, "errors": crowd.errors, "lost": crowd.lost,
            "seconds": crowd.seconds, "transactions_per_second": runs as f64 / crowd.seconds,
            "first_error": crowd.first_error,
        },
    });
    Ok((text, json))
}

const SPAWNER: usize = 1;
const EXEC: usize = 2;
const VERSION: usize = 4;

impl Bench {
    fn command(&self, words: &[impl AsRef<std::ffi::OsStr>]) -> Command {
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).env("FUSEBOARD_STORE", &self.store).stdin(Stdio::null());
        for name in ["FUSEBOARD", "FUSEBOARD_CONFIG", "FUSEBOARD_FLEET", "FUSEBOARD_RUN"] {
            command.env_remove(name);
        }
        command
    }

    fn fuseboard(&self, words: &[&str]) -> Vec<String> {
        let program = self.program.to_str().expect("UTF-8").to_owned();
        [program].into_iter().chain(words.iter().map(ToString::to_string)).collect()
    }

    fn output(&self, words: &[&str]) -> Result<String> {
        let output = self.command(&self.fuseboard(words)).output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(format!("fuseboard {}: {}: {said}", words.join(" "), output.status).into());
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// How long a command takes from its start to its end. It must end with `code`.
    fn time(&self, variant: &Variant) -> Result<Duration> {
        let mut command = self.command(&variant.command);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let start = Instant::now();
        let status = command.status()?;
        let took = start.elapsed();
        match status.code() {
            Some(code) if code == variant.code => Ok(took),
            _ => Err(format!("{}: {status}, not {}: {:?}", variant.what, variant.code, variant.command).into()),
        }
    }

    fn one_at_a_time(&self, samples: usize) -> Result<Vec<Variant>> {
        let spawner = self.spawner.to_str().ok_or("UTF-8")?.to_owned();
        let variant = |what, command, code| Variant { what, command, code, samples: Samples::default() };
        let mut variants = vec![
            variant("`true`, started directly", vec!["true".to_owned()], 0),
            variant("minimal Rust spawner of `true`", vec![spawner, "true".to_owned()], 0),
            variant("`exec` of `true`, circuit closed", self.fuseboard(&["exec", "bench", "--", "true"]), 0),
            variant("`exec`, circuit open: skipped", self.fuseboard(&["exec", "bench-open", "--", "false"]), 75),
            variant("`--version`", self.fuseboard(&["--version"]), 0),
        ];
        let trip = self.fuseboard(&["exec", "bench-open", "--trip-after", "1", "--cool-down", "6h", "--", "false"]);
        self.time(&variant("opening a circuit", trip, 1))?;
        for variant in &variants {
            self.time(variant)?; // once to warm up
        }
        for round in 0..samples {
            for turn in 0..variants.len() {
                let at = (round + turn) % variants.len();
                let took = self.time(&variants[at])?;
                variants[at].samples.push(took);
            }
        }
        Ok(variants)
    }

    /// Many processes at once on one circuit: is there an error, is a count lost, how fast are they together?
    fn crowd(&self, processes: usize, each: usize) -> Result<Crowd> {
        let words = self.fuseboard(&["exec", "bench-crowd", "--", "true"]);
        let one = || -> Option<String> {
            match self.command(&words).output() {
                Ok(output) if output.status.success() && output.stderr.is_empty() => None,
                Ok(output) => Some(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim())),
                Err(error) => Some(error.to_string()),
            }
        };
        let start = Instant::now();
        let errors: Vec<String> = std::thread::scope(|scope| {
            let lane = || (0..each).filter_map(|_| one()).collect::<Vec<_>>();
            let lanes: Vec<_> = (0..processes).map(|_| scope.spawn(lane)).collect();
            lanes.into_iter().flat_map(|lane| lane.join().expect("no panic")).collect()
        });
        let seconds = start.elapsed().as_secs_f64();
        let status: Value = serde_json::from_str(&self.output(&["status", "bench-crowd", "--format", "json"])?)?;
        let counted = status["circuits"][0]["totals"]["success"].as_i64().ok_or("status has no totals.success")?;
        let lost = i64::try_from(processes * each)? - counted;
        Ok(Crowd { errors: errors.len(), first_error: errors.into_iter().next(), lost, seconds })
    }
}

struct Crowd {
    /// Commands that did not end well, or during which anything was said on standard error.
    errors: usize,
    first_error: Option<String>,
    /// Runs that the circuit's totals do not show.
    lost: i64,
    seconds: f64,
}

fn rows(variants: &[Variant]) -> Vec<Vec<String>> {
    let base = variants[SPAWNER].samples.minimum();
    let row = |each: &Variant| {
        let (minimum, median) = (each.samples.minimum(), each.samples.median());
        vec![each.what.into(), format!("{minimum:.2}"), format!("{median:.2}"), format!("{:+.2}", minimum - base)]
    };
    variants.iter().map(row).collect()
}

fn crowd_table(crowd: &Crowd, processes: usize, runs: usize) -> String {
    let speed = format!("{:.0}", runs as f64 / crowd.seconds);
    let row = vec![
        format!("{processes} processes at once, one circuit"),
        runs.to_string(),
        crowd.errors.to_string(),
        crowd.lost.to_string(),
        speed,
    ];
    let text = table(&["crowd", "runs", "errors", "lost", "transactions/s"], &[row]);
    let note = "\nEach run starts two processes and writes one transaction, so starting them sets the pace.\n";
    let error = crowd.first_error.iter().map(|error| format!("\nThe first error: {error}\n"));
    error.fold(text + note, |text, error| text + &error)
}
