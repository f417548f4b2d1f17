//! What is known of one call before it is made.

use std::sync::Arc;
use std::time::Duration;

use crate::outcome::Fingerprint;
use crate::policy::{LONGEST, Policy};

/// Added to a guard's timeout and grace for its probe's lease.
const LEASE_MARGIN: Duration = Duration::from_secs(5);

/// What is known of one call before it is made. [`Call::default`] knows nothing.
#[derive(Clone, Debug, Default)]
pub struct Call {
    fingerprint: Option<Fingerprint>,
    limit: Option<Duration>,
    run: Option<Arc<str>>,
    kept: bool,
}

impl Call {
    /// What the call runs, so that mended work is tried at once.
    #[must_use]
    pub fn of(mut self, fingerprint: Option<Fingerprint>) -> Self {
        self.fingerprint = fingerprint;
        self
    }

    /// The call is ended after `timeout` and `grace`: a probe's lease is that and 5 s, but at most
    /// 365 days. Without a limit the
    /// lease is the policy's, and has to be renewed ([`Permit::keep_alive`](crate::Permit::keep_alive)).
    #[must_use]
    pub fn limited_to(mut self, timeout: Duration, grace: Duration) -> Self {
        self.limit = Some(timeout.saturating_add(grace));
        self
    }

    /// The pipeline's run that the call belongs to.
    #[must_use]
    pub fn in_run(mut self, run: Option<&str>) -> Self {
        self.run = run.map(Arc::from);
        self
    }

    /// Keeps the call's outcome as a row of the store's history.
    #[must_use]
    pub fn kept(mut self) -> Self {
        self.kept = true;
        self
    }

    pub(crate) fn is_limited(&self) -> bool {
        self.limit.is_some()
    }

    pub(crate) fn fingerprint(&self) -> Option<&Fingerprint> {
        self.fingerprint.as_ref()
    }

    pub(crate) fn lease(&self, policy: &Policy) -> Duration {
        self.limit.map_or(policy.lease(), |limit| limit.saturating_add(LEASE_MARGIN).min(LONGEST))
    }

    pub(crate) fn run(&self) -> Option<&Arc<str>> {
        self.run.as_ref()
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.kept
    }
}
