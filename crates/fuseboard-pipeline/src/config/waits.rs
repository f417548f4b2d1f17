//! What steps wait for, and whether that can ever come: each name is that of a step, gates are gates, and
//! nothing waits for itself.

use std::collections::BTreeMap;
use std::ops::Range;

use fuseboard::CircuitName;

use super::built_in::BuiltIn;
use super::error::{Help, Sink, excerpt};
use super::spanned::Spanned;
use super::step::StepKind;
use super::table::TableReader;

/// Most steps in one file: far more than anybody declares, and few enough for every check.
pub(super) const MAX_STEPS: usize = 500;

/// The place of a step that says `last = true` and is not built in: behind the built-in ones.
const BEHIND_ALL: u8 = u8::MAX;

/// What a step waits for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Waits {
    /// Steps that end before it starts, whatever end they have.
    pub after: Vec<Spanned<String>>,
    /// Gates that end before it starts and must pass.
    pub gated_by: Vec<Spanned<String>>,
    /// Whether there must be such gates.
    pub gated: bool,
    /// For a step that starts when all others have ended: its place among those, the lowest first.
    pub last: Option<u8>,
}

impl Waits {
    pub(super) fn read(table: &mut TableReader<'_>, built_in: Option<&'static BuiltIn>) -> Self {
        let after = table.texts("after").map(Spanned::into_inner).unwrap_or_default();
        let gated_by = table.texts("gated_by");
        if let Some(gates) = &gated_by
            && gates.is_empty()
        {
            table.refuse(gates, "`gated_by` is empty", Help::advice("name a gate, or leave it out"));
        }
        let must_be_gated = built_in.is_some_and(|built_in| built_in.gated);
        let written = table.flag("gated");
        if let (Some(built_in), Some(gated)) = (built_in, &written)
            && built_in.gated
            && !**gated
        {
            let message = format!("`{}` is always gated", built_in.name);
            table.refuse(gated, message, Help::advice("leave `gated` out"));
        }
        let gated = must_be_gated || written.is_some_and(|gated| *gated);
        if gated && !table.has("gated_by") {
            table.refuse_table(
                "this step must be gated, and no gate is named",
                Help::advice("name gates in `gated_by`"),
            );
        }
        let by_default = built_in.and_then(|built_in| built_in.last);
        let last = match table.flag("last").map(Spanned::into_inner) {
            Some(false) => None,
            Some(true) => Some(by_default.unwrap_or(BEHIND_ALL)),
            None => by_default,
        };
        Self { after, gated_by: gated_by.map(Spanned::into_inner).unwrap_or_default(), gated, last }
    }

    /// Every name that is waited for.
    fn names(&self) -> impl Iterator<Item = &Spanned<String>> {
        self.after.iter().chain(&self.gated_by)
    }
}

/// A step as others see it: what is known of it even if it is declared wrongly.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) name: Option<Spanned<CircuitName>>,
    pub(super) kind: Option<StepKind>,
    pub(super) advisory: bool,
    pub(super) waits: Waits,
    pub(super) span: Range<usize>,
}

impl Node {
    fn shown(&self) -> String {
        self.name.as_ref().map_or("this step".to_owned(), |name| format!("`{}`", **name))
    }
}

/// Complains about every wait that can never end.
pub(super) fn check(nodes: &[Node], sink: &Sink) {
    if let Some(surplus) = nodes.get(MAX_STEPS) {
        sink.push(surplus.span.clone(), format!("more than {MAX_STEPS} steps"), None);
        return;
    }
    let names = index_by_name(nodes, sink);
    for node in nodes {
        if sink.is_full() {
            return;
        }
        for awaited in &node.waits.after {
            check_awaited(node, awaited, &names, nodes, sink, |_| true);
        }
        for gate in &node.waits.gated_by {
            let is_gate = |other: &Node| other.kind.is_none_or(|kind| kind == StepKind::Gate);
            if let Some(gate_node) = check_awaited(node, gate, &names, nodes, sink, is_gate) {
                check_gate(gate, gate_node, sink);
            }
        }
    }
    report_cycles(nodes, &names, sink);
}

fn index_by_name<'a>(nodes: &'a [Node], sink: &Sink) -> BTreeMap<&'a str, usize> {
    let mut names = BTreeMap::new();
    for (at, node) in nodes.iter().enumerate() {
        let Some(name) = &node.name else { continue };
        let earlier = *names.entry(name.as_str()).or_insert(at);
        if earlier != at {
            let first = nodes[earlier].name.as_ref().map_or(0, |name| name.span().start);
            let (line, _) = sink.source().position(first);
            sink.push(name.span(), format!("there is a step `{}` already, in line {line}", **name), None);
        }
    }
    names
}

/// The step that is waited for, or a complaint; `fits` says which steps may be offered as the nearest ones.
fn check_awaited<'a>(
    node: &Node,
    awaited: &Spanned<String>,
    names: &BTreeMap<&str, usize>,
    nodes: &'a [Node],
    sink: &Sink,
    fits: impl Fn(&Node) -> bool,
) -> Option<&'a Node> {
    let shown = excerpt(awaited);
    if node.name.as_ref().is_some_and(|name| name.as_str() == awaited.as_str()) {
        sink.push(awaited.span(), format!("`{shown}` waits for itself"), None);
        return None;
    }
    let Some(at) = names.get(awaited.as_str()) else {
        let known = names.iter().filter(|(_, at)| fits(&nodes[**at])).map(|(name, _)| *name);
        sink.push(awaited.span(), format!("there is no step `{shown}`"), Help::nearest(awaited, known));
        return None;
    };
    let other = &nodes[*at];
    if other.waits.last.is_some() && node.waits.last.is_none() {
        let message =
            format!("`{shown}` starts when all other steps have ended, so {} cannot wait for it", node.shown());
        sink.push(awaited.span(), message, Help::advice("give this step `last = true`, or the other `last = false`"));
        return None;
    }
    Some(other)
}

fn check_gate(name: &Spanned<String>, gate: &Node, sink: &Sink) {
    let Some(kind) = gate.kind else { return };
    let shown = excerpt(name);
    if kind != StepKind::Gate {
        let message = format!("`{shown}` is {}, and only gates can hold a step back", kind.described());
        sink.push(name.span(), message, Help::advice("write it in `after` to wait for it"));
    } else if gate.advisory {
        let message = format!("`{shown}` is advisory, so it holds nothing back");
        sink.push(name.span(), message, Help::advice("remove its `advisory`, or leave it out here"));
    }
}

/// The waits of each step that are still looked at: for whom, and where that is written.
type Open<'a> = Vec<BTreeMap<usize, &'a Spanned<String>>>;

/// Complains about each cycle, at the wait that closes it.
///
/// Steps that wait for nothing more are taken away until there is none left (Kahn 1962). Steps that remain are in
/// a cycle or wait for one: a cycle is told, opened at its last wait, and the taking away goes on. No recursion,
/// since the file decides how long a chain is.
fn report_cycles(nodes: &[Node], names: &BTreeMap<&str, usize>, sink: &Sink) {
    let mut open: Open<'_> = Vec::with_capacity(nodes.len());
    for (at, node) in nodes.iter().enumerate() {
        let waits = node.waits.names().filter_map(|name| Some((*names.get(name.as_str())?, name)));
        open.push(waits.filter(|(other, _)| *other != at).collect()); // a wait for itself was told already
    }
    let mut done = vec![false; nodes.len()];
    while !sink.is_full() {
        while let Some(at) = (0..nodes.len()).find(|at| !done[*at] && open[*at].keys().all(|other| done[*other])) {
            done[at] = true;
        }
        let Some(cycle) = find_cycle(&open, &done) else { return };
        let Some((&last, &first)) = cycle.last().zip(cycle.first()) else { return };
        let closing = open[last].remove(&first);
        let mut round: Vec<String> = cycle.iter().take(SHOWN).map(|at| nodes[*at].shown()).collect();
        if cycle.len() > SHOWN {
            round.push("…".to_owned());
        }
        round.push(nodes[first].shown());
        let message = format!("steps wait for each other: {}", round.join(" → "));
        sink.push(closing.map_or(0..0, Spanned::span), message, None);
    }
}

/// Most steps of a cycle that a message names.
const SHOWN: usize = 10;

/// Steps of which each waits for the next one and the last for the first, or `None` if all are done. Each one
/// that is not done waits for another such, so going on from any of them leads into a cycle.
fn find_cycle(open: &Open<'_>, done: &[bool]) -> Option<Vec<usize>> {
    let mut path = vec![done.iter().position(|done| !done)?];
    loop {
        let next = *open[*path.last()?].keys().find(|other| !done[**other])?;
        if let Some(first) = path.iter().position(|at| *at == next) {
            return Some(path.split_off(first));
        }
        path.push(next);
    }
}
