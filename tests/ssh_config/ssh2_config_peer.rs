//! What the crate ssh2-config makes of a file, in `ssh -G`'s form, for the
//! comparison: `ssh2_config_peer FILE HOME HOST [user=USER] [port=PORT]`.
//!
//! It is given what it takes: the user and the port that were asked for go
//! before the file's, unknown and unsupported fields are let through, and unsupported ones
//! are printed as it keeps them.

use std::error::Error;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::time::Duration;

use ssh2_config::{HostParams, ParseRule, SshConfig};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, home, destination, asked @ ..] = arguments.as_slice() else {
        return Err("FILE HOME HOST [user=USER] [port=PORT]".into());
    };
    let (given, host) = match destination.rsplit_once('@') {
        Some((user, host)) => (Some(user.to_owned()), host),
        None => (None, destination.as_str()),
    };
    let rules = ParseRule::ALLOW_UNKNOWN_FIELDS | ParseRule::ALLOW_UNSUPPORTED_FIELDS;
    let mut reader = BufReader::new(File::open(file)?);
    let config = SshConfig::default().home_dir(PathBuf::from(home)).parse(&mut reader, rules)?;
    let mut params = config.query(host);
    let asked = |name: &str| asked.iter().find_map(|word| word.strip_prefix(name));
    params.user = asked("user=").map(str::to_owned).or(given).or(params.user);
    params.port = asked("port=").and_then(|port| port.parse().ok()).or(params.port);
    print(host, &params);
    Ok(())
}

fn line(key: &str, value: &str) {
    #[expect(clippy::print_stdout, reason = "that is what it is for")]
    {
        println!("{key} {value}");
    }
}

fn print(host: &str, params: &HostParams) {
    let flag = |set: bool| if set { "yes" } else { "no" };
    let seconds = |time: &Duration| time.as_secs().to_string();
    line("user", params.user.as_deref().unwrap_or("alice"));
    line("hostname", &params.host_name.as_deref().unwrap_or(host).to_lowercase());
    let fields = [
        ("port", params.port.map(|port| port.to_string())),
        ("bindaddress", params.bind_address.clone()),
        ("certificatefile", params.certificate_file.as_ref().map(|it| it.display().to_string())),
        ("compression", params.compression.map(|set| flag(set).to_owned())),
        ("connectionattempts", params.connection_attempts.map(|it| it.to_string())),
        ("connecttimeout", params.connect_timeout.as_ref().map(seconds)),
        ("serveraliveinterval", params.server_alive_interval.as_ref().map(seconds)),
        ("tcpkeepalive", params.tcp_keep_alive.map(|set| flag(set).to_owned())),
        ("pubkeyauthentication", params.pubkey_authentication.map(|set| flag(set).to_owned())),
        ("forwardagent", params.forward_agent.map(|set| flag(set).to_owned())),
        ("addkeystoagent", params.add_keys_to_agent.map(|set| flag(set).to_owned())),
        ("proxyjump", params.proxy_jump.as_ref().map(|hops| hops.join(","))),
    ];
    for (key, value) in fields {
        if let Some(value) = value {
            line(key, &value);
        }
    }
    for file in params.identity_file.iter().flatten() {
        line("identityfile", &file.display().to_string());
    }
    for (key, words) in &params.unsupported_fields {
        line(key, &words.join(" "));
    }
}
