# For the programs that follow a session: the agent that the login forwards.

# Points `agent` in the spool, which is the working directory, at the socket that
# this login was given. A later login brings another one, and the session goes on
# with what stands in its environment.
link_agent() {
  [ -n "$_agent" ] && [ -S "${SSH_AUTH_SOCK-}" ] || return 0
  {
    # Made beside it and moved over it: there is no time without one.
    ln -s "$SSH_AUTH_SOCK" "agent.$$" && mv -f "agent.$$" agent
  } 2>/dev/null || rm -f "agent.$$"
}

# Gives the command that socket, unless it makes too long a path: of a socket's
# 103 bytes count on some systems. Then it has this login's own, and no other's.
export_agent() {
  _socket=$_spool/agent
  [ -z "$_agent" ] || [ "${#_socket}" -gt 103 ] || ! [ -S "$_socket" ] ||
    export SSH_AUTH_SOCK="$_socket"
}
