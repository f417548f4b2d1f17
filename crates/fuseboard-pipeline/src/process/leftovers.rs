//! What a killed program left running: found by its marker, ended as any child is.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::command::Marker;
use super::deadline::Deadline;
use super::ended::Survivor;
use crate::sys;

/// How often it is looked who is left.
const LOOK: Duration = Duration::from_millis(20);
/// How long killed processes may take to disappear.
const AFTER_KILL: Duration = Duration::from_secs(2);

/// Ends every process that carries the marker: asks, waits for `grace`, kills. Names what could not be ended.
pub fn end_carriers(marker: &Marker, grace: Duration) -> Vec<Survivor> {
    for (signal, patience) in [(Signal::SIGTERM, grace), (Signal::SIGKILL, AFTER_KILL)] {
        let until = Deadline::after(patience);
        loop {
            let carriers = sys::carriers_of(marker);
            if carriers.is_empty() {
                return Vec::new();
            }
            for pid in carriers.iter().filter_map(|pid| i32::try_from(*pid).ok()).map(Pid::from_raw) {
                let _ = kill(pid, signal);
                // One that is stopped would not hear it.
                let _ = kill(pid, Signal::SIGCONT);
            }
            if until.has_passed() {
                break;
            }
            std::thread::sleep(LOOK);
        }
    }
    let name = |pid: u32| String::from_utf8_lossy(&sys::name_of(i32::try_from(pid).unwrap_or(0))).trim().to_owned();
    sys::carriers_of(marker).into_iter().map(|pid| Survivor { pid, name: super::plain_text(&name(pid)) }).collect()
}
