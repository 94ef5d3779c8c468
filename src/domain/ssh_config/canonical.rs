//! `CanonicalizeHostname`: the name under which a host is known.

use super::fault::Fault;
use super::keyword::Keyword;
use super::pattern;
use super::settings::Settings;
use super::world::{Family, Lookup, World};

/// Whether names are to be made canonical.
pub(super) fn is_on(settings: &Settings) -> bool {
    mode(settings) != "false"
}

fn mode(settings: &Settings) -> &'static str {
    settings.choice(Keyword::CanonicalizeHostname).unwrap_or("false")
}

/// Whether nothing is between here and the host.
fn is_direct(settings: &Settings) -> bool {
    settings.text_not_none(Keyword::ProxyCommand).is_none() && settings.jump().is_none()
}

fn family(settings: &Settings) -> Family {
    match settings.choice(Keyword::AddressFamily) {
        Some("inet") => Family::Inet,
        Some("inet6") => Family::Inet6,
        _ => Family::Any,
    }
}

/// Whether a name can only be an address.
fn looks_like_an_address(name: &str) -> bool {
    name.contains(['%', ':']) || name.chars().all(|c| c.is_ascii_digit() || c == '.')
}

/// The host's name: an address as the system prints it, anything else in lower
/// case and canonical as far as that is asked for.
pub(super) fn host(name: String, settings: &Settings, world: &dyn World) -> Result<String, Fault> {
    let family = family(settings);
    let canonical = world.address(&name, family);
    if let Some(address) = canonical {
        return Ok(if address.eq_ignore_ascii_case(&name) { name } else { address });
    }
    if looks_like_an_address(&name) {
        return Ok(name);
    }
    let name = name.to_ascii_lowercase();
    let found = if is_on(settings) { search(&name, settings, world, family)? } else { None };
    let rules = rules(settings);
    let may_follow = is_direct(settings) || mode(settings) == "always";
    match found {
        Some(found) => Ok(found),
        None if !rules.is_empty() && may_follow => match world.resolve(&name, family) {
            Some(lookup) => Ok(follow(name, &lookup, settings)),
            None if is_direct(settings) => Err(Fault::Unresolved { host: name }),
            None => Ok(name),
        },
        None => Ok(name),
    }
}

/// The first of the domains in which the name is found.
fn search(
    name: &str,
    settings: &Settings,
    world: &dyn World,
    family: Family,
) -> Result<Option<String>, Fault> {
    if !is_direct(settings) && mode(settings) != "always" {
        return Ok(None);
    }
    let most_dots = settings.number(Keyword::CanonicalizeMaxDots).unwrap_or(1);
    let none = Vec::new();
    let candidates = if name.ends_with('.') {
        vec![name.to_owned()]
    } else if u64::try_from(name.matches('.').count()).unwrap_or(u64::MAX) > most_dots {
        return Ok(None);
    } else {
        let domains = settings.list(Keyword::CanonicalDomains).unwrap_or(&none);
        let domains = domains.iter().take_while(|domain| !domain.eq_ignore_ascii_case("none"));
        domains.map(|domain| format!("{name}.{domain}.")).collect()
    };
    for full in candidates {
        if let Some(lookup) = world.resolve(&full, family) {
            let full = full.trim_end_matches('.').to_owned();
            return Ok(Some(follow(full, &lookup, settings)));
        }
    }
    if settings.flag(Keyword::CanonicalizeFallbackLocal).unwrap_or(true) {
        Ok(None)
    } else {
        Err(Fault::Unresolved { host: name.to_owned() })
    }
}

/// `CanonicalizePermittedCNAMEs`, as pairs of lists.
fn rules(settings: &Settings) -> Vec<(&str, &str)> {
    let rules = settings.list(Keyword::CanonicalizePermittedCNAMEs).unwrap_or_default();
    rules.iter().filter_map(|rule| rule.split_once(':')).collect()
}

/// The name that the resolver has in the end, where a rule lets it take the
/// name's place.
fn follow(name: String, lookup: &Lookup, settings: &Settings) -> String {
    let Some(target) = lookup.canonical.as_deref().filter(|target| *target != name) else {
        return name;
    };
    let may = is_on(settings) && (is_direct(settings) || mode(settings) == "always");
    let permitted = |(sources, targets): &(&str, &str)| {
        pattern::matches_list_ignoring_case(&name, sources)
            && pattern::matches_list_ignoring_case(target, targets)
    };
    if may && rules(settings).iter().any(permitted) { target.to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::net::IpAddr;
    use std::path::Path;

    use super::*;
    use crate::domain::ssh_config::{FileText, Machine, Query, Source, evaluate};

    /// A configuration, and names that have an address.
    struct Net(String);

    impl World for Net {
        fn read(&self, _path: &Path) -> Result<Option<FileText>, String> {
            Ok(Some(FileText { bytes: self.0.clone().into_bytes(), private: true }))
        }
        fn is_present(&self, _path: &Path) -> bool {
            false
        }
        fn list(&self, _folder: &Path) -> Vec<OsString> {
            Vec::new()
        }
        fn variable(&self, _name: &str) -> Option<String> {
            None
        }
        fn home_of(&self, _user: &str) -> Option<String> {
            None
        }
        fn run(&self, _command: &str) -> Result<bool, String> {
            Ok(false)
        }
        fn addresses(&self) -> Vec<IpAddr> {
            Vec::new()
        }
        fn address(&self, _name: &str, _family: Family) -> Option<String> {
            None
        }
        fn resolve(&self, name: &str, _family: Family) -> Option<Lookup> {
            let canonical = match name {
                "box.b.test." => None,
                "www.b.test." => Some("host7.farm.test".to_owned()),
                _ => return None,
            };
            Some(Lookup { canonical })
        }
        fn service(&self, _name: &str) -> Option<u16> {
            None
        }
    }

    fn host_of(name: &str, config: &str) -> Option<String> {
        let machine = Machine {
            home: "/home/me".to_owned(),
            user: "me".to_owned(),
            uid: 1000,
            host_name: "here".to_owned(),
        };
        let query =
            Query { destination: name.to_owned(), user: None, port: None, command: String::new() };
        let config = format!("CanonicalDomains a.test b.test\n{config}\n");
        let sources = [Source::named("/config".into())];
        evaluate(&query, &sources, &machine, &Net(config)).ok().map(|effective| effective.host)
    }

    #[test]
    fn a_name_is_looked_for_in_the_domains_as_far_as_that_is_asked_for() {
        let on = "CanonicalizeHostname yes\n";
        let cname = "CanonicalizePermittedCNAMEs *.b.test:*.farm.test\n";
        let rows = [
            ("box", "", Some("box")),
            ("box", on, Some("box.b.test")),
            ("BOX", on, Some("box.b.test")),
            ("no", on, Some("no")),
            ("no", "CanonicalizeHostname yes\nCanonicalizeFallbackLocal no", None),
            ("box.b", on, Some("box.b")),
            ("box", "CanonicalizeHostname yes\nProxyJump gate", Some("box")),
            ("box", "CanonicalizeHostname always\nProxyJump gate", Some("box.b.test")),
            ("box", "CanonicalizeHostname yes\nCanonicalizeMaxDots 0", Some("box.b.test")),
            ("www", on, Some("www.b.test")),
            ("www", &format!("{on}{cname}"), Some("host7.farm.test")),
            (
                "www",
                "CanonicalizeHostname yes\nCanonicalizePermittedCNAMEs *.b.test:*.other",
                Some("www.b.test"),
            ),
        ];
        for (name, config, expected) in rows {
            assert_eq!(host_of(name, config).as_deref(), expected, "{name} {config}");
        }
    }
}
