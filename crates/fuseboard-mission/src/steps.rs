//! The built-in steps, one file each, and who makes them from their options.

pub mod alert;
pub mod archive;
pub mod bandit;
pub mod budget;
pub mod comment;
pub mod commit;
pub mod diff_scan;
pub mod export;
pub mod hooks;
pub mod lint;
pub mod merge;
pub mod notify;
pub mod quota;
pub mod reflect;
pub mod requeue;
pub mod security;
pub mod session;
pub mod tests;
pub mod usage;
pub mod verify;

use std::sync::Arc;

use fuseboard_pipeline::config::{BuiltIn, ConfigErrors, StepOptions};
use fuseboard_pipeline::pipeline::BuiltIns;
use fuseboard_pipeline::step::Step;

use self::alert::Alert;
use self::archive::Archive;
use self::bandit::Bandit;
use self::budget::Budget;
use self::comment::Comment;
use self::commit::Commit;
use self::diff_scan::DiffScan;
use self::export::Export;
use self::hooks::Hooks;
use self::lint::Lint;
use self::merge::Merge;
use self::notify::Notify;
use self::quota::Quota;
use self::reflect::Reflect;
use self::requeue::Requeue;
use self::security::Security;
use self::session::Session;
use self::tests::Tests;
use self::usage::Usage;
use self::verify::Verify;

/// Makes the built-in steps that this version has.
#[derive(Clone, Copy, Debug, Default)]
pub struct BuiltInSteps;

impl BuiltIns for BuiltInSteps {
    fn make(&self, built_in: &'static BuiltIn, options: &StepOptions) -> Result<Arc<dyn Step>, ConfigErrors> {
        Ok(match built_in.name {
            "usage" => Arc::new(Usage::of(options)?),
            "budget" => Arc::new(Budget::of(options)?),
            "session" => Arc::new(Session::of(options)?),
            "export" => Arc::new(Export::of(options)?),
            "bandit" => Arc::new(Bandit::of(options)?),
            "archive" => Arc::new(Archive::of(options)?),
            "quota" => Arc::new(Quota::of(options)?),
            "alert" => Arc::new(Alert::of(options)?),
            "notify" => Arc::new(Notify::of(options)?),
            "diff-scan" => Arc::new(options.read(DiffScan::read)?),
            "tests" => Arc::new(options.read(Tests::read)?),
            "lint" => Arc::new(options.read(Lint::read)?),
            "verify" => Arc::new(options.read(Verify::read)?),
            "security" => Arc::new(options.read(Security::read)?),
            "merge" => Arc::new(Merge::new(options)?),
            "reflect" => Arc::new(Reflect::of(options)?),
            "comment" => Arc::new(options.read(Comment::read)?),
            "hooks" => Arc::new(Hooks::of(options)?),
            "requeue" => Arc::new(options.read(Requeue::read)?),
            "commit" => Arc::new(Commit::of(options)?),
            name => return Err(options.refuse(&format!("this version has no step `{name}` yet"))),
        })
    }
}
