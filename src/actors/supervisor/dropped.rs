//! What of a session's output never came, for its view.

use tracing::warn;

use crate::api::types::{Dropped, SessionView};
use crate::domain::stream::Stream;
use crate::store::mirror::Mirror;

/// The most ranges of a stream that are shown: a slow link and a session that
/// floods make one after the other. The newest say most.
const SHOWN: usize = 100;

/// The view with what its mirror says was dropped.
pub(super) async fn with_dropped(view: SessionView) -> SessionView {
    let mut views = vec![view];
    fill(&mut views).await;
    views.remove(0)
}

/// Adds to each view what its mirror says was dropped.
pub(super) async fn fill(views: &mut [SessionView]) {
    let folders = views.iter().map(|view| view.mirror.clone()).collect();
    match Mirror::gaps_in(folders).await {
        Ok(all) => {
            for (view, found) in views.iter_mut().zip(all) {
                view.dropped.clear();
                for (stream, gaps) in Stream::BOTH.into_iter().zip(found) {
                    let gaps = gaps.as_slice();
                    *match stream {
                        Stream::Stdout => &mut view.stdout_dropped,
                        Stream::Stderr => &mut view.stderr_dropped,
                    } = gaps.iter().map(|gap| gap.bytes()).sum();
                    let newest = &gaps[gaps.len().saturating_sub(SHOWN)..];
                    view.dropped.extend(newest.iter().map(|gap| Dropped { stream, gap: *gap }));
                }
            }
        }
        Err(error) => warn!(%error, "what was dropped cannot be told"),
    }
}
