//! Runs one command with the limits given in the environment and reports its end on standard error:
//! `TIMEOUT_MS`, `KILL_AFTER_MS`, `DEADLINE_MS`, `FOREGROUND`, `END_ALL`, `SUBREAPER`, `TEE`. The tests of
//! signals and terminals drive it, since a signal belongs to a whole process.

use std::env;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use fuseboard_pipeline::process::{Command, Deadline, Interrupt, KILL_AFTER, Marker, Output, run};
use fuseboard_pipeline::sys;

fn millis(name: &str) -> Option<Duration> {
    env::var(name).ok()?.parse().ok().map(Duration::from_millis)
}

fn is_set(name: &str) -> bool {
    env::var_os(name).is_some()
}

fn main() -> ExitCode {
    let mut args = env::args_os().skip(1);
    let Some(program) = args.next() else {
        eprintln!("usage: run_one COMMAND [ARGUMENT...]");
        return ExitCode::from(64);
    };
    if is_set("SUBREAPER") {
        sys::become_subreaper().expect("this is Linux");
    }
    let interrupt = Interrupt::install().expect("signal handlers can be had");
    let tee = || if is_set("TEE") { Output::tee(4096) } else { Output::inherit() };
    let command = Command::new(program)
        .args(args)
        .stdout(tee())
        .stderr(tee())
        .timeout(millis("TIMEOUT_MS"))
        .kill_after(millis("KILL_AFTER_MS").unwrap_or(KILL_AFTER))
        .foreground(is_set("FOREGROUND"))
        .end_all(is_set("END_ALL"))
        .marker(Marker::new("FUSEBOARD_EXEC", env::var_os("ID").unwrap_or_else(|| "example".into())));
    let ended = run(&command, &interrupt, Deadline::after_any(millis("DEADLINE_MS")));
    // Not `eprintln!`, which panics when nobody reads any more.
    let _ = writeln!(std::io::stderr(), "run_one: {:?} left {:?}", ended.how, ended.left_behind);
    ExitCode::from(ended.how.child_code().and_then(|code| u8::try_from(code).ok()).unwrap_or(124))
}
