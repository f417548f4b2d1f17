//! What a step must say, and what it cannot.

use fuseboard_pipeline::config::{IfAbsent, Work};

use super::{complaint, complaints, gate, parsed};

fn step(keys: &str) -> String {
    format!("[[step]]\n{keys}\n")
}

#[test]
fn a_step_has_a_name_of_its_own() {
    assert_eq!(complaint(&step("uses = 'usage'")), "1:1: `name` is missing in [[step]]");
    assert_eq!(
        complaint(&step("name = 'app/x'\nuses = 'usage'")),
        "2:8: a step's name has no project in it (write \"x\"; `scope` decides whose circuit it is)"
    );
    let twice = format!("{}{}", gate(""), gate(""));
    assert_eq!(complaint(&twice), "7:8: there is a step `lint` already, in line 2");
}

#[test]
fn a_step_is_built_in_or_a_command() {
    let advice = "(write uses = \"…\" for a built-in step, or run = [\"program\", \"argument\"])";
    assert!(
        complaints(&step("name = 'x'\nkind = 'gate'"))
            .contains(&format!("1:1: this step has neither `uses` nor `run` {advice}"))
    );
    assert_eq!(
        complaint(&step("name = 'x'\nuses = 'usage'\nrun = ['x']")),
        "4:1: `run` is not possible in step `x`: `uses` is there too (keep one of them)"
    );
    assert_eq!(
        complaint(&step("name = 'x'\nuses = 'mergee'")),
        "3:8: there is no built-in step `mergee` (did you mean `merge`?)"
    );
    assert!(complaint(&step("name = 'x'\nuses = 'xyzzy'")).contains("(built-in steps are usage, budget,"));
}

#[test]
fn a_command_says_its_kind_and_a_built_in_step_has_one() {
    assert_eq!(
        complaint(&step("name = 'x'\nrun = ['true']")),
        "1:1: `kind` is missing in step `x` (write kind = \"recorder\", \"gate\" or \"action\")"
    );
    assert_eq!(
        complaint(&step("name = 'x'\nuses = 'usage'\nkind = 'gate'")),
        "4:8: `usage` is a recorder (leave `kind` out)"
    );
    assert_eq!(parsed(&step("name = 'x'\nuses = 'usage'\nkind = 'recorder'")).steps.len(), 1);
}

#[test]
fn a_command_is_a_list_unless_a_shell_was_asked_for() {
    let run = |run: &str| complaint(&step(&format!("name = 'x'\nkind = 'action'\n{run}")));
    assert_eq!(
        run("run = 'make'"),
        "4:7: `run` must be a list of texts (write a list such as [\"program\", \"argument\"])"
    );
    assert_eq!(run("run = []"), "4:7: `run` names no program");
    assert_eq!(run("run = ['']"), "4:7: `run` names no program");
    assert_eq!(run("run = [\"a\\u0000b\"]"), "4:8: `run` contains a NUL character");
    assert_eq!(run("run = ['a']\nshell = true"), "4:7: `run` must be a text, not a list");
    assert_eq!(
        run("run = ['a']\nwith = { x = 1 }"),
        "5:1: `with` is not possible in step `x`: options are for built-in steps (pass a command's arguments in `run`)"
    );
    let config = parsed(&step("name = 'x'\nkind = 'action'\nrun = ['printf', '']"));
    assert_eq!(config.steps[0].work, Work::Command(vec!["printf".to_owned(), String::new()]));
}

#[test]
fn what_is_about_gates_is_refused_for_others() {
    for (key, value) in [("advisory", "true"), ("if_absent", "'pass'"), ("block_codes", "[1]")] {
        assert_eq!(
            complaint(&step(&format!("name = 'x'\nuses = 'usage'\n{key} = {value}"))),
            format!("4:1: `{key}` is not possible in step `x`: it is about gates, and this is a recorder")
        );
    }
}

#[test]
fn the_scans_are_never_absent() {
    for uses in ["diff-scan", "security"] {
        assert_eq!(
            complaint(&step(&format!("name = 'x'\nuses = '{uses}'\nif_absent = 'pass'"))),
            format!("4:13: `if_absent = \"pass\"` is not possible for `{uses}`: it always applies (leave it out)")
        );
    }
    assert_eq!(parsed(&step("name = 'x'\nuses = 'tests'\nif_absent = 'pass'")).steps[0].if_absent, IfAbsent::Pass);
}

#[test]
fn too_many_steps_are_refused_before_they_cost_anything() {
    let text: String = (0..600).map(|n| step(&format!("name = 's{n}'\nuses = 'usage'"))).collect();
    assert_eq!(complaint(&text), "1501:1: more than 500 steps");
}
