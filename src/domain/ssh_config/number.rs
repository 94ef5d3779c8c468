//! Numbers, times and sizes as OpenSSH reads them.

/// A decimal number of which nothing is left over; blanks and a sign may stand
/// in front.
pub(super) fn whole(text: &str, least: i64, most: i64) -> Option<i64> {
    let number: i64 = text.trim_start_matches(|c: char| c.is_ascii_whitespace()).parse().ok()?;
    (least..=most).contains(&number).then_some(number)
}

/// A number that is not negative and fits C's `int`.
pub(super) fn natural(text: &str) -> Option<u32> {
    whole(text, 0, i64::from(i32::MAX)).and_then(|number| u32::try_from(number).ok())
}

/// sshd_config(5), TIME FORMATS, in seconds: `90`, `90s`, `1m30s`, `2h`, …
pub(super) fn time(text: &str) -> Option<u32> {
    if text.is_empty() {
        return None;
    }
    let (mut total, mut rest) = (0_u32, text);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, unit) = rest.split_at(digits);
        let number = natural(number)?;
        let mut unit = unit.chars();
        let factor = match unit.next() {
            None | Some('s' | 'S') => 1,
            Some('m' | 'M') => 60,
            Some('h' | 'H') => 3600,
            Some('d' | 'D') => 86400,
            Some('w' | 'W') => 604_800,
            Some(_) => return None,
        };
        let fits = |number: &u32| i32::try_from(*number).is_ok();
        let more = number.checked_mul(factor).filter(fits)?;
        total = total.checked_add(more).filter(fits)?;
        rest = unit.as_str();
    }
    Some(total)
}

/// A size as `scan_scaled`(3) reads it: `1G`, `4.5K`, `500`.
pub(super) fn size(text: &str) -> Option<i64> {
    const SCALES: &str = "bkmgtpe";
    let text = text.trim_start_matches(|c: char| c.is_ascii_whitespace());
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.contains('.') || whole.len() >= 20 {
        return None;
    }
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let sign = if negative { -1 } else { 1 };
    let mut unit = unit.chars();
    let Some(scale) = unit.next() else { return Some(sign * whole) };
    let power = SCALES.find(scale.to_ascii_lowercase())?;
    if unit.next().is_some_and(|c| c.is_ascii_alphanumeric()) {
        return None;
    }
    let factor = 1_i64 << (10 * power);
    // Nine digits are more than a byte's worth of any scale that fits.
    let fraction = &fraction[..fraction.len().min(9)];
    let parts: i128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let tens = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    let extra = i64::try_from(parts * i128::from(factor) / tens).ok()?;
    whole.checked_mul(factor)?.checked_add(extra).map(|size| sign * size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_all_units() {
        let cases = [
            ("0", Some(0)),
            ("90", Some(90)),
            ("1m30s", Some(90)),
            ("1W2d3H", Some(604_800 + 172_800 + 10_800)),
            ("5s3", Some(8)),
            ("", None),
            ("m", None),
            ("-1", None),
            ("1x", None),
            ("1 m", None),
            ("2147483647", Some(2_147_483_647)),
            ("2147483648", None),
            ("4000w", None),
        ];
        for (text, expected) in cases {
            assert_eq!(time(text), expected, "{text}");
        }
    }

    #[test]
    fn sizes_are_scaled() {
        let cases = [
            ("1G", Some(1 << 30)),
            ("1.5g", Some((1 << 30) + (1 << 29))),
            ("500", Some(500)),
            ("4.9", Some(4)),
            ("1KB", None),
            ("1.2.3", None),
            ("x", None),
            ("9E", None),
            ("-1K", Some(-1024)),
        ];
        for (text, expected) in cases {
            assert_eq!(size(text), expected, "{text}");
        }
    }

    #[test]
    fn numbers_may_have_a_sign_and_nothing_after_them() {
        assert_eq!(natural("+5"), Some(5));
        assert_eq!(natural(" 5"), Some(5));
        for wrong in ["", "5 ", "-1", "5x", "0x5", "2147483648"] {
            assert_eq!(natural(wrong), None, "{wrong}");
        }
    }
}
