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
# environment, those in the command's session or group, and those in the
# session's cgroup; zombies do not count. The id of a session or group is not
# given out again while anyone is in it. So it is still the command's if the
# command is there, or else if somebody in it has the mark. Sets _ours to that,
# for who signals the group.
find_left() {
  _left='' _ours=$_alive _mates='' _marked=' '
  [ "$_same_boot" = yes ] || return 0
  if [ -r /proc/self/stat ]; then find_left_in_proc; else find_left_by_ps; fi
  # With another process under the command's id all its mates are strangers.
  [ "$_there" = no ] || [ "$_alive" = yes ] || _ours=no
  [ "$_ours" = yes ] && _left="$_left$_mates"
  _left=${_left# }
}

find_left_in_proc() {
  # shellcheck disable=SC2013 # a path in /proc is one word
  for _file in $(grep -ls "LONGHAUL_SESSION=$_id" /proc/[0-9]*/environ 2>/dev/null); do
    _file=${_file#/proc/}
    _marked="$_marked${_file%/environ} "
  done
  mark_cgroup
  for _file in /proc/[0-9]*/stat; do
    { IFS= read -r _stat <"$_file"; } 2>/dev/null || continue
    # shellcheck disable=SC2086 # fields are to be split
    set -- ${_stat##*") "}
    case $1 in Z | X) continue ;; esac
    _file=${_file#/proc/}
    sort_in "${_file%/stat}" "$3" "$4"
  done
}

# Adds the processes in the session's cgroup, and in those that it has made
# there, to _marked. The wrapper is in there, too, and has a record to write, and
# so are those that move what the session writes into its spool.
mark_cgroup() {
  { IFS= read -r _cgroup <cgroup; } 2>/dev/null || return 0
  # Only the session's own: what else stands in the file is not to be believed.
  case $_cgroup in */longhaul-"$_id".scope) ;; *) return 0 ;; esac
  _wrapper=''
  (look_for wrapper && [ "$_alive" = yes ]) && read -r _wrapper _ <wrapper
  _movers=' '
  { while read -r _one; do _movers="$_movers$_one "; done <movers; } 2>/dev/null
  # shellcheck disable=SC2044 # a cgroup of the session's own making with a blank in its name is no loss
  for _file in $(find "$_cgroup" -name cgroup.procs 2>/dev/null); do
    while read -r _one; do
      [ "$_one" = "$_wrapper" ] || is_mover "$_one" || _marked="$_marked$_one "
    done <"$_file" 2>/dev/null
  done
}

# Whether process $1 is one of the movers, or was started by one.
is_mover() {
  case $_movers in ' ') return 1 ;; *" $1 "*) return 0 ;; esac
  { IFS= read -r _stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  # shellcheck disable=SC2086 # fields are to be split
  set -- ${_stat##*") "}
  case $_movers in *" $2 "*) return 0 ;; esac
  return 1
}

# Where there is no /proc, ps tells the environment of one's own processes; the
# option for it is -E in macOS and -e in the BSDs.
find_left_by_ps() {
  _option=-e
  [ "$(uname -s)" != Darwin ] || _option=-E
  _all=$(LC_ALL=C ps -A "$_option" -ww -o pid= -o pgid= -o stat= -o command= 2>/dev/null) ||
    _all=$(LC_ALL=C ps -A -o pid= -o pgid= -o stat=)
  while read -r _one _group _stat _line; do
    case $_stat in Z* | '') continue ;; esac
    case " $_line " in *" LONGHAUL_SESSION=$_id "*) _marked=" $_one " ;; *) _marked=' ' ;; esac
    sort_in "$_one" "$_group" ''
  done <<END
$_all
END
}

# Puts process $1, of group $2 and session $3, where it belongs.
sort_in() {
  case $_marked in *" $1 "*) _has_mark=yes _left="$_left $1" ;; *) _has_mark='' ;; esac
  if [ "$2" = "$_pid" ] || [ "$3" = "$_pid" ]; then
    if [ -n "$_has_mark" ]; then _ours=yes; else _mates="$_mates $1"; fi
  fi
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
