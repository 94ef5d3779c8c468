//! Destinations that are addresses: the C library knows more ways to write one
//! than Rust does.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::world::Family;

/// Whether a name can only be an address.
pub(super) fn looks_like_one(name: &str) -> bool {
    name.contains(['%', ':']) || name.chars().all(|c| c.is_ascii_digit() || c == '.')
}

/// The address as the system would print it.
pub(super) fn canonical(name: &str, family: Family) -> Option<String> {
    if family != Family::Inet6
        && let Some(address) = inet_aton(name)
    {
        return Some(address.to_string());
    }
    if family == Family::Inet {
        return None;
    }
    name.parse::<Ipv6Addr>().ok().map(|address| address.to_string())
}

/// `inet_aton`(3): one number to four, each decimal, octal or hexadecimal, the
/// last one filling what is left.
pub(super) fn inet_aton(text: &str) -> Option<Ipv4Addr> {
    let parts: Vec<u32> = text.split('.').map(number).collect::<Option<_>>()?;
    let (&last, front) = parts.split_last()?;
    if front.len() > 3 || front.iter().any(|&part| part > 255) {
        return None;
    }
    let high = front.iter().fold(0_u64, |high, &part| high << 8 | u64::from(part));
    let bits = 8 * (4 - front.len());
    if u64::from(last) >> bits != 0 {
        return None;
    }
    u32::try_from(high << bits | u64::from(last)).ok().map(Ipv4Addr::from)
}

fn number(text: &str) -> Option<u32> {
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let (digits, radix) = match hexadecimal {
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (&text[1..], 8),
        None => (text, 10),
    };
    // A sign is none of the digits.
    let first = digits.chars().next().is_some_and(|c| c.is_digit(radix));
    first.then(|| u32::from_str_radix(digits, radix).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_anew() {
        let cases = [
            ("127.0.0.1", Some("127.0.0.1")),
            ("127.1", Some("127.0.0.1")),
            ("10.1.2", Some("10.1.0.2")),
            ("2130706433", Some("127.0.0.1")),
            ("0x7f.1", Some("127.0.0.1")),
            ("010.0.0.1", Some("8.0.0.1")),
            ("256.0.0.1", None),
            ("1.2.3.4.5", None),
            ("1.2.3.", None),
            ("+1.2.3.4", None),
            ("FE80::0:1", Some("fe80::1")),
            ("::1", Some("::1")),
            ("host", None),
        ];
        for (name, expected) in cases {
            assert_eq!(canonical(name, Family::Any).as_deref(), expected, "{name}");
        }
        assert_eq!(canonical("::1", Family::Inet), None);
        assert_eq!(canonical("127.1", Family::Inet6), None);
    }
}
