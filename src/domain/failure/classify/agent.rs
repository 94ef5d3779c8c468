//! An agent's trouble in words.

use super::told::Told;
use crate::domain::agent::{Complaint, Passes, Profile, Trouble};
use crate::domain::failure::quote::sh_remote;
use crate::domain::failure::whereabouts::Whereabouts;
use crate::domain::timestamp::Timestamp;

/// What is told of an agent that could not do its work, by its own words.
pub(super) fn tell(
    agent: &str,
    profile: Profile,
    conversation: Option<&str>,
    complaint: &Complaint,
    at: &Whereabouts,
) -> Told {
    let host = at.host();
    let what = match complaint.trouble {
        Trouble::NotLoggedIn => format!("nobody has logged in to {agent} on {host}"),
        Trouble::KeyInvalid => {
            format!("the provider refuses the key or login that {agent} has on {host}")
        }
        Trouble::RateLimited => {
            format!("{agent} on {host} has reached its provider's rate limit{}", passes(complaint))
        }
        Trouble::Overloaded => format!("the provider of {agent} on {host} is overloaded"),
        Trouble::NoCredit => {
            format!("the credit or quota of the account that {agent} has on {host} is used up")
        }
        Trouble::ContextTooLong => {
            format!("the conversation of {agent} on {host} is longer than its model can take")
        }
        Trouble::NoConversation => {
            format!("{agent} on {host} has no such conversation to go on from")
        }
        Trouble::Denied => {
            format!("the rules of {agent} on {host} forbid what it needed to do")
        }
        Trouble::ModelUnknown => {
            format!("the provider of {agent} on {host} has no such model for it")
        }
        Trouble::Unreachable => format!("{agent} on {host} could not reach its provider"),
        Trouble::Limit => format!("{agent} on {host} reached a limit that it was given"),
        Trouble::Crashed => format!("{agent} on {host} ended without a result"),
        Trouble::Other => format!("{agent} on {host} says that it failed"),
    };
    let told = Told::new(what).by(&complaint.said).word("agent", agent);
    let told = told.with("login", login(profile, agent, at));
    match conversation {
        Some(conversation) => told.word("conversation", conversation),
        None => told,
    }
}

fn passes(complaint: &Complaint) -> String {
    match complaint.passes {
        Some(Passes::InS(seconds)) => format!("; it passes in {seconds} s"),
        Some(Passes::AtS(seconds)) => {
            format!("; it passes at {}", Timestamp::from_millis(seconds.saturating_mul(1000)))
        }
        None => String::new(),
    }
}

/// How to log in there; that asks, so it needs a terminal.
fn login(profile: Profile, agent: &str, at: &Whereabouts) -> String {
    let signs = profile.cli().spec().login;
    match (signs.map(|signs| signs.command), &at.destination) {
        (Some(command), Some(to)) => {
            format!("# log in on {}:\n{} -- {}", at.host(), to.ssh("-t"), sh_remote(command))
        }
        (Some(command), None) => at.there(command),
        (None, _) => format!("# log in to {agent} on {}", at.host()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::session_failure;
    use super::*;
    use crate::domain::failure::trouble::SessionTrouble;
    use crate::domain::failure::whereabouts::Endpoint;

    fn at() -> Whereabouts {
        let destination = Endpoint {
            user: "me".to_owned(),
            host: "gpu-box".to_owned(),
            port: 22,
            key_files: vec![],
            jumps: vec![],
        };
        Whereabouts { place: "gpu".to_owned(), destination: Some(destination), session: None }
    }

    fn failure(complaint: Complaint) -> crate::domain::failure::Failure {
        let trouble = SessionTrouble::Agent {
            agent: "claude".to_owned(),
            profile: Profile::Claude,
            conversation: Some("c-1".to_owned()),
            complaint,
        };
        session_failure(&trouble, &at())
    }

    #[test]
    fn a_remedy_names_the_host_to_log_in_on() {
        let failure = failure(Complaint::new(Trouble::NotLoggedIn, "Not logged in"));
        assert_eq!(failure.code, "agent.not-logged-in");
        assert_eq!(failure.message, "nobody has logged in to claude on me@gpu-box");
        let remedy = failure.remedy.expect("a remedy");
        assert!(remedy.starts_with("# log in on me@gpu-box:\nssh -t me@gpu-box -- "), "{remedy}");
        assert!(remedy.contains("claude auth login"), "{remedy}");
    }

    #[test]
    fn a_limit_tells_when_it_passes_and_how_to_go_on() {
        let limit = Complaint::new(Trouble::RateLimited, "429");
        let failure = failure(limit.passing(Some(Passes::AtS(1_795_400_000))));
        assert!(failure.message.ends_with("it passes at 2026-11-23T02:13:20.000Z"), "{failure:?}");
        let remedy = failure.remedy.expect("a remedy");
        assert!(remedy.contains("--agent claude --resume c-1"), "{remedy}");
    }
}
