//! The operator's handle: switch, probe, reset. Trouble with the store is always said, never hidden.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::board::Parts;
use crate::circuit::{Circuit, Home};
use crate::decision::{Now, Step};
use crate::name::CircuitName;
use crate::policy::Policy;
use crate::record::{Position, Record, Switch};
use crate::state;
use crate::store::StoreError;
use crate::transact::Context;

/// Longest time that a switch stays off or on: 30 days. What is meant for longer belongs into the configuration.
pub const LONGEST_SWITCH: Duration = Duration::from_secs(30 * 24 * 3600);

/// Who may overrule circuits. Every act is recorded with who and why.
///
/// ```
/// use std::time::Duration;
///
/// use fuseboard::record::Position;
/// use fuseboard::{Attempt, Board};
///
/// let board = Board::new();
/// let chat = board.circuit("chat")?;
/// let operator = board.operator("ada");
/// operator.switch(chat.name(), Position::Off, "chat is being moved", Some(Duration::from_secs(3600)))?;
/// assert!(matches!(chat.run(|| Ok::<_, String>(())), Attempt::Skipped(_)));
/// operator.auto(chat.name(), "it has moved")?;
/// assert!(chat.run(|| Ok::<_, String>(())).is_done());
/// assert!(!operator.probe(chat.name(), *chat.policy())?, "nothing to bring forward: the circuit is closed");
/// operator.reset(chat.name())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Operator {
    board: Arc<Parts>,
    by: Arc<str>,
}

impl Operator {
    pub(crate) fn new(board: Arc<Parts>, by: &str) -> Self {
        Self { board, by: by.into() }
    }

    /// Switches a circuit off or on, for at most [`LONGEST_SWITCH`].
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be used.
    pub fn switch(
        &self,
        name: &CircuitName,
        position: Position,
        reason: &str,
        time: Option<Duration>,
    ) -> Result<(), StoreError> {
        let time = time.unwrap_or(LONGEST_SWITCH).min(LONGEST_SWITCH);
        let (by, reason): (Arc<str>, Arc<str>) = (self.by.clone(), reason.into());
        self.act(name, |record, now| {
            let (by, reason) = (by.clone(), reason.clone());
            let until = Some(now.at.after(time));
            state::switch(
                record,
                Some(Switch { position, by, reason: reason.clone(), since: now.at, until, skips: 0 }),
                &reason,
            )
        })
    }

    /// Gives the decision back to the circuit.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be used.
    pub fn auto(&self, name: &CircuitName, reason: &str) -> Result<(), StoreError> {
        self.act(name, |record, _| state::switch(record, None, reason))
    }

    /// Makes an open circuit due, so that the next call is a probe. Forgives nothing. `false`: the circuit is
    /// not open, or a probe is out.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be used.
    pub fn probe(&self, name: &CircuitName, policy: Policy) -> Result<bool, StoreError> {
        self.act(name, |record, now| state::probe_now(record, &policy, now))
    }

    /// Forgives everything: closed. The switch stays as it is.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be used.
    pub fn reset(&self, name: &CircuitName) -> Result<(), StoreError> {
        self.act(name, state::reset)
    }

    fn act<T>(&self, name: &CircuitName, decide: impl Fn(&Record, &Now) -> Step<T>) -> Result<T, StoreError> {
        let circuit = Circuit::new(name.clone(), Arc::default(), self.board.clone()).strict();
        let snapshot = circuit.load(Home::Store)?;
        let context = Context { by: Some(&self.by), run: None };
        let (answer, _) = circuit.transact(Home::Store, snapshot, context, |_, _| None, decide)?;
        Ok(answer)
    }
}

impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operator").field("by", &self.by).finish_non_exhaustive()
    }
}
