//! Circuits that belong together, and the policy that they inherit.

use crate::board::Board;
use crate::circuit::Circuit;
use crate::error::CircuitError;
use crate::gate::Gate;
use crate::name::CircuitName;
use crate::policy::Policy;

/// The circuits of one group, which are those whose names begin with `GROUP/`; made by [`Board::group`]. A circuit has the
/// policy of its own, else that of its group, else that of the board. A policy that differs from the inherited one in a
/// few settings is made from it by [`Policy::to_builder`].
///
/// ```
/// use fuseboard::{Board, Policy};
///
/// let board = Board::builder().policy(Policy::for_requests()).build();
/// let patient = board.policy().to_builder().trip_after(5).build()?;
/// let mail = board.group("mail", patient)?;
/// let smtp = mail.circuit("smtp")?;
/// assert_eq!((smtp.name().as_str(), smtp.policy().trip_after()), ("mail/smtp", Some(5)));
/// assert_eq!(board.circuit("mail/imap")?.policy(), smtp.policy(), "by its whole name it inherits as well");
///
/// let stubborn = mail.policy().to_builder().cool_down_never().build()?;
/// assert_eq!(mail.circuit_with("archive", stubborn)?.policy().trip_after(), Some(5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Group {
    board: Board,
    name: CircuitName,
    policy: Policy,
}

impl Board {
    /// A group whose circuits inherit this policy, whoever asks for them from now on.
    ///
    /// # Errors
    /// [`CircuitError`] for a bad name, or one of more than one part, and for a group that has another policy already.
    pub fn group(&self, name: &str, policy: Policy) -> Result<Group, CircuitError> {
        let name = CircuitName::new(name)?;
        if name.project().is_some() {
            return Err(CircuitError::GroupInGroup(name));
        }
        self.register.group(name.clone(), policy)?;
        Ok(Group { board: self.clone(), name, policy })
    }
}

impl Group {
    /// The group's name.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The policy that its circuits inherit.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The circuit `GROUP/NAME`, with the group's policy.
    ///
    /// # Errors
    /// [`CircuitError`] for a bad name, or a name in use under another policy.
    pub fn circuit(&self, name: &str) -> Result<Circuit, CircuitError> {
        self.board.circuit(&self.whole(name))
    }

    /// The circuit `GROUP/NAME`, with a policy of its own.
    ///
    /// # Errors
    /// [`CircuitError`] for a bad name, or a name in use under another policy.
    pub fn circuit_with(&self, name: &str, policy: Policy) -> Result<Circuit, CircuitError> {
        self.board.circuit_with(&self.whole(name).parse()?, policy)
    }

    /// The gate `GROUP/NAME`, with the group's policy.
    ///
    /// # Errors
    /// [`CircuitError`] for a bad name, or a name in use under another policy.
    pub fn gate(&self, name: &str) -> Result<Gate, CircuitError> {
        self.board.gate(&self.whole(name))
    }

    fn whole(&self, name: &str) -> String {
        format!("{}/{name}", self.name)
    }
}
