//! Reading `retention`: how long things are kept, and how much of them.

use std::time::Duration;

use super::fields::Value;
use super::{At, Decoder};
use crate::domain::config::problem::ProblemKind;
use crate::domain::max_output::bytes;
use crate::domain::retention::Retention;

const FIELDS: &[&str] = &["spool_grace", "mirror_age", "mirror_size"];
/// What stands for no limit.
const NEVER: &str = "never";

impl Decoder<'_> {
    /// What is left out is as usual.
    pub(super) fn retention(&mut self, value: &Value<'_>) -> Option<At<Retention>> {
        let mut fields = self.fields(value, "Retention", "retention", FIELDS)?;
        let mut retention = Retention::default();
        if let Some(grace) = fields.take("spool_grace").and_then(|value| self.time(&value)) {
            retention.spool_grace = grace;
        }
        if let Some(age) = fields.take("mirror_age").and_then(|value| self.time(&value)) {
            retention.mirror_age = age;
        }
        if let Some(size) = fields.take("mirror_size").and_then(|value| self.room(&value)) {
            retention.mirror_size = size;
        }
        Some(At { value: retention, path: value.path.clone(), range: value.node.range() })
    }

    /// A time after which something is removed; `Some(None)` is never.
    fn time(&mut self, value: &Value<'_>) -> Option<Option<Duration>> {
        if value.node.scalar::<String>().is_ok_and(|text| text == NEVER) {
            return Some(None);
        }
        self.duration(value).map(|at| Some(at.value))
    }

    /// A size above which something is removed; `Some(None)` is never.
    fn room(&mut self, value: &Value<'_>) -> Option<Option<u64>> {
        let Ok(text) = value.node.scalar::<String>() else {
            self.wrong_kind(value, "a size such as \"500 MB\" or \"20 GB\"");
            return None;
        };
        if text == NEVER {
            return Some(None);
        }
        bytes(&text).map(Some).map_err(|error| self.note(value, ProblemKind::BadSize(error))).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::config::decode::decode;

    #[test]
    fn a_size_is_a_number_with_a_unit() {
        for (text, expected) in [
            ("0 B", Some(0)),
            ("20 GB", Some(20_000_000_000)),
            ("20GB", Some(20_000_000_000)),
            (" 3 MiB ", Some(3 << 20)),
            ("7 kB", Some(7_000)),
            ("18446744 TB", Some(18_446_744_000_000_000_000)),
            ("18446745 TB", None),
            ("20", None),
            ("GB", None),
            ("", None),
            ("-1 GB", None),
            ("1.5 GB", None),
            ("20 gigs", None),
        ] {
            assert_eq!(bytes(text).ok(), expected, "{text:?}");
        }
    }

    fn read(text: &str) -> Retention {
        let document = decode(&format!("(version: 1, retention: {text})"), true, None);
        assert!(document.findings.is_empty(), "{:?}", document.findings);
        document.retention.unwrap().value
    }

    #[test]
    fn what_is_left_out_is_as_usual_and_never_is_for_ever() {
        assert_eq!(read("()"), Retention::default());
        let never = r#"(spool_grace: "never", mirror_age: "never", mirror_size: "never")"#;
        assert_eq!(read(never), Retention::FOR_EVER);
        let some = read(r#"(spool_grace: "0s", mirror_size: "1 GiB")"#);
        assert_eq!(some.spool_grace, Some(Duration::ZERO));
        assert_eq!(some.mirror_size, Some(1 << 30));
        assert_eq!(some.mirror_age, Retention::default().mirror_age);
    }

    #[test]
    fn what_is_no_limit_is_a_problem() {
        for (text, says) in [
            ("(mirror_size: \"20\")", "a size is written"),
            ("(mirror_size: 20)", "a size such as"),
            ("(mirror_age: \"old\")", "a time is written"),
            ("(spool_grace: never)", "a time such as"),
            ("(mirror_age: \"1d\", ages: 1)", "no field `ages` in retention"),
        ] {
            let document = decode(&format!("(version: 1, retention: {text})"), true, None);
            let said: Vec<_> = document.findings.iter().map(|f| f.kind.to_string()).collect();
            assert!(said.len() == 1 && said[0].contains(says), "{text}: {said:?}");
        }
    }
}
