//! Against a real sshd; against russh's own server where a fault is wanted
//! that sshd would not commit.

//channels
//faults
//host_keys
//jumps
mod login;
