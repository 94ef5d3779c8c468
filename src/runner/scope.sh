# For the start program: puts the session into a systemd scope of its own, where
# the user's service manager outlives the logins.
#
# What belongs to a login's own scope is killed at logout where logind's
# KillUserProcesses says so, whatever a process does about sessions and signals.
# A scope of the user's manager is safe from that if the user lingers; if not,
# the manager itself goes after the last logout, and takes its scopes along
# whatever that setting says.

# shellcheck disable=SC2034 # tells that this part is there
_scopes=yes

# Sets _scope to the name of the session's scope, or to nothing if it shall have
# none. Elsewhere than under systemd that is one look at a folder.
find_scope() {
  _scope=''
  [ -d /run/systemd/system ] && lingers && _scope=longhaul-$_id.scope
}

# Exports where the user's bus is, if no login has.
find_runtime_dir() {
  [ -n "${XDG_RUNTIME_DIR-}" ] || export XDG_RUNTIME_DIR="/run/user/$_uid"
}

# Moves this process into the scope, and waits until it is there: the reply comes
# when the job is accepted. What of the session is started later comes along. A
# session that cannot be moved runs all the same, and the spool says why not.
move_to_scope() {
  find_me
  echo "$_me $_born $_boot" >wrapper
  if _problem=$(
    find_runtime_dir
    # A scope that failed would keep its name.
    LC_ALL=C exec busctl --user --timeout=5 call \
      org.freedesktop.systemd1 /org/freedesktop/systemd1 \
      org.freedesktop.systemd1.Manager StartTransientUnit 'ssa(sv)a(sa(sv))' \
      "$_scope" fail 3 \
      Description s "longhaul session $_id" \
      CollectMode s inactive-or-failed \
      PIDs au 1 "$_me" \
      0 2>&1
  ); then
    _tries=0
    until find_cgroup /proc/self/cgroup && [ "${_cgroup##*/}" = "$_scope" ]; do
      _tries=$((_tries + 1))
      [ "$_tries" -le 70 ] || { echo 'accepted, and not carried out' >scope; return; }
      [ "$_tries" -le 20 ] || sleep 0.1 || sleep 1
    done 2>/dev/null
    echo "$_cgroup" >cgroup
  else
    echo "$_problem" >scope
  fi
}
