//! How the first byte gets to a host.

use super::Evaluation;
use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::ssh_config::{Effective, Keyword, Named};
use crate::domain::ssh_options::{AddressFamily, Bind, ProxyCommand, Reach};

impl Evaluation<'_> {
    pub(super) fn reach(&self, effective: &Effective, named: &Named) -> Result<Reach, LinkTrouble> {
        use Keyword as K;
        let set = &effective.settings;
        let family = match set.choice(K::AddressFamily) {
            Some("inet") => AddressFamily::Inet,
            Some("inet6") => AddressFamily::Inet6,
            _ => AddressFamily::Any,
        };
        let address = set.text(K::BindAddress).map(|name| Bind::Address(name.to_owned()));
        let interface = || set.text(K::BindInterface).map(|name| Bind::Interface(name.to_owned()));
        let attempts = set.number(K::ConnectionAttempts);
        let attempts = attempts.and_then(|number| u32::try_from(number).ok()).unwrap_or(1);
        let proxy = named.proxy_command.clone().map(|command| ProxyCommand {
            command,
            passes_descriptor: set.flag(K::ProxyUseFdpass).unwrap_or(false),
        });
        if proxy.as_ref().is_some_and(|proxy| proxy.command == "-") {
            let detail = "ProxyCommand -: there is no standard input to go through".to_owned();
            return Err(self.trouble_at(effective, K::ProxyCommand, detail));
        }
        Ok(Reach {
            family,
            bind: address.or_else(interface),
            attempts: attempts.max(1),
            tcp_keep_alive: set.flag(K::TCPKeepAlive).unwrap_or(true),
            proxy,
        })
    }
}
