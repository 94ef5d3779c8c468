//! One TCP connection to one address, from where the settings say.

use std::io;
use std::net::{IpAddr, SocketAddr};

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use tokio::net::{TcpSocket, TcpStream};

use crate::domain::ssh_options::{AddressFamily, Bind, Reach};

/// Connects to `address`.
pub(super) async fn open(address: SocketAddr, reach: &Reach) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_keepalive(reach.tcp_keep_alive)?;
    if let Some(bind) = &reach.bind {
        socket.bind(source(bind, address).await?)?;
    }
    socket.connect(address).await
}

/// Whether an address counts.
pub(super) fn is_of(family: AddressFamily, address: &SocketAddr) -> bool {
    match family {
        AddressFamily::Any => true,
        AddressFamily::Inet => address.is_ipv4(),
        AddressFamily::Inet6 => address.is_ipv6(),
    }
}

/// Where a connection to `to` comes from: an address of its family.
async fn source(bind: &Bind, to: SocketAddr) -> io::Result<SocketAddr> {
    let fits = |address: &SocketAddr| address.is_ipv4() == to.is_ipv4();
    let none = |what: String| io::Error::new(io::ErrorKind::AddrNotAvailable, what);
    match bind {
        Bind::Address(name) => {
            let mut found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let missing = || none(format!("BindAddress {name} has no address of that kind"));
            found.find(fits).ok_or_else(missing)
        }
        Bind::Interface(name) => {
            let missing = || none(format!("BindInterface {name} has no address of that kind"));
            let all = addresses_of(name)?;
            // As ssh: one that leads off this machine and its wire goes first.
            let wide = all.iter().find(|address| fits(address) && !is_narrow(address.ip()));
            wide.or_else(|| all.iter().find(|address| fits(address))).copied().ok_or_else(missing)
        }
    }
}

fn addresses_of(interface: &str) -> io::Result<Vec<SocketAddr>> {
    let up = getifaddrs()?.filter(|found| {
        found.interface_name == interface && found.flags.contains(InterfaceFlags::IFF_UP)
    });
    let address = |found: nix::ifaddrs::InterfaceAddress| {
        let address = found.address?;
        let v4 = address.as_sockaddr_in().map(|v4| SocketAddr::from((v4.ip(), 0)));
        v4.or_else(|| address.as_sockaddr_in6().map(|v6| SocketAddr::from(*v6)))
    };
    Ok(up.filter_map(address).map(without_port).collect())
}

fn without_port(mut address: SocketAddr) -> SocketAddr {
    address.set_port(0);
    address
}

/// Loopback, or of one wire alone.
fn is_narrow(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    async fn from(bind: Bind) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let reach = Reach { bind: Some(bind), ..Reach::default() };
        let _stream = open(listener.local_addr().unwrap(), &reach).await?;
        Ok(listener.accept().unwrap().1)
    }

    #[tokio::test]
    async fn a_connection_comes_from_where_it_is_bound_to() {
        let bound = from(Bind::Address("127.0.0.3".to_owned())).await.unwrap();
        assert_eq!(bound.ip(), IpAddr::from([127, 0, 0, 3]));
        let lo = from(Bind::Interface("lo".to_owned())).await.unwrap();
        assert_eq!(lo.ip(), IpAddr::from([127, 0, 0, 1]));
    }

    #[tokio::test]
    async fn what_cannot_be_bound_to_is_named() {
        let no_interface = from(Bind::Interface("nosuch0".to_owned())).await.unwrap_err();
        assert!(no_interface.to_string().contains("BindInterface nosuch0"), "{no_interface}");
        let other_kind = from(Bind::Address("::1".to_owned())).await.unwrap_err();
        assert!(other_kind.to_string().contains("BindAddress ::1"), "{other_kind}");
    }

    #[tokio::test]
    async fn the_kernel_asks_for_a_sign_of_life_if_it_is_to() {
        for tcp_keep_alive in [true, false] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let reach = Reach { tcp_keep_alive, ..Reach::default() };
            let stream = open(listener.local_addr().unwrap(), &reach).await.unwrap();
            let set = rustix::net::sockopt::socket_keepalive(&stream).unwrap();
            assert_eq!(set, tcp_keep_alive);
        }
    }
}
