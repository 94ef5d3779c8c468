//! What a session's record says besides: what will go wrong, or is left.

use crate::domain::failure::Failure;
use crate::domain::failure::classify::session_failure;
use crate::domain::failure::trouble::SessionTrouble;
use crate::domain::failure::whereabouts::Whereabouts;
use crate::domain::session::fsm::OrderEnd;

/// Adds a warning in the place of an older one of its kind; whether that
/// changes anything.
pub(super) fn add(warnings: &mut Vec<Failure>, trouble: &SessionTrouble, at: &Whereabouts) -> bool {
    let warning = session_failure(trouble, at);
    match warnings.iter_mut().find(|known| known.code == warning.code) {
        Some(known) if *known == warning => return false,
        Some(known) => *known = warning,
        None => warnings.push(warning),
    }
    true
}

/// Takes in how an order to stop went: it names what survives KILL, until
/// nothing does. Whether that changes anything.
pub(super) fn after_stop(warnings: &mut Vec<Failure>, how: &OrderEnd, at: &Whereabouts) -> bool {
    match how {
        OrderEnd::Survivors(pids) => {
            add(warnings, &SessionTrouble::Unkillable { pids: pids.clone() }, at)
        }
        OrderEnd::Done => forget_survivors(warnings),
        OrderEnd::Cut | OrderEnd::Failed | OrderEnd::TooEarly => false,
    }
}

/// Drops what was said of survivors; whether there was anything.
pub(super) fn forget_survivors(warnings: &mut Vec<Failure>) -> bool {
    let before = warnings.len();
    warnings.retain(|warning| !warning.names_survivors());
    warnings.len() < before
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survivors_are_named_until_nothing_is_left() {
        let at = Whereabouts::local();
        let mut warnings = Vec::new();
        assert!(add(&mut warnings, &SessionTrouble::EndsAtLogout, &at));
        assert!(after_stop(&mut warnings, &OrderEnd::Survivors(vec![7, 8]), &at));
        assert!(!after_stop(&mut warnings, &OrderEnd::Survivors(vec![7, 8]), &at));
        assert!(!after_stop(&mut warnings, &OrderEnd::Cut, &at));
        assert!(after_stop(&mut warnings, &OrderEnd::Survivors(vec![8]), &at));
        assert_eq!(warnings.len(), 2);
        assert!(warnings[1].names_survivors() && !warnings[0].names_survivors());
        assert!(warnings[1].message.ends_with(": 8"), "{}", warnings[1].message);
        assert!(after_stop(&mut warnings, &OrderEnd::Done, &at));
        assert_eq!(warnings.len(), 1);
    }
}
