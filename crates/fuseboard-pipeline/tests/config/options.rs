//! A built-in step's own options.

use fuseboard_pipeline::config::{Spanned, StepOptions, TableReader, Work};

use super::parsed;

fn read(options: &mut TableReader<'_>) -> (Option<String>, bool) {
    let prices = options.filled_text("prices").map(Spanned::into_inner);
    (prices, options.flag("strict").is_some_and(|strict| *strict))
}

fn options_of(text: &str) -> StepOptions {
    match parsed(text).steps.remove(0).work {
        Work::BuiltIn { options, .. } => options,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_step_checks_its_own_options_with_their_places_in_the_file() {
    let text = "[[step]]\nname = 'cost'\nuses = 'usage'\nwith = { prices = 'p.toml', strict = true }\n";
    assert_eq!(options_of(text).read(read).unwrap(), (Some("p.toml".to_owned()), true));
    let text = "[[step]]\nname = 'cost'\nuses = 'usage'\n[step.with]\nprices = 3\nstrikt = true\n";
    assert_eq!(
        options_of(text).read(read).unwrap_err().to_string(),
        "fuseboard.toml:5:10: `prices` must be a text, not 3 (write \"3\")\n\
         fuseboard.toml:6:1: unknown key `strikt` in `with` of step `cost` (did you mean `strict`?)"
    );
}

#[test]
fn a_step_without_options_has_none() {
    let options = options_of("[[step]]\nname = 'cost'\nuses = 'usage'\n");
    assert!(options.is_empty());
    assert_eq!(options.read(read).unwrap(), (None, false));
}

#[test]
fn the_errors_of_several_steps_come_together_in_the_order_of_the_file() {
    let config = parsed(
        "[[step]]\nname = 'a'\nuses = 'usage'\nwith = { x = 1 }\n[[step]]\nname = 'b'\nuses = 'quota'\nwith = { y = 1 }\n",
    );
    let mut errors = config.steps.iter().rev().filter_map(|step| match &step.work {
        Work::BuiltIn { options, .. } => options.read(|_| ()).err(),
        Work::Command(_) | Work::Shell(_) => None,
    });
    let all = errors.next().unwrap().and(errors.next().unwrap());
    let lines: Vec<_> = all.errors().iter().map(|error| error.line).collect();
    assert_eq!(lines, [4, 8]);
}

#[test]
fn a_list_of_commands_is_a_list_of_lists_each_with_a_program() {
    let read = |text: &str| {
        let read = |options: &mut TableReader<'_>| options.commands("run").map(Spanned::into_inner).unwrap_or_default();
        let commands = StepOptions::of_text(text).unwrap().read(read);
        commands.map(|commands| commands.into_iter().map(Spanned::into_inner).collect::<Vec<_>>())
    };
    assert_eq!(read("run = [['a', ''], ['b']]").unwrap(), [vec!["a", ""], vec!["b"]]);
    assert_eq!(read("run = []").unwrap(), Vec::<Vec<String>>::new());
    for (text, told) in [
        ("run = 'a'", "options:1:7: `run` must be a list of lists of texts"),
        ("run = ['a']", "options:1:8: `run` must be a list of lists of texts, not \"a\""),
        ("run = [['a'], [1]]", "options:1:15: `run` must be a text, not 1"),
        ("run = [['a'], []]", "options:1:15: `run` names no program"),
    ] {
        let errors = read(text).unwrap_err().to_string();
        assert!(errors.starts_with(told), "{errors}");
    }
}
