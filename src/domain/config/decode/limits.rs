//! Reading how many sessions go where, and what remotes have in common.

use std::collections::BTreeSet;

use super::fields::{Fields, Value};
use super::{At, Decoder};
use crate::domain::ids::Tag;

/// More than any machine bears: a number that was mistyped does not pass.
const MOST: u32 = 1_000_000;

impl Decoder<'_> {
    /// A number of sessions.
    pub(super) fn count(&mut self, value: &Value<'_>) -> Option<At<u32>> {
        match value.node.scalar::<u32>() {
            Ok(count @ 1..=MOST) => {
                Some(At { value: count, path: value.path.clone(), range: value.node.range() })
            }
            _ => {
                self.wrong_kind(value, "a number from 1 to 1000000");
                None
            }
        }
    }

    /// The same, of a field.
    pub(super) fn most(&mut self, fields: &mut Fields<'_>, name: &'static str) -> Option<u32> {
        let value = fields.take(name)?;
        self.count(&value).map(|at| at.value)
    }

    /// A list of names.
    pub(super) fn tags(&mut self, value: &Value<'_>) -> BTreeSet<Tag> {
        let Ok(items) = value.node.items() else {
            self.wrong_kind(value, "a list of names `[\"…\"]`");
            return BTreeSet::new();
        };
        let at = |(at, node)| Value { node, path: format!("{}[{at}]", value.path) };
        let items: Vec<_> = items.into_iter().enumerate().map(at).collect();
        items.iter().filter_map(|item| Some(self.name::<Tag>(item)?.value)).collect()
    }
}
