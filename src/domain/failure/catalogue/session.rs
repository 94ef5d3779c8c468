//! The session itself: its shell, its directory, its command, its end.

use super::entry::group;

group! {
    /// Codes of a session on a place that was reached.
    Session {
        ShellBroken = "session.shell.broken", Shell, Final,
            "the login shell did not reach the runner",
            "sshd starts the account's login shell, and that has to start /bin/sh. Something in its start-up files ends it, replaces it or waits before that; what it said is the evidence.",
            Type("# must print ok and nothing else:\n{there echo ok}");
        ShellSilent = "session.shell.silent", Shell, Final,
            "the login shell waits for something",
            "The login shell was started, and within half a minute it neither ended nor came to /bin/sh: a start-up file asks a question, waits for a network file system, or starts another program in the shell's place. What it said is the evidence. It was tried more than once.",
            Type("# must print ok at once and nothing else:\n{there echo ok}");
        ShellReplaced = "session.shell.replaced", Shell, Final,
            "something else than the runner was run there",
            "longhaul asked for /bin/sh, and something else ran and ended well. The key has a forced command (command= in authorized_keys), sshd has one for the account (ForceCommand), or a start-up file of the login shell ends it. What that said is the evidence. The server tells of a forced command of the key as `key options: command`.",
            Type("# must print ok and nothing else:\n{there echo ok}\n# whether the key has a forced command:\n{ssh_v} true 2>&1 | grep 'key options'");
        ShellRestricted = "session.shell.restricted", Shell, Final,
            "the account may not run commands",
            "The account, or the key, is for something else: file transfer (internal-sftp), Git (git-shell, a code host), or a restricted shell. longhaul needs one that may run /bin/sh.",
            Type("# must print ok and nothing else; if it does not, use another account or key:\n{there echo ok}\nlonghaul config path");
        ShellAppliance = "session.shell.appliance", Shell, Final,
            "the other side has a command line of its own",
            "What answers is the command line of a router, a switch, a storage appliance or the like. longhaul needs a Unix with a POSIX sh at /bin/sh. Is this the right host? Such a machine may serve as a jump host.",
            Type("# see what answers:\n{ssh}\n# mend the host's name where it is another's:\nlonghaul config path");
        ShellProfile = "session.shell.profile", Shell, Final,
            "a start-up file of the login shell has an error",
            "The login shell stopped at a syntax error in one of its start-up files, such as ~/.bashrc, ~/.zshenv or ~/.config/fish/config.fish. The evidence names the file and the line.",
            Type("# mend the file that the evidence names; then this must print ok and nothing else:\n{there echo ok}");
        ShellNoLogin = "session.shell.no-login", Shell, Final,
            "the account may not log in",
            "The account is closed, its login shell is nologin or false, or its password has expired. The key was right, yet nothing may run as this user.",
            Type("# the login shell is the last field:\ngetent passwd {user} # on {host}\n# to give it one, as root there: usermod -s /bin/sh {user}");
        ShellDenied = "session.shell.denied", Shell, Final,
            "the login shell may not be started",
            "The login shell, or a file that it reads first, is closed to this user: its permissions are wrong, or a security module forbids it.",
            Type("{there id}");
        ShellUnsupported = "session.shell.unsupported", Shell, Final,
            "the remote runs Windows",
            "The login shell is cmd.exe or PowerShell. longhaul needs a POSIX sh at /bin/sh.",
            Type("# let the SSH server start WSL's shell; in PowerShell there, as administrator:\n# New-ItemProperty -Path HKLM:\\SOFTWARE\\OpenSSH -Name DefaultShell -Value C:\\Windows\\System32\\wsl.exe\n{ssh}");
        SpoolUnusable = "session.spool.unusable", Shell, Final,
            "the session's spool cannot be made there",
            "The runner keeps output and exit status in a directory of its own on the machine where the session runs, and could not make it or write to it.",
            Type("{there ls -ld {dir}}");
        SpoolFull = "session.spool.disk-full", Shell, Final,
            "the disk there is full",
            "The runner could not write the session's spool: the disk, or the user's quota, is full on the machine where the session runs. Of a session that had started, what it printed from then on is lost.",
            Type("{there df -h}\nlonghaul ps -a\n# remove what is not needed any more: longhaul rm ID");
        UserlandMissing = "session.userland.missing", Shell, Final,
            "the machine lacks programs that every Unix has",
            "The runner is a shell program, and needs a few of the programs that POSIX asks for, such as mkfifo and tail. Some of them are in no directory of the PATH there: the system is a cut-down container or appliance, or a start-up file of the login shell sets a PATH without the system's directories.",
            Type("# every one of these has to be found; coreutils or busybox has them:\n{there command -v {programs}}");
        SetsidMissing = "session.setsid.missing", Shell, Final,
            "nothing there gives a process a session of its own",
            "A session has to be apart from the login that starts it, or it cannot be stopped as a whole. setsid, perl or python3 does that, or a bash that is the machine's /bin/sh.",
            Type("# install util-linux there, which has setsid, or perl or python3; one of these must be told:\n{there command -v setsid perl python3}");
        EndsAtLogout = "session.ends-at-logout", Run, WaitsForYou,
            "logging out there kills the session",
            "logind has KillUserProcesses=yes on that machine and ends what a login leaves running, sessions included. For a user who lingers, sessions get a scope of their own that outlives the logins. This counts for sessions that are started after it; the one that is told of lives as long as the link does.",
            Type("{there loginctl enable-linger}\n# or, as root there, KillUserProcesses=no in /etc/systemd/logind.conf");
        EnvUnavailable = "session.env.unavailable", Config, Final,
            "a value of the environment cannot be had",
            "The configuration takes the value from this machine's environment, a file or a command (FromEnv, FromFile, FromCommand), and it is not there. The session is not started without it. With FromEnv, the daemon's own environment counts.",
            Type("# provide it, then start the daemon anew so that it sees it; sessions run on:\nlonghaul daemon stop\nlonghaul daemon start");
        CwdMissing = "session.cwd.missing", WorkingDirectory, Final,
            "the working directory does not exist",
            "The directory does not exist on the machine where the session runs. It is a path over there, not here; `~` is the home directory over there.",
            Type("{there mkdir -p {dir}}\n# or name another one: longhaul run --cwd DIR, or working_dir of the remote");
        CwdNotADirectory = "session.cwd.not-a-directory", WorkingDirectory, Final,
            "the working directory is no directory",
            "Something else has that name on the machine where the session runs, such as a file, or a folder above it is one. It is a path over there, not here.",
            Type("{there ls -ld {dir}}\n# name another one: longhaul run --cwd DIR, or working_dir of the remote");
        CwdDenied = "session.cwd.denied", WorkingDirectory, Final,
            "the working directory may not be entered",
            "The directory, or one above it, is closed to the user on the machine where the session runs: it takes the permission to execute (x) on each of them.",
            Type("# who may enter it, and each folder above it:\n{there namei -l {dir}}\n# name another one: longhaul run --cwd DIR, or working_dir of the remote");
        AgentNotFound = "agent.not-found", Command, Final,
            "the agent's program is not installed there",
            "No directory of the PATH there has the agent's program. The PATH is the one that the account's login shell has.",
            Type("{install}\n# or, where it is installed, name it by its full path: command of the agent in the configuration");
        CommandNotFound = "session.command.not-found", Command, Final,
            "no such program",
            "No directory of the PATH there has a program of this name, or no file is at the path that was given. The PATH is the one that the account's login shell has.",
            Type("# install it there, or name it by its full path; where it looks:\n{there command -v {program}}");
        NotExecutable = "session.command.not-executable", Command, Final,
            "the program may not be executed",
            "The file is there, and is not marked as executable for this user, is a directory, or is on a file system mounted with noexec.",
            Type("{there chmod +x {program}}");
        WrongFormat = "session.command.wrong-format", Command, Final,
            "the program is not made for that machine",
            "The system there does not know how to execute the file: it was built for another processor or system, is damaged, or is a script without a #! line.",
            Type("{there file {program}}\n{there uname -sm}");
        InterpreterMissing = "session.interpreter.missing", Command, Final,
            "the program's interpreter is missing",
            "The program is a script, and what it is written for, such as node or python3, is in no directory of the PATH there. Version managers like nvm extend the PATH only in shells that read the right start-up file.",
            Type("{install_interpreter}\n# or, where it is installed, have the login shell's start-up file add it to the PATH; this has to find it:\n{there command -v {interpreter}}");
        LoaderMissing = "session.interpreter.not-named", Command, Final,
            "what the program needs in order to start is missing",
            "The file is there and may be executed, and the system says that a file is missing: the interpreter that its #! line names or, for a binary, its dynamic loader. A binary for glibc on a system with musl, or the other way round, ends like this, and so does a script with Windows line ends.",
            Type("{there head -n 1 {program}}\n{there file {program}}");
        StartTimeout = "session.start.timeout", Run, Final,
            "the session could not be started in time",
            "The session waited for its place longer than it was allowed to, and was given up. It has not run.",
            Type("longhaul remote test {place}");
        Cancelled = "session.cancelled", Run, Final,
            "the session was taken back",
            "Somebody stopped it before it had started. It has not run.",
            Nothing("It is as somebody wanted it: run it again if it was not you.");
        TimedOut = "session.timed-out", Run, Final,
            "the session ran past its limit",
            "The session was stopped, with all its processes, since it ran longer than --timeout allowed. What it wrote until then is there.",
            Type("longhaul logs {session}\n# give it more time: longhaul run --timeout 8h");
        LostRebooted = "session.lost.rebooted", Run, Final,
            "the machine was restarted while the session ran",
            "The machine has started anew since, and the session left no exit record: it ended with the machine. Its output up to then is there.",
            Type("longhaul logs {session}");
        LostKilled = "session.lost.killed", Run, Final,
            "the session was killed from outside",
            "The session's processes are gone and left no exit record: something killed them all with KILL, most often the system itself when it ran out of memory. Its output up to then is there.",
            Type("# did the system run out of memory there?\n{there journalctl -k -g oom}");
        LostSpoolGone = "session.lost.spool-gone", Run, Final,
            "the session's spool is gone",
            "Somebody removed the directory in which the runner keeps output and exit status, on the machine where the session ran. What had been sent before is here.",
            Type("longhaul logs {session}");
        LostUnknown = "session.lost.unknown", Run, Final,
            "the session is gone and left no trace",
            "The session's processes are gone and left no exit record, and why cannot be told. Its output up to then is there.",
            Type("longhaul logs {session}");
        Unattended = "session.unattended", Run, Retries,
            "nobody follows the session for now",
            "The part of the daemon that looks after this session has failed several times within a minute, which is a fault in longhaul. It is started again after three minutes, and at once when the session is asked for. The session itself is not touched by it: it goes on where it runs, and loses nothing.",
            Type("longhaul attach {session}\n# what failed is in the daemon's log; please report it");
        Survivors = "session.kill.survivors", Run, WaitsForYou,
            "processes survived KILL",
            "The system does not end a process that waits inside the kernel, most often for a disk or a network file system that does not answer; or the process belongs to another user by now.",
            Type("{there ps -o pid,stat,wchan,args -p {pids}}");
    }
}
