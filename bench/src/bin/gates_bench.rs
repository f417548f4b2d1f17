//! What the built-in gates cost in a large repository: time of the step, and the program's memory.
//!
//! The repository is made anew: 10 000 files of 30 lines, and work on top of it. Each measurement is one call of
//! `fuseboard after`; the time is the one that its report gives for the step.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use fuseboard_bench::{Result, Samples, Target, options, program, table, tell};
use serde_json::{Value, json};

const HELP: &str = "usage: gates_bench [--samples N] [--out DIR]

  --samples N  runs of each (5)
  --out DIR    where gates.json and, meanwhile, the repository go (target/bench)

The program is $FUSEBOARD_BIN, else target/release/fuseboard.
";

const FILES: usize = 10_000;
/// The scan of 5 000 added lines in that repository may take this long.
const SCAN_MS: f64 = 1000.0;
/// The program may use this much memory for a diff of 100 MB.
const MEMORY_MB: f64 = 128.0;

/// All local steps together may take this long for the 5 000 lines.
const ALL_MS: f64 = 1000.0;

/// Every built-in step that needs no program of the user's and no network.
const ALL: [&str; 18] = [
    "uses = 'usage'",
    "uses = 'quota'",
    "uses = 'budget'",
    "uses = 'session'",
    "uses = 'export'\nwith = { format = 'activity' }",
    "uses = 'export'\nwith = { format = 'truth-log' }",
    "uses = 'export'\nwith = { format = 'journal' }",
    "uses = 'export'\nwith = { format = 'day' }",
    "uses = 'bandit'",
    "uses = 'archive'",
    "uses = 'alert'",
    "uses = 'notify'",
    "uses = 'hooks'",
    "uses = 'requeue'\nwith = { file = '../queue.jsonl' }",
    "uses = 'diff-scan'",
    "uses = 'verify'",
    "uses = 'security'",
    "uses = 'merge'\ngated_by = ['s14', 's15', 's16']",
];

/// What is printed by the agent whose work is judged.
const OUTPUT: &str = r#"{"type":"result","subtype":"success","is_error":false,"result":"done","session_id":"s","total_cost_usd":0.1,"usage":{"input_tokens":5,"output_tokens":7}}"#;

/// Puts work on top of the repository.
type Work = fn(&World) -> Result<()>;

/// What was measured of one kind of work.
struct Measured {
    what: &'static str,
    samples: Samples,
    peak_mb: f64,
    verdict: String,
}

fn main() -> ExitCode {
    fuseboard_bench::main("gates_bench", run)
}

fn run() -> Result<()> {
    let Some(([samples], out)) = options(HELP, [("--samples", 5)])? else { return Ok(()) };
    let place = out.join(format!("gates-{}", std::process::id()));
    fs::create_dir_all(&place)?;
    let measured = measure(&place.canonicalize()?, samples);
    fs::remove_dir_all(&place)?;
    let (measured, all) = measured?;
    let (text, json) = told(&measured, &all, samples);
    tell(&text, &json, &out, "gates.json")
}

fn measure(place: &Path, samples: usize) -> Result<(Vec<Measured>, Samples)> {
    let world = World::new(place)?;
    world.base()?;
    let all = world.all_steps(samples)?;
    let work: [(&'static str, Work); 4] = [
        ("5 000 lines in 500 files", |world| world.append("    alpha = beta(gamma)\n", 10)),
        ("the same, 1 000 of them findings", |world| {
            world.append("    alpha = beta(gamma)\n    print(beta)  # TODO\n", 5)
        }),
        ("one file of 100 MB", |world| world.write("huge.txt", 100)),
        ("100 files of 1 MB", |world| (0..100).try_for_each(|number| world.write(&format!("big{number}.txt"), 1))),
    ];
    let mut gates = Vec::new();
    for (number, (what, make)) in work.into_iter().enumerate() {
        world.git(&["checkout", "-q", "-B", &format!("work{number}"), "main"])?;
        make(&world)?;
        world.commit("work")?;
        let samples = if what.contains("MB") { samples.min(2) } else { samples };
        let mut measured = Measured { what, samples: Samples::default(), peak_mb: 0.0, verdict: String::new() };
        for sample in 0..samples {
            let (took, peak_mb, verdict) = world.scan(&format!("state-{number}-{sample}"))?;
            measured.samples.push(took);
            measured.peak_mb = measured.peak_mb.max(peak_mb);
            measured.verdict = verdict;
        }
        gates.push(measured);
    }
    Ok((gates, all))
}

fn told(measured: &[Measured], all: &Samples, samples: usize) -> (String, Value) {
    let rows: Vec<Vec<String>> = measured
        .iter()
        .map(|each| {
            let (minimum, median) = (each.samples.minimum(), each.samples.median());
            let verdict = each.verdict.clone();
            vec![
                each.what.into(),
                format!("{minimum:.0}"),
                format!("{median:.0}"),
                format!("{:.0}", each.peak_mb),
                verdict,
            ]
        })
        .collect();
    let slowest = measured[..2].iter().map(|each| each.samples.median()).fold(0.0, f64::max);
    let peak = measured.iter().map(|each| each.peak_mb).fold(0.0, f64::max);
    let targets = [
        Target::new("diff-scan of 5 000 lines, median", slowest, SCAN_MS, "ms"),
        Target::new("memory for 100 MB", peak, MEMORY_MB, "MB"),
        Target::new("all local steps for 5 000 lines, median", all.median(), ALL_MS, "ms"),
    ];
    let text = format!(
        "## Gates\n\ndiff-scan in a repository of {FILES} files, {samples} samples; a whole `after` with {} steps takes {:.0} ms \
         (minimum {:.0})\n\n{}\n{}",
        ALL.len(),
        all.median(),
        all.minimum(),
        table(&["work", "minimum ms", "median ms", "memory MB", "verdict"], &rows),
        Target::table(&targets),
    );
    let json = json!({
        "schema": "fuseboard.bench-gates/1",
        "rows": measured.iter().map(|each| json!({
            "what": each.what, "minimum_ms": each.samples.minimum(), "median_ms": each.samples.median(),
            "peak_mb": each.peak_mb, "verdict": each.verdict,
        })).collect::<Vec<_>>(),
        "targets": Target::json(&targets),
    });
    (text, json)
}

/// A repository and a state of its own.
struct World {
    program: PathBuf,
    repository: PathBuf,
    place: PathBuf,
}

impl World {
    fn new(place: &Path) -> Result<Self> {
        let program = program()?;
        let repository = place.join("repository");
        fs::create_dir_all(&repository)?;
        fs::write(place.join("fuseboard.toml"), "[[step]]\nname = 'scan'\nuses = 'diff-scan'\ntimeout = '2m'\n")?;
        Ok(Self { program, repository, place: place.to_owned() })
    }

    fn base(&self) -> Result<()> {
        self.git(&["init", "-q", "-b", "main"])?;
        for number in 0..FILES {
            let file = self.file(number);
            fs::create_dir_all(file.parent().ok_or("a folder")?)?;
            let lines: String = (0..30).map(|line| format!("    value_{line} = compute({number}, {line})\n")).collect();
            fs::write(file, lines)?;
        }
        self.commit("base")
    }

    /// How long whole calls with all local steps take, for work of 5 000 lines on a branch of its own, the merge included.
    fn all_steps(&self, samples: usize) -> Result<Samples> {
        let steps = ALL.iter().enumerate().map(|(number, keys)| format!("[[step]]\nname = 's{number}'\n{keys}\n"));
        fs::write(self.place.join("all.toml"), steps.collect::<String>())?;
        fs::write(self.place.join("output"), OUTPUT)?;
        self.git(&["checkout", "-q", "-b", "agent/all", "main"])?;
        self.append("    alpha = beta(gamma)\n", 10)?;
        self.commit("work: change much")?;
        self.git(&["branch", "-q", "base", "main"])?;
        let mut all = Samples::default();
        for sample in 0..samples {
            let report = self.place.join("report.json");
            let start = Instant::now();
            let state = format!("all-{sample}");
            self.call("all.toml", &state, &report).args(["--stdout", "../output"]).spawn()?.wait()?;
            all.push(start.elapsed());
            let report: Value = serde_json::from_slice(&fs::read(&report)?)?;
            let rows = report["steps"].as_array().ok_or("no steps")?;
            let is_done = |row: &&Value| ["success", "not-applicable"].contains(&row["status"].as_str().unwrap_or(""));
            if let Some(row) = rows.iter().find(|row| !is_done(row)) {
                return Err(format!("a step is not done: {row}").into());
            }
            self.git(&["branch", "-q", "-f", "main", "base"])?;
        }
        Ok(all)
    }

    fn file(&self, number: usize) -> PathBuf {
        self.repository.join(format!("src/part{}/file{number}.py", number % 100))
    }

    /// Appends these lines so many times to each of 500 files.
    fn append(&self, lines: &str, times: usize) -> Result<()> {
        for number in 0..500 {
            let file = self.file(number);
            fs::write(&file, fs::read_to_string(&file)? + &lines.repeat(times))?;
        }
        Ok(())
    }

    fn write(&self, name: &str, megabytes: usize) -> Result<()> {
        let line = "alpha beta gamma delta epsilon zeta eta theta iota kappa\n";
        Ok(fs::write(self.repository.join(name), line.repeat(megabytes * 1_000_000 / line.len()))?)
    }

    fn commit(&self, message: &str) -> Result<()> {
        self.git(&["add", "-A"])?;
        self.git(&["commit", "-q", "-m", message])
    }

    fn git(&self, words: &[&str]) -> Result<()> {
        let settings = ["-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "gc.auto=0"];
        let output = Command::new("git").args(settings).args(words).current_dir(&self.repository).output()?;
        if output.status.success() {
            return Ok(());
        }
        Err(format!("git {}: {}", words.join(" "), String::from_utf8_lossy(&output.stderr)).into())
    }

    /// `after` with this configuration and a state of its own.
    fn call(&self, config: &str, state: &str, report: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg("-q")
            .arg("--config")
            .arg(self.place.join(config))
            .arg("after")
            .arg("--report")
            .arg(report)
            .current_dir(&self.repository)
            .env("FUSEBOARD_STORE", format!("sqlite:{}", self.place.join(state).join("state.db").display()))
            .env("XDG_STATE_HOME", self.place.join(state))
            .env_remove("FUSEBOARD_RUN")
            .stdin(Stdio::null());
        command
    }

    /// How long the step took, how much memory the program used at most, and the verdict. Each call has a state of its
    /// own: one without a verdict counts against the circuit.
    fn scan(&self, state: &str) -> Result<(Duration, f64, String)> {
        let report = self.place.join("report.json");
        let mut child = self.call("fuseboard.toml", state, &report).spawn()?;
        let mut peak = 0.0_f64;
        while child.try_wait()?.is_none() {
            // The kernel keeps the most it ever was, so that looking now and then is enough.
            let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
            peak = peak.max(kilobytes.unwrap_or(0.0) / 1000.0);
            thread::sleep(Duration::from_millis(1));
        }
        let report: Value = serde_json::from_slice(&fs::read(&report)?)?;
        let step = &report["steps"][0];
        let took = Duration::from_millis(
            step["duration_ms"].as_u64().ok_or_else(|| format!("the step did not run: {report}"))?,
        );
        let verdict = if step["evaluated"] == true { step["verdict"].as_str() } else { Some("none") };
        Ok((took, peak, verdict.unwrap_or("none").to_owned()))
    }
}
