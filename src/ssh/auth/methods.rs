//! Which method comes next. Pure.

use russh::{MethodKind, MethodSet};

use crate::domain::ssh_options::LoginMethod;

/// Successes that are not yet a login. A server that goes on like that wants
/// something else.
const MOST_FACTORS: usize = 6;

/// What is left to try.
#[derive(Debug, Clone)]
pub(super) struct Methods {
    usable: Vec<MethodKind>,
    exhausted: Vec<MethodKind>,
    factors: usize,
}

impl Methods {
    /// `wanted`, in their order, maybe without those that a person is needed for.
    pub(super) fn new(wanted: &[LoginMethod], with_person: bool) -> Self {
        let usable = wanted.iter().filter(|method| with_person || !method.needs_person());
        let kind = |method: &LoginMethod| match method {
            LoginMethod::PublicKey => MethodKind::PublicKey,
            LoginMethod::KeyboardInteractive => MethodKind::KeyboardInteractive,
            LoginMethod::Password => MethodKind::Password,
        };
        Self { usable: usable.map(kind).collect(), exhausted: Vec::new(), factors: 0 }
    }

    /// The next one that the server takes.
    pub(super) fn next(&self, taken: Option<&MethodSet>) -> Option<MethodKind> {
        let fits = |kind: &&MethodKind| {
            let wanted = taken.is_none_or(|taken| taken.contains(kind));
            wanted && !self.exhausted.contains(kind)
        };
        self.usable.iter().find(fits).copied()
    }

    /// A method has no more to offer.
    pub(super) fn exhaust(&mut self, kind: MethodKind) {
        self.exhausted.push(kind);
    }

    /// A method was enough for itself: what the server wants now is another
    /// factor, even by a method that had failed before.
    pub(super) fn succeed(&mut self) {
        self.factors += 1;
        self.exhausted.clear();
        if self.factors >= MOST_FACTORS {
            self.usable.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use MethodKind::{GssapiWithMic, KeyboardInteractive, Password, PublicKey};

    fn set(kinds: &[MethodKind]) -> MethodSet {
        MethodSet::from(kinds)
    }

    #[test]
    fn methods_come_in_opensshs_order_as_far_as_the_server_takes_them() {
        let cases: [(&[MethodKind], bool, &[MethodKind]); 5] = [
            (&[Password, PublicKey], true, &[PublicKey, Password]),
            (
                &[Password, KeyboardInteractive, PublicKey],
                true,
                &[PublicKey, KeyboardInteractive, Password],
            ),
            (&[Password, KeyboardInteractive, PublicKey], false, &[PublicKey]),
            (&[Password], false, &[]),
            (&[GssapiWithMic], true, &[]),
        ];
        for (taken, with_person, expected) in cases {
            let (mut methods, taken) = (Methods::new(&LoginMethod::USUAL, with_person), set(taken));
            let mut order = Vec::new();
            while let Some(next) = methods.next(Some(&taken)) {
                order.push(next);
                methods.exhaust(next);
            }
            assert_eq!(order, expected, "{taken:?}");
        }
    }

    #[test]
    fn settings_decide_which_methods_there_are_and_in_which_order() {
        let wanted = [LoginMethod::Password, LoginMethod::PublicKey];
        let taken = set(&[PublicKey, KeyboardInteractive, Password]);
        let mut methods = Methods::new(&wanted, true);
        assert_eq!(methods.next(Some(&taken)), Some(Password));
        methods.exhaust(Password);
        assert_eq!(methods.next(Some(&taken)), Some(PublicKey));
        methods.exhaust(PublicKey);
        assert_eq!(methods.next(Some(&taken)), None);
        assert_eq!(Methods::new(&wanted, false).next(Some(&taken)), Some(PublicKey));
    }

    #[test]
    fn a_partial_success_makes_way_for_any_method_and_not_for_ever() {
        let mut methods = Methods::new(&LoginMethod::USUAL, true);
        methods.exhaust(PublicKey);
        methods.succeed();
        assert_eq!(methods.next(Some(&set(&[PublicKey]))), Some(PublicKey));
        for _ in 0..MOST_FACTORS {
            methods.succeed();
        }
        assert_eq!(methods.next(Some(&set(&[PublicKey, Password]))), None);
    }
}
