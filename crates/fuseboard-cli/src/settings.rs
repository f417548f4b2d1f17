//! What a command knows of its surroundings: folder, configuration, store, user. What is dear is read when it
//! is first needed.

use std::cell::OnceCell;
use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;

use fuseboard::store::StoreError;
use fuseboard::{Board, BoardBuilder, CircuitName, Policy, View};
use fuseboard_pipeline::config::load::LoadedConfig;
use fuseboard_pipeline::config::{CircuitKeys, CircuitSettings, Config, Role};
use fuseboard_pipeline::ledger::{Ledger, NoLedger};
use fuseboard_pipeline::nearest::nearest;
use fuseboard_pipeline::process::Interrupt;
use fuseboard_pipeline::redact::Redactor;
use fuseboard_pipeline::tracker::Tracker;
use fuseboard_stores::SqliteStore;

use crate::Failed;
use crate::announce::{self, Announcer, Said};
use crate::args::{Format, Global};
use crate::console::{self, Console};
use crate::exit_code::ExitCode;
use crate::home::{self, Home};
use crate::host_store::HostStore;

/// The surroundings of one call.
pub(crate) struct Settings {
    pub(crate) console: Console,
    pub(crate) format: Format,
    /// The folder that the call was made in, before `-C`.
    pub(crate) started_in: Option<PathBuf>,
    home: Home,
    config: Config,
    config_trouble: Option<String>,
    config_flag: Option<PathBuf>,
    store: HostStore,
    board: OnceCell<Board>,
    interrupt: OnceCell<Interrupt>,
    said: Said,
    redactor: OnceCell<Redactor>,
}

impl Settings {
    pub(crate) fn of(global: &Global, console: Console) -> Result<Self, Failed> {
        let started_in = std::env::current_dir().ok();
        if let Some(folder) = &global.directory {
            std::env::set_current_dir(folder)
                .map_err(|error| Failed::new(ExitCode::Usage, format_args!("-C {}: {error}", folder.display())))?;
        }
        let home = Home::from_environment();
        let found = home.configuration(global.config.as_deref());
        if let Some(news) = &found.news {
            console.note(news);
        }
        let address = home::store_address(global.store.as_deref(), &found.config);
        let store = match address {
            Ok(address) => HostStore::of(&address, found.config.store.group.as_deref()),
            Err(why) => HostStore::Unusable(why.to_owned()),
        };
        if let (Some(_), HostStore::Unusable(why)) = (&global.store, &store) {
            return Err(Failed::new(ExitCode::Usage, why));
        }
        Ok(Self {
            console,
            started_in,
            format: global.format,
            home,
            config: found.config,
            config_flag: global.config.clone(),
            config_trouble: found.trouble.map(|trouble| trouble.to_string()),
            store,
            board: OnceCell::new(),
            interrupt: OnceCell::new(),
            said: Said::default(),
            redactor: OnceCell::new(),
        })
    }

    /// The environment of this call.
    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    /// What is wrong with the configuration that was found; the defaults are used instead.
    pub(crate) fn config_trouble(&self) -> Option<&str> {
        self.config_trouble.as_deref()
    }

    /// The id of the pipeline's run that this call belongs to.
    pub(crate) fn run_id(&self) -> Option<&str> {
        self.home.run.as_deref()
    }

    /// Whether the configuration was named instead of found.
    pub(crate) fn names_a_configuration(&self) -> bool {
        self.config_flag.is_some() || std::env::var_os("FUSEBOARD_CONFIG").is_some_and(|file| !file.is_empty())
    }

    /// Whether an agent may be at work here: inside a mission, and nobody at a terminal.
    pub(crate) fn is_in_mission(&self) -> bool {
        self.run_id().is_some() && !console::is_watched()
    }

    /// The circuits, told of on standard error.
    pub(crate) fn board(&self) -> &Board {
        self.board.get_or_init(|| self.new_board(self.announcer()).build())
    }

    fn announcer(&self) -> Announcer {
        Announcer::new(self.console, self.home.runtime_folder.clone(), self.said.clone())
    }

    /// Says what our state's trouble comes to here, unless this call has said that trouble already.
    pub(crate) fn complain(&self, what: impl Display, trouble: &dyn Display) {
        self.complainer()(&what, trouble);
    }

    /// The same, for who outlives this.
    pub(crate) fn complainer(&self) -> impl Fn(&dyn Display, &dyn Display) + Send + Sync + use<> {
        let (console, said) = (self.console, self.said.clone());
        move |what, trouble| {
            let line = format!("{what}: {trouble}");
            if said.is_new(&trouble.to_string()) { console.error(line) } else { console.detail(line) }
        }
    }

    fn new_board(&self, announcer: Announcer) -> BoardBuilder {
        Board::builder().shared_store(self.store.shared()).observer(announcer)
    }

    /// Gets ready for a report that will come, while the work runs.
    pub(crate) fn prepare_report(&self) {
        if let HostStore::File(store) = &self.store {
            store.prepare_report();
        }
    }

    /// Notes that the store works, which is news if an earlier call told that it does not.
    pub(crate) fn store_works(&self) {
        announce::store_works(self.console, self.home.runtime_folder.as_deref());
    }

    /// The file with the history.
    pub(crate) fn history(&self) -> Result<&SqliteStore, Failed> {
        match &self.store {
            HostStore::File(store) => Ok(store),
            HostStore::Memory => {
                Err(Failed::new(ExitCode::NoStore, "memory: keeps no history; give --store sqlite:PATH"))
            }
            HostStore::Unusable(why) => Err(Failed::new(ExitCode::NoStore, why)),
        }
    }

    /// Whether runs are written down here.
    pub(crate) fn keeps_runs(&self) -> bool {
        matches!(self.store, HostStore::File(_)) && !home::is_off()
    }

    /// What was found damaged in the store during this call: no gate passes then.
    pub(crate) fn damage(&self) -> Option<String> {
        self.damage_later()()
    }

    /// The same, to be asked at any time.
    pub(crate) fn damage_later(&self) -> Box<dyn Fn() -> Option<String> + Send + Sync> {
        match &self.store {
            HostStore::File(store) => {
                let store = store.clone();
                Box::new(move || store.damage().map(str::to_owned))
            }
            HostStore::Memory | HostStore::Unusable(_) => Box::new(|| None),
        }
    }

    /// Signals that ask the program to stop; caught from the first use on.
    pub(crate) fn interrupt(&self) -> &Interrupt {
        self.interrupt.get_or_init(|| {
            // What a command starts and disowns becomes our child then, and is found when it has to end.
            let _ = fuseboard_pipeline::sys::become_subreaper();
            Interrupt::install().unwrap_or_else(|_| Interrupt::never())
        })
    }

    /// The text without secrets.
    pub(crate) fn redact(&self, text: &str) -> String {
        self.redactor().redact(text).into_owned()
    }

    /// Knows the secrets of the environment.
    pub(crate) fn redactor(&self) -> &Redactor {
        self.redactor.get_or_init(|| Redactor::from_env(std::env::vars_os()))
    }

    /// The name of the current project, for circuits of scope project.
    pub(crate) fn project(&self) -> &str {
        self.home.project()
    }

    /// The same for who uses it: from now on the name is this project's.
    pub(crate) fn own_project(&self) -> String {
        self.home.own_project()
    }

    /// What is configured of a circuit, below what the command line says of it.
    pub(crate) fn circuit(&self, name: &CircuitName, keys: CircuitKeys, role: Role) -> Result<CircuitSettings, Failed> {
        let settled = keys.over(self.config.circuit_keys(None, name)).settle(role);
        settled.map_err(|error| Failed::new(ExitCode::Usage, format_args!("circuit {name}: {error}")))
    }

    /// The configuration for a call that goes by it.
    pub(crate) fn strict_configuration(&self, accept: bool) -> Result<LoadedConfig, Failed> {
        let loaded = self.home.strict_configuration(self.config_flag.as_deref(), accept);
        loaded.map_err(|error| Failed::new(ExitCode::Config, error))
    }

    /// The circuits of a pipeline: followed by a run, and told of on standard error beside its steps.
    pub(crate) fn board_for(&self, tracker: &Tracker) -> Board {
        self.new_board(self.announcer().beside_steps()).observer(tracker.clone()).build()
    }

    /// The circuits followed by a run, and told of on standard error.
    pub(crate) fn board_followed_by(&self, tracker: &Tracker) -> Board {
        self.new_board(self.announcer()).observer(tracker.clone()).build()
    }

    /// What is written down of runs; nothing while Fuseboard is switched off.
    pub(crate) fn ledger(&self) -> Arc<dyn Ledger> {
        match &self.store {
            HostStore::File(store) if !home::is_off() => store.clone(),
            HostStore::File(_) | HostStore::Memory | HostStore::Unusable(_) => Arc::new(NoLedger),
        }
    }

    /// Accepts the repository's configuration as it is now.
    pub(crate) fn accept_configuration(&self) -> Result<PathBuf, Failed> {
        self.home.accept_configuration()
    }

    /// The configured policy of a circuit.
    pub(crate) fn policy(&self, name: &CircuitName) -> Policy {
        // To find out the project's name is not for nothing, and most often no step is configured.
        if self.config.steps.is_empty() && name.project().is_none() {
            return self.config.circuit(None, name).policy;
        }
        self.config.circuit_in(self.project(), name).policy
    }

    /// Whether some step tells people what happens.
    pub(crate) fn has_notify(&self) -> bool {
        self.config.uses("notify")
    }

    /// Every circuit as it is now. A damaged record is told of and left out.
    pub(crate) fn views(&self) -> Result<Vec<View>, Failed> {
        let listed = self.board().views().map_err(no_store)?;
        let view = |(name, view): (CircuitName, Result<View, StoreError>)| {
            view.map_err(|error| self.console.error(format_args!("{name}: {error}"))).ok()
        };
        Ok(listed.into_iter().filter_map(view).collect())
    }

    /// One stored circuit as it is now.
    pub(crate) fn view(&self, name: &CircuitName) -> Result<View, Failed> {
        let view = self.board().view(name).map_err(no_store)?;
        view.ok_or_else(|| Failed::new(ExitCode::Usage, format_args!("circuit {name} was never seen")))
    }

    /// Every stored circuit's name, that of a damaged record too.
    pub(crate) fn names(&self) -> Result<Vec<CircuitName>, Failed> {
        Ok(self.board().views().map_err(no_store)?.into_iter().map(|(name, _)| name).collect())
    }

    /// The stored circuit that is meant: of exactly this name, else of this name in the current project.
    pub(crate) fn known(&self, name: &str) -> Result<CircuitName, Failed> {
        let wanted = valid_name(name)?;
        let names = self.names()?;
        let in_project = || CircuitName::new(&format!("{}/{wanted}", self.project())).ok();
        let known = |name: &CircuitName| names.contains(name);
        if known(&wanted) {
            return Ok(wanted);
        }
        if let Some(in_project) = in_project().filter(known) {
            return Ok(in_project);
        }
        let near = nearest(wanted.as_str(), names.iter().map(CircuitName::as_str));
        let hint = near.map_or_else(
            || "`fuseboard status` lists what there is".to_owned(),
            |near| format!("did you mean {near}?"),
        );
        Err(Failed::new(ExitCode::Usage, format_args!("circuit {wanted} was never seen; {hint}")))
    }

    /// Like [`Settings::known`]; a name never seen is the circuit of the step that is called so, or is taken as it is.
    pub(crate) fn known_or_new(&self, name: &str) -> Result<CircuitName, Failed> {
        let new = valid_name(name)?;
        if new.project().is_some() {
            return Ok(new);
        }
        if !self.project_circuit_is_absent(&new) {
            return self.known(name);
        }
        let of_step = (!self.config.steps.is_empty())
            .then(|| self.config.circuit_of_step(self.project(), new.as_str()))
            .flatten();
        Ok(of_step.filter(|_| !self.is_seen(&new)).unwrap_or(new))
    }

    /// Whether the store knows the circuit, as far as it can be read.
    pub(crate) fn is_seen(&self, name: &CircuitName) -> bool {
        matches!(self.board().view(name), Ok(Some(_)))
    }

    /// Whether the current project has no circuit of this name: the common case, told by one read.
    fn project_circuit_is_absent(&self, name: &CircuitName) -> bool {
        let in_project = CircuitName::new(&format!("{}/{name}", self.project())).ok();
        in_project.is_none_or(|name| !self.is_seen(&name))
    }
}

/// A name of the command line, valid.
pub(crate) fn valid_name(name: &str) -> Result<CircuitName, Failed> {
    name.parse().map_err(|error| Failed::new(ExitCode::Usage, error))
}

/// A looking command's or an operator's trouble with the store.
pub(crate) fn no_store(error: StoreError) -> Failed {
    Failed::new(ExitCode::NoStore, error)
}
