//! What the catalogue says about a code.

use crate::domain::failure::{Disposition, Stage};

/// The entry of one code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The code, such as `ssh.auth.denied`. It never changes.
    pub code: &'static str,
    /// Where on the way it happens.
    pub stage: Stage,
    /// What happens next by itself.
    pub disposition: Disposition,
    /// What happened, in a few words.
    pub title: &'static str,
    /// How it comes about, in a paragraph.
    pub why: &'static str,
    /// What to type.
    pub remedy: Remedy,
}

/// What mends a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Lines to type, with slots (see `template`); a line that starts with
    /// `#` says something instead, and a shell passes over it.
    Type(&'static str),
    /// There is nothing to type, because.
    Nothing(&'static str),
}

/// Makes one group of codes: an enum, and the entry of each of its variants.
macro_rules! group {
    ($(#[$doc:meta])* $group:ident {
        $($variant:ident = $code:literal, $stage:ident, $disposition:ident,
            $title:literal, $why:literal, $remedy:ident($text:literal);)*
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $group {
            $(#[doc = concat!("`", $code, "`: ", $title, ".")] $variant,)*
        }

        impl $group {
            /// All codes of the group, in the order of the way to a session.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The code's entry.
            #[must_use]
            pub const fn entry(self) -> &'static $crate::domain::failure::catalogue::Entry {
                match self {
                    $(Self::$variant => &$crate::domain::failure::catalogue::Entry {
                        code: $code,
                        stage: $crate::domain::failure::Stage::$stage,
                        disposition: $crate::domain::failure::Disposition::$disposition,
                        title: $title,
                        why: $why,
                        remedy: $crate::domain::failure::catalogue::Remedy::$remedy($text),
                    },)*
                }
            }
        }
    };
}
pub(super) use group;
