//! `[store]`: where state lives.

use std::path::PathBuf;

use super::error::Help;
use super::source::password;
use super::spanned::Spanned;
use super::table::TableReader;

/// `[store]`. What is absent is decided by the program: environment, then the host's default place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreSection {
    /// The host's file: `sqlite:PATH`, or `memory:` for none.
    pub url: Option<String>,
    /// The Redis or Valkey that circuits of scope fleet live in. It holds no password.
    pub fleet: Option<String>,
    /// A file with mode 0600 that holds the fleet's address in place of `fleet`, relative to the folder of
    /// `fuseboard.toml`.
    pub fleet_file: Option<PathBuf>,
    /// The group that may use the host's file too.
    pub group: Option<String>,
}

/// Schemes of addresses of the host's store.
const HOST: [&str; 2] = ["sqlite:", "memory:"];
/// Schemes of addresses of the fleet's store.
const FLEET: [&str; 6] = ["redis://", "rediss://", "redis+unix://", "unix://", "valkey://", "valkeys://"];

impl StoreSection {
    pub(super) fn read(mut table: TableReader<'_>) -> Self {
        let section = Self {
            url: table.filled_text("url").and_then(|url| host_address(&table, url)),
            fleet: table.filled_text("fleet").and_then(|fleet| fleet_address(&table, fleet)),
            fleet_file: table.path("fleet_file").map(Spanned::into_inner),
            group: table.filled_text("group").map(Spanned::into_inner),
        };
        if table.has("fleet") {
            table.forbid("fleet_file", "`fleet` is there too", Help::advice("keep one of them"));
        }
        table.finish();
        section
    }
}

fn host_address(table: &TableReader<'_>, url: Spanned<String>) -> Option<String> {
    if HOST.iter().any(|scheme| url.starts_with(scheme)) {
        return Some(url.into_inner());
    }
    let help = if FLEET.iter().any(|scheme| url.starts_with(scheme)) {
        "a fleet's store belongs in `fleet`; the host keeps a file of its own".to_owned()
    } else if url.contains(':') {
        "write \"sqlite:/path/state.db\"".to_owned()
    } else {
        format!("write {:?}", format!("sqlite:{}", *url))
    };
    table.refuse(&url, "`url` must be the address of the host's file", Some(Help::Advice(help)));
    None
}

fn fleet_address(table: &TableReader<'_>, fleet: Spanned<String>) -> Option<String> {
    let Some(scheme) = FLEET.iter().find(|scheme| fleet.starts_with(**scheme)) else {
        let help = Help::advice("write \"redis://host:6379/0?prefix=team\"");
        table.refuse(&fleet, "`fleet` must be the address of a Redis or Valkey", help);
        return None;
    };
    let authority = fleet[scheme.len()..].split(['/', '?']).next().unwrap_or_default();
    if password(authority).is_some() {
        // A configuration file is read by many and committed by some.
        let help = Help::advice(
            "put the address into $FUSEBOARD_FLEET, or into a file with mode 0600 and name that in `fleet_file`",
        );
        table.refuse(&fleet, "`fleet` holds a password", help);
        return None;
    }
    Some(fleet.into_inner())
}
