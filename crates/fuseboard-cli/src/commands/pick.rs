//! `pick`: draws the next arm by what `bandit` has learned of each.

use std::collections::BTreeMap;

use fuseboard_mission::arms::{Arm, ArmSets, Draw, Drawn, arm_name, draw, new_seed};
use fuseboard_pipeline::process::plain_text;
use serde_json::{Value, json};

use crate::Failed;
use crate::args::{Format, PickArgs};
use crate::exit_code::ExitCode;
use crate::home;
use crate::settings::Settings;
use crate::show;

pub(crate) fn pick(settings: &Settings, args: &PickArgs) -> Result<ExitCode, Failed> {
    let known = ArmSets::in_state_folder(&home::state_folder()).load(&args.set);
    let known = known.map_err(|error| Failed::new(ExitCode::NoStore, error))?;
    let arms = if args.arms.is_empty() { known } else { given(&args.arms, &known)? };
    let seed = match args.seed {
        Some(seed) => seed,
        None => new_seed().map_err(|error| Failed::new(ExitCode::NoStore, error))?,
    };
    let Some(draw) = draw(&arms, seed) else {
        let message = format!(
            "the set {} knows no arm yet: name some (fuseboard pick ARM ARM), or let a step `bandit` learn of them",
            args.set
        );
        return Err(Failed::new(ExitCode::Usage, message));
    };
    match settings.format {
        Format::Json => settings.console.data(&show::json_line(&answer(&draw, seed))),
        Format::Text => {
            for line in lines(&draw, seed) {
                settings.console.detail(line);
            }
            settings.console.data(&plain_text(&draw.picked));
        }
    }
    Ok(ExitCode::Done)
}

/// Only the arms that were named; those never seen are new.
fn given(names: &[String], known: &BTreeMap<String, Arm>) -> Result<BTreeMap<String, Arm>, Failed> {
    let arm = |name: &String| {
        let name = arm_name(name).ok_or_else(|| Failed::new(ExitCode::Usage, format_args!("{name:?} names no arm")))?;
        let arm = known.get(&name).copied().unwrap_or(Arm::NEW);
        Ok((name, arm))
    };
    names.iter().map(arm).collect()
}

/// For who wants to know why.
fn lines(draw: &Draw, seed: u64) -> Vec<String> {
    let arm = |drawn: &Drawn| {
        let (arm, sample) = (drawn.arm, drawn.sample);
        format!("{}: drew {sample:.3} of {:.1} to {:.1}, mean {:.3}", drawn.name, arm.alpha, arm.beta, arm.mean())
    };
    draw.arms.iter().map(arm).chain([format!("the same again: --seed {seed}")]).collect()
}

fn answer(draw: &Draw, seed: u64) -> Value {
    let arms: Vec<Value> = draw
        .arms
        .iter()
        .map(|drawn| {
            json!({
                "name": drawn.name,
                "alpha": drawn.arm.alpha,
                "beta": drawn.arm.beta,
                "mean": drawn.arm.mean(),
                "sample": drawn.sample,
            })
        })
        .collect();
    json!({"schema": "fuseboard.pick/1", "picked": draw.picked, "arms": arms, "seed": seed})
}
