use std::ffi::OsString;
use std::net::IpAddr;
use std::path::Path;

use super::*;
use crate::domain::ssh_config::{
    Family, FileText, Lookup, Machine, Query, Source, World, evaluate,
};

/// A machine that has two files and nothing else.
struct Files<'a> {
    user: &'a str,
    system: &'a str,
}

impl World for Files<'_> {
    fn read(&self, path: &Path) -> Result<Option<FileText>, String> {
        let text = match path.to_str() {
            Some("/user") => self.user,
            Some("/system") => self.system,
            _ => return Ok(None),
        };
        Ok(Some(FileText { bytes: text.as_bytes().to_vec(), private: true }))
    }

    fn is_present(&self, _: &Path) -> bool {
        false
    }

    fn list(&self, _: &Path) -> Vec<OsString> {
        Vec::new()
    }

    fn variable(&self, _: &str) -> Option<String> {
        None
    }

    fn home_of(&self, _: &str) -> Option<String> {
        None
    }

    fn run(&self, _: &str) -> Result<bool, String> {
        Ok(false)
    }

    fn addresses(&self) -> Vec<IpAddr> {
        Vec::new()
    }

    fn address(&self, _: &str, _: Family) -> Option<String> {
        None
    }

    fn resolve(&self, _: &str, _: Family) -> Option<Lookup> {
        None
    }

    fn service(&self, _: &str) -> Option<u16> {
        None
    }
}

fn needed(user: &str, system: &str, has_ticket: bool) -> Vec<Need> {
    let machine = Machine {
        home: "/home".to_owned(),
        user: "me".to_owned(),
        uid: 1000,
        host_name: "here".to_owned(),
    };
    let query =
        Query { destination: "box".to_owned(), user: None, port: None, command: String::new() };
    let sources = [Source::user("/user".into()), Source::system("/system".into())];
    let world = Files { user, system };
    let effective = evaluate(&query, &sources, &machine, &world).unwrap();
    needs(&effective.settings, has_ticket)
}

#[test]
fn what_the_users_own_settings_need() {
    let rows: &[(&str, &[Need])] = &[
        ("", &[]),
        ("Compression yes\nForwardAgent yes\nIPQoS ef", &[]),
        ("GSSAPIAuthentication yes", &[Need::Gssapi]),
        ("GSSAPIAuthentication no", &[]),
        ("Host other\n GSSAPIAuthentication yes", &[]),
        ("GSSAPIAuthentication yes\nPreferredAuthentications publickey", &[]),
        ("GSSAPIAuthentication yes\nPreferredAuthentications gssapi-with-mic", &[Need::Gssapi]),
        ("HostbasedAuthentication yes", &[Need::HostBased]),
        ("HostbasedAuthentication yes\nPreferredAuthentications publickey,password", &[]),
        ("PKCS11Provider /lib/opensc-pkcs11.so", &[Need::Pkcs11]),
        ("PKCS11Provider none", &[]),
        ("PKCS11Provider /lib/p.so\nPubkeyAuthentication no", &[]),
        ("PKCS11Provider /lib/p.so\nPreferredAuthentications password", &[]),
        ("SecurityKeyProvider internal", &[]),
        ("SecurityKeyProvider /lib/sk.so", &[Need::SecurityKeyProvider]),
        ("VerifyHostKeyDNS no", &[]),
        ("VerifyHostKeyDNS yes", &[Need::HostKeyDns]),
        ("VerifyHostKeyDNS ask", &[Need::HostKeyDns]),
        ("PKCS11Provider /lib/p.so\nGSSAPIAuthentication yes", &[Need::Gssapi, Need::Pkcs11]),
    ];
    for (config, expected) in rows {
        assert_eq!(needed(config, "", false), *expected, "{config}");
    }
}

#[test]
fn what_the_system_sets_for_everybody_counts_where_it_is_of_use() {
    let debian = "Host *\n GSSAPIAuthentication yes\n HashKnownHosts yes\n";
    assert_eq!(needed("", debian, false), []);
    assert_eq!(needed("", debian, true), [Need::Gssapi]);
    assert_eq!(needed("GSSAPIAuthentication no", debian, true), []);
    assert_eq!(needed("", "VerifyHostKeyDNS ask", true), []);
    // Nobody sets this without meaning it.
    assert_eq!(needed("", "HostbasedAuthentication yes", false), [Need::HostBased]);
}

#[test]
fn the_built_in_one_is_preferred_and_ssh_has_to_be_there() {
    use Transport as T;
    use TransportChoice::{Auto, BuiltIn, OpenSsh};
    let gssapi = || vec![Need::Gssapi];
    let rows = [
        (BuiltIn, vec![], true, Ok((T::BuiltIn, Why::Configured))),
        (BuiltIn, gssapi(), true, Ok((T::BuiltIn, Why::Configured))),
        (OpenSsh, vec![], true, Ok((T::OpenSsh, Why::Configured))),
        (OpenSsh, vec![], false, Err(SshNotInstalled)),
        (Auto, vec![], true, Ok((T::BuiltIn, Why::NothingLacks))),
        (Auto, vec![], false, Ok((T::BuiltIn, Why::NothingLacks))),
        (Auto, gssapi(), true, Ok((T::OpenSsh, Why::Needs(gssapi())))),
        (Auto, gssapi(), false, Ok((T::BuiltIn, Why::NotInstalled(gssapi())))),
    ];
    for (asked, needs, has_ssh, expected) in rows {
        let row = format!("{asked:?} {needs:?} {has_ssh}");
        let expected = expected.map(|(transport, why)| Chosen { transport, why });
        assert_eq!(choose(asked, needs, has_ssh), expected, "{row}");
    }
}

#[test]
fn the_reason_names_the_settings() {
    let needs = vec![Need::Gssapi, Need::Algorithms("Ciphers")];
    assert_eq!(
        Why::Needs(vec![Need::Gssapi]).to_string(),
        "Auto: GSSAPIAuthentication needs the system's ssh"
    );
    assert_eq!(
        Why::NotInstalled(needs).to_string(),
        "Auto: GSSAPIAuthentication, Ciphers need the system's ssh, which is not installed"
    );
}
