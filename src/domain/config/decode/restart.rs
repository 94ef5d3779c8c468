//! Reading when a session is started anew.

use super::fields::Value;
use super::{Decoder, Finding};
use crate::domain::config::node::Kind;
use crate::domain::config::problem::ProblemKind;
use crate::domain::nearest::nearest;
use crate::domain::session::{RestartPolicy, Retry};

const EXPECTED: &str = "`Never`, `OnFailure`, `OnLost` or `OnFailure(limit: 3, backoff: \"10s\")`";
const CHOICES: &[&str] =
    &["Never", "OnFailure(limit: 3, backoff: \"10s\")", "OnLost(limit: 3, backoff: \"10s\")"];
const NAMES: &[&str] = &["Never", "OnFailure", "OnLost"];
const FIELDS: &[&str] = &["limit", "backoff"];
/// As many attempts as make sense to nobody, and a number that was mistyped
/// does not pass.
const MOST: u32 = 1_000;

impl Decoder<'_> {
    /// `Never`; `OnFailure` or `OnLost`, each with or without its fields.
    pub(super) fn restart(&mut self, value: &Value<'_>) -> Option<RestartPolicy> {
        let Some((name, name_at)) =
            value.node.name().filter(|_| value.node.kind() == Kind::Variant)
        else {
            self.wrong_kind(value, EXPECTED);
            return None;
        };
        let Some(known) = NAMES.iter().copied().find(|known| *known == name) else {
            self.out.findings.push(Finding {
                kind: ProblemKind::UnknownVariant {
                    name: name.to_owned(),
                    nearest: nearest(name, NAMES, |known| known).copied(),
                    known: CHOICES,
                },
                path: value.path.clone(),
                range: name_at,
                related: None,
            });
            return None;
        };
        let bare = value.node.variant().is_ok_and(|variant| variant.payload.is_none());
        let retry = match (known, bare) {
            ("Never", true) => return Some(RestartPolicy::Never),
            ("Never", false) => {
                self.wrong_kind(value, EXPECTED);
                return None;
            }
            (_, true) => Retry::default(),
            (_, false) => self.retry(value, known)?,
        };
        Some(match known {
            "OnLost" => RestartPolicy::OnLost(retry),
            _ => RestartPolicy::OnFailure(retry),
        })
    }

    fn retry(&mut self, value: &Value<'_>, name: &'static str) -> Option<Retry> {
        let mut retry = Retry::default();
        let mut fields = self.fields(value, name, "a restart policy", FIELDS)?;
        if let Some(limit) = fields.take("limit") {
            match limit.node.scalar::<u32>() {
                Ok(count @ 1..=MOST) => retry.limit = count,
                _ => self.wrong_kind(&limit, "a number from 1 to 1000"),
            }
        }
        if let Some(backoff) = fields.take("backoff").and_then(|value| self.duration(&value)) {
            retry.backoff_s = backoff.value.as_secs();
        }
        Some(retry)
    }
}
