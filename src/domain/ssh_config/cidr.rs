//! Lists of networks: `Match localnetwork`.

use std::net::{IpAddr, Ipv4Addr};

use super::number;

/// A network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Network {
    address: IpAddr,
    bits: u32,
}

/// The networks of a list with commas; `None` for one that is none.
pub(super) fn list(text: &str) -> Option<Vec<Network>> {
    text.split(',').map(network).collect()
}

fn network(text: &str) -> Option<Network> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (text, None),
    };
    let v4 = || inet_aton(address).map(IpAddr::V4);
    let address = v4().or_else(|| address.parse().ok().map(IpAddr::V6))?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = match bits {
        Some(bits) => u32::try_from(number::whole(bits, 0, most.into())?).ok()?,
        None => most,
    };
    // What is beyond the mask has to be zero.
    (masked(address, bits) == wide(address)).then_some(Network { address, bits })
}

/// Left-aligned in 128 bits.
fn wide(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(u32::from(v4)) << 96,
        IpAddr::V6(v6) => v6.into(),
    }
}

fn masked(address: IpAddr, bits: u32) -> u128 {
    let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
    wide(address) & mask
}

impl Network {
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.address.is_ipv4()
            && masked(address, self.bits) == wide(self.address)
    }
}

/// `inet_aton`(3): one number to four, each decimal, octal or hexadecimal, the
/// last one filling what is left.
fn inet_aton(text: &str) -> Option<Ipv4Addr> {
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
    fn an_address_may_be_written_short() {
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
        ];
        for (name, expected) in cases {
            assert_eq!(inet_aton(name), expected.map(|ip| ip.parse().unwrap()), "{name}");
        }
    }

    #[test]
    fn a_network_contains_its_addresses() {
        let contains = |text: &str, address: &str| {
            list(text).unwrap().iter().any(|network| network.contains(address.parse().unwrap()))
        };
        assert!(contains("10.0.0.0/8", "10.9.8.7"));
        assert!(!contains("10.0.0.0/8", "11.0.0.0"));
        assert!(contains("0.0.0.0/0,::/0", "::1"));
        assert!(!contains("0.0.0.0/0", "::1"));
        assert!(contains("192.0.2.1", "192.0.2.1"));
        for wrong in ["", "10.0.0.1/8", "10.0.0.0/33", "host", "10.0.0.0/8,", "10.0.0.0/x"] {
            assert_eq!(list(wrong), None, "{wrong}");
        }
    }
}
