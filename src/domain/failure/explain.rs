//! The catalogue as a manual: a page for a code, and a table of all.

use super::catalogue::{Code, Remedy};
use super::template::{Manual, fill};

/// What `longhaul explain CODE` prints, ending in a newline.
#[must_use]
pub fn page(code: Code) -> String {
    let entry = code.entry();
    let mut page = format!("{}: {}\n\n", entry.code, entry.title);
    for line in wrapped(entry.why, 78) {
        page.push_str(&line);
        page.push('\n');
    }
    page.push_str(&format!("\nStage:     {}\nWhat next: {}\n\n", entry.stage, what_next(code)));
    match entry.remedy {
        Remedy::Type(template) => {
            page.push_str("What to type:\n");
            for line in fill(template, &Manual).lines() {
                page.push_str(&format!("    {line}\n"));
            }
        }
        Remedy::Nothing(reason) => page.push_str(&format!("What to type: nothing. {reason}\n")),
    }
    page
}

/// All codes as a table in Markdown, ending in a newline.
#[must_use]
pub fn table() -> String {
    let mut table = "| code | what happened | what longhaul does | what you type |\n\
                     | --- | --- | --- | --- |\n"
        .to_owned();
    for code in Code::all() {
        let entry = code.entry();
        let cells = [
            format!("`{}`", entry.code),
            cell(entry.title),
            what_next(code).to_owned(),
            remedy_cell(entry.remedy),
        ];
        table.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    table
}

/// What longhaul does by itself.
fn what_next(code: Code) -> &'static str {
    use super::Disposition::{Final, Retries, WaitsForYou};
    match (code.entry().disposition, code) {
        (Retries, _) => "tries again by itself, with growing pauses",
        (WaitsForYou, _) => "waits for you",
        (Final, Code::Reach(_)) => "refuses the session",
        (Final, _) => "ends the session",
    }
}

/// Lines to type as code, lines that say something as text.
fn remedy_cell(remedy: Remedy) -> String {
    let template = match remedy {
        Remedy::Type(template) => template,
        Remedy::Nothing(_) => return "nothing".to_owned(),
    };
    let typed = fill(template, &Manual);
    let lines = typed.lines().map(|line| match line.strip_prefix("# ") {
        Some(text) => cell(text),
        None => format!("`{}`", line.replace('|', r"\|")),
    });
    lines.collect::<Vec<_>>().join("<br>")
}

/// Text that Markdown takes as text.
fn cell(text: &str) -> String {
    text.chars().fold(String::new(), |mut cell, c| {
        if matches!(c, '|' | '\\' | '`' | '*' | '_' | '<' | '[' | '$') {
            cell.push('\\');
        }
        cell.push(c);
        cell
    })
}

/// `text` in lines of at most `width` characters, where its words allow.
pub(in crate::domain) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_the_code_its_reason_and_what_to_type() {
        for code in Code::all() {
            let entry = code.entry();
            let page = page(code);
            assert!(page.starts_with(&format!("{code}: {}\n", entry.title)), "{code}");
            let text = page.replace('\n', " ");
            assert!(text.contains(entry.why), "{code}");
            assert!(text.contains(&entry.stage.to_string()), "{code}");
            assert!(page.contains("What to type"), "{code}");
            assert!(page.ends_with('\n') && !page.contains("\n\n\n"), "{code}");
        }
    }

    #[test]
    fn a_page_is_a_page() {
        let page = page("ssh.auth.denied".parse().expect("a code"));
        let expected = "\
ssh.auth.denied: the server refused the login

The key is not in ~/.ssh/authorized_keys of that user, the user name is wrong,
or the file's permissions there are too open for sshd; or the password or code
that was given is wrong. It is not tried again by itself: repeated failed
logins get an address banned.

Stage:     authentication
What next: waits for you

What to type:
    ssh-copy-id -i KEY.pub USER@HOST
    longhaul remote reconnect REMOTE
";
        assert_eq!(page, expected);
    }

    #[test]
    fn the_table_has_one_row_of_four_cells_for_every_code() {
        let table = table();
        let rows: Vec<&str> = table.lines().skip(2).collect();
        assert_eq!(rows.len(), Code::all().count());
        for (row, code) in rows.iter().zip(Code::all()) {
            assert!(row.starts_with(&format!("| `{code}` | ")), "{row}");
            let cells = row.replace(r"\|", "").matches('|').count() - 1;
            assert_eq!(cells, 4, "{row}");
        }
    }
}
