//! What steps wait for must be there, and must come.

use fuseboard_pipeline::config::MAX_ERRORS;

use super::{complaint, complaints, gate, parsed};

fn action(name: &str, keys: &str) -> String {
    format!("[[step]]\nname = '{name}'\nkind = 'action'\nrun = ['true']\n{keys}\n")
}

#[test]
fn merge_must_be_gated() {
    let merge = |keys: &str| format!("{}[[step]]\nname = 'm'\nuses = 'merge'\n{keys}\n", gate(""));
    assert_eq!(complaint(&merge("")), "6:1: this step must be gated, and no gate is named (name gates in `gated_by`)");
    assert_eq!(complaint(&merge("gated_by = []")), "9:12: `gated_by` is empty (name a gate, or leave it out)");
    assert_eq!(
        complaint(&merge("gated = false\ngated_by = ['lint']")),
        "9:9: `merge` is always gated (leave `gated` out)"
    );
    assert!(parsed(&merge("gated_by = ['lint']")).steps[1].waits.gated);
}

#[test]
fn any_step_that_says_gated_must_name_a_gate() {
    assert_eq!(
        complaint(&action("x", "gated = true")),
        "1:1: this step must be gated, and no gate is named (name gates in `gated_by`)"
    );
}

#[test]
fn only_a_gate_that_can_block_holds_a_step_back() {
    let gated = |first: &str, gate: &str| format!("{first}{}", action("x", &format!("gated_by = ['{gate}']")));
    assert_eq!(complaint(&gated(&gate(""), "lnt")), "10:13: there is no step `lnt` (did you mean `lint`?)");
    assert_eq!(
        complaint(&gated(&gate("advisory = true"), "lint")),
        "10:13: `lint` is advisory, so it holds nothing back (remove its `advisory`, or leave it out here)"
    );
    assert_eq!(
        complaint(&gated(&action("other", ""), "other")),
        "10:13: `other` is an action, and only gates can hold a step back (write it in `after` to wait for it)"
    );
    assert_eq!(complaint(&gated("", "x")), "5:13: `x` waits for itself");
}

#[test]
fn the_nearest_name_offered_as_a_gate_is_a_gates() {
    let text = format!("{}{}{}", action("lin", ""), gate(""), action("x", "gated_by = ['linn']"));
    assert!(complaint(&text).ends_with("(did you mean `lint`?)"));
}

#[test]
fn a_gate_that_is_declared_wrongly_is_not_called_missing() {
    let text = format!("[[step]]\nname = 'lint'\nrun = ['true']\n{}", action("x", "gated_by = ['lint']"));
    assert!(complaint(&text).contains("`kind` is missing in step `lint`"));
}

#[test]
fn each_cycle_is_told_once_and_in_whole() {
    let two = action("a", "after = ['b']") + &action("b", "after = ['a']");
    assert_eq!(complaint(&two), "10:10: steps wait for each other: `a` → `b` → `a`");
    let through_a_gate = gate("after = ['x']") + &action("x", "gated_by = ['lint']");
    assert!(complaint(&through_a_gate).contains("`lint` → `x` → `lint`"));
    let with_a_tail = two.clone() + &action("c", "after = ['b']") + &action("d", "after = ['c']");
    assert!(complaint(&with_a_tail).contains("`a` → `b` → `a`"));
    let two_cycles = two + &action("c", "after = ['d']") + &action("d", "after = ['c']");
    assert_eq!(complaints(&two_cycles).len(), 2);
}

#[test]
fn a_long_cycle_is_shortened() {
    let step = |n: usize| action(&format!("s{n:02}"), &format!("after = ['s{:02}']", (n + 1) % 50));
    let text = complaint(&(0..50).map(step).collect::<String>());
    assert!(text.contains("`s00` → `s01`") && text.ends_with("`s09` → … → `s00`"), "{text}");
}

#[test]
fn a_diamond_is_no_cycle() {
    let text = action("a", "") + &action("b", "after = ['a']") + &action("c", "after = ['a']");
    assert_eq!(parsed(&(text + &action("d", "after = ['b', 'c', 'b']"))).steps.len(), 4);
}

#[test]
fn nothing_waits_for_what_starts_last() {
    let text = format!("[[step]]\nname = 'tell'\nuses = 'notify'\n{}", action("x", "after = ['tell']"));
    assert_eq!(
        complaint(&text),
        "8:10: `tell` starts when all other steps have ended, so `x` cannot wait for it (give this step `last = true`, or the other `last = false`)"
    );
    assert_eq!(parsed(&text.replace("'notify'", "'notify'\nlast = false")).steps.len(), 2);
    assert_eq!(parsed(&(text + "last = true\n")).steps.len(), 2);
}

#[test]
fn a_file_full_of_cycles_ends_soon() {
    let all: Vec<String> = (0..300).map(|n| format!("'s{n}'")).collect();
    let text: String = (0..300).map(|n| action(&format!("s{n}"), &format!("after = [{}]", all.join(",")))).collect();
    assert_eq!(complaints(&text).len(), MAX_ERRORS);
}
