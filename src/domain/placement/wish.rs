//! How one of several remotes is asked for, or all of them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::config::Config;
use crate::domain::ids::{RemoteName, Tag};

/// `any:TAG` and `all:TAG`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wish {
    /// One of those that have the tag.
    Any(Tag),
    /// Each of those that have the tag.
    All(Tag),
}

impl Wish {
    /// The wish that `given` is; `None` for a remote's name and for a
    /// destination. `any:22` is a port of the host `any`.
    #[must_use]
    pub fn parse(given: &str) -> Option<Self> {
        let (how, tag) = given.split_once(':')?;
        if tag.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let tag = tag.parse().ok()?;
        match how {
            "any" => Some(Self::Any(tag)),
            "all" => Some(Self::All(tag)),
            _ => None,
        }
    }

    /// The tag.
    #[must_use]
    pub fn tag(&self) -> &Tag {
        match self {
            Self::Any(tag) | Self::All(tag) => tag,
        }
    }
}

impl fmt::Display for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any(tag) => write!(f, "any:{tag}"),
            Self::All(tag) => write!(f, "all:{tag}"),
        }
    }
}

/// The remotes that have a tag and may be used, by name; with no tag, all that
/// may be used.
pub fn tagged<'a>(
    config: &'a Config,
    tag: Option<&'a Tag>,
) -> impl Iterator<Item = &'a RemoteName> {
    let fits =
        move |tags: &std::collections::BTreeSet<Tag>| tag.is_none_or(|tag| tags.contains(tag));
    let usable = config.remotes.iter().filter(|(_, remote)| remote.enabled);
    usable.filter(move |(_, remote)| fits(&remote.tags)).map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::config::Remote;

    #[test]
    fn a_wish_is_told_from_a_remote_and_from_a_destination() {
        let gpu = || "gpu".parse().expect("a tag");
        for (given, expected) in [
            ("any:gpu", Some(Wish::Any(gpu()))),
            ("all:gpu", Some(Wish::All(gpu()))),
            ("any:22", None),
            ("any", None),
            ("any:", None),
            ("any:a b", None),
            ("box:gpu", None),
            ("me@any:22", None),
        ] {
            assert_eq!(Wish::parse(given), expected, "{given}");
            if let Some(wish) = expected {
                assert_eq!(wish.to_string(), given);
            }
        }
    }

    #[test]
    fn only_remotes_that_may_be_used_are_chosen_from() {
        let mut config = Config::default();
        let gpu: Tag = "gpu".parse().expect("a tag");
        for (name, tags, enabled) in
            [("a", vec![&gpu], true), ("b", vec![&gpu], false), ("c", vec![], true)]
        {
            let tags = tags.into_iter().cloned().collect();
            let remote = Remote { tags, enabled, ..Remote::new("h") };
            config.remotes.insert(name.parse().expect("a name"), remote);
        }
        let names = |tag| tagged(&config, tag).map(RemoteName::as_str).collect::<Vec<_>>();
        assert_eq!(names(Some(&gpu)), ["a"]);
        assert_eq!(names(None), ["a", "c"]);
    }
}
