//! What there is to say of a run, read from what its steps wrote down.

use fuseboard_pipeline::report::{Kind, Reason, Status, StepRow, VerdictWord};
use serde_json::Value;

/// What there is to say. Nothing in it is safe to show yet.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) blocks: Vec<Block>,
    pub(super) held_back: Vec<HeldBack>,
    pub(super) findings: Vec<Finding>,
    pub(super) waivers: Vec<Waiver>,
    /// Findings that a step found and did not write down one by one.
    pub(super) left_out: usize,
}

/// A gate that did not pass.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) gate: String,
    /// Whether it said so itself.
    pub(super) evaluated: bool,
    pub(super) why: String,
}

/// An action that gates hold back.
#[derive(Debug)]
pub(super) struct HeldBack {
    pub(super) action: String,
    pub(super) gates: Vec<String>,
}

/// Something that a gate found.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) gate: String,
    pub(super) place: String,
    pub(super) rule: String,
    pub(super) what: String,
    pub(super) blocks: bool,
}

/// A finding that is waived, or a waiver that the work brings itself.
#[derive(Debug)]
pub(super) struct Waiver {
    pub(super) place: String,
    pub(super) rule: String,
    pub(super) reason: String,
    pub(super) counts: bool,
}

impl Said {
    pub(super) fn of(rows: &[StepRow]) -> Self {
        let mut said = Self::default();
        for row in rows {
            said.add_block(row);
            said.add_held_back(row);
            if let (Kind::Gate, Some(output)) = (row.kind, &row.output) {
                said.add_findings(row, output);
                said.add_waivers(output);
            }
        }
        // What blocks is read first, and left out last.
        said.findings.sort_by_key(|finding| !finding.blocks);
        said
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.count() == 0
    }

    pub(super) fn count(&self) -> usize {
        self.blocks.len() + self.held_back.len() + self.findings.len() + self.waivers.len()
    }

    fn add_block(&mut self, row: &StepRow) {
        let was_due = !matches!(
            row.reason,
            Some(Reason::Disabled | Reason::NotSelected | Reason::JobFailed | Reason::JobSucceeded)
        );
        if row.kind == Kind::Gate && row.verdict == Some(VerdictWord::Block) && was_due {
            let why = row.why.as_deref().or(row.detail.as_deref()).unwrap_or_default();
            self.blocks.push(Block {
                gate: row.name.clone(),
                evaluated: row.evaluated == Some(true),
                why: why.trim_start_matches("no verdict: ").to_owned(),
            });
        }
    }

    fn add_held_back(&mut self, row: &StepRow) {
        if row.kind == Kind::Action && row.status == Status::Skipped && row.reason == Some(Reason::GateBlocked) {
            let gates = row.blocked_by.iter().flatten().map(|block| block.gate.clone()).collect();
            self.held_back.push(HeldBack { action: row.name.clone(), gates });
        }
    }

    fn add_findings(&mut self, row: &StepRow, output: &Value) {
        let finding = |place: String, rule: &Value, what: &Value, blocks: bool| Finding {
            gate: row.name.clone(),
            place,
            rule: word(rule),
            what: word(what),
            blocks,
        };
        for found in list(&output["findings"]) {
            let place = place(found);
            if found["waived"].is_null() {
                if found["in_baseline"] != true {
                    let blocks = found["blocking"] == true;
                    self.findings.push(finding(place, &found["rule"], &found["what"], blocks));
                }
            } else {
                let (rule, reason) = (word(&found["rule"]), word(&found["waived"]));
                self.waivers.push(Waiver { place, rule, reason, counts: true });
            }
        }
        let left_out = output["findings_left_out"].as_u64().unwrap_or(0);
        self.left_out = self.left_out.saturating_add(usize::try_from(left_out).unwrap_or(usize::MAX));
        for check in list(&output["checks"]) {
            let outcome = check["result"].as_str().unwrap_or_default();
            if outcome == "warn" || outcome == "fail" {
                self.findings.push(finding(String::new(), &check["name"], &check["why"], outcome == "fail"));
            }
        }
        let blocks = row.verdict == Some(VerdictWord::Block);
        for reason in list(&output["reasons"]).filter(|_| blocks) {
            let places: Vec<String> = list(&reason["places"]).map(word).collect();
            self.findings.push(finding(places.join(", "), &reason["rule"], &reason["what"], true));
        }
    }

    /// Waivers that the work brings itself do not count, and somebody should see them.
    fn add_waivers(&mut self, output: &Value) {
        for waiver in list(&output["waivers"]).filter(|waiver| waiver["added_by_diff"] == true) {
            let (rule, reason) = (word(&waiver["rule"]), word(&waiver["reason"]));
            self.waivers.push(Waiver { place: place(waiver), rule, reason, counts: false });
        }
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn word(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn place(value: &Value) -> String {
    let line = value["line"].as_u64().map(|line| format!(":{line}")).unwrap_or_default();
    format!("{}{line}", word(&value["path"]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn gate(verdict: VerdictWord, output: Value) -> StepRow {
        let row = StepRow::new("gate", Kind::Gate, Status::Success);
        StepRow { verdict: Some(verdict), evaluated: Some(true), output: Some(output), ..row }
    }

    #[test]
    fn findings_and_waivers_of_a_scan_are_told_apart() {
        let found = |rule: &str, blocking: bool, waived: Option<&str>, known: bool| {
            json!({ "rule": rule, "what": "w", "path": "a.py", "line": 3, "blocking": blocking, "waived": waived,
                    "in_baseline": known })
        };
        let findings =
            [found("a", false, None, false), found("b", true, None, false), found("c", false, Some("old"), false)];
        let known = found("d", false, None, true);
        let waiver =
            |added: bool| json!({ "rule": "e", "reason": null, "path": "b", "line": 1, "added_by_diff": added });
        let output = json!({
            "findings": findings.into_iter().chain([known]).collect::<Vec<_>>(), "findings_left_out": 7,
            "waivers": [waiver(true), waiver(false)],
        });
        let said = Said::of(&[gate(VerdictWord::Pass, output)]);
        let rules: Vec<(&str, bool)> = said.findings.iter().map(|found| (found.rule.as_str(), found.blocks)).collect();
        assert_eq!(rules, [("b", true), ("a", false)]);
        let waivers: Vec<(&str, &str, bool)> =
            said.waivers.iter().map(|waiver| (&*waiver.place, &*waiver.reason, waiver.counts)).collect();
        assert_eq!(waivers, [("a.py:3", "old", true), ("b:1", "", false)]);
        assert_eq!((said.left_out, said.blocks.len()), (7, 0));
    }

    #[test]
    fn warnings_of_checks_are_told_and_a_scores_reasons_only_if_it_blocks() {
        let check = |result: &str| json!({ "name": result, "result": result, "why": "y" });
        let checks = ["pass", "warn", "skip", "fail"].map(check);
        let output = json!({
            "checks": checks,
            "reasons": [{ "rule": "size", "what": "large", "places": ["a:1", "b:2"] }],
        });
        let rules = |verdict| {
            let said = Said::of(&[gate(verdict, output.clone())]);
            said.findings.into_iter().map(|found| found.rule + &found.place).collect::<Vec<_>>()
        };
        assert_eq!(rules(VerdictWord::Pass), ["fail", "warn"]);
        assert_eq!(rules(VerdictWord::Block), ["fail", "sizea:1, b:2", "warn"]);
    }

    #[test]
    fn a_gate_that_was_not_due_blocks_nothing() {
        let row = |reason| StepRow { reason, ..gate(VerdictWord::Block, Value::Null) };
        assert_eq!(Said::of(&[row(Some(Reason::CircuitOpen)), row(None)]).blocks.len(), 2);
        for reason in [Reason::Disabled, Reason::NotSelected, Reason::JobFailed] {
            assert!(Said::of(&[row(Some(reason))]).is_nothing(), "{reason}");
        }
    }

    #[test]
    fn what_a_step_wrote_down_in_another_form_is_passed_over() {
        for output in
            [json!(null), json!([1]), json!({ "findings": 1, "checks": "x", "reasons": {}, "waivers": [null] })]
        {
            assert!(Said::of(&[gate(VerdictWord::Pass, output)]).is_nothing());
        }
    }
}
