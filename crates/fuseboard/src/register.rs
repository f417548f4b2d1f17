//! The circuits of a board by their names: one policy for each, inherited from the group and the board, and none kept
//! for ever that nobody uses.

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use crate::board::Parts;
use crate::circuit::{Circuit, Shared};
use crate::clock::Moment;
use crate::error::CircuitError;
use crate::name::CircuitName;
use crate::policy::Policy;
use crate::store::Store as _;

/// With fewer circuits than this, nothing is looked for that could be forgotten.
const FEW: usize = 1024;

pub(crate) struct Register {
    parts: Arc<Parts>,
    idle_after: Duration,
    names: RwLock<Names>,
}

struct Names {
    circuits: HashSet<Entry>,
    groups: HashMap<CircuitName, Arc<Policy>>,
    /// With so many circuits it is time to look for idle ones.
    sweep_at: usize,
}

/// A circuit, found by its name.
struct Entry {
    shared: Arc<Shared>,
    /// When it was last asked for, on the board's clock.
    asked: AtomicI64,
}

/// Which policy a circuit is asked for with.
#[derive(Clone, Copy)]
pub(crate) enum Wanted {
    /// The one that it inherits.
    Inherited,
    /// One of its own.
    Own(Policy),
    /// The one that it is in use with, else the one that it inherits.
    #[cfg(feature = "macros")]
    InUse,
}

impl Register {
    pub(crate) fn new(parts: Arc<Parts>, idle_after: Duration) -> Self {
        let names = Names { circuits: HashSet::new(), groups: HashMap::new(), sweep_at: FEW };
        Self { parts, idle_after, names: RwLock::new(names) }
    }

    /// The circuit of this name, made if there is none.
    pub(crate) fn circuit(&self, name: &str, wanted: Wanted) -> Result<Circuit, CircuitError> {
        if let Some(found) = self.find(name, wanted) {
            return found;
        }
        let name = CircuitName::new(name)?;
        let inherited = self.inherited(&name);
        let policy = match wanted {
            Wanted::Own(policy) if policy != *inherited => Arc::new(policy),
            _ => inherited,
        };
        // The store is asked while no lock is held.
        let made = Circuit::new(name.clone(), policy, self.parts.clone());
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        let asked = AtomicI64::new(self.parts.clock.coarse().0);
        let is_new = names.circuits.insert(Entry { shared: made.shared.clone(), asked });
        let is_time = names.circuits.len() >= names.sweep_at;
        drop(names);
        if is_time {
            self.evict_idle();
        }
        if is_new { Ok(made) } else { self.find(name.as_str(), wanted).unwrap_or(Ok(made)) }
    }

    fn find(&self, name: &str, wanted: Wanted) -> Option<Result<Circuit, CircuitError>> {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        let Entry { shared, asked } = names.circuits.get(name)?;
        let is_wanted = match wanted {
            Wanted::Inherited => {
                let inherited = names.inherited(name, &self.parts.policy);
                Arc::ptr_eq(&shared.policy, inherited) || shared.policy == *inherited
            }
            Wanted::Own(policy) => *shared.policy == policy,
            #[cfg(feature = "macros")]
            Wanted::InUse => true,
        };
        if !is_wanted {
            return Some(Err(CircuitError::AnotherPolicy(shared.name.clone())));
        }
        asked.store(self.parts.clock.coarse().0, Ordering::Relaxed);
        Some(Ok(Circuit::over(shared.clone())))
    }

    /// The policy of a circuit that has none of its own.
    fn inherited(&self, name: &CircuitName) -> Arc<Policy> {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        names.inherited(name.as_str(), &self.parts.policy).clone()
    }

    /// Gives a group its policy, if it has none yet.
    pub(crate) fn group(&self, name: CircuitName, policy: Policy) -> Result<(), CircuitError> {
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        if **names.groups.entry(name.clone()).or_insert_with(|| Arc::new(policy)) == policy {
            Ok(())
        } else {
            Err(CircuitError::AnotherGroupPolicy(name))
        }
    }

    /// Forgets the circuits that are idle, and says how many.
    pub(crate) fn evict_idle(&self) -> usize {
        let now = self.parts.clock.coarse();
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        // Under this lock nobody takes one that does not hold it already.
        let idle = |entry: &Entry| {
            let asked = Moment(entry.asked.load(Ordering::Relaxed));
            Arc::strong_count(&entry.shared) == 1 && now.since(asked) >= self.idle_after && entry.shared.is_idle()
        };
        let evicted: Vec<CircuitName> =
            names.circuits.extract_if(idle).map(|entry| entry.shared.name.clone()).collect();
        names.sweep_at = FEW.max(names.circuits.len() * 2);
        drop(names);
        for name in &evicted {
            self.parts.store.evict(name);
            self.parts.memory.evict(name);
        }
        evicted.len()
    }
}

impl Names {
    fn inherited<'a>(&'a self, name: &str, board: &'a Arc<Policy>) -> &'a Arc<Policy> {
        let group = name.split_once('/').filter(|_| !self.groups.is_empty());
        group.and_then(|(group, _)| self.groups.get(group)).unwrap_or(board)
    }
}

impl Borrow<str> for Entry {
    fn borrow(&self) -> &str {
        self.shared.name.as_str()
    }
}

impl Hash for Entry {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.shared.name.as_str().hash(state);
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.shared.name == other.shared.name
    }
}

impl Eq for Entry {}
