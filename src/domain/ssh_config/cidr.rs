//! Lists of networks: `Match localnetwork`.

use std::net::IpAddr;

use super::address::inet_aton;
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

#[cfg(test)]
mod tests {
    use super::*;

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
