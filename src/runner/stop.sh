# Signals a session, or ends all its processes and makes sure of it.
#
# `sig` is delivered to the process group of the command. With a `grace` (in
# seconds) it is the first of two: every process of the session gets it, and
# what is left after the grace gets KILL.

find_spool
cd "$spool" 2>/dev/null || fail gone
find_process

# Sets left to the session's processes: those in the command's session or group
# and those that left both with setsid but kept the mark in their environment.
# Zombies do not count.
find_left() {
  left=''
  if [ -r /proc/self/stat ]; then
    for file in /proc/[0-9]*/stat; do
      IFS= read -r stat 2>/dev/null <"$file" || continue
      # shellcheck disable=SC2086 # fields are to be split
      set -- ${stat##*") "}
      case $1 in Z | X) continue ;; esac
      if [ "$3" = "$pid" ] || [ "$4" = "$pid" ]; then
        file=${file#/proc/}
        left="$left ${file%/stat}"
      fi
    done
    for file in $(grep -ls "LONGHAUL_SESSION=$id" /proc/[0-9]*/environ 2>/dev/null); do
      file=${file#/proc/} file=${file%/environ}
      case " $left " in *" $file "*) ;; *) left="$left $file" ;; esac
    done
  elif kill -0 "-$pid" 2>/dev/null; then
    left=" $(ps -A -o pid= -o pgid= | while read -r p g; do [ "$g" = "$pid" ] && echo "$p"; done | tr '\n' ' ')"
  fi
  left=${left# }
}

# The group as a whole first: a process that forks now cannot slip through.
signal_all() {
  find_left
  [ -n "$left" ] || return 1
  kill "-$1" "-$pid" 2>/dev/null
  for one in $left; do
    kill "-$1" "$one" 2>/dev/null
  done
  return 0
}

# Waits until nothing is left, for $1 tenths of a second at most.
wait_for_end() {
  tenths=$1
  while :; do
    find_left
    [ -n "$left" ] || return 0
    [ "$tenths" -gt 0 ] || return 1
    sleep 0.1 2>/dev/null || { sleep 1; tenths=$((tenths - 9)); }
    tenths=$((tenths - 1))
  done
}

# Some shells cannot tell a death by one of these from an exit status: the
# wrapper believes in the signal if it was sent.
case $sig in INT) : >sent.2 ;; PIPE) : >sent.13 ;; esac

if [ -z "$pid" ]; then
  # Nothing was started, or the claim is so young that nothing has signed yet.
  fail unsigned
fi
if [ -z "$grace" ]; then
  [ "$alive" = yes ] || fail ended
  problem=$(kill "-$sig" "-$pid" 2>&1) || fail signal "$problem"
  say sent
  exit 0
fi
if signal_all "$sig" && ! wait_for_end "$((grace * 10))"; then
  tries=0
  while signal_all KILL && ! wait_for_end 5 && [ "$tries" -lt 10 ]; do
    tries=$((tries + 1))
  done
fi
find_left
[ -z "$left" ] || fail left "$left"
say stopped
