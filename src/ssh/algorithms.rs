//! What is offered in the key exchange, and the session's limits.

use std::borrow::Cow;
use std::time::Duration;

use russh::client::Config;
use russh::keys::{Algorithm, EcdsaCurve, HashAlg};
use russh::{Preferred, cipher, compression, kex, mac};

use super::host_key::Wanted;
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
    kex::EXTENSION_SUPPORT_AS_CLIENT,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
];

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

/// Host key algorithms in order of preference; no RSA with SHA-1.
const HOST_KEYS: [Algorithm; 6] = [
    Algorithm::Ed25519,
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
    Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
    Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
];

/// The session's configuration, for a host of which so much is known.
pub(super) fn config(keep_alive: KeepAlive, known: &Wanted) -> Config {
    // A certificate that nobody could check would only stand before the key.
    let certificates = if known.certificates { HOST_KEYS.to_vec() } else { Vec::new() };
    Config {
        window_size: WINDOW,
        channel_buffer_size: QUEUE,
        maximum_packet_size: 32768,
        nodelay: true,
        keepalive_interval: keep_alive.interval,
        keepalive_max: usize::try_from(keep_alive.count).unwrap_or(usize::MAX),
        inactivity_timeout: inactivity(keep_alive),
        preferred: Preferred {
            kex: Cow::Borrowed(KEX),
            key: Cow::Owned(host_key_order(&known.types)),
            host_key_certificates: Cow::Owned(certificates),
            cipher: Cow::Borrowed(CIPHERS),
            mac: Cow::Borrowed(MACS),
            compression: Cow::Borrowed(&[compression::NONE]),
        },
        ..Config::default()
    }
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
fn host_key_order(known: &[Algorithm]) -> Vec<Algorithm> {
    let is_rsa = |algorithm: &Algorithm| matches!(algorithm, Algorithm::Rsa { .. });
    let is_known = |offered: &Algorithm| {
        known.iter().any(|known| known == offered || is_rsa(known) && is_rsa(offered))
    };
    let (mut order, rest): (Vec<_>, Vec<_>) = HOST_KEYS.into_iter().partition(is_known);
    order.extend(rest);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_host_key_types_come_first() {
        let names = |known: &[Algorithm]| {
            host_key_order(known).iter().map(ToString::to_string).collect::<Vec<_>>()
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
    fn inactivity_is_later_than_the_last_keep_alive() {
        let keep_alive = KeepAlive { interval: Some(Duration::from_secs(15)), count: 3 };
        assert_eq!(inactivity(keep_alive), Some(Duration::from_secs(120)));
        let slow = KeepAlive { interval: Some(Duration::from_secs(60)), count: 3 };
        assert_eq!(inactivity(slow), Some(Duration::from_secs(270)));
        assert_eq!(inactivity(KeepAlive { interval: None, count: 3 }), None);
    }
}
