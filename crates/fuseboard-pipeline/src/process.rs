//! One child process, run properly: started, watched, and ended with all that came from it.
//!
//! [`run`] serves everything that Fuseboard starts. The child has a process group of its own; its output is
//! streamed and kept within bounds; a timeout, a deadline or a signal to us ends it:
//!
//! ```text
//! running --it ends------------------------------> over         its remains are left alone,
//!    |                                                          with `end_all` they are ended as below
//!    |--timeout, deadline, signal, too much output--> ending    SIGTERM (or the signal itself) and SIGCONT to
//!                                                               the group and to whatever else is known; after
//!                                                               the child's end SIGTERM to the rest if the signal
//!                                                               was a milder one, which background jobs ignore
//! ending  --nothing is left-----------------------> over
//!    |----grace over, or a second signal------------> killing   SIGKILL to the same, again and again
//! killing --nothing is left, or 2 s have passed---> over        what is still there is named
//! ```
//!
//! Nothing is polled at intervals while the child runs: one `poll(2)` waits for its pipes, for its end, for the
//! interrupts, and for the next moment that was agreed. Only dead orphans are looked for, four times a second, if we are
//! handed any. Any number of runs may be under way in the threads of one process. What counts as "came from it" is told
//! in the source of `family.rs`.
//!
//! ```
//! use fuseboard_pipeline::process::{Command, Deadline, How, Interrupt, Output, run};
//! use fuseboard_pipeline::redact::Redactor;
//!
//! let command = Command::new("sh").args(["-c", "echo oops >&2; exit 3"]).stderr(Output::keep(4096));
//! let ended = run(&command, &Interrupt::never(), Deadline::NEVER);
//! assert_eq!(ended.how, How::Exited(3));
//! assert_eq!(ended.stderr.last_error(&Redactor::default()).as_deref(), Some("oops"));
//! ```

mod children;
mod command;
pub(crate) mod deadline;
mod ended;
mod family;
mod interrupt;
mod kept;
mod leftovers;
mod run;
mod spawn;
mod stream;
mod terminal;
mod text;
mod watch;

pub use command::{Command, KILL_AFTER, Marker, Output, Stdin};
pub use deadline::Deadline;
pub use ended::{Ended, How, NotStarted, Survivor};
pub use interrupt::Interrupt;
pub use kept::Kept;
pub use leftovers::end_carriers;
pub use run::{run, run_while};
pub use text::plain_text;
