//! Lists of algorithms: which names there are, and what `+`, `-` and `^` do.
//!
//! The names and the defaults, to which the signs apply, are those of OpenSSH
//! 10, so that what it refuses is refused. What is offered to a server is
//! decided where it is offered.

use super::fault::Fault;
use super::keyword::{Algorithms, Keyword};
use super::pattern::{self, Verdict};

const CIPHERS: &[&str] = &[
    "3des-cbc",
    "aes128-cbc",
    "aes192-cbc",
    "aes256-cbc",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
];
const MACS: &[&str] = &[
    "hmac-sha1",
    "hmac-sha1-96",
    "hmac-sha2-256",
    "hmac-sha2-512",
    "hmac-md5",
    "hmac-md5-96",
    "umac-64@openssh.com",
    "umac-128@openssh.com",
    "hmac-sha1-etm@openssh.com",
    "hmac-sha1-96-etm@openssh.com",
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-md5-etm@openssh.com",
    "hmac-md5-96-etm@openssh.com",
    "umac-64-etm@openssh.com",
    "umac-128-etm@openssh.com",
];
const KEX: &[&str] = &[
    "diffie-hellman-group1-sha1",
    "diffie-hellman-group14-sha1",
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
    "diffie-hellman-group-exchange-sha1",
    "diffie-hellman-group-exchange-sha256",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "sntrup761x25519-sha512",
    "sntrup761x25519-sha512@openssh.com",
    "mlkem768x25519-sha256",
];
const KEYS: &[&str] = &[
    "ssh-ed25519",
    "ssh-ed25519-cert-v01@openssh.com",
    "sk-ssh-ed25519@openssh.com",
    "sk-ssh-ed25519-cert-v01@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp384-cert-v01@openssh.com",
    "ecdsa-sha2-nistp521",
    "ecdsa-sha2-nistp521-cert-v01@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-rsa",
    "ssh-rsa-cert-v01@openssh.com",
    "rsa-sha2-256",
    "rsa-sha2-256-cert-v01@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-512-cert-v01@openssh.com",
];
/// Short names of plain keys, in any case.
const SHORT: &[&str] = &["ED25519", "ED25519-SK", "ECDSA", "ECDSA-SK", "RSA"];

const DEFAULT_CIPHERS: &[&str] = &[
    "chacha20-poly1305@openssh.com",
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
];
const DEFAULT_MACS: &[&str] = &[
    "umac-64-etm@openssh.com",
    "umac-128-etm@openssh.com",
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha1-etm@openssh.com",
    "umac-64@openssh.com",
    "umac-128@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
    "hmac-sha1",
];
const DEFAULT_KEX: &[&str] = &[
    "mlkem768x25519-sha256",
    "sntrup761x25519-sha512",
    "sntrup761x25519-sha512@openssh.com",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
    "diffie-hellman-group14-sha256",
];
/// The types of keys that are taken where nothing is set, in the order of ssh(1).
pub const DEFAULT_KEYS: &[&str] = &[
    "ssh-ed25519-cert-v01@openssh.com",
    "ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ecdsa-sha2-nistp384-cert-v01@openssh.com",
    "ecdsa-sha2-nistp521-cert-v01@openssh.com",
    "sk-ssh-ed25519-cert-v01@openssh.com",
    "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "rsa-sha2-512-cert-v01@openssh.com",
    "rsa-sha2-256-cert-v01@openssh.com",
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-256",
];

/// Whether OpenSSH takes the list.
pub(super) fn check(kind: Algorithms, list: &str) -> Result<(), Fault> {
    let (what, known) = match kind {
        Algorithms::Cipher => ("SSH2 cipher spec", CIPHERS),
        Algorithms::Mac => ("SSH2 MAC spec", MACS),
        Algorithms::Kex => ("SSH2 KexAlgorithms", KEX),
        Algorithms::Key | Algorithms::Signature => ("key types", KEYS),
    };
    let wrong = || Fault::InvalidAlgorithms { what, value: list.to_owned() };
    // What is taken away need not be there.
    if list.starts_with('-') {
        return Ok(());
    }
    let names = list.strip_prefix(['+', '^']).unwrap_or(list);
    if names.is_empty() {
        return Err(wrong());
    }
    // ssh looks no further than an empty name.
    let mut names = names.split(',').take_while(|name| !name.is_empty());
    let fits = |name: &str| match kind {
        Algorithms::Key => is_key(name) || is_pattern_of_keys(name),
        Algorithms::Signature => {
            (is_key(name) && !name.contains("-cert-")) || is_pattern_of_keys(name)
        }
        _ => known.contains(&name),
    };
    names.all(fits).then_some(()).ok_or_else(wrong)
}

fn is_key(name: &str) -> bool {
    KEYS.contains(&name) || SHORT.iter().any(|short| short.eq_ignore_ascii_case(name))
}

fn is_pattern_of_keys(name: &str) -> bool {
    !KEYS.contains(&name) && KEYS.iter().any(|key| pattern::verdict(key, [name]) != Verdict::Silent)
}

/// The list that a setting comes to; `None` for the default.
pub(super) fn assemble(keyword: Keyword, list: Option<&str>) -> Result<String, Fault> {
    let keys: Vec<&str>;
    let (default, all) = match keyword {
        Keyword::Ciphers => (DEFAULT_CIPHERS, CIPHERS),
        Keyword::MACs => (DEFAULT_MACS, MACS),
        Keyword::KexAlgorithms => (DEFAULT_KEX, KEX),
        Keyword::CASignatureAlgorithms => {
            keys = KEYS.iter().copied().filter(|key| !key.contains("-cert-")).collect();
            (&DEFAULT_KEYS[8..], keys.as_slice())
        }
        _ => (DEFAULT_KEYS, KEYS),
    };
    let Some(list) = list.filter(|list| !list.is_empty()) else { return Ok(default.join(",")) };
    let own: Vec<&str> = match list.strip_prefix(['+', '-', '^']) {
        None => list.split(',').collect(),
        Some(names) if list.starts_with('-') => {
            let stays = |name: &&&str| !pattern::matches_list(name, names);
            return Ok(default.iter().filter(stays).copied().collect::<Vec<_>>().join(","));
        }
        Some(names) if list.starts_with('+') => {
            default.iter().copied().chain(names.split(',')).collect()
        }
        Some(names) => names.split(',').chain(default.iter().copied()).collect(),
    };
    let mut chosen: Vec<&str> = Vec::new();
    for name in own {
        let matching = all.iter().copied().filter(|known| pattern::matches_list(known, name));
        for known in matching {
            if !chosen.contains(&known) {
                chosen.push(known);
            }
        }
        if name.starts_with('!') {
            chosen.clear();
            break;
        }
    }
    if chosen.is_empty() {
        return Err(Fault::NoAlgorithms { keyword: keyword.name(), value: list.to_owned() });
    }
    Ok(chosen.join(","))
}

/// What a list comes to for one who does not have all that OpenSSH has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selected {
    /// The names, in order.
    pub names: Vec<String>,
    /// Those that were asked for and are not there.
    pub lacking: Vec<String>,
}

/// What `list` comes to for one who has `all`, and who offers the `usual` ones
/// where nothing is set: that is what `+`, `-` and `^` amend.
#[must_use]
pub fn select(list: &str, usual: &[&str], all: &[&str]) -> Selected {
    let (mut found, mut lacking) = (Vec::new(), Vec::new());
    let (sign, named) = match list.chars().next() {
        Some(sign @ ('+' | '-' | '^')) => (Some(sign), &list[1..]),
        _ => (None, list),
    };
    if sign == Some('-') {
        let stays = |name: &&&str| !pattern::matches_list(name, named);
        let names = usual.iter().filter(stays).map(|&name| name.to_owned()).collect();
        return Selected { names, lacking };
    }
    for name in named.split(',').take_while(|name| !name.is_empty()) {
        let before = found.len();
        found.extend(all.iter().copied().filter(|known| pattern::matches(known, name)));
        if found.len() == before {
            lacking.push(name.to_owned());
        }
    }
    let in_order: Vec<&str> = match sign {
        Some('+') => usual.iter().copied().chain(found).collect(),
        Some(_) => found.into_iter().chain(usual.iter().copied()).collect(),
        None => found,
    };
    let mut names: Vec<String> = Vec::new();
    for name in in_order {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    Selected { names, lacking }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_append_remove_and_put_first() {
        let macs = |list| assemble(Keyword::MACs, Some(list)).unwrap();
        assert!(macs("+hmac-md5").ends_with(",hmac-sha1,hmac-md5"));
        assert_eq!(macs("+hmac-sha1"), DEFAULT_MACS.join(","));
        assert!(macs("^hmac-sha1,hmac-sha1").starts_with("hmac-sha1,umac-64-etm@openssh.com,"));
        assert!(!macs("-umac-*,hmac-sha1*").contains("umac"));
        assert_eq!(macs("hmac-sha1,hmac-sha1"), "hmac-sha1");
        let cas = assemble(Keyword::CASignatureAlgorithms, Some("ssh-*")).unwrap();
        assert_eq!(cas, "ssh-ed25519,ssh-rsa");
    }

    #[test]
    fn a_list_is_what_there_is_of_it_in_its_order() {
        let rows: [(&str, &[&str], &[&str]); 7] = [
            ("c,a", &["c", "a"], &[]),
            ("x,c,a", &["c", "a"], &["x"]),
            ("x", &[], &["x"]),
            ("+c,x", &["a", "b", "c"], &["x"]),
            ("^c,b", &["c", "b", "a"], &[]),
            ("-a,x", &["b"], &[]),
            ("*", &["a", "b", "c"], &[]),
        ];
        for (list, names, lacking) in rows {
            let selected = select(list, &["a", "b"], &["a", "b", "c"]);
            assert_eq!(selected.names, names, "{list}");
            assert_eq!(selected.lacking, lacking, "{list}");
        }
    }

    #[test]
    fn names_that_there_are_not_are_refused_except_to_take_them_away() {
        let takes = |kind, list| check(kind, list).is_ok();
        assert!(takes(Algorithms::Cipher, "-nothing"));
        assert!(!takes(Algorithms::Cipher, "+nothing"));
        assert!(!takes(Algorithms::Cipher, "aes*"));
        assert!(!takes(Algorithms::Cipher, "+"));
        assert!(takes(Algorithms::Key, "ssh-*,+".trim_end_matches(",+")));
        assert!(!takes(Algorithms::Signature, "ssh-ed25519-cert-v01@openssh.com"));
        assert!(!takes(Algorithms::Key, "ssh-dss"));
    }
}
