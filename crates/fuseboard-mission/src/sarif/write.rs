//! The findings of a scan as one SARIF run.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use fuseboard_pipeline::config::Word as _;
use fuseboard_pipeline::redact::Redactor;
use serde_json::{Value, json};

use super::{FINGERPRINT, TOP, VERSION};
use crate::scan::{Finding, Findings, Rule};

/// What stands beside the findings.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// The commit from which the work was compared.
    pub base: &'a str,
    /// The commit that was judged.
    pub head: &'a str,
    /// Takes secrets out of what is shown.
    pub redactor: &'a Redactor,
}

/// The findings as a SARIF document. No part of a credential is in it: it holds what [`Finding::shown`] has, without
/// the secrets that the redactor knows.
pub fn write(findings: &Findings, written: Written<'_>) -> Value {
    let rules: BTreeMap<&str, &Rule> = findings.kept().iter().map(|finding| (finding.rule.id, finding.rule)).collect();
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": VERSION,
        "runs": [{
            "tool": {"driver": {
                "name": "fuseboard",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.values().map(|rule| of_rule(rule)).collect::<Vec<_>>(),
            }},
            "invocations": [{"executionSuccessful": true}],
            "results": findings.kept().iter().map(|finding| result(finding, written.redactor)).collect::<Vec<_>>(),
            "properties": {"base": written.base, "head": written.head, "leftOut": findings.left_out()},
        }],
    })
}

fn of_rule(rule: &Rule) -> Value {
    json!({
        "id": rule.id,
        "shortDescription": {"text": rule.what},
        "defaultConfiguration": {"level": rule.severity.as_str()},
        "properties": {"group": rule.group.as_str()},
    })
}

fn result(finding: &Finding, redactor: &Redactor) -> Value {
    let (path, shown) = (redactor.redact(&finding.path), redactor.redact(&finding.shown));
    let said = if shown.is_empty() { String::new() } else { format!(": {shown}") };
    let mut location = json!({"artifactLocation": {"uri": encoded(&path), "uriBaseId": TOP}});
    if let Some(line) = finding.line {
        location["region"] = json!({"startLine": line});
    }
    let mut result = json!({
        "ruleId": finding.rule.id,
        "level": finding.rule.severity.as_str(),
        "message": {"text": format!("{}{said}", finding.rule.what)},
        "locations": [{"physicalLocation": location}],
        "properties": {"blocking": finding.blocking},
    });
    // A digest could be tried against guesses: there is none of what has to be hidden.
    if shown == finding.shown && path == finding.path {
        result["partialFingerprints"] = json!({FINGERPRINT: finding.fingerprint()});
    }
    if let Some(reason) = &finding.waived {
        result["suppressions"] = json!([{"kind": "inSource", "justification": redactor.redact(reason)}]);
    } else if finding.in_baseline {
        result["suppressions"] = json!([{"kind": "external", "justification": "it stands in the baseline"}]);
    }
    result
}

/// RFC 3986: what is not unreserved is encoded, slashes excepted.
fn encoded(path: &str) -> String {
    path.bytes().fold(String::with_capacity(path.len()), |mut uri, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}"); // writing to a String cannot fail
        }
        uri
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_an_address_without_a_scheme() {
        assert_eq!(encoded("src/a b#?%:ä.py"), "src/a%20b%23%3F%25%3A%C3%A4.py");
    }
}
