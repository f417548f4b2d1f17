//! A plain program: a job that has to be done, and two pieces of side-work that must never take it down.
//!
//! ```text
//! cargo run -p fuseboard --example plain
//! ```

use std::error::Error;
use std::io::Write;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;
use std::{env, fs, io, process, thread};

use fuseboard::event::Notice;
use fuseboard::{Attempt, Board, Policy};

fn main() -> Result<(), Box<dyn Error>> {
    // Two failures in a row open a circuit; here it is tried again after a moment, not after five minutes.
    let policy = Policy::builder().cool_down(Duration::from_millis(100)).jitter(0.0).build()?;
    let board = Board::builder().policy(policy).observer(tell).build();
    let notify = board.circuit("notify")?;
    let stats = board.circuit("stats")?;

    // Where the notices go. Nobody listens yet.
    let inbox = env::temp_dir().join(format!("fuseboard-plain-{}.sock", process::id()));

    for night in 1..=6 {
        let files = the_job()?;
        println!("night {night}: {files} files are safe");

        // What was not counted counts as nothing, and the job goes on.
        let lines = stats.run_or(0, count_lines);
        println!("  stats: {}", if lines > 0 { "counted" } else { "nothing was counted" });

        // Who wants to know what became of it matches on the attempt.
        match notify.run(|| post(&inbox, &format!("night {night}: {files} files"))) {
            Attempt::Done(()) => println!("  notify: sent"),
            Attempt::Failed(error) => println!("  notify: {:?}", error.kind()),
            Attempt::Panicked(text) => println!("  notify: {text}"),
            Attempt::Skipped(_) => println!("  notify: skipped, it costs nothing until it works again"),
        }
        if night == 4 {
            println!("  (somebody mends the inbox)");
            let listener = UnixListener::bind(&inbox)?;
            thread::spawn(move || listener.incoming().flatten().for_each(|notice| drop(io::read_to_string(notice))));
            thread::sleep(Duration::from_millis(150));
        }
    }
    fs::remove_file(inbox)?;
    Ok(())
}

/// Everything that is worth a line, once.
fn tell(notice: &Notice) {
    if notice.is_loud() {
        eprintln!("fuseboard: {notice}");
    }
}

fn the_job() -> io::Result<usize> {
    Ok(fs::read_dir(env!("CARGO_MANIFEST_DIR"))?.count())
}

fn count_lines() -> io::Result<usize> {
    Ok(fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))?.lines().count())
}

fn post(inbox: &Path, text: &str) -> io::Result<()> {
    writeln!(UnixStream::connect(inbox)?, "{text}")
}
