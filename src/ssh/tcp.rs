//! Names to addresses, and a TCP connection to one of them.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::domain::failure::trouble::{LinkTrouble, Phase};

/// The kernel sends a request that was lost again after 1, 3, 7 and 15 seconds
/// (RFC 6298, tcp(7) `tcp_syn_retries`). So that a network that comes back in
/// between is noticed, a fresh one is sent beside it, and given up, in this time.
const FRESH: Duration = Duration::from_secs(1);

/// All addresses of `host`, in the resolver's order.
pub(super) async fn resolve(
    host: &str,
    port: u16,
    bound: Duration,
) -> Result<Vec<SocketAddr>, LinkTrouble> {
    let unresolved = |detail: String| LinkTrouble::Unresolved { host: host.to_owned(), detail };
    let looked_up = timeout(bound, tokio::net::lookup_host((host, port)))
        .await
        .map_err(|_| LinkTrouble::TimedOut { phase: Phase::Resolve })?;
    let addresses: Vec<_> = looked_up.map_err(|e| unresolved(resolver_words(&e)))?.collect();
    if addresses.is_empty() {
        return Err(unresolved("the name has no address".to_owned()));
    }
    Ok(addresses)
}

/// The resolver's words without std's preface.
fn resolver_words(error: &io::Error) -> String {
    let words = error.to_string();
    match words.strip_prefix("failed to lookup address information: ") {
        Some(rest) => rest.to_owned(),
        None => words,
    }
}

/// A connection to the first address that takes one; each gets `bound`.
///
/// The error is the last address's, as with `ssh`.
pub(super) async fn connect(
    addresses: &[SocketAddr],
    bound: Duration,
) -> Result<TcpStream, LinkTrouble> {
    let mut last = LinkTrouble::TimedOut { phase: Phase::Connect };
    for address in addresses {
        last = match timeout(bound, connect_to(*address)).await {
            Ok(Ok(stream)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%address, %error, "TCP_NODELAY was refused");
                }
                return Ok(stream);
            }
            Ok(Err(error)) => connect_trouble(&error),
            Err(_) => LinkTrouble::TimedOut { phase: Phase::Connect },
        };
        tracing::debug!(%address, trouble = %last, "address failed");
    }
    Err(last)
}

/// Connects, on the first request or on the latest, whichever is answered.
async fn connect_to(address: SocketAddr) -> io::Result<TcpStream> {
    let fresh = async {
        sleep(FRESH).await;
        loop {
            if let Ok(answer) = timeout(FRESH, TcpStream::connect(address)).await {
                return answer;
            }
        }
    };
    tokio::select! {
        answer = TcpStream::connect(address) => answer,
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
        let result = connect(&[free], Duration::from_secs(5)).await;
        assert_eq!(result.unwrap_err(), LinkTrouble::Refused);
    }

    #[tokio::test]
    async fn goes_on_to_the_next_address() {
        let refused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let open = listener.local_addr().unwrap();
        let stream = connect(&[refused, open], Duration::from_secs(5)).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), open);
        assert!(stream.nodelay().unwrap());
    }

    #[tokio::test]
    async fn a_name_that_is_none_is_unresolved() {
        let result = resolve("no-such-host.invalid", 22, Duration::from_secs(20)).await;
        assert!(matches!(
            result,
            Err(LinkTrouble::Unresolved { host, .. }) if host == "no-such-host.invalid"
        ));
    }
}
