//! `ProxyJump`: each hop is a destination of its own.
//!
//! `ssh` runs itself for the last hop with `-J` of the hops before it. So the
//! target's user, port and keys do not apply to hops; and only the first hop's
//! own `ProxyJump` does, since `-J` goes before that of the others.

use super::values::Jump;
use super::{ConfigWarning, SshEnvironment, one};
use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::target::{Destination, SshRequest, SshSettings};
use crate::ssh::config_lines::Line;

/// More hops than this are a mistake.
const DEPTH: usize = 8;

/// The settings of `request` with all its hops.
pub(super) fn resolve(
    request: &SshRequest,
    env: &SshEnvironment,
    warnings: &mut Vec<ConfigWarning>,
) -> Result<SshSettings, LinkTrouble> {
    let (settings, values) = one(request, env, warnings)?;
    let mut resolver = Resolver { env, warnings, path: vec![request.host.clone()] };
    let jumps = match values.jump {
        Some(Jump::Through(line, hops)) => resolver.hops(request, &line, &hops, &settings)?,
        Some(Jump::Straight) | None => Vec::new(),
    };
    Ok(SshSettings { jumps, ..settings })
}

struct Resolver<'a> {
    env: &'a SshEnvironment,
    warnings: &'a mut Vec<ConfigWarning>,
    /// The destinations on whose way we are.
    path: Vec<String>,
}

impl Resolver<'_> {
    /// The hops of `line`, on the way to `target`.
    fn hops(
        &mut self,
        request: &SshRequest,
        line: &Line,
        hops: &[String],
        target: &SshSettings,
    ) -> Result<Vec<SshSettings>, LinkTrouble> {
        let mut all = Vec::new();
        for (at, hop) in hops.iter().enumerate() {
            let Destination { user, host, port } =
                parse(hop).ok_or_else(|| line.trouble(format!("{hop:?} is not a jump host")))?;
            let of_hop = SshRequest {
                host,
                port,
                user,
                identity_file: None,
                ssh_config: request.ssh_config.clone(),
            };
            let (settings, values) = one(&of_hop, self.env, self.warnings)?;
            // As ssh compares them: the hop as written with the target as
            // resolved. Two aliases of one address may be on one way.
            let is_target = of_hop.host.to_lowercase() == target.host_name
                && (settings.port, &settings.user) == (target.port, &target.user);
            if is_target || self.path.contains(&of_hop.host) {
                let way = self.path.join(" → ");
                return Err(line.trouble(format!("jump host loop: {way} → {}", of_hop.host)));
            }
            if at == 0
                && let Some(Jump::Through(line, before)) = &values.jump
            {
                if self.path.len() == DEPTH {
                    return Err(line.trouble("too many jump hosts"));
                }
                self.path.push(of_hop.host.clone());
                all.extend(self.hops(&of_hop, line, before, &settings)?);
                self.path.pop();
            }
            all.push(settings);
        }
        Ok(all)
    }
}

/// `[user@]host[:port]` or `ssh://[user@]host[:port]`, an IPv6 address in
/// brackets where a port follows.
fn parse(hop: &str) -> Option<Destination> {
    let hop = hop.trim();
    let hop = hop.strip_prefix("ssh://").unwrap_or(hop).trim_end_matches('/');
    let (user, rest) = match hop.rsplit_once('@') {
        Some((user, rest)) => (Some(user.to_owned()), rest),
        None => (None, hop),
    };
    let (host, port) = match rest.strip_prefix('[') {
        Some(bracketed) => {
            let (host, after) = bracketed.split_once(']')?;
            (host, if after.is_empty() { None } else { Some(after.strip_prefix(':')?) })
        }
        None => match rest.split_once(':') {
            // More than one colon: an address without a port.
            Some((_, more)) if more.contains(':') => (rest, None),
            Some((host, port)) => (host, Some(port)),
            None => (rest, None),
        },
    };
    let port = match port {
        Some(port) => Some(port.parse().ok().filter(|&port| port != 0)?),
        None => None,
    };
    let given = !host.is_empty() && user.as_ref().is_none_or(|user| !user.is_empty());
    given.then(|| Destination { user, host: host.to_owned(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hop_is_read_in_all_its_forms() {
        let destination = |user: Option<&str>, host: &str, port| Destination {
            user: user.map(str::to_owned),
            host: host.to_owned(),
            port,
        };
        let cases = [
            ("box", Some(destination(None, "box", None))),
            ("me@box:2222", Some(destination(Some("me"), "box", Some(2222)))),
            ("me@corp@box", Some(destination(Some("me@corp"), "box", None))),
            ("[::1]:22", Some(destination(None, "::1", Some(22)))),
            ("[::1]", Some(destination(None, "::1", None))),
            ("fe80::1", Some(destination(None, "fe80::1", None))),
            ("ssh://me@box:22/", Some(destination(Some("me"), "box", Some(22)))),
            ("", None),
            ("@box", None),
            ("me@", None),
            ("box:", None),
            ("box:0", None),
            ("box:65536", None),
            ("[::1", None),
            ("[::1]x", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
