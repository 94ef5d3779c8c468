//! The files of a service, as text.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// What the files say beside what is in them anyway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting {
    /// This program.
    pub(super) program: PathBuf,
    /// The configuration's main file, where one was named.
    pub(super) config: Option<PathBuf>,
    /// Where the daemon listens.
    pub(super) socket: PathBuf,
    /// Whether that is where it would listen anyway.
    pub(super) usual_socket: bool,
    /// The log's file, where no manager keeps the log.
    pub(super) log: PathBuf,
    /// What the daemon's environment has to have.
    pub(super) environment: Vec<(&'static str, String)>,
}

/// What stands in the file that is kept as an example.
const PROGRAM: &str = "/usr/bin/longhaul";
const SOCKET: &str = "%t/longhaul/longhaul.sock";
const PLIST_PROGRAM: &str = "<string>/usr/local/bin/longhaul</string>";
const PLIST_LOG: &str = "/tmp/longhaul.log";
const PLIST_DICT: &str = "    <dict>\n    </dict>\n";

/// The systemd unit of the daemon. `None` where a path is no text or has a line
/// break.
pub(super) fn unit(setting: &Setting) -> Option<String> {
    let mut start = quoted(setting.program.to_str()?)?.replace('$', "$$");
    if let Some(config) = &setting.config {
        let _ = write!(start, " --config {}", quoted(config.to_str()?)?.replace('$', "$$"));
    }
    let mut environment = String::new();
    for (name, value) in &setting.environment {
        let _ = writeln!(environment, "Environment={}", quoted(&format!("{name}={value}"))?);
    }
    let text = include_str!("../../../config/longhaul.service")
        .replace(PROGRAM, &start)
        .replace("ExecReload=", &format!("{environment}ExecReload="));
    Some(text)
}

/// The systemd unit of the socket.
pub(super) fn socket_unit(setting: &Setting) -> Option<String> {
    let text = include_str!("../../../config/longhaul.socket");
    if setting.usual_socket {
        return Some(text.to_owned());
    }
    let path = setting.socket.to_str().filter(|path| !path.contains('\n'))?;
    Some(text.replace(SOCKET, &path.replace('%', "%%")))
}

/// What hardens it.
pub(super) fn hardening() -> &'static str {
    include_str!("../../../config/longhaul-hardened.conf")
}

/// The agent of launchd.
pub(super) fn plist(setting: &Setting) -> Option<String> {
    let string = |path: &Path| Some(format!("<string>{}</string>", escaped(path.to_str()?)));
    let mut arguments = string(&setting.program)?;
    if let Some(config) = &setting.config {
        let _ = write!(arguments, "\n        <string>--config</string>");
        let _ = write!(arguments, "\n        {}", string(config)?);
    }
    let mut variables = String::from("    <dict>\n");
    for (name, value) in &setting.environment {
        let _ = writeln!(variables, "        <key>{name}</key>");
        let _ = writeln!(variables, "        <string>{}</string>", escaped(value));
    }
    variables.push_str("    </dict>\n");
    let text = include_str!("../../../config/longhaul.plist")
        .replace(PLIST_PROGRAM, &arguments)
        .replacen(PLIST_DICT, &variables, 1)
        .replace(PLIST_LOG, &escaped(setting.log.to_str()?));
    Some(text)
}

/// A word as `systemd.syntax(7)` quotes it; `%` begins a specifier.
fn quoted(word: &str) -> Option<String> {
    if word.contains(['\n', '\r', '\0']) {
        return None;
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return Some(word.to_owned());
    }
    let inner = word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%");
    Some(format!("\"{inner}\""))
}

/// Text in XML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting() -> Setting {
        Setting {
            program: "/opt/long haul/bin/longhaul".into(),
            config: Some("/home/me/50%/$x.ron".into()),
            socket: "/run/user/7/longhaul/longhaul.sock".into(),
            usual_socket: true,
            log: "/home/me/state/daemon.log".into(),
            environment: vec![
                ("PATH", "/usr/bin:/bin".to_owned()),
                ("A", "say \"<b>\"".to_owned()),
            ],
        }
    }

    #[test]
    fn the_unit_starts_this_program_with_what_it_needs() {
        let text = unit(&setting()).unwrap();
        let lines: Vec<_> = text.lines().collect();
        for line in [
            r#"ExecStart="/opt/long haul/bin/longhaul" --config "/home/me/50%%/$$x.ron" daemon run"#,
            "Environment=PATH=/usr/bin:/bin",
            r#"Environment="A=say \"<b>\"""#,
            "ExecReload=/bin/kill -HUP $MAINPID",
            "KillMode=process",
        ] {
            assert!(lines.contains(&line), "{line}\n{text}");
        }
        assert!(!text.contains(PROGRAM), "{text}");
    }

    #[test]
    fn the_socket_is_where_commands_look_for_it() {
        assert!(
            socket_unit(&setting()).unwrap().contains("ListenStream=%t/longhaul/longhaul.sock\n")
        );
        let other = Setting { socket: "/s/100%/x.sock".into(), usual_socket: false, ..setting() };
        assert!(socket_unit(&other).unwrap().contains("ListenStream=/s/100%%/x.sock\n"));
    }

    #[test]
    fn the_agent_of_launchd_says_the_same() {
        let text = plist(&setting()).unwrap();
        for part in [
            "<string>/opt/long haul/bin/longhaul</string>\n        <string>--config</string>\n        <string>/home/me/50%/$x.ron</string>\n        <string>daemon</string>",
            "<key>A</key>\n        <string>say \"&lt;b&gt;\"</string>",
            "<key>StandardErrorPath</key>\n    <string>/home/me/state/daemon.log</string>",
            "<string>--log</string>\n        <string>/home/me/state/daemon.log</string>",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert_eq!(text.matches("<dict>").count(), text.matches("</dict>").count());
    }

    #[test]
    fn a_path_with_a_line_break_is_refused() {
        let bad = Setting { program: "/a\nExecStartPre=/bin/rm".into(), ..setting() };
        assert_eq!(unit(&bad), None);
    }
}
