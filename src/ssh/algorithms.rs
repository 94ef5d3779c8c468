//! What is offered in the key exchange, and the session's limits.

use std::borrow::Cow;
use std::time::Duration;

use russh::client::Config;
use russh::keys::{Algorithm, EcdsaCurve, HashAlg};
use russh::{Limits, Preferred, cipher, compression, kex, mac};

use super::host_key::Wanted;
use crate::domain::ssh_config::DEFAULT_KEYS;
use crate::domain::ssh_options::{HostKeyAlgorithms, Offer};
use crate::domain::target::KeepAlive;

/// Messages of a channel that wait for its reader: what a flood brings in the
/// milliseconds in which the reader gathers it, even in packets of 8 KiB.
const QUEUE: usize = 512;
/// The window of each channel, in bytes.
///
/// Not smaller: once more than twice the window arrives between our request
/// for new keys and the server's, russh gives the session up, and with 2 MiB
/// eight busy channels did that reliably. It costs no memory, since what bounds
/// memory is the queue of each channel; and a channel that nobody reads would
/// hold up all others with any window, so readers here never stop reading.
const WINDOW: u32 = 16 << 20;

/// How much later than the last keep-alive the inactivity timer strikes.
const MARGIN: Duration = Duration::from_secs(30);
/// It strikes no earlier: it runs during authentication too, where a person
/// may be asked, and is waited for up to [`PATIENCE`](super::people::PATIENCE).
const LEAST_INACTIVITY: Duration = Duration::from_secs(120);

const KEX: &[kex::Name] = &[
    kex::MLKEM768X25519_SHA256,
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::DH_GEX_SHA256,
    kex::DH_G18_SHA512,
    kex::DH_G16_SHA512,
    kex::DH_G14_SHA256,
    // For servers that have nothing of the above.
    kex::ECDH_SHA2_NISTP256,
    kex::ECDH_SHA2_NISTP384,
    kex::ECDH_SHA2_NISTP521,
];
/// Only where somebody names them: SHA-1, or groups that are rarely met.
const MORE_KEX: &[kex::Name] = &[kex::DH_GEX_SHA1, kex::DH_G14_SHA1, kex::DH_G1_SHA1];
/// No algorithms, though they stand among them.
const EXTENSIONS: [kex::Name; 2] =
    [kex::EXTENSION_SUPPORT_AS_CLIENT, kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT];

// AES-GCM first: on machines with AES instructions it moves a fifth to two
// fifths more than chacha20, and CTR with a separate MAC half as much; with the
// shorter key a sixth more again, on both sides.
const CIPHERS: &[cipher::Name] = &[
    cipher::AES_128_GCM,
    cipher::AES_256_GCM,
    cipher::CHACHA20_POLY1305,
    cipher::AES_256_CTR,
    cipher::AES_192_CTR,
    cipher::AES_128_CTR,
];

const MACS: &[mac::Name] =
    &[mac::HMAC_SHA512_ETM, mac::HMAC_SHA256_ETM, mac::HMAC_SHA512, mac::HMAC_SHA256];

/// Only where somebody names them: old.
const MORE_CIPHERS: &[cipher::Name] =
    &[cipher::AES_256_CBC, cipher::AES_192_CBC, cipher::AES_128_CBC];
/// Only where somebody names them: SHA-1.
const MORE_MACS: &[mac::Name] = &[mac::HMAC_SHA1_ETM, mac::HMAC_SHA1];

/// Where it is asked for, in the order of `ssh`: the one that begins after the
/// login first.
const COMPRESSION: &[compression::Name] =
    &[compression::ZLIB_LEGACY, compression::ZLIB, compression::NONE];

/// Host key algorithms in order of preference; no RSA with SHA-1.
const HOST_KEYS: [Algorithm; 6] = [
    Algorithm::Ed25519,
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
    Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
    Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
];

/// What there is of one kind of algorithm.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// What is offered where nothing is set.
    pub(super) usual: Vec<&'static str>,
    /// What can be offered.
    pub(super) all: Vec<&'static str>,
}

impl Known {
    fn new<N: AsRef<str>>(usual: &'static [N], more: &'static [N]) -> Self {
        let usual: Vec<&str> = usual.iter().map(AsRef::as_ref).collect();
        let all = usual.iter().copied().chain(more.iter().map(AsRef::as_ref)).collect();
        Self { usual, all }
    }
}

pub(super) fn kex() -> Known {
    Known::new(KEX, MORE_KEX)
}

pub(super) fn ciphers() -> Known {
    Known::new(CIPHERS, MORE_CIPHERS)
}

pub(super) fn macs() -> Known {
    Known::new(MACS, MORE_MACS)
}

/// Host keys, and certificates of hosts: those of ssh(1), without keys in tokens, which
/// no host has. RSA with SHA-1 only where somebody names it.
pub(super) fn host_keys() -> Known {
    let usual: Vec<&str> =
        DEFAULT_KEYS.iter().copied().filter(|name| !name.starts_with("sk-")).collect();
    let all = usual.iter().copied().chain(["ssh-rsa"]).collect();
    Known { usual, all }
}

/// Keys of users: no RSA with SHA-1, which is never signed with.
pub(super) fn user_keys() -> Known {
    Known::new(DEFAULT_KEYS, &[])
}

/// The session's configuration, for a host of which so much is known.
pub(super) fn config(keep_alive: KeepAlive, offer: &Offer, known: &Wanted) -> Config {
    let (keys, certificates) = host_key_offer(offer.host_keys.as_ref(), known);
    let limits = Limits::default();
    let bytes = offer.rekey_bytes.and_then(|bytes| usize::try_from(bytes).ok());
    Config {
        limits: Limits {
            rekey_read_limit: bytes.unwrap_or(limits.rekey_read_limit),
            rekey_write_limit: bytes.unwrap_or(limits.rekey_write_limit),
            rekey_time_limit: offer.rekey_after.unwrap_or(limits.rekey_time_limit),
        },
        window_size: WINDOW,
        channel_buffer_size: QUEUE,
        maximum_packet_size: 32768,
        nodelay: true,
        keepalive_interval: keep_alive.interval,
        keepalive_max: unanswered(keep_alive),
        inactivity_timeout: inactivity(keep_alive),
        preferred: Preferred {
            kex: kex_offer(offer.kex.as_deref()),
            key: Cow::Owned(keys),
            host_key_certificates: Cow::Owned(certificates),
            cipher: named(offer.ciphers.as_deref(), CIPHERS),
            mac: named(offer.macs.as_deref(), MACS),
            compression: Cow::Borrowed(if offer.compression {
                COMPRESSION
            } else {
                &[compression::NONE]
            }),
        },
        ..Config::default()
    }
}

/// The probes that may be unanswered, in russh's count: it gives up one interval
/// after they are exceeded, so that `interval × count` is over with the last of
/// one less. Its 0 is no bound at all.
fn unanswered(keep_alive: KeepAlive) -> usize {
    usize::try_from(keep_alive.count.saturating_sub(1).max(1)).unwrap_or(usize::MAX)
}

fn kex_offer(names: Option<&[String]>) -> Cow<'static, [kex::Name]> {
    let mut names = named(names, KEX).into_owned();
    names.extend(EXTENSIONS);
    Cow::Owned(names)
}

/// Those that were named; the `usual` ones where none were.
fn named<N>(names: Option<&[String]>, usual: &'static [N]) -> Cow<'static, [N]>
where
    N: Clone + for<'a> TryFrom<&'a str>,
{
    match names {
        None => Cow::Borrowed(usual),
        Some(names) => Cow::Owned(names.iter().filter_map(|name| named_one(name)).collect()),
    }
}

fn named_one<N: for<'a> TryFrom<&'a str>>(name: &str) -> Option<N> {
    N::try_from(name).ok()
}

/// The keys, and the certificates, that the host may show. A certificate that
/// nobody could check would only stand before the key.
fn host_key_offer(
    chosen: Option<&HostKeyAlgorithms>,
    known: &Wanted,
) -> (Vec<Algorithm>, Vec<Algorithm>) {
    let Some(HostKeyAlgorithms { names, known_first }) = chosen else {
        let certificates = if known.certificates { HOST_KEYS.to_vec() } else { Vec::new() };
        return (known_types_first(&HOST_KEYS, &known.types), certificates);
    };
    let certified = |name: &String| name.strip_suffix("-cert-v01@openssh.com")?.parse().ok();
    let certificates = names.iter().filter_map(certified);
    let plain = names.iter().filter(|name| !name.ends_with("-cert-v01@openssh.com"));
    let keys: Vec<Algorithm> = plain.filter_map(|name| name.parse().ok()).collect();
    let certificates = if known.certificates { certificates.collect() } else { Vec::new() };
    let keys = if *known_first { known_types_first(&keys, &known.types) } else { keys };
    (keys, certificates)
}

/// When a stream that moves neither way counts as dead.
///
/// Keep-alives do not run while a write to the socket is blocked, and this
/// timer does. It has to be later than they are, since it knows less. Without
/// keep-alives there is none: an idle link is silent for as long as it likes.
fn inactivity(keep_alive: KeepAlive) -> Option<Duration> {
    let probes = keep_alive.count.saturating_add(1);
    let timer = |interval: Duration| interval.saturating_mul(probes).saturating_add(MARGIN);
    keep_alive.interval.map(|interval| timer(interval).max(LEAST_INACTIVITY))
}

/// The types that are known for the host first: a server that has several keys
/// then shows one that can be checked.
fn known_types_first(offered: &[Algorithm], known: &[Algorithm]) -> Vec<Algorithm> {
    let is_rsa = |algorithm: &Algorithm| matches!(algorithm, Algorithm::Rsa { .. });
    let is_known = |offered: &Algorithm| {
        known.iter().any(|known| known == offered || is_rsa(known) && is_rsa(offered))
    };
    let (mut order, rest): (Vec<_>, Vec<_>) = offered.iter().cloned().partition(is_known);
    order.extend(rest);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_host_key_types_come_first() {
        let names = |known: &[Algorithm]| {
            known_types_first(&HOST_KEYS, known).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(names(&[])[0], "ssh-ed25519");
        let rsa = names(&[Algorithm::Rsa { hash: None }]);
        assert_eq!(rsa[..3], ["rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519"]);
        for known in [&[][..], &[Algorithm::Dsa], &[Algorithm::Ed25519]] {
            assert_eq!(names(known).len(), HOST_KEYS.len());
            assert!(!names(known).contains(&"ssh-rsa".to_owned()));
        }
    }

    #[test]
    fn every_name_that_is_told_is_one_that_can_be_offered() {
        let all = |known: Known| known.all.iter().map(|name| (*name).to_owned()).collect();
        let names: Vec<String> = all(host_keys());
        let count = names.len();
        let offer = Offer {
            kex: Some(all(kex())),
            ciphers: Some(all(ciphers())),
            macs: Some(all(macs())),
            host_keys: Some(HostKeyAlgorithms { names, known_first: false }),
            compression: true,
            rekey_bytes: Some(1 << 20),
            rekey_after: Some(Duration::from_secs(60)),
        };
        let known = Wanted { types: Vec::new(), certificates: true };
        let Config { preferred, limits, .. } = config(KeepAlive::default(), &offer, &known);
        assert_eq!(preferred.kex.len(), KEX.len() + MORE_KEX.len() + EXTENSIONS.len());
        assert_eq!(preferred.cipher.len(), CIPHERS.len() + MORE_CIPHERS.len());
        assert_eq!(preferred.mac.len(), MACS.len() + MORE_MACS.len());
        assert_eq!(preferred.key.len() + preferred.host_key_certificates.len(), count);
        assert!(!preferred.key.iter().any(|key| matches!(key, Algorithm::Other(_))));
        assert_eq!((limits.rekey_read_limit, limits.rekey_write_limit), (1 << 20, 1 << 20));
        assert_eq!(limits.rekey_time_limit, Duration::from_secs(60));
        assert_eq!(preferred.compression[0].as_ref(), "zlib@openssh.com");
        let usual = config(KeepAlive::default(), &Offer::default(), &Wanted::default()).preferred;
        assert_eq!(usual.kex.len(), KEX.len() + EXTENSIONS.len());
        assert!(usual.host_key_certificates.is_empty());
        assert_eq!(usual.compression.iter().map(AsRef::as_ref).collect::<Vec<_>>(), ["none"]);
    }

    #[test]
    fn a_list_of_host_keys_is_kept_in_its_order_unless_it_only_amends() {
        let names = |known_first| {
            let names = ["rsa-sha2-256", "ssh-ed25519"].map(str::to_owned).to_vec();
            let chosen = HostKeyAlgorithms { names, known_first };
            let known = Wanted { types: vec![Algorithm::Ed25519], certificates: false };
            let (keys, certificates) = host_key_offer(Some(&chosen), &known);
            assert!(certificates.is_empty());
            keys.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(names(false), ["rsa-sha2-256", "ssh-ed25519"]);
        assert_eq!(names(true), ["ssh-ed25519", "rsa-sha2-256"]);
    }

    #[test]
    fn inactivity_is_later_than_the_last_keep_alive() {
        let keep_alive = KeepAlive { interval: Some(Duration::from_secs(15)), count: 3 };
        assert_eq!(inactivity(keep_alive), Some(Duration::from_secs(120)));
        let slow = KeepAlive { interval: Some(Duration::from_secs(60)), count: 3 };
        assert_eq!(inactivity(slow), Some(Duration::from_secs(270)));
        assert_eq!(inactivity(KeepAlive { interval: None, count: 3 }), None);
    }
}
