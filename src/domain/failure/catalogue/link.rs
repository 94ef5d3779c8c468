//! The link, its channels and its hops.

use super::entry::group;

group! {
    /// Codes of an authenticated link. A hop that fails by itself keeps the
    /// code of its own trouble.
    Link {
        Lost = "ssh.link.lost", Channel, Retries,
            "the connection went away",
            "The established connection was closed or broken: the network changed, the host was restarted, or sshd ended. Sessions run on where they are, and are followed again from where their output stopped.",
            Nothing("The connection comes back by itself, and nothing is lost meanwhile.");
        Silent = "ssh.link.silent", Channel, Retries,
            "the host stopped answering",
            "Keep-alives went unanswered, so the connection counts as gone: a cable, a router or a VPN went away without a word, or a machine sleeps. Sessions run on where they are.",
            Nothing("The connection comes back by itself, and nothing is lost meanwhile.");
        ChannelRefused = "ssh.channel.refused", Channel, Retries,
            "the server opens no more channels",
            "The server allows only so many channels on one connection (MaxSessions, 10 by default), or could start no process. More connections are opened where that helps, and it is tried again.",
            Type("# if it stays, the host may be out of processes or memory:\n{ssh}");
        CommandRefused = "ssh.channel.command-refused", Channel, Retries,
            "the server runs no commands",
            "The login went through and a channel opened, and the server then refused to run a command on it: it is made for file transfer, for Git or for tunnels alone, or the account is allowed no more than that.",
            Type("# must print ok and nothing else:\n{there echo ok}");
        ChannelTimeout = "ssh.channel.timeout", Channel, Retries,
            "the server did not open a channel in time",
            "The login went through, and then no channel opened within the limit: the host is overloaded, or waits for a file system of the network.",
            Type("{ssh}");
        ChannelClosed = "ssh.channel.closed", Channel, Retries,
            "the server hung up while a channel was opened",
            "The connection was closed right after the login: sshd was restarted or its process was killed, or the account's session limits ended it.",
            Type("{ssh_v}");
        ChannelReset = "ssh.channel.reset", Channel, Retries,
            "the connection was reset while a channel was opened",
            "The server, or something on the way, reset the connection right after the login.",
            Type("{ssh_v}");
        ChannelProtocol = "ssh.channel.protocol", Channel, Retries,
            "the server broke the protocol while a channel was opened",
            "What came made no sense at this point, or was damaged on the way.",
            Type("{ssh_v}");
        Forward = "ssh.jump.unreachable", Connect, Retries,
            "the jump host cannot reach the host",
            "The login at the jump host went through, and from there the next host could not be reached: it is off, its name means nothing there, or its port is closed.",
            Type("{ssh_v}");
        ForwardProhibited = "ssh.jump.prohibited", Connect, WaitsForYou,
            "the jump host passes nobody on",
            "The jump host's sshd does not allow connections through it (AllowTcpForwarding, PermitOpen, or a restricted key).",
            Type("# on the jump host, allow it in /etc/ssh/sshd_config: AllowTcpForwarding yes\n{ssh_v}\n{reconnect}");
    }
}
