//! `[[step]]`: one piece of work after a job, as it is declared.

use std::sync::Arc;
use std::time::Duration;

use fuseboard::CircuitName;
use serde::{Deserialize, Serialize};

use super::built_in::{BUILT_INS, BuiltIn};
use super::circuit::{CircuitKeys, Role, Scope, read_block_codes};
use super::circuits::Circuits;
use super::error::{Help, excerpt};
use super::options::StepOptions;
use super::policy::WrittenPolicy;
use super::spanned::Spanned;
use super::table::TableReader;
use super::tree::Table;
use super::waits::{Node, Waits};
use super::word::Word;
use crate::digest::sha256_hex;

/// How long a step may take unless something else is configured.
pub const STEP_TIMEOUT: Duration = Duration::from_mins(1);

/// A step as `fuseboard.toml` declares it.
///
/// # Defaults
///
/// | key | default |
/// |---|---|
/// | `kind` | that of the built-in step; must be given for a command |
/// | `after`, `gated_by` | none |
/// | `gated` | true for `merge`, else false |
/// | `last` | true for `session`, `export`, `alert`, `comment`, `notify`, else false |
/// | `on` | always for recorders, success for gates and actions |
/// | `required`, `advisory` | false |
/// | `enabled` | true |
/// | `if_absent` | block |
/// | `scope` | host for recorders, project for gates and actions |
/// | `timeout` | [`STEP_TIMEOUT`] |
/// | `block_codes` | 1 |
#[derive(Clone, Debug, PartialEq)]
pub struct StepDeclaration {
    /// Its name, unique in the file, and its circuit's.
    pub name: Spanned<CircuitName>,
    /// What kind of work it is.
    pub kind: StepKind,
    /// What is run.
    pub work: Work,
    /// What it waits for.
    pub waits: Waits,
    /// After which jobs it runs.
    pub on: RunOn,
    /// Whether its failure is the run's.
    pub required: bool,
    /// Whether a gate's block is only told.
    pub advisory: bool,
    /// Whether it runs at all.
    pub enabled: bool,
    /// What a gate that is not applicable says.
    pub if_absent: IfAbsent,
    /// What the step itself says about its circuit.
    pub(super) keys: CircuitKeys,
}

/// What kind of work a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepKind {
    /// Writes down or tells.
    Recorder,
    /// Judges.
    Gate,
    /// Changes something.
    Action,
}

impl Word for StepKind {
    const WORDS: &'static [(&'static str, Self)] =
        &[("recorder", Self::Recorder), ("gate", Self::Gate), ("action", Self::Action)];
}

impl StepKind {
    /// The scope of such a step's circuit, unless something else is configured.
    pub fn default_scope(self) -> Scope {
        match self {
            Self::Recorder => Scope::Host,
            Self::Gate | Self::Action => Scope::Project,
        }
    }

    /// The role of such a step's circuit.
    pub fn role(self) -> Role {
        match self {
            Self::Gate => Role::Gate,
            Self::Recorder | Self::Action => Role::Work,
        }
    }

    fn default_on(self) -> RunOn {
        match self {
            Self::Recorder => RunOn::Always,
            Self::Gate | Self::Action => RunOn::Success,
        }
    }

    /// The kind with its article, for messages.
    pub(crate) fn described(self) -> &'static str {
        match self {
            Self::Recorder => "a recorder",
            Self::Gate => "a gate",
            Self::Action => "an action",
        }
    }
}

/// After which jobs a step runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunOn {
    /// After jobs that succeeded.
    Success,
    /// After jobs that failed.
    Failure,
    /// After every job.
    Always,
}

impl Word for RunOn {
    const WORDS: &'static [(&'static str, Self)] =
        &[("success", Self::Success), ("failure", Self::Failure), ("always", Self::Always)];
}

/// What a gate that is not applicable says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IfAbsent {
    /// It blocks.
    #[default]
    Block,
    /// It passes, since the file says so.
    Pass,
}

impl Word for IfAbsent {
    const WORDS: &'static [(&'static str, Self)] = &[("pass", Self::Pass), ("block", Self::Block)];
}

/// What a step runs.
#[derive(Clone, Debug, PartialEq)]
pub enum Work {
    /// A built-in step.
    BuiltIn {
        /// Which.
        built_in: &'static BuiltIn,
        /// Its own options, which it checks itself.
        options: StepOptions,
    },
    /// A program and its arguments; at least the program is there.
    Command(Vec<String>),
    /// A line for `sh -c`, because the step says `shell = true`.
    Shell(String),
}

impl Work {
    /// The built-in step that it is, if it is one.
    pub fn built_in(&self) -> Option<&'static BuiltIn> {
        match self {
            Self::BuiltIn { built_in, .. } => Some(built_in),
            Self::Command(_) | Self::Shell(_) => None,
        }
    }
}

impl StepDeclaration {
    /// A digest of everything that is declared, wherever in the file it stands: an open circuit whose step was
    /// declared anew is tried again.
    pub fn digest(&self) -> String {
        sha256_hex(format!("{self:?}").as_bytes())
    }

    /// The keys over which the configured circuits lie: what a step of this kind does unless told otherwise.
    pub(super) fn default_keys(&self) -> CircuitKeys {
        CircuitKeys { scope: Some(self.kind.default_scope()), timeout: Some(STEP_TIMEOUT), ..CircuitKeys::default() }
    }

    /// Reads one step. The node is there for every step, so that what others say about it can be checked; the
    /// declaration only if the step is whole.
    pub(super) fn read(mut table: TableReader<'_>, circuits: &Circuits) -> (Node, Option<Self>) {
        let name = read_name(&mut table);
        let work = read_work(&mut table);
        let built_in = work.as_ref().and_then(Work::built_in);
        let kind = read_kind(&mut table, built_in);
        let waits = Waits::read(&mut table, built_in);
        let policy = read_policy(&mut table, name.as_ref(), circuits);
        let keys = CircuitKeys {
            policy: policy.keys,
            scope: table.word("scope").map(Spanned::into_inner),
            timeout: table.limit("timeout").map(Spanned::into_inner),
            block_codes: read_block_codes(&mut table).map(Spanned::into_inner),
            ..CircuitKeys::default()
        };
        let advisory = table.flag("advisory").is_some_and(|advisory| *advisory);
        let if_absent = read_if_absent(&mut table, built_in);
        let on = table.word("on").map(Spanned::into_inner);
        let required = table.flag("required").is_some_and(|required| *required);
        let enabled = table.flag("enabled").is_none_or(|enabled| *enabled);
        if let Some(kind) = kind
            && kind != StepKind::Gate
        {
            for key in ["advisory", "if_absent", "block_codes"] {
                table.forbid(key, format_args!("it is about gates, and this is {}", kind.described()), None);
            }
        }
        let node = Node { name: name.clone(), kind, advisory, waits: waits.clone(), span: table.span() };
        let declaration = name.zip(kind).zip(work).map(|((name, kind), work)| Self {
            on: on.unwrap_or(kind.default_on()),
            name,
            kind,
            work,
            waits,
            required,
            advisory,
            enabled,
            if_absent,
            keys,
        });
        table.finish();
        (node, declaration)
    }
}

fn read_name(table: &mut TableReader<'_>) -> Option<Spanned<CircuitName>> {
    let text = table.filled_text("name");
    let text = table.required("name", text, None)?;
    match CircuitName::new(&text) {
        Ok(name) if name.project().is_none() => {
            table.set_name(format!("step `{name}`"));
            Some(text.map(|_| name))
        }
        Ok(name) => {
            let help = Help::advice(format!("write {:?}; `scope` decides whose circuit it is", name.short()));
            table.refuse(&text, "a step's name has no project in it", help);
            None
        }
        Err(error) => {
            table.refuse(&text, error.to_string(), None);
            None
        }
    }
}

fn read_work(table: &mut TableReader<'_>) -> Option<Work> {
    if table.has("uses") {
        return read_built_in(table);
    }
    table.know(["uses", "run", "shell"]);
    table.forbid("with", "options are for built-in steps", Help::advice("pass a command's arguments in `run`"));
    if !table.has("run") {
        let help = Help::advice("write uses = \"…\" for a built-in step, or run = [\"program\", \"argument\"]");
        table.refuse_table("this step has neither `uses` nor `run`", help);
        return None;
    }
    if table.flag("shell").is_some_and(|shell| *shell) {
        return table.filled_text("run").map(|line| Work::Shell(line.into_inner()));
    }
    let arguments = table.arguments("run")?;
    if arguments.first().is_none_or(|program| program.trim().is_empty()) {
        table.refuse(&arguments, "`run` names no program", None);
    }
    Some(Work::Command(arguments.into_inner().into_iter().map(Spanned::into_inner).collect()))
}

fn read_built_in(table: &mut TableReader<'_>) -> Option<Work> {
    table.forbid("run", "`uses` is there too", Help::advice("keep one of them"));
    table.forbid("shell", "it is about `run`", None);
    let uses = table.filled_text("uses");
    let options = table.opaque("with").unwrap_or_else(|| Spanned::new(Table::new(), table.span()));
    let uses = uses?;
    let Some(built_in) = BuiltIn::named(&uses) else {
        let help = Help::nearest(&uses, BUILT_INS.iter().map(|built_in| built_in.name))
            .or_else(|| Help::advice(format!("built-in steps are {}", names_of_built_ins())));
        table.refuse(&uses, format!("there is no built-in step `{}`", excerpt(&uses)), help);
        return None;
    };
    let options = StepOptions::new(table.name().to_owned(), options, Arc::clone(table.sink().source()));
    Some(Work::BuiltIn { built_in, options })
}

fn names_of_built_ins() -> String {
    BUILT_INS.iter().map(|built_in| built_in.name).collect::<Vec<_>>().join(", ")
}

fn read_kind(table: &mut TableReader<'_>, built_in: Option<&'static BuiltIn>) -> Option<StepKind> {
    let written = table.word::<StepKind>("kind");
    let Some(built_in) = built_in else {
        // For an unknown built-in step the kind is not known either, and not what is wrong.
        if table.has("uses") {
            return written.map(Spanned::into_inner);
        }
        let help = Help::advice("write kind = \"recorder\", \"gate\" or \"action\"");
        return table.required("kind", written, help).map(Spanned::into_inner);
    };
    if let Some(written) = written
        && *written != built_in.kind
    {
        let message = format!("`{}` is {}", built_in.name, built_in.kind.described());
        table.refuse(&written, message, Help::advice("leave `kind` out"));
    }
    Some(built_in.kind)
}

fn read_policy(table: &mut TableReader<'_>, name: Option<&Spanned<CircuitName>>, circuits: &Circuits) -> WrittenPolicy {
    let Some(mut policy) = table.table("policy") else { return WrittenPolicy::default() };
    let written = WrittenPolicy::read(&mut policy);
    if let Some(name) = name {
        circuits.check_step(name, &written, table.sink());
    }
    policy.finish();
    written
}

fn read_if_absent(table: &mut TableReader<'_>, built_in: Option<&'static BuiltIn>) -> IfAbsent {
    let Some(if_absent) = table.word::<IfAbsent>("if_absent") else { return IfAbsent::default() };
    if let Some(built_in) = built_in
        && built_in.kind == StepKind::Gate
        && !built_in.may_be_absent
        && *if_absent == IfAbsent::Pass
    {
        let message = format!("`if_absent = \"pass\"` is not possible for `{}`: it always applies", built_in.name);
        table.refuse(&if_absent, message, Help::advice("leave it out"));
    }
    if_absent.into_inner()
}
