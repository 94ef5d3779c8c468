//! What `ssh` is started with. Pure.

use std::ffi::OsString;
use std::path::Path;

use crate::domain::target::{SshConfigUse, SshSettings, SystemSsh, UnknownHost};

/// The arguments of a master whose control socket is `socket`.
///
/// What the configuration may hold for terminals and forwardings is turned off:
/// a session is neither. Nobody is asked anything unless there is an askpass
/// program (`may_ask`).
pub(super) fn master(
    told: &SystemSsh,
    settings: &SshSettings,
    socket: &Path,
    may_ask: bool,
) -> Vec<OsString> {
    // Its log is apart from banners and from what a proxy command says.
    let mut args: Vec<OsString> = vec!["-E".into(), "/dev/stdout".into()];
    match &told.ssh_config {
        SshConfigUse::On => {}
        SshConfigUse::Off => args.extend(["-F".into(), "none".into()]),
        SshConfigUse::File(file) => args.extend(["-F".into(), file.into()]),
    }
    let mut option = |name: &str, value: OsString| {
        let mut text = OsString::from(format!("{name}="));
        text.push(value);
        args.extend(["-o".into(), text]);
    };
    option("ControlMaster", "yes".into());
    option("ControlPath", path_value(socket));
    option("ControlPersist", "no".into());
    for (name, value) in [
        ("ClearAllForwardings", "yes"),
        ("ForkAfterAuthentication", "no"),
        ("PermitLocalCommand", "no"),
        ("RemoteCommand", "none"),
        ("RequestTTY", "no"),
        ("EscapeChar", "none"),
        ("LogLevel", "DEBUG1"),
    ] {
        option(name, value.into());
    }
    if !may_ask {
        option("BatchMode", "yes".into());
    }
    // Through a hop or a command it would bound the time that the login there takes, with
    // the questions that a person is asked in it. Our own bound knows better.
    let straight = settings.jumps.is_empty() && settings.reach.proxy.is_none();
    let seconds = || settings.connect_timeout.as_secs().max(1).to_string();
    option("ConnectTimeout", if straight { seconds() } else { "none".to_owned() }.into());
    let interval = settings.keep_alive.interval.map_or(0, |interval| interval.as_secs().max(1));
    option("ServerAliveInterval", interval.to_string().into());
    option("ServerAliveCountMax", settings.keep_alive.count.to_string().into());
    let strict = match settings.unknown_host {
        UnknownHost::AcceptNew => "accept-new",
        UnknownHost::Ask => "ask",
        UnknownHost::Refuse => "yes",
        UnknownHost::AcceptAny => "no",
    };
    option("StrictHostKeyChecking", strict.into());
    if let Some(port) = told.port {
        args.extend(["-p".into(), port.to_string().into()]);
    }
    if let Some(user) = &told.user {
        args.extend(["-l".into(), user.into()]);
    }
    if let Some(file) = &told.identity_file {
        args.extend(["-i".into(), file.into()]);
    }
    args.extend(["-N".into(), "-T".into(), "--".into(), told.host.clone().into()]);
    args
}

/// A path as the value of an option: quoted, and without tokens.
fn path_value(path: &Path) -> OsString {
    let text = path.to_string_lossy().replace('%', "%%");
    format!("\"{text}\"").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ssh::testing::bare_settings;

    fn line(told: &SystemSsh) -> String {
        let args = master(told, &bare_settings(), Path::new("/run/a b/s"), false);
        args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn ssh_is_told_what_was_given_and_no_more() {
        let told = SystemSsh {
            host: "box".to_owned(),
            port: None,
            user: None,
            identity_file: None,
            ssh_config: SshConfigUse::On,
        };
        let plain = line(&told);
        assert!(
            plain.starts_with("-E /dev/stdout -o ControlMaster=yes -o ControlPath=\"/run/a b/s\""),
            "{plain}"
        );
        assert!(plain.ends_with(" -N -T -- box"), "{plain}");
        assert!(!plain.contains("-p ") && !plain.contains("-l ") && !plain.contains("-F "));
        let all = line(&SystemSsh {
            port: Some(2222),
            user: Some("ann".to_owned()),
            identity_file: Some("/k".into()),
            ssh_config: SshConfigUse::File("/c".into()),
            ..told
        });
        assert!(all.starts_with("-E /dev/stdout -F /c "), "{all}");
        assert!(all.ends_with(" -p 2222 -l ann -i /k -N -T -- box"), "{all}");
    }
}
