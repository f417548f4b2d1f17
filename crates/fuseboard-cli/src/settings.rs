//! What a command knows of its surroundings: folder, configuration, store, project, user; read when needed.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fuseboard::clock::{Clock, SystemClock};
use fuseboard::{Board, CircuitName, Policy, StoreError, View};
use fuseboard_pipeline::config::{CircuitKeys, CircuitSettings, Limit, PolicyKeys, Role, Scope};
use fuseboard_pipeline::process::Interrupt;
use fuseboard_pipeline::redact::Redactor;
use fuseboard_stores::SqliteStore;

use crate::Failed;
use crate::announce::Announcer;
use crate::args::{self, CoolDown, ExecArgs, Format, Global};
use crate::console::Console;
use crate::exit_code::ExitCode;
use crate::surroundings::{Found, Surroundings};

/// The surroundings of one call.
pub(crate) struct Settings {
    pub(crate) console: Console,
    pub(crate) format: Format,
    surroundings: Surroundings,
    found: Found,
    store: Arc<SqliteStore>,
    board: OnceCell<Board>,
    interrupt: OnceCell<Interrupt>,
    redactor: OnceCell<Redactor>,
}
