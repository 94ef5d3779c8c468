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
