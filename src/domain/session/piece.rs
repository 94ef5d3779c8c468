//! Where a piece of input goes.

/// A piece of a session's input, as a sender offers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// Where the sender believes that it begins; `None` is wherever the input
    /// ends by now.
    pub offset: Option<u64>,
    /// Its length, in bytes.
    pub length: u64,
    /// Whether it was offered before, and the answer was lost.
    pub again: bool,
}

/// What is to be done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// So many of its bytes may be there already: if they are the same, what
    /// comes after them is to be added. Of a first offer there are none.
    After(u64),
    /// Something else is where the sender believes that its piece begins: it has
    /// to look again.
    Moved,
}

/// Decides on an offer, with `accepted` bytes there.
///
/// A first offer that does not begin where the input ends is another sender's
/// mishap and is never taken for one that was made before: two people may well
/// send the same line.
#[must_use]
pub fn place(offer: Offer, accepted: u64) -> Placement {
    let Some(offset) = offer.offset else { return Placement::After(0) };
    match accepted.checked_sub(offset) {
        Some(0) => Placement::After(0),
        Some(over) if offer.again => Placement::After(over.min(offer.length)),
        _ => Placement::Moved,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn offer(offset: impl Into<Option<u64>>, length: u64, again: bool) -> Offer {
        Offer { offset: offset.into(), length, again }
    }

    #[test]
    fn a_piece_goes_where_the_input_ends_or_nowhere() {
        for (offer, accepted, placed) in [
            (offer(None, 5, false), 10, Placement::After(0)),
            (offer(10, 5, false), 10, Placement::After(0)),
            (offer(9, 5, false), 10, Placement::Moved),
            (offer(11, 5, false), 10, Placement::Moved),
            (offer(10, 5, true), 10, Placement::After(0)),
            (offer(10, 5, true), 12, Placement::After(2)),
            (offer(10, 5, true), 15, Placement::After(5)),
            (offer(10, 5, true), 40, Placement::After(5)),
            (offer(11, 5, true), 10, Placement::Moved),
        ] {
            assert_eq!(place(offer, accepted), placed, "{offer:?} {accepted}");
        }
    }

    proptest! {
        /// However often answers are lost, and wherever a write was cut short,
        /// the input is what was sent, once.
        #[test]
        fn offers_that_are_repeated_add_up_to_what_was_sent(
            pieces in prop::collection::vec(
                (prop::collection::vec(any::<u8>(), 0..9), prop::collection::vec(0usize..9, 0..4)),
                0..9),
        ) {
            let (mut sent, mut held) = (Vec::new(), Vec::<u8>::new());
            for (piece, cut_short_after) in pieces {
                let (offset, length) = (sent.len() as u64, piece.len() as u64);
                // Tries whose answers are lost, and one whose answer is not.
                for (at, cut) in cut_short_after.iter().copied().chain([usize::MAX]).enumerate() {
                    let offer = Offer { offset: Some(offset), length, again: at > 0 };
                    let Placement::After(there) = place(offer, held.len() as u64) else {
                        return Err(TestCaseError::fail("moved, with one sender"));
                    };
                    let there = usize::try_from(there).unwrap();
                    prop_assert_eq!(&held[sent.len()..], &piece[..there]);
                    let rest = &piece[there..];
                    held.extend(&rest[..cut.min(rest.len())]);
                }
                sent.extend(piece);
                prop_assert_eq!(&held, &sent);
            }
        }
    }
}
