//! Did you mean?

/// The candidate that `given` was most likely meant to be, if one is near.
///
/// Near is one slip in three characters, counting two swapped neighbours as
/// one slip, and letters of the wrong case as none.
pub fn nearest<'a, T>(
    given: &str,
    candidates: impl IntoIterator<Item = &'a T>,
    text: impl Fn(&T) -> &str,
) -> Option<&'a T>
where
    T: ?Sized,
{
    let given = given.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| {
            let name = text(candidate).to_lowercase();
            let slips = strsim::damerau_levenshtein(&given, &name);
            let longest = given.chars().count().max(name.chars().count());
            (candidate, slips, longest)
        })
        .filter(|(_, slips, longest)| slips * 3 <= *longest)
        .min_by_key(|(_, slips, _)| *slips)
        .map(|(candidate, _, _)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nearest_word(given: &str) -> Option<&'static str> {
        let words = ["host", "port", "identity_file", "working_dir", "gpu-box"];
        nearest(given, words, |word| word)
    }

    #[test]
    fn a_slip_is_seen_and_another_word_is_not() {
        for (given, meant) in [
            ("hots", Some("host")),
            ("prt", Some("port")),
            ("Port", Some("port")),
            ("identityfile", Some("identity_file")),
            ("gpubox", Some("gpu-box")),
            ("hostname", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest_word(given), meant, "{given}");
        }
    }
}
