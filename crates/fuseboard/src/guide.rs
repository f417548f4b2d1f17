//! The guide: how to put work behind circuits, one question after the other. Every piece of code on this page is run by
//! the tests.
//!
//! 1. [A first circuit](#a-first-circuit)
//! 2. [Which guard?](#which-guard)
//! 3. [What is a failure?](#what-is-a-failure)
//! 4. [When does it open, and for how long?](#when-does-it-open-and-for-how-long)
//! 5. [Work that judges](#work-that-judges)
//! 6. [Who is told?](#who-is-told)
//! 7. [Operators and onlookers](#operators-and-onlookers)
//! 8. [State that outlives the process](#state-that-outlives-the-process)
//! 9. [Tests](#tests)
//! 10. [Many circuits](#many-circuits)
//! 11. [What it costs](#what-it-costs)
//! 12. [What to know beforehand](#what-to-know-beforehand)
//!
//! # A first circuit
//!
//! A [`Board`](crate::Board) has circuits by their names. A [`Circuit`](crate::Circuit) guards a piece of work that may fail
//! and must not be in the way: it runs the work as long as that goes well, **opens** after two failures in a row, and then
//! skips the work, which costs nothing, until a single **probe** shows that it works again.
//!
//! ```
//! use fuseboard::Board;
//!
//! fn send(text: &str) -> Result<(), std::io::Error> {
//!     Err(std::io::Error::other("connection refused"))
//! }
//!
//! let board = Board::new();
//! let notify = board.circuit("notify")?;
//! for night in 0..1000 {
//!     // Tried twice, then skipped: 998 time-outs are not waited for, 998 lines are not logged.
//!     notify.run_or((), || send("backup done"));
//! }
//! let view = board.view(notify.name())?.expect("it has failed");
//! assert_eq!((view.totals.failure, view.totals.skipped), (2, 998));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Keep the handle where the work is: it is two words, clones of it are the same circuit, and a call through it costs
//! next to nothing.
//!
//! # Which guard?
//!
//! | you want | for a closure | for a future |
//! |---|---|---|
//! | to know what became of it | [`run`](crate::Circuit::run) | [`run_async`](crate::Circuit::run_async) |
//! | a value in any case | [`run_or`](crate::Circuit::run_or), [`run_or_else`](crate::Circuit::run_or_else) | [`run_or_async`](crate::Circuit::run_or_async), [`run_or_else_async`](crate::Circuit::run_or_else_async) |
//! | the work's own error, and its panics | [`try_run`](crate::Circuit::try_run) | [`try_run_async`](crate::Circuit::try_run_async) |
//! | a whole function guarded | `#[fuseboard::guard]` (feature `macros`) | the same |
//! | a whole service guarded | – | `Circuit::layer` (feature `tower`) |
//! | to say yourself how it went | [`permit`](crate::Circuit::permit) | the same |
//! | to tell what happened elsewhere | [`record`](crate::Circuit::record) | the same |
//!
//! `run` and `run_or` are for side-work: they contain panics, since whoever wrote a statistics recorder did not mean to
//! stop the mission. `try_run` is for services, which handle errors themselves.
//!
//! ```
//! use fuseboard::{Attempt, Board, TryError};
//!
//! let api = Board::new().circuit("api")?;
//! match api.run(|| "17".parse::<u64>()) {
//!     Attempt::Done(number) => assert_eq!(number, 17),
//!     Attempt::Failed(error) => eprintln!("{error}"),
//!     Attempt::Panicked(text) => eprintln!("{text}"),
//!     Attempt::Skipped(refusal) => eprintln!("{refusal}"),
//! }
//! let lines: usize = api.run_or(0, || std::fs::read_to_string("/no/such/file").map(|text| text.lines().count()));
//! assert_eq!(lines, 0);
//! match api.try_run(|| "seventeen".parse::<u64>()) {
//!     Ok(number) => println!("{number}"),
//!     Err(TryError::Failed(error)) => println!("no number: {error}"),
//!     Err(TryError::Skipped(refusal)) => println!("later: {refusal}"),
//! }
//! # Ok::<(), fuseboard::CircuitError>(())
//! ```
//!
//! A default never changes what is counted: the failure above counts, whatever the caller got instead.
//!
//! Where the work is in one place and its end in another, ask for a [`Permit`](crate::Permit) and settle it. One that is
//! dropped counts as *ignored*, which says nothing either way; one that is dropped by a panic counts as a failure.
//!
//! ```
//! use fuseboard::Board;
//!
//! let upload = Board::new().circuit("upload")?;
//! match upload.permit() {
//!     Ok(permit) => {
//!         // … hand it to whoever finishes the work …
//!         permit.failure(&"disk full");
//!     }
//!     Err(refusal) => println!("ask again in {:?}", refusal.retry_in),
//! }
//! # Ok::<(), fuseboard::CircuitError>(())
//! ```
//!
//! # What is a failure?
//!
//! An `Err`, a panic, and whatever takes longer than [`slow_after`](crate::PolicyBuilder::slow_after). A negative answer is
//! an answer: "no such user" says that the directory works. [`classify`](crate::Circuit::classify) says so, once for all
//! calls:
//!
//! ```
//! use fuseboard::{Board, Failure, Outcome};
//!
//! enum Lookup {
//!     NoSuchUser,
//!     Timeout,
//! }
//!
//! let users = Board::new().circuit("users")?.classify(|result: &Result<u32, Lookup>| match result {
//!     Ok(_) | Err(Lookup::NoSuchUser) => Outcome::Success,
//!     Err(Lookup::Timeout) => Outcome::Failure(Failure::error(&"the directory did not answer")),
//! });
//! for _ in 0..5 {
//!     let _ = users.try_run(|| Err(Lookup::NoSuchUser));
//! }
//! assert!(users.circuit().would_run()?);
//! # let _ = users.try_run(|| Err(Lookup::Timeout));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What its caller gave up says nothing of the work: a future that is dropped before its end is ignored.
//!
//! # When does it open, and for how long?
//!
//! A [`Policy`](crate::Policy) says so. The defaults are for side-work, which runs a few times a day: two failures in a row,
//! five minutes, then twice as long after each failed probe, up to six hours.
//! [`Policy::for_requests`](crate::Policy::for_requests) is for what is called all the time: half of at least twenty calls
//! within ten seconds, then five seconds, up to a minute.
//!
//! ```
//! use std::time::Duration;
//! use fuseboard::{Board, FailureRate, Policy};
//!
//! let patient = Policy::builder().trip_after(5).cool_down(Duration::from_secs(30)).build()?;
//! let strict = FailureRate { failures: 0.1, of: 100, within: Duration::from_secs(60) };
//! let busy = Policy::for_requests().to_builder().rate(strict).build()?;
//!
//! let board = Board::builder().policy(patient).build();
//! let http = board.group("http", busy)?;
//! assert_eq!(board.circuit("mail")?.policy(), &patient);
//! assert_eq!(http.circuit("users")?.policy(), &busy, "its name is http/users");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A circuit has the policy of its own ([`circuit_with`](crate::Board::circuit_with)), else that of its
//! [group](crate::Group), else that of its board. One that cannot work is not built, and the same name with two policies is
//! an error rather than a surprise.
//!
//! Not sure yet? With [`Mode::Observe`](crate::Mode::Observe) everything runs, and what would have been skipped is counted
//! and told.
//!
//! # Work that judges
//!
//! A [`Gate`](crate::Gate) is for work whose answer decides whether something may happen. It has no `run_or`: if it is open,
//! if it failed, panicked or was cut short, and if its state is lost, its verdict is *block*.
//!
//! ```
//! use fuseboard::{Board, Verdict};
//!
//! let review = Board::new().gate("review")?;
//! let verdict = review.judge(|| Err::<Verdict, _>("the scanner crashed"));
//! match verdict {
//!     Verdict::Pass => println!("merge"),
//!     Verdict::Block(block) => println!("do not merge: {}", block.why),
//! }
//! # Ok::<(), fuseboard::CircuitError>(())
//! ```
//!
//! # Who is told?
//!
//! Whoever asks to be: an [`Observer`](crate::event::Observer) gets each [`Notice`](crate::event::Notice) after it is stored,
//! while no lock is held. One that panics harms nobody. Of the skips of an outage the first and every twentieth are
//! [loud](crate::event::Notice::is_loud), so that a dead service does not flood a log. A failure that does not open its
//! circuit is told each time.
//!
//! ```
//! use fuseboard::Board;
//! use fuseboard::event::Notice;
//!
//! let board = Board::builder()
//!     .observer(|notice: &Notice| {
//!         if notice.is_loud() {
//!             eprintln!("{notice}");
//!         }
//!     })
//!     .build();
//! ```
//!
//! The features `tracing` and `metrics` have observers that pass everything on: `TracingObserver`, `MetricsObserver`.
//!
//! # Operators and onlookers
//!
//! A circuit of which nothing was stored yet, as one in memory that is simply well, is in no view.
//!
//! Three people, three handles: who calls has a [`Circuit`](crate::Circuit), who looks a [`View`](crate::View), and who may
//! overrule circuits an [`Operator`](crate::Operator), with a name that is recorded.
//!
//! ```
//! use std::time::Duration;
//! use fuseboard::Board;
//! use fuseboard::record::Position;
//!
//! let board = Board::new();
//! let chat = board.circuit("chat")?;
//! let operator = board.operator("ada");
//! operator.switch(chat.name(), Position::Off, "chat is being moved", Some(Duration::from_secs(3600)))?;
//! for (name, view) in board.views()? {
//!     let view = view?;
//!     println!("{name}: {}, {} skipped", view.state.as_str(), view.skips);
//! }
//! operator.auto(chat.name(), "it has moved")?; // the circuit decides again
//! operator.reset(chat.name())?; // and forgets its failures
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # State that outlives the process
//!
//! [`Board::new`](crate::Board::new) keeps its circuits in memory. A program that starts and ends, from cron or a hook, needs
//! a store that outlives it, or each start would try the broken work anew. The crate `fuseboard-stores` has one in an
//! SQLite file, which any number of processes share with the program `fuseboard`:
//!
//! ```text
//! let store = SqliteStore::new("/var/lib/app/state.db", Arc::new(SystemClock));
//! let board = Board::builder().store(store).build();
//! ```
//!
//! A store that cannot be used never stops the work: until it can be used again the board decides in memory, and says so
//! once. A gate blocks instead.
//!
//! A store of your own is a [`Store`](crate::store::Store) of three functions. `store::contract` (feature `store-contract`)
//! checks what it owes; the example `own_store` is one in a hundred lines.
//!
//! # Tests
//!
//! Time is a trait, and [`FakeClock`](crate::clock::FakeClock) moves only when told to. Without jitter a cool-down is exact.
//!
//! ```
//! use std::time::Duration;
//! use fuseboard::clock::FakeClock;
//! use fuseboard::{Attempt, Board, Policy};
//!
//! let clock = FakeClock::new();
//! let exact = Policy::builder().jitter(0.0).build()?;
//! let cost = Board::builder().clock(clock.clone()).policy(exact).build().circuit("cost")?;
//! for _ in 0..2 {
//!     cost.run_or((), || Err("disk full"));
//! }
//! clock.advance(Duration::from_secs(299));
//! assert!(matches!(cost.run(|| Ok::<_, String>(())), Attempt::Skipped(_)));
//! clock.advance(Duration::from_secs(1));
//! assert!(matches!(cost.run(|| Ok::<_, String>(())), Attempt::Done(())));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`block_on`](crate::block_on) runs a future where there is no runtime.
//!
//! # Many circuits
//!
//! One for each host, or for each user, is fine: `board.circuit(&format!("hosts/{host}"))`. A name is made of `a-z`, `0-9`,
//! `.`, `_` and `-`, with at most one `/` after a group. Circuits that are well and that nobody has used for an hour are
//! forgotten ([`Board::evict_idle`](crate::Board::evict_idle)), so that names which come and go do not fill the memory.
//!
//! # What it costs
//!
//! In memory a call of a circuit that is well takes no lock and reads no clock; it looks twice at one word. A failure rate
//! and [exact totals](crate::BoardBuilder::exact_totals) add a counter. A refusal reads a coarse clock and adds one to a
//! counter; why the call was refused is put together only for who looks ([`run`](crate::Circuit::run),
//! [`try_run`](crate::Circuit::try_run)), and with an observer each skip is told. What is written, failures and probes
//! among it, takes the lock of that one circuit. The project's page on performance has the figures, measured against other
//! breakers.
//!
//! # What to know beforehand
//!
//! - Panics are contained with `panic = "unwind"`, Rust's default; with `abort` a panic ends the process, as always.
//! - The guards do not end work that hangs: give it a time limit of its own, *inside* of the guard:
//!   `circuit.try_run_async(async { timeout(limit, work()).await … })`. A limit around the guard drops it, which is a
//!   cancellation and counts for nothing. A probe that hangs keeps its lease as long as its process lives, and every other
//!   call is skipped meanwhile; a permit that is held for longer than the policy's lease needs
//!   [`keep_alive`](crate::Permit::keep_alive).
//! - A store counts by its own clock. In tests give it a clone of the fake one (`MemoryStore::with_clock`); a board without
//!   a store of its own does that by itself.
//! - To spawn a guarded call, move a handle into it:
//!   `let c = c.clone(); spawn(async move { c.run_or_async((), work()).await })`.
//! - A call inside a call of the same circuit asks once more: inside a probe it is skipped.
//! - A store in a file is asked by the thread that calls, in a fraction of a millisecond; on a runtime, guards of such
//!   circuits block that long.
