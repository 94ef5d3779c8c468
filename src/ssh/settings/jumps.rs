//! `ProxyJump`: each hop is a destination of its own.
//!
//! `ssh` runs itself for the last hop with `-J` of the hops before it. So the
//! target's user, port and keys do not apply to hops; and only the first hop's
//! own `ProxyJump` does, since `-J` goes before that of the others.

use super::{Evaluation, One};
use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::ssh_config::{Effective, Hop, Keyword, parse_hop};
use crate::domain::ssh_options::Reach;
use crate::domain::target::{SshRequest, SshSettings};

/// More hops than this are a mistake.
const DEPTH: usize = 8;

/// A destination on whose way we are: as it was asked for, with the port and
/// the user that it comes to.
type Passed = (String, u16, String);

impl Evaluation<'_> {
    /// The settings of `request` with all its hops.
    pub(super) fn with_jumps(&mut self, request: &SshRequest) -> Result<SshSettings, LinkTrouble> {
        let One { settings, effective } = self.one(request)?;
        let mut path = vec![passed(request, &settings)];
        let jumps = self.hops(request, &effective, &mut path)?;
        Ok(SshSettings { jumps, ..settings })
    }

    /// The hops on the way to what `effective` is about.
    fn hops(
        &mut self,
        request: &SshRequest,
        effective: &Effective,
        path: &mut Vec<Passed>,
    ) -> Result<Vec<SshSettings>, LinkTrouble> {
        let way = effective.way().map_err(|complaint| self.refused(&complaint.into()))?;
        let mut all = Vec::new();
        for (at, text) in way.iter().enumerate() {
            let wrong = |detail| self.trouble_at(effective, Keyword::ProxyJump, detail);
            let hop = parse_hop(text, &self.system);
            let Hop { user, host, port } =
                hop.ok_or_else(|| wrong(format!("{text:?} is not a jump host")))?;
            let of_hop = SshRequest {
                host,
                port,
                user,
                identity_file: None,
                ssh_config: request.ssh_config.clone(),
                transport: request.transport,
            };
            let One { settings, effective: theirs } = self.one(&of_hop)?;
            let here = passed(&of_hop, &settings);
            let wrong = |detail| self.trouble_at(effective, Keyword::ProxyJump, detail);
            if path.contains(&here) {
                let way: Vec<&str> = path.iter().map(|(host, ..)| host.as_str()).collect();
                let way = way.join(" → ");
                return Err(wrong(format!("jump host loop: {way} → {}", of_hop.host)));
            }
            if at == 0 && theirs.settings.jump().is_some() {
                if path.len() == DEPTH {
                    return Err(wrong("too many jump hosts".to_owned()));
                }
                path.push(here);
                all.extend(self.hops(&of_hop, &theirs, path)?);
                path.pop();
            }
            // With `-J` before it, ssh does not ask what the others' ways are.
            let proxy = settings.reach.proxy.clone().filter(|_| at == 0);
            let reach = Reach { proxy, ..settings.reach.clone() };
            all.push(SshSettings { reach, ..settings });
        }
        Ok(all)
    }
}

fn passed(request: &SshRequest, settings: &SshSettings) -> Passed {
    (request.host.clone(), settings.port, settings.user.clone())
}
