//! Names to addresses, and a TCP connection to one of them.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::socket;
use crate::domain::failure::trouble::{LinkTrouble, Phase};
use crate::domain::ssh_options::{AddressFamily, Reach};

/// The kernel sends a request that was lost again after 1, 3, 7 and 15 seconds
/// (RFC 6298, tcp(7) `tcp_syn_retries`). So that a network that comes back in
/// between is noticed, a fresh one is sent beside it, and given up, in this time.
const FRESH: Duration = Duration::from_secs(1);
/// The pause between two attempts.
const BETWEEN: Duration = Duration::from_secs(1);

/// The addresses of `host` that count, in the resolver's order.
pub(super) async fn resolve(
    host: &str,
    port: u16,
    family: AddressFamily,
    bound: Duration,
) -> Result<Vec<SocketAddr>, LinkTrouble> {
    let unresolved = |detail: String| LinkTrouble::Unresolved { host: host.to_owned(), detail };
    let looked_up = timeout(bound, tokio::net::lookup_host((host, port)))
        .await
        .map_err(|_| LinkTrouble::TimedOut { phase: Phase::Resolve })?;
    let all: Vec<_> = looked_up.map_err(|e| unresolved(resolver_words(&e)))?.collect();
    let addresses: Vec<_> =
        all.iter().copied().filter(|address| socket::is_of(family, address)).collect();
    match (addresses.is_empty(), all.is_empty()) {
        (false, _) => Ok(addresses),
        (true, true) => Err(unresolved("the name has no address".to_owned())),
        (true, false) => Err(LinkTrouble::NoAddressOfFamily {
            host: host.to_owned(),
            family: if family == AddressFamily::Inet6 { "IPv6" } else { "IPv4" },
            found: listed(&all),
        }),
    }
}

fn listed(addresses: &[SocketAddr]) -> String {
    let words: Vec<_> = addresses.iter().map(|address| address.ip().to_string()).collect();
    words.join(", ")
}

/// The resolver's words without std's preface.
fn resolver_words(error: &io::Error) -> String {
    let words = error.to_string();
    match words.strip_prefix("failed to lookup address information: ") {
        Some(rest) => rest.to_owned(),
        None => words,
    }
}

/// A connection to the first address that takes one; each gets `bound`. As with
/// `ssh`, there is a second between `ConnectionAttempts`, and the error is the
/// last address's.
pub(super) async fn connect(
    addresses: &[SocketAddr],
    reach: &Reach,
    bound: Duration,
) -> Result<TcpStream, LinkTrouble> {
    let mut outcome = round(addresses, reach, bound).await;
    for _ in 1..reach.attempts {
        if outcome.is_ok() {
            break;
        }
        sleep(BETWEEN).await;
        outcome = round(addresses, reach, bound).await;
    }
    outcome
}

async fn round(
    addresses: &[SocketAddr],
    reach: &Reach,
    bound: Duration,
) -> Result<TcpStream, LinkTrouble> {
    let mut last = LinkTrouble::TimedOut { phase: Phase::Connect };
    let mut without_ipv6 = 0;
    for address in addresses {
        last = match timeout(bound, connect_to(*address, reach)).await {
            Ok(Ok(stream)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%address, %error, "TCP_NODELAY was refused");
                }
                return Ok(stream);
            }
            Ok(Err(error)) => {
                without_ipv6 += usize::from(address.is_ipv6() && lacks_ipv6(&error));
                connect_trouble(&error)
            }
            Err(_) => LinkTrouble::TimedOut { phase: Phase::Connect },
        };
        tracing::debug!(%address, trouble = %last, "address failed");
    }
    if without_ipv6 > 0 && without_ipv6 == addresses.len() {
        return Err(LinkTrouble::NoIpv6 { addresses: listed(addresses) });
    }
    Err(last)
}

/// Whether an error says that there is no way to an address of IPv6: no route,
/// no address of one's own to come from, or no IPv6 in the kernel.
fn lacks_ipv6(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(errno, Some(Errno::NETUNREACH | Errno::ADDRNOTAVAIL | Errno::AFNOSUPPORT))
}

/// Connects, on the first request or on the latest, whichever is answered.
async fn connect_to(address: SocketAddr, reach: &Reach) -> io::Result<TcpStream> {
    let fresh = async {
        sleep(FRESH).await;
        loop {
            if let Ok(answer) = timeout(FRESH, socket::open(address, reach)).await {
                return answer;
            }
        }
    };
    tokio::select! {
        answer = socket::open(address, reach) => answer,
        answer = fresh => answer,
    }
}

fn connect_trouble(error: &io::Error) -> LinkTrouble {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => LinkTrouble::Refused,
        io::ErrorKind::TimedOut => LinkTrouble::TimedOut { phase: Phase::Connect },
        io::ErrorKind::HostUnreachable => LinkTrouble::NoRoute,
        io::ErrorKind::NetworkUnreachable => LinkTrouble::NetworkUnreachable,
        io::ErrorKind::ConnectionReset => LinkTrouble::ResetByPeer { phase: Phase::Connect },
        _ => LinkTrouble::ConnectFailed { detail: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_system_error_has_its_trouble() {
        use io::ErrorKind as Kind;
        let cases = [
            (Kind::ConnectionRefused, LinkTrouble::Refused),
            (Kind::TimedOut, LinkTrouble::TimedOut { phase: Phase::Connect }),
            (Kind::HostUnreachable, LinkTrouble::NoRoute),
            (Kind::NetworkUnreachable, LinkTrouble::NetworkUnreachable),
            (Kind::ConnectionReset, LinkTrouble::ResetByPeer { phase: Phase::Connect }),
            (
                Kind::PermissionDenied,
                LinkTrouble::ConnectFailed { detail: "permission denied".to_owned() },
            ),
        ];
        for (kind, trouble) in cases {
            assert_eq!(connect_trouble(&kind.into()), trouble);
        }
    }

    #[tokio::test]
    async fn a_port_without_a_listener_refuses() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let result = connect(&[free], &Reach::default(), Duration::from_secs(5)).await;
        assert_eq!(result.unwrap_err(), LinkTrouble::Refused);
    }

    #[tokio::test]
    async fn goes_on_to_the_next_address() {
        let refused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let open = listener.local_addr().unwrap();
        let stream =
            connect(&[refused, open], &Reach::default(), Duration::from_secs(5)).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), open);
        assert!(stream.nodelay().unwrap());
    }

    #[tokio::test]
    async fn a_name_that_is_none_is_unresolved() {
        let result =
            resolve("no-such-host.invalid", 22, AddressFamily::Any, Duration::from_secs(20)).await;
        assert!(matches!(
            result,
            Err(LinkTrouble::Unresolved { host, .. }) if host == "no-such-host.invalid"
        ));
    }
    #[tokio::test]
    async fn only_addresses_of_the_family_count() {
        let of = |host: &'static str, family| resolve(host, 22, family, Duration::from_secs(20));
        assert_eq!(of("127.0.0.1", AddressFamily::Inet).await.unwrap().len(), 1);
        let none = of("127.0.0.1", AddressFamily::Inet6).await.unwrap_err();
        let (host, found) = ("127.0.0.1".to_owned(), "127.0.0.1".to_owned());
        assert_eq!(none, LinkTrouble::NoAddressOfFamily { host, family: "IPv6", found });
        assert_eq!(of("::1", AddressFamily::Inet6).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn there_are_as_many_attempts_as_are_set() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let listens = tokio::spawn(async move {
            sleep(Duration::from_millis(200)).await;
            let listener = tokio::net::TcpListener::bind(free).await.unwrap();
            listener.accept().await.unwrap();
        });
        let patient = Reach { attempts: 100, ..Reach::default() };
        connect(&[free], &patient, Duration::from_secs(5)).await.unwrap();
        listens.await.unwrap();
    }

    #[tokio::test]
    async fn the_system_looks_after_a_connection_unless_it_is_told_not_to() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let open = listener.local_addr().unwrap();
        for tcp_keep_alive in [true, false] {
            let reach = Reach { tcp_keep_alive, ..Reach::default() };
            let stream = connect(&[open], &reach, Duration::from_secs(5)).await.unwrap();
            let set = rustix::net::sockopt::socket_keepalive(&stream).unwrap();
            assert_eq!(set, tcp_keep_alive);
        }
    }
}
