//! Ages, sizes, signals, commands.

use std::time::SystemTime;

/// The largest unit that is at least one: `12s`, `3m`, `5h`, `9d`. `-` where it
/// is no time, and `0s` for the future: clocks are set back.
pub(super) fn age(at: &str, now: SystemTime) -> String {
    let Ok(at) = humantime::parse_rfc3339(at) else { return "-".to_owned() };
    let seconds = now.duration_since(at).map_or(0, |age| age.as_secs());
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86400),
    }
}

/// Bytes with a binary unit: `0B`, `999B`, `1.5K`, `34M`.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["K", "M", "G", "T", "P", "E"];
    if bytes < 1024 {
        return format!("{bytes}B");
    }
    // Tenths, in whole numbers: what is shown never exceeds what is there.
    let mut tenths = u128::from(bytes) * 10 / 1024;
    let mut unit = 0;
    while tenths >= 10240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    let unit = UNITS[unit];
    if tenths < 100 {
        format!("{}.{}{unit}", tenths / 10, tenths % 10)
    } else {
        format!("{}{unit}", tenths / 10)
    }
}

/// A time to wait, from milliseconds: rounded up, so that it is never `0 s`
/// before it is over.
pub(super) fn duration_ms(ms: u64) -> String {
    match ms.div_ceil(1000) {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds => format!("{} min", seconds.div_ceil(60)),
    }
}

/// The name of a signal whose number is the same on all systems, or its number.
pub(super) fn signal_name(number: u8) -> String {
    match number {
        1 => "HUP",
        2 => "INT",
        3 => "QUIT",
        4 => "ILL",
        6 => "ABRT",
        8 => "FPE",
        9 => "KILL",
        11 => "SEGV",
        13 => "PIPE",
        14 => "ALRM",
        15 => "TERM",
        other => return format!("signal {other}"),
    }
    .to_owned()
}

/// A command as a person could type it, on one line, and with nothing in it
/// that a terminal would obey.
pub(super) fn command(words: &[String]) -> String {
    let mut line = String::new();
    for word in words {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&quoted(word));
    }
    line
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "%+,-./:=@_".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else if word.chars().any(is_obeyed) {
        let escaped: String = word
            .chars()
            .map(|c| match c {
                '\'' => "\\'".to_owned(),
                '\\' => "\\\\".to_owned(),
                '\n' => "\\n".to_owned(),
                '\t' => "\\t".to_owned(),
                c if c.is_ascii_control() => format!("\\x{:02x}", u32::from(c)),
                c if is_obeyed(c) => format!("\\u{:04x}", u32::from(c)),
                c => c.to_string(),
            })
            .collect();
        format!("$'{escaped}'")
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Whether a terminal does something for it other than to show it: a control
/// character, or one that turns the direction of writing (UAX #9), with which one
/// text can be made to look like another.
pub(in crate::cli) fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A remote's words, with nothing in them that a terminal would obey but the ends
/// of lines.
pub(in crate::cli) fn tame(text: &str) -> String {
    harmless(text).replace('\t', " ")
}

/// The same with its tabs.
pub(in crate::cli) fn harmless(text: &str) -> String {
    let mut harmless = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => harmless.push(c),
            c if is_obeyed(c) => harmless.extend(c.escape_default()),
            c => harmless.push(c),
        }
    }
    harmless
}
