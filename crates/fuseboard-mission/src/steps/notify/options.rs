//! What `with = { … }` of a `notify` may say.

use fuseboard_pipeline::config::{Help, Spanned, TableReader};
use fuseboard_pipeline::step::StepError;

use super::Notify;
use super::message::Severity;
use crate::checker;
use crate::web::Address;

/// Where an address stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the configuration.
    Here(Address),
    /// In this variable of the environment.
    Variable(String),
}

impl Place {
    /// The address.
    ///
    /// # Errors
    /// The variable is not set, or holds none.
    pub fn address(&self) -> Result<Address, StepError> {
        match self {
            Self::Here(address) => Ok(address.clone()),
            Self::Variable(name) => {
                let text =
                    std::env::var(name).map_err(|_| StepError::new(format!("the variable {name} is not set")))?;
                Address::new(text.trim()).map_err(|why| StepError::new(format!("the variable {name} {why}")))
            }
        }
    }
}

impl Notify {
    /// From its options.
    pub fn read(options: &mut TableReader<'_>) -> Self {
        let command = checker::command(options, "[\"notify-send\", \"fuseboard\"]");
        Self {
            file: options.path("file").map(Spanned::into_inner),
            command: command.into_iter().flat_map(Spanned::into_inner).map(Spanned::into_inner).collect(),
            webhook: place(options, "webhook", "webhook_env"),
            ping: place(options, "ping", "ping_env"),
            least: options.word::<Severity>("least").map_or(Severity::Info, Spanned::into_inner),
        }
    }
}

fn place(options: &mut TableReader<'_>, key: &'static str, variable_key: &'static str) -> Option<Place> {
    let here = options.filled_text(key);
    let variable = options.filled_text(variable_key);
    if let (Some(_), Some(variable)) = (&here, &variable) {
        options.refuse(variable, format!("`{key}` and `{variable_key}` are both given"), Help::advice("leave one out"));
    }
    if let Some(variable) = variable {
        if !variable.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            let help = Help::advice(format!("write {variable_key} = \"NAME\", and the address into that variable"));
            options.refuse(&variable, format!("`{variable_key}` names no variable"), help);
        }
        return Some(Place::Variable(variable.into_inner()));
    }
    let here = here?;
    match Address::new(&here) {
        Ok(address) => Some(Place::Here(address)),
        Err(why) => {
            options.refuse(&here, format!("`{key}` {why}"), Help::advice("write \"https://…\""));
            None
        }
    }
}
