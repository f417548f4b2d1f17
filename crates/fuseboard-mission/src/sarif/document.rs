//! The parts of a SARIF document that are looked at, with the names of the standard.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Most entries of a list that is kept while the document is read.
const MOST: usize = 1000;

/// Most names of an object whose names are anybody's.
const MOST_NAMES: usize = 100;

/// Longest name of a tool or a rule, in bytes.
const LONGEST_NAME: usize = 4096;

/// Most rules of one tool.
const MOST_RULES: usize = 10_000;

/// How bad a result is (3.27.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// It does not say; of results that are no failures.
    None,
    /// Worth a look.
    Note,
    /// A problem; also what a result is whose level nobody tells.
    Warning,
    /// A serious problem.
    Error,
}

#[derive(Deserialize)]
pub(super) struct Document<'a> {
    pub(super) version: String,
    #[serde(borrow)]
    pub(super) runs: AtMost<Run<'a>, MOST>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Run<'a> {
    pub(super) tool: Tool,
    pub(super) invocations: Option<AtMost<Invocation, MOST>>,
    pub(super) original_uri_base_ids: Option<Named<Artifact>>,
    pub(super) external_property_file_references: Option<Elsewhere>,
    /// Read one by one, when all else is known.
    #[serde(borrow)]
    pub(super) results: Option<&'a RawValue>,
}

/// Parts of a run that lie in files of their own.
#[derive(Deserialize)]
pub(super) struct Elsewhere {
    pub(super) results: Option<IgnoredAny>,
    pub(super) invocations: Option<IgnoredAny>,
}

#[derive(Deserialize)]
pub(super) struct Tool {
    pub(super) driver: Component,
    pub(super) extensions: Option<AtMost<Component, MOST>>,
}

#[derive(Deserialize)]
pub(super) struct Component {
    pub(super) name: Name,
    pub(super) rules: Option<AtMost<Descriptor, MOST_RULES>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    pub(super) id: Name,
    pub(super) default_configuration: Option<Configuration>,
    pub(super) properties: Option<Properties>,
}

#[derive(Deserialize)]
pub(super) struct Configuration {
    pub(super) level: Option<Level>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Invocation {
    pub(super) execution_successful: Option<bool>,
    pub(super) tool_execution_notifications: Option<AtMost<Notification, MOST_RULES>>,
    pub(super) tool_configuration_notifications: Option<AtMost<Notification, MOST_RULES>>,
}

#[derive(Deserialize)]
pub(super) struct Notification {
    pub(super) level: Option<Level>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    pub(super) rule_id: Option<Name>,
    pub(super) rule_index: Option<i64>,
    pub(super) rule: Option<RuleReference>,
    pub(super) kind: Option<String>,
    pub(super) level: Option<Level>,
    pub(super) baseline_state: Option<String>,
    pub(super) locations: Option<AtMost<Location, MOST>>,
    /// They are counted only.
    pub(super) suppressions: Option<Vec<IgnoredAny>>,
    pub(super) partial_fingerprints: Option<Fingerprints>,
    pub(super) properties: Option<Properties>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RuleReference {
    pub(super) id: Option<Name>,
    /// There if the rule is one of an extension.
    pub(super) tool_component: Option<IgnoredAny>,
}

#[derive(Deserialize)]
pub(super) struct Fingerprints {
    #[serde(rename = "fuseboard/v1")]
    pub(super) ours: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Location {
    pub(super) physical_location: Option<PhysicalLocation>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PhysicalLocation {
    pub(super) artifact_location: Option<Artifact>,
    pub(super) region: Option<Region>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Artifact {
    pub(super) uri: Option<String>,
    pub(super) uri_base_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Region {
    pub(super) start_line: Option<u64>,
    pub(super) end_line: Option<u64>,
}

/// What GitHub reads of a property bag: docs.github.com, "SARIF support for code scanning".
#[derive(Deserialize)]
pub(super) struct Properties {
    #[serde(rename = "security-severity")]
    pub(super) severity: Option<Severity>,
}

/// A number from 0 to 10, written as a text, or as a number.
#[derive(Clone, Copy)]
pub(super) struct Severity(pub(super) f64);

impl<'de> Deserialize<'de> for Severity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Text(String),
            Number(f64),
        }
        let number = match Written::deserialize(deserializer)? {
            Written::Text(text) => text.trim().parse().ok(),
            Written::Number(number) => Some(number),
        };
        let number = number.filter(|number| (0.0..=10.0).contains(number));
        number.map(Self).ok_or_else(|| D::Error::custom("security-severity is no number from 0 to 10"))
    }
}

/// A text that is copied and compared for each result, so that it must not be long.
#[derive(Clone)]
pub(super) struct Name(pub(super) String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.len() > LONGEST_NAME {
            return Err(D::Error::custom(format!("a name has more than {LONGEST_NAME} bytes")));
        }
        Ok(Self(text))
    }
}

/// A list of at most `N` entries.
pub(super) struct AtMost<T, const N: usize>(pub(super) Vec<T>);

impl<'de, T: Deserialize<'de>, const N: usize> Deserialize<'de> for AtMost<T, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List<T, const N: usize>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>, const N: usize> Visitor<'de> for List<T, N> {
            type Value = Vec<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a list of at most {N} entries")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Vec<T>, A::Error> {
                let mut list = Vec::new();
                while let Some(entry) = entries.next_element()? {
                    if list.len() == N {
                        return Err(A::Error::custom(format!("a list has more than {N} entries")));
                    }
                    list.push(entry);
                }
                Ok(list)
            }
        }

        deserializer.deserialize_seq(List::<T, N>(PhantomData)).map(Self)
    }
}

/// An object whose names are anybody's; none stands in it twice.
pub(super) struct Named<T>(pub(super) Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
            type Value = Vec<(String, T)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "an object of at most {MOST_NAMES} names")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
                let mut named: Self::Value = Vec::new();
                while let Some((name, value)) = entries.next_entry::<String, T>()? {
                    if named.len() == MOST_NAMES || named.iter().any(|(known, _)| *known == name) {
                        return Err(A::Error::custom("a name stands twice in an object, or it has too many"));
                    }
                    named.push((name, value));
                }
                Ok(named)
            }
        }

        deserializer.deserialize_map(Object(PhantomData)).map(Self)
    }
}
