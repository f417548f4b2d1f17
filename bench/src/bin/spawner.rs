//! The least a guard can cost: starts its arguments as a command, waits, exits with that command's code.

use std::process::{Command, exit};

fn main() {
    let mut words = std::env::args_os().skip(1);
    let command = words.next().expect("usage: spawner COMMAND [ARGUMENTS]");
    let status = Command::new(command).args(words).status().expect("the command can be started");
    exit(status.code().unwrap_or(255));
}
