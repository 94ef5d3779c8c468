//! From the request to an SSH transport: configuration, address, connection,
//! key exchange.

use super::entry::group;

group! {
    /// Codes of what happens before anybody has said who they are.
    Reach {
        ConfigInvalid = "config.invalid", Config, WaitsForYou,
            "the configuration cannot be taken",
            "longhaul.ron or a file in conf.d has an error. The last good configuration stays in force, and so do running sessions; the report names every problem with its file, line and column.",
            Type("longhaul config check\nlonghaul config reload");
        RemoteUnknown = "remote.unknown", Resolve, Final,
            "no remote has this name",
            "The session, the agent or the default names a remote that the configuration does not have. It is not run on this machine in its place: nothing runs locally by accident.",
            Type("longhaul remote ls\n# or add {place} under remotes in the configuration:\nlonghaul config path");
        RemoteDisabled = "remote.disabled", Resolve, Final,
            "the remote is disabled",
            "The remote has `enabled: false` in the configuration. New sessions are refused; those that run there go on.",
            Type("longhaul remote enable {place}");
        AgentUnknown = "agent.unknown", Resolve, Final,
            "no agent has this name",
            "The configuration has no agent of this name. A plain command needs none: put it after `--`.",
            Type("longhaul agent ls");
        SshConfigInvalid = "ssh.config.invalid", Config, WaitsForYou,
            "the SSH client configuration cannot be read",
            "~/.ssh/config, or a file that it includes, has a line that cannot be understood, or cannot be opened. longhaul does not guess what it would have said about the host.",
            Type("ssh -G -F {file} {place}\n{reconnect}");
        SshNotInstalled = "ssh.config.no-ssh", Config, WaitsForYou,
            "the system's ssh is not installed",
            "The remote has `transport: OpenSsh`, so that its links go over the system's ssh, and the PATH of the daemon has no such program.",
            Type("# install OpenSSH's client, or take `transport: OpenSsh` out of the configuration:\nlonghaul config path\n{reconnect}");
        UnknownHost = "ssh.resolve.unknown-host", Resolve, Retries,
            "the host name has no address",
            "The resolver does not know the name. Either the name is wrong, or this machine has no network or no VPN at the moment; it is tried again in case it is the latter.",
            Type("getent hosts {host}\n# where the name is wrong, mend it in the configuration:\nlonghaul config path");
        ResolveTimeout = "ssh.resolve.timeout", Resolve, Retries,
            "the name server does not answer",
            "Looking up the host's address took longer than the limit. Usually this machine's network or VPN is down, or its name server is.",
            Type("getent hosts {host}");
        NoAddressOfFamily = "ssh.resolve.address-family", Resolve, Retries,
            "the host has no address of the family that is set",
            "AddressFamily in ssh_config allows one kind of address only, IPv4 (inet) or IPv6 (inet6), and the name has none of that kind at the moment. The addresses that it has are the evidence.",
            Type("# what the name has, of both kinds:\ngetent ahosts {host}\n# where one of these will do: AddressFamily any for this host, in ~/.ssh/config");
        Refused = "ssh.connect.refused", Connect, Retries,
            "nothing listens on the port",
            "The host answered, and said that no program listens there: the SSH server does not run, listens on another port, or a firewall refuses for it.",
            Type("# is this the right port, and does sshd run there?\n{ssh_v}");
        ConnectTimeout = "ssh.connect.timeout", Connect, Retries,
            "the host does not answer",
            "No answer came within the limit: the host is off or asleep, its address has changed, a VPN is down, or a firewall drops the packets.",
            Type("ping -c 3 {host}\n{ssh_v}");
        NoRoute = "ssh.connect.no-route", Connect, Retries,
            "there is no route to the host",
            "A router on the way, or this machine for its own network, says that the host cannot be reached: it is off, or a firewall says so.",
            Type("ping -c 3 {host}");
        NetworkUnreachable = "ssh.connect.network-unreachable", Connect, Retries,
            "this machine has no way to the host's network",
            "This machine has no route that leads there: it is offline, the VPN is down, or the host has only an IPv6 address and this network has none.",
            Type("ip route get {host}");
        NoIpv6 = "ssh.connect.no-ipv6", Connect, Retries,
            "the host has only IPv6 addresses, and this machine has no IPv6",
            "Every address of the host is one of IPv6, and this machine has no route that leads to any of them: its network, or its VPN, carries IPv4 alone. A jump host that has both is a way there.",
            Type("# whether the host has an IPv4 address after all:\ngetent ahostsv4 {host}\n# whether this machine has a way to IPv6:\nip -6 route");
        ConnectFailed = "ssh.connect.failed", Connect, Retries,
            "the connection could not be opened",
            "The operating system reported an error that has no code of its own here; its words are the evidence.",
            Type("{ssh_v}");
        Proxy = "ssh.connect.proxy", Connect, Retries,
            "the ProxyCommand brought no connection",
            "The command that ssh_config has for the way to the host could not be started, ended, or brought no answer within ConnectTimeout. How it ended and what it said is the evidence.",
            Type("{ssh_v}");
        ConnectClosed = "ssh.connect.closed", Connect, Retries,
            "the connection was closed at once",
            "Something accepted the connection and closed it before anything was said.",
            Type("{ssh_v}");
        ConnectReset = "ssh.connect.reset", Connect, Retries,
            "the connection was reset at once",
            "Something on the way, or the host itself, reset the connection while it was being opened.",
            Type("{ssh_v}");
        BannerSilent = "ssh.banner.silent", KeyExchange, Retries,
            "the connection was taken, and nothing was said",
            "An SSH server greets at once. This one did not within the limit: it is overloaded or stopped, it waits for a name server or a firewall, or the port belongs to a service that waits to be spoken to, such as a web server.",
            Type("# is this the SSH server's port? It has to greet with SSH-2.0:\n{ssh_v}");
        BannerClosed = "ssh.banner.closed", KeyExchange, Retries,
            "the connection was taken, and closed without a word",
            "Something let the connection in and ended it before a greeting: fail2ban or hosts.deny shut this address out, sshd cannot start a process or has too many logins under way, or a load balancer has no server behind it. It is tried again ever more rarely.",
            Type("# it may get better by waiting; to see why, on the host:\n# journalctl -u ssh -n 50\n{ssh_v}");
        BannerNotSsh = "ssh.banner.not-ssh", KeyExchange, Retries,
            "what answers is no SSH server",
            "The first lines are not an SSH server's: the port belongs to another service, a login page of the network answers for the host, or a gateway turns this machine away. What it said is the evidence.",
            Type("# is this the SSH server's port? It has to greet with SSH-2.0:\n{ssh_v}");
        BannerTooLong = "ssh.banner.too-long", KeyExchange, Retries,
            "the server says too much before its greeting",
            "A server may put some lines before its greeting. What came went past every limit, so the connection was closed: it is no SSH server, or something on the way puts its own text before the server's.",
            Type("# is this the SSH server's port?\n{ssh_v}");
        BannerVersion = "ssh.banner.version", KeyExchange, WaitsForYou,
            "the server speaks another version of SSH",
            "The greeting is not one of SSH 2. Version 1 of the protocol is broken and has been out of use since 2016; a server that has nothing newer has to be updated.",
            Type("# update the SSH server there; its greeting is in the first lines:\n{ssh_v}\n{reconnect}");
        MaxStartups = "ssh.limit.max-startups", KeyExchange, Retries,
            "the server has too many logins under way",
            "sshd takes only so many connections that have not logged in yet (MaxStartups, by default it begins to drop some at 10), from everybody together. Somebody else is logging in in numbers, or guessing passwords. longhaul has at most four logins under way at one host, and tries again ever more rarely.",
            Type("# it gets better by waiting; to see who fills it, on the host:\n# ss -tn state established sport = :22\n# and to allow more: MaxStartups in /etc/ssh/sshd_config\n{ssh_v}");
        Penalised = "ssh.limit.penalised", KeyExchange, Retries,
            "the server shuts this address out for a while",
            "OpenSSH 9.8 and later answers an address from which logins failed, or were left hanging, with a penalty (PerSourcePenalties): for seconds up to ten minutes it takes no connection from there. Another program behind the same address may be the cause.",
            Type("# wait; what was refused before is in the host's log:\n# journalctl -u ssh -n 50\n# to exempt this address, there in /etc/ssh/sshd_config: PerSourcePenaltyExemptList\n# when the next try comes:\nlonghaul remote show {place}");
        KexTimeout = "ssh.kex.timeout", KeyExchange, Retries,
            "the SSH server stopped answering while keys were exchanged",
            "The server greeted, and then nothing came: it is overloaded, or large packets get lost on the way (an MTU that is too big for a VPN).",
            Type("{ssh_v}");
        KexClosed = "ssh.kex.closed", KeyExchange, Retries,
            "the server hung up before the key exchange was done",
            "The server greeted, and closed the connection before the keys were exchanged: it was stopped or restarted, could not start a process, or did not like what it was offered. Where it said why, that is the evidence. It is tried again ever more rarely.",
            Type("# it gets better by waiting; to see why, on the host:\n# journalctl -u ssh -n 50\n{ssh_v}");
        KexReset = "ssh.kex.reset", KeyExchange, Retries,
            "the connection was reset before the key exchange was done",
            "The server, or a firewall on the way, reset the connection. A server that is overloaded does so as well.",
            Type("{ssh_v}");
        KexNoCommonAlgorithm = "ssh.kex.no-common-algorithm", KeyExchange, WaitsForYou,
            "the two sides have no algorithm in common",
            "The server offers only algorithms that longhaul does not speak, usually because it is old: ssh-rsa with SHA-1, SHA-1 key exchanges and CBC ciphers are not safe any more.",
            Type("# update the SSH server there, or allow it one of longhaul's algorithms; what it offers:\n{ssh_v}\n{reconnect}");
        KexProtocol = "ssh.kex.protocol", KeyExchange, Retries,
            "the other side does not speak SSH as it should",
            "The server greeted, and what came then is not SSH as it should be: it was damaged on the way, or the server has a fault.",
            Type("{ssh_v}");
    }
}
