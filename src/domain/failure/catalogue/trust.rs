//! Who the host is, and who we are.

use super::entry::group;

group! {
    /// Codes of host keys and of authentication.
    Trust {
        HostKeyUnknown = "ssh.host-key.unknown", HostKey, WaitsForYou,
            "the host's key is not known yet",
            "No known_hosts file has a key for this host, and StrictHostKeyChecking asks for one. Whoever answers there could be anybody.",
            Type("# compare the fingerprint with the one that the host's owner tells you, and answer yes only then: {fingerprint}\n{trust}\n{reconnect}");
        HostKeyQuestion = "ssh.host-key.question", HostKey, WaitsForYou,
            "the host's key is not known yet, and nobody has said whether it is right",
            "StrictHostKeyChecking is ask: a person decides about the first key of a host. The question stays; a yes writes down the key with exactly this fingerprint, and the connection goes on.",
            Type("# compare the fingerprint with the one that the host's owner tells you: {fingerprint}\nlonghaul attention {place}");
        HostKeyChanged = "ssh.host-key.changed", HostKey, WaitsForYou,
            "the host shows another key than it used to",
            "Either the host was installed anew, or another machine answers in its place and wants to be mistaken for it. longhaul sends nothing before a person has found out which.",
            Type("# first compare the fingerprint with the one that the host's owner tells you: {fingerprint}\n# only if it is the same, have the new key take the place of the old one in {file}:\n{trust}\n{reconnect}");
        HostKeyRevoked = "ssh.host-key.revoked", HostKey, WaitsForYou,
            "the host's key has been revoked",
            "A known_hosts file marks this key with @revoked: somebody decided that it must not be trusted any more. The host needs a new key.",
            Type("# the host's owner has to make a new key there:\n# ssh-keygen -A && systemctl restart ssh\n# the mark that forbids the old one:\ngrep -n @revoked {file}\n{reconnect}");
        KnownHostsFile = "ssh.host-key.file", HostKey, WaitsForYou,
            "a known_hosts file cannot be used",
            "A known_hosts file could not be read, or the key of a new host could not be written to it; or the program of KnownHostsCommand failed. Without it a host cannot be told from an impostor.",
            Type("ls -l {file}\nchmod u+rw {file}\n{reconnect}");
        AuthDenied = "ssh.auth.denied", Authentication, WaitsForYou,
            "the server refused the login",
            "The key is not in ~/.ssh/authorized_keys of that user, the user name is wrong, or the file's permissions there are too open for sshd; or the password or code that was given is wrong. It is not tried again by itself: repeated failed logins get an address banned.",
            Type("{copy_id}\n{reconnect}");
        AuthNoPublicKey = "ssh.auth.no-public-keys", Authentication, WaitsForYou,
            "the server takes no public keys",
            "The server takes other methods only, and what it was given was refused, or longhaul has none of them. It asks for passwords and codes where the server takes them.",
            Type("# on the host, allow keys in /etc/ssh/sshd_config: PubkeyAuthentication yes\n{ssh_v}\n{reconnect}");
        AuthQuestion = "ssh.auth.question", Authentication, WaitsForYou,
            "the login needs an answer, and nobody has given it",
            "A passphrase, a password or a code is asked for. The server does not wait for longer than about two minutes (LoginGraceTime), so the login was given up; the question stays, and an answer has the connection try again. Answers are kept in memory only.",
            Type("longhaul attention {place}");
        AuthMoreFactors = "ssh.auth.second-factor", Authentication, WaitsForYou,
            "the key was taken, and the server refused what came after it",
            "The server asks for a second factor after the key. What it was given, such as a password or a code, was wrong, or it wants a method that longhaul does not have. It is not tried again by itself.",
            Type("{ssh_v}\n# a new try asks again\n{reconnect}");
        AuthNoKeys = "ssh.auth.no-keys", Authentication, WaitsForYou,
            "there is no key to log in with",
            "No SSH agent had a key, and none of the key files is there.",
            Type("# with no key yet, make one:\nssh-keygen -t ed25519 -f {file}\n{copy_id}\n{reconnect}");
        AuthTooMany = "ssh.auth.too-many", Authentication, WaitsForYou,
            "the server hung up after too many keys",
            "Each key counts as a login that failed, and OpenSSH allows six (MaxAuthTries). An agent with many keys uses them up before the right one comes.",
            Type("# name the one key: identity_file of {place} in the configuration, or IdentityFile and IdentitiesOnly in ~/.ssh/config\nlonghaul config path\n{reconnect}");
        AuthPassphrase = "ssh.auth.passphrase", Authentication, WaitsForYou,
            "the key needs its passphrase",
            "The key file is encrypted, no agent has the key, and there is nobody to ask in the background.",
            Type("ssh-add {file}\n{reconnect}");
        IdentityMissing = "ssh.auth.identity-missing", Authentication, WaitsForYou,
            "the key file is not there",
            "The configuration names a key file that does not exist.",
            Type("ls -l {file}\n# mend identity_file of {place}:\nlonghaul config path\n{reconnect}");
        IdentityExposed = "ssh.auth.identity-exposed", Authentication, WaitsForYou,
            "others may read the key file",
            "A private key that others can read is not private. OpenSSH refuses such a file, and so does longhaul.",
            Type("chmod 600 {file}\n{reconnect}");
        IdentityUnusable = "ssh.auth.identity-unusable", Authentication, WaitsForYou,
            "the key file cannot be used",
            "The file cannot be read, or holds no private key in a form that longhaul knows. The public half, with .pub, is not what is meant.",
            Type("chmod 600 {file}\nssh-keygen -l -f {file}\n{reconnect}");
        AuthTimeout = "ssh.auth.timeout", Authentication, Retries,
            "the server stopped answering during the login",
            "The login took longer than the limit. Often the server waits for something of its own: a name server (UseDNS), a directory service, a home directory on the network.",
            Type("{ssh_v}");
        AuthClosed = "ssh.auth.closed", Authentication, Retries,
            "the server hung up during the login",
            "The server closed the connection before it had said yes or no: it was restarted, the login took longer than it allows (LoginGraceTime), or the file that it greets users with (Banner) is too big to be sent.",
            Type("{ssh_v}");
        AuthReset = "ssh.auth.reset", Authentication, Retries,
            "the connection was reset during the login",
            "The server, or something on the way, reset the connection before the login was decided.",
            Type("{ssh_v}");
        AuthProtocol = "ssh.auth.protocol", Authentication, Retries,
            "the server broke the protocol during the login",
            "What came made no sense at this point, or was damaged on the way.",
            Type("{ssh_v}");
    }
}
