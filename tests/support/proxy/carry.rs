//! Takes connections and moves their bytes, as it is ordered.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::time::{sleep, sleep_until};

use super::super::must::Must;
use super::handle::{Door, Shared};
use super::orders::{End, Flow, Line, Way};
use super::queue::{PIECE, Queue};

/// Serves until the door is gone. Connections end with the runtime.
pub(super) async fn serve(
    port: u16,
    target: u16,
    mut door: watch::Receiver<Door>,
    shared: Arc<Shared>,
    ready: oneshot::Sender<()>,
) {
    let mut ready = Some(ready);
    loop {
        if *door.wait_for(|door| *door != Door::Shut).await.must("the door") == Door::Gone {
            return;
        }
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener = TcpListener::bind(address).await.must("listen for the proxy");
        shared.listens.store(true, Ordering::SeqCst);
        if let Some(ready) = ready.take() {
            let _ = ready.send(());
        }
        loop {
            tokio::select! {
                taken = listener.accept() => {
                    let (client, _) = taken.must("accept a connection");
                    let (number, orders) = shared.open();
                    let shared = Arc::clone(&shared);
                    tokio::spawn(async move {
                        carry(client, target, orders, &shared).await;
                        shared.close(number);
                    });
                }
                _ = door.wait_for(|door| *door != Door::Open) => break,
            }
        }
        drop(listener);
        shared.listens.store(false, Ordering::SeqCst);
    }
}

async fn carry(
    mut client: TcpStream,
    target: u16,
    mut orders: watch::Receiver<Line>,
    shared: &Shared,
) {
    let delay = orders.borrow().delay;
    let connect = async {
        sleep(delay).await;
        TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await
    };
    let mut server = tokio::select! {
        connected = connect => match connected {
            Ok(server) => server,
            Err(_) => return,
        },
        _ = ended(&mut orders) => return,
    };
    for side in [&client, &server] {
        let _ = side.set_nodelay(true);
    }
    let how = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let both = async {
            tokio::join!(
                pump(Way::Up, from_client, to_server, orders.clone(), shared),
                pump(Way::Down, from_server, to_client, orders.clone(), shared),
            )
        };
        let mut orders = orders.clone();
        tokio::select! {
            _ = both => return,
            how = ended(&mut orders) => how,
        }
    };
    match how {
        End::Reset => {
            for side in [&client, &server] {
                let _ = side.set_zero_linger();
            }
        }
        End::Cut => {
            let _ = client.shutdown().await;
            let _ = server.shutdown().await;
            // Dropping a socket that has unread data sends RST, not FIN. A side
            // that is stopped may not close its end for long.
            let mut ashore = tokio::io::sink();
            let drain = async {
                let _ = tokio::io::copy(&mut client, &mut ashore).await;
                let _ = tokio::io::copy(&mut server, &mut ashore).await;
            };
            let _ = tokio::time::timeout(Duration::from_secs(10), drain).await;
        }
    }
}

/// Returns once the connection is to end.
async fn ended(orders: &mut watch::Receiver<Line>) -> End {
    let told = orders.wait_for(|line| line.end.is_some()).await;
    told.ok().and_then(|line| line.end).unwrap_or(End::Reset)
}

async fn pump(
    way: Way,
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut orders: watch::Receiver<Line>,
    shared: &Shared,
) {
    let mut piece = vec![0; PIECE];
    let mut queue = Queue::default();
    let mut corrupted = orders.borrow().lane(way).corruptions;
    let mut ended = false;
    while !(ended && queue.is_empty()) {
        let Ok(line) = orders.wait_for(|line| !line.holds(way)).await.map(|line| *line) else {
            return;
        };
        let rate = match line.lane(way).flow {
            Flow::Throttle(rate) => Some(rate),
            _ => None,
        };
        let room = piece.len().min(queue.room(rate));
        tokio::select! {
            biased;
            changed = orders.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
            () = sleep_until(queue.free()), if !queue.is_empty() => {}
            read = from.read(&mut piece[..room]), if room > 0 && !ended => match read {
                Ok(0) | Err(_) => ended = true,
                Ok(length) => queue.push(&piece[..length]),
            },
        }
        while let Some(mut passing) = queue.pop(rate) {
            let wanted = orders.borrow().lane(way).corruptions;
            if wanted != corrupted {
                corrupted = wanted;
                let middle = passing.len() / 2;
                passing[middle] ^= 0x10;
            }
            if to.write_all(&passing).await.is_err() {
                return;
            }
            shared.bytes.fetch_add(passing.len() as u64, Ordering::Relaxed);
        }
    }
    let _ = to.shutdown().await;
}
