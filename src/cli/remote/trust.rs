//! `remote trust`: a person looks at a host key and says yes.

use std::io::{IsTerminal as _, stdin, stdout};

use crate::api::types::{HostKeyShown, TrustRequest};
use crate::cli::attention;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::{self, Code};
use crate::cli::output::{print, print_json, print_line};

/// Runs the verb.
pub(super) async fn trust(
    name: &str,
    fingerprint: Option<String>,
    json: bool,
    context: &Context,
) -> Result<Code, CliError> {
    if let Some(fingerprint) = fingerprint {
        let shown = agree(name, fingerprint, context).await?;
        if json {
            print_json(&shown)?
        } else {
            print_line(&trusted(&shown))?
        }
        return Ok(exit::OK);
    }
    // A jump host may need somebody.
    let shows = context.call(async |client| client.host_key(name).await);
    let shown = attention::meanwhile(context, name, shows).await?;
    if json {
        print_json(&shown)?;
        return Ok(exit::OK);
    }
    print(&described(&shown))?;
    if shown.known && shown.others.is_empty() {
        print_line("It is known already.")?;
        return Ok(exit::OK);
    }
    if !(stdin().is_terminal() && stdout().is_terminal()) {
        return Err(CliError::Usage {
            what: "nobody is here to be asked".to_owned(),
            write: format!("longhaul remote trust {name} --fingerprint {}", shown.fingerprint),
        });
    }
    if !says_yes()? {
        print_line("Nothing was changed.")?;
        return Ok(exit::FAILED);
    }
    let shown = agree(name, shown.fingerprint, context).await?;
    print_line(&trusted(&shown))?;
    Ok(exit::OK)
}

async fn agree(
    name: &str,
    fingerprint: String,
    context: &Context,
) -> Result<HostKeyShown, CliError> {
    let request = TrustRequest { fingerprint };
    context.call(async |client| client.trust(name, &request).await).await
}

/// What a person compares.
fn described(shown: &HostKeyShown) -> String {
    let mut text =
        format!("{} shows the {} key\n  {}\n", shown.name, shown.kind, shown.fingerprint);
    for other in &shown.others {
        text.push_str(&format!(
            "{}, line {}, knows the {} key\n  {}\n",
            other.file.display(),
            other.line,
            other.kind,
            other.fingerprint
        ));
    }
    text
}

fn trusted(shown: &HostKeyShown) -> String {
    match &shown.file {
        Some(file) => format!("{} is known now: {}", shown.name, file.display()),
        None => format!("{} is known now", shown.name),
    }
}

/// Asks until the answer is one; the end of the input is a no.
fn says_yes() -> Result<bool, CliError> {
    loop {
        print("Is this the machine that you mean? Type yes to trust it: ")?;
        let mut answer = String::new();
        let read = stdin().read_line(&mut answer);
        let length = read.map_err(|source| CliError::Read { path: "-".into(), source })?;
        match answer.trim() {
            "yes" => return Ok(true),
            "no" => return Ok(false),
            _ if length == 0 => return Ok(false),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::types::HostKeyLine;

    #[test]
    fn a_person_sees_both_fingerprints_and_the_line_that_knows_the_other() {
        let shown = HostKeyShown {
            name: "[box]:2222".to_owned(),
            kind: "ssh-ed25519".to_owned(),
            fingerprint: "SHA256:new".to_owned(),
            known: false,
            others: vec![HostKeyLine {
                file: "/home/ann/.ssh/known_hosts".into(),
                line: 7,
                kind: "ssh-rsa".to_owned(),
                fingerprint: "SHA256:old".to_owned(),
            }],
            file: None,
        };
        assert_eq!(
            described(&shown),
            "[box]:2222 shows the ssh-ed25519 key\n  SHA256:new\n\
             /home/ann/.ssh/known_hosts, line 7, knows the ssh-rsa key\n  SHA256:old\n"
        );
    }
}
