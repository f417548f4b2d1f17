//! One file for each command.

pub(crate) mod after;
pub(crate) mod allowed;
pub(crate) mod brief;
pub(crate) mod completions;
pub(crate) mod drill;
pub(crate) mod exec;
pub(crate) mod explain;
pub(crate) mod history;
pub(crate) mod init;
pub(crate) mod man;
pub(crate) mod mission;
pub(crate) mod operate;
pub(crate) mod pick;
pub(crate) mod record;
pub(crate) mod runs;
pub(crate) mod state;
pub(crate) mod status;
pub(crate) mod trust;
pub(crate) mod usage;
pub(crate) mod validate;
