//! What is shown.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use super::script::LINES;
use super::set::Set;
use super::verdict::{Arrival, Finding, Verdict};
use crate::api::types::{Exit, LinkState, VersionView};

/// Characters in a bar.
const BAR: u32 = 14;

/// Standard output, with colours where somebody can see them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Screen {
    colours: bool,
}

/// How far one remote is, in lines.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) link: LinkState,
    /// Lines that are here.
    pub(super) arrived: u32,
    /// Lines that were printed there; never fewer.
    pub(super) printed: u32,
    /// Lines that will be printed.
    pub(super) total: u32,
}

#[derive(Debug, Clone, Copy)]
enum Colour {
    Good,
    Bad,
    Late,
    Faint,
    Strong,
}

impl Screen {
    /// See <https://no-color.org>.
    pub(super) fn new() -> Self {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let dumb = set("TERM").is_none_or(|term| term == "dumb");
        Self { colours: io::stdout().is_terminal() && set("NO_COLOR").is_none() && !dumb }
    }

    fn paint(self, colour: Colour, text: &str) -> String {
        if !self.colours || text.is_empty() {
            return text.to_owned();
        }
        let code = match colour {
            Colour::Good => "32",
            Colour::Bad => "1;31",
            Colour::Late => "33",
            Colour::Faint => "2",
            Colour::Strong => "1",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    fn print(self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// What there is, before anything happens.
    pub(super) fn opening(self, set: &Set, version: &VersionView) -> io::Result<()> {
        let mut text = self.paint(
            Colour::Strong,
            "longhaul demo: sessions on two remotes, and a link that is cut under them",
        );
        let folder = set.stage.root().display();
        text.push_str(&format!(
            "\n\n  daemon  {}, pid {}, a private one, in {folder} until the end\n",
            version.version, version.pid
        ));
        for remote in &set.remotes {
            let port = remote.server.port;
            text.push_str(&format!(
                "  {:<6}  an SSH server of our own, 127.0.0.1:{port}\n",
                remote.name
            ));
        }
        text.push_str(&format!(
            "  each    3 sessions of {LINES} lines on stdout and {LINES} on stderr, about 5 s\n"
        ));
        let legend = format!(
            "{} here   {} printed there, not here yet   {} to come",
            self.paint(Colour::Good, "#"),
            self.paint(Colour::Late, "="),
            self.paint(Colour::Faint, ".")
        );
        text.push_str(&format!("          {legend}\n\n"));
        let names: Vec<_> =
            set.remotes.iter().map(|remote| format!("{:<35}", remote.name)).collect();
        let heads = format!("         {}", names.join(" "));
        text.push_str(&self.paint(Colour::Strong, heads.trim_end()));
        text.push('\n');
        self.print(&text)
    }

    /// How far both remotes are.
    pub(super) fn row(self, at: Duration, rows: &[Row]) -> io::Result<()> {
        let cells: Vec<_> = rows.iter().map(|row| self.cell(row)).collect();
        self.print(&format!("{}  {}\n", time(at), cells.join("   ")))
    }

    fn cell(self, row: &Row) -> String {
        let colour = if row.link == LinkState::Connected { Colour::Good } else { Colour::Late };
        let state = self.paint(colour, &format!("{:<11}", row.link.as_str()));
        let [here, there, to_come] = row.bar();
        let run =
            |colour, mark: &str, length: u32| self.paint(colour, &mark.repeat(length as usize));
        let bar = [
            run(Colour::Good, "#", here),
            run(Colour::Late, "=", there),
            run(Colour::Faint, ".", to_come),
        ];
        format!("{state} [{}] {:>3} %", bar.concat(), row.arrived * 100 / row.total.max(1))
    }

    /// Something that happened to a remote.
    pub(super) fn note(self, at: Duration, remote: &str, what: &str) -> io::Result<()> {
        let note = self.paint(Colour::Strong, &format!("{remote}: {what}"));
        self.print(&format!("{}  {note}\n", time(at)))
    }

    /// What was checked, and what came of it.
    pub(super) fn closing(self, verdict: &Verdict) -> io::Result<()> {
        let heads = "  session  exit  stdout (SHA-256)   stderr (SHA-256)   started";
        let mut text = format!("\n{}\n", self.paint(Colour::Strong, heads));
        for finding in &verdict.findings {
            text.push_str(&self.finding(finding));
        }
        text.push_str(&self.summary(verdict));
        self.print(&text)
    }

    fn finding(self, finding: &Finding) -> String {
        let exit = match &finding.exit {
            Ok(Exit::Code(code)) => code.to_string(),
            Ok(Exit::Signal(signal)) => format!("signal {signal}"),
            Err(why) => why.clone(),
        };
        let exit = self.judged(finding.exit_is_right(), &format!("{exit:>4}"), "");
        let [out, err] = finding.streams.map(|stream| self.arrival(&stream));
        let times = match finding.starts {
            1 => "once".to_owned(),
            0 => "never".to_owned(),
            more => format!("{more} times"),
        };
        let starts = self.judged(finding.starts == 1, &times, "");
        format!("  {:<7}  {exit}  {out}  {err}  {starts}\n", finding.name)
    }

    fn arrival(self, stream: &Arrival) -> String {
        let sum = stream.arrived.map_or("incomplete".to_owned(), |sum| sum.short());
        let good = stream.is_right();
        self.judged(good, &format!("{sum:<8}  "), if good { "right  " } else { "WRONG  " })
    }

    fn judged(self, good: bool, text: &str, word: &str) -> String {
        if good {
            format!("{text}{}", self.paint(Colour::Good, word))
        } else {
            self.paint(Colour::Bad, &format!("{text}{word}"))
        }
    }

    fn summary(self, verdict: &Verdict) -> String {
        let sessions = verdict.findings.len();
        let (right, streams) = verdict.streams();
        let outage = match verdict.outage {
            Some((lasted, meanwhile)) => format!(
                "{} was cut off for {:.1} s, in which its sessions printed {meanwhile} lines",
                verdict.remote,
                lasted.as_secs_f64()
            ),
            None => format!("{} was never cut off, so this shows nothing", verdict.remote),
        };
        let (colour, word) = if verdict.is_good() {
            (Colour::Good, "NOTHING WAS LOST")
        } else {
            (Colour::Bad, "THIS WENT WRONG")
        };
        format!(
            "\n{}: {outage}.\n{right} of {streams} streams arrived complete and in order, \
             {} of {sessions} commands were started\nexactly once, {} of {sessions} exit statuses \
             are the commands' own.\n",
            self.paint(colour, word),
            verdict.started_once(),
            verdict.exits(),
        )
    }
}

impl Row {
    /// The lengths of a bar's parts: here, only there, to come.
    fn bar(&self) -> [u32; 3] {
        let scaled = |lines: u32| (lines * BAR / self.total.max(1)).min(BAR);
        let here = scaled(self.arrived);
        // What is missing shows, however little it is.
        let there = if self.printed > self.arrived { scaled(self.printed).max(here) } else { here };
        [here, there - here, BAR - there]
    }
}

fn time(at: Duration) -> String {
    format!("{:>5.1} s", at.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_it_is_whatever_it_shows() {
        for (arrived, printed) in [(0, 0), (0, 60), (10, 12), (30, 60), (60, 60)] {
            let row = Row { link: LinkState::Connected, arrived, printed, total: 60 };
            let [here, there, to_come] = row.bar();
            assert_eq!(here + there + to_come, BAR, "{row:?}");
            assert_eq!(to_come == 0, printed == 60, "{row:?}");
        }
    }
}
