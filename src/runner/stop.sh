# Signals a session, or ends all its processes and makes sure of it.
#
# `sig` is delivered to the process group of the command. With a `grace` (in
# seconds) it is the first of two: every process of the session gets it, and
# what is left after the grace gets KILL.

find_spool
cd "$_spool" 2>/dev/null || fail gone
find_process
# Nothing was started, or the claim is so young that nothing has signed yet.
[ -n "$_pid" ] || fail unsigned

# Sets _left to the session's processes: those that have the mark in their
# environment, and those in the command's session or group; zombies do not
# count. The id of a session or group is not given out again while anyone is in
# it. So it is still the command's if the command is there, or else if somebody
# in it has the mark. Sets _ours to that, for who signals the group.
find_left() {
  _left='' _ours=$_alive _mates='' _marked=' '
  [ "$_boot" = "$_boot_then" ] || return 0
  if [ -r /proc/self/stat ]; then
    # shellcheck disable=SC2013 # a path in /proc is one word
    for _file in $(grep -ls "LONGHAUL_SESSION=$_id" /proc/[0-9]*/environ 2>/dev/null); do
      _file=${_file#/proc/}
      _marked="$_marked${_file%/environ} "
    done
    for _file in /proc/[0-9]*/stat; do
      { IFS= read -r _stat <"$_file"; } 2>/dev/null || continue
      # shellcheck disable=SC2086 # fields are to be split
      set -- ${_stat##*") "}
      case $1 in Z | X) continue ;; esac
      _file=${_file#/proc/} _file=${_file%/stat}
      case $_marked in *" $_file "*) _has_mark=yes _left="$_left $_file" ;; *) _has_mark='' ;; esac
      if [ "$3" = "$_pid" ] || [ "$4" = "$_pid" ]; then
        if [ -n "$_has_mark" ]; then _ours=yes; else _mates="$_mates $_file"; fi
      fi
    done
    # With another process under the command's id all its mates are strangers.
    [ "$_there" = no ] || [ "$_alive" = yes ] || _ours=no
    [ "$_ours" = yes ] && _left="$_left$_mates"
  elif [ "$_there" = "$_alive" ] && kill -0 "-$_pid" 2>/dev/null; then
    _ours=yes
    _left=" $(ps -A -o pid= -o pgid= | while read -r p g; do [ "$g" = "$_pid" ] && echo "$p"; done | tr '\n' ' ')"
  fi
  _left=${_left# }
}

# Leaves word that a signal was sent, for the wrapper of a shell that cannot
# tell a death by it from an exit status.
mark() {
  true 2>/dev/null >"sent.$1"
}

# The group as a whole first: a process that forks now cannot slip through.
signal_all() {
  find_process
  find_left
  [ -n "$_left" ] || return 1
  mark "$1"
  [ "$_ours" = yes ] && kill "-$1" "-$_pid" 2>/dev/null
  for _one in $_left; do
    kill "-$1" "$_one" 2>/dev/null
  done
  return 0
}

# Whether any of those that were left last is still there, as a zombie at least.
is_any_left() {
  for _one in $_left; do
    kill -0 "$_one" 2>/dev/null && return
  done
  return 1
}

# Waits until nothing is left, for $1 tenths of a second at most. To look at all
# processes is dear, and is done when it may be over; and once a second, since
# some machines have nobody who reaps orphans.
wait_for_end() {
  _tenths=$1
  while :; do
    if ! is_any_left || [ "$((_tenths % 10))" = 0 ]; then
      find_process
      find_left
      [ -n "$_left" ] || return 0
    fi
    [ "$_tenths" -gt 0 ] || return 1
    sleep 0.1 2>/dev/null || { sleep 1; _tenths=$((_tenths - 9)); }
    _tenths=$((_tenths - 1))
  done
}

if [ -z "$_grace" ]; then
  [ "$_alive" = yes ] || fail ended
  mark "$_sig"
  _problem=$(LC_ALL=C; kill "-$_sig" "-$_pid" 2>&1) || fail signal "$_problem"
  say sent
  exit 0
fi
if signal_all "$_sig" && ! wait_for_end "$((_grace * 10))"; then
  _tries=0
  while signal_all KILL && ! wait_for_end 5 && [ "$_tries" -lt 10 ]; do
    _tries=$((_tries + 1))
  done
fi
find_left
[ -z "$_left" ] || fail left "$_left"
say stopped
