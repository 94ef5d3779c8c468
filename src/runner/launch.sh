# For the programs that start others: `seek` finds one, `find_setsid` and
# `become_leader` give it a session of its own.

# Sets _found to the file that execvp(3) would run for $1. Else _denied tells
# one that is there and may not be run. `command -v` would find this program's
# own functions and builtins of the shell, and some shells stop at the first
# file, executable or not.
seek() {
  _found='' _denied=''
  case $1 in
    */*) seek_in '' "$1" ;;
    ?*)
      _rest=$PATH:
      while [ -n "$_rest" ] && [ -z "$_found" ]; do
        _dir=${_rest%%:*} _rest=${_rest#*:}
        seek_in "${_dir:-.}/" "$1"
      done
      ;;
  esac
}

seek_in() {
  if [ -f "$1$2" ] && [ -x "$1$2" ]; then
    _found=$1$2
  elif [ -e "$1$2" ]; then
    _denied=$1$2
  fi
}

# Ends the program if the host lacks one of those that the runner calls: without
# a word of it, a session would start and stay silent for ever, or its exit record
# never be written.
need_userland() {
  _lacks=''
  set -- cat dd mkdir mkfifo rm sleep tail
  [ -r /proc/self/stat ] || set -- ps "$@"
  for _name; do
    # What a shell has built in counts, as in busybox and ksh93.
    command -v "$_name" >/dev/null || _lacks="$_lacks $_name"
  done
  # shellcheck disable=SC2086 # words are to be split
  [ -z "$_lacks" ] || fail lacks $_lacks
}

# Sets _setsid to what gives a process a session of its own. Told as a path: the
# command's PATH need not lead to it. Without any, a bash that is this shell can
# at least give it a group of its own; then _setsid is empty.
find_setsid() {
  for _setsid in /usr/bin/setsid /bin/setsid; do
    [ -f "$_setsid" ] && [ -x "$_setsid" ] && return
  done
  for _setsid in setsid perl python3; do
    seek "$_setsid"
    _setsid=$_found
    [ -n "$_setsid" ] && return
  done
  [ -n "${BASH_VERSION-}" ]
}

# Whether the file $1 is a program for another processor than this shell. What the
# kernel cannot execute, execvp(3) of glibc hands to /bin/sh as a script, and some
# shells do so themselves: what that says of it is chance.
is_foreign() {
  _head=''
  { IFS= read -r _head <"$1"; } 2>/dev/null
  case $_head in "$(printf '\177')"ELF*) ;; *) return 1 ;; esac
  [ "$(machine "$1")" != "$(machine /bin/sh)" ]
}

# Prints what a program of ELF is made for (elf(5)): the order of bytes, and the
# machine. Of two that run on one kernel, the smaller is taken for the larger.
machine() {
  # shellcheck disable=SC2046 # words are to be split
  set -- $(od -A n -t x1 -j 5 -N 15 "$1" 2>/dev/null)
  case "$1 ${14-} ${15-}" in
    '01 03 00') echo '01 3e 00' ;;
    '01 28 00') echo '01 b7 00' ;;
    *) echo "$1 ${14-} ${15-}" ;;
  esac
}

# Becomes a program, in a session of its own: the arguments are $_setsid, then
# the program and its arguments. No variable is used on the way: by now they may
# be the program's own. The process must not lead a group.
become_leader() {
  # shellcheck disable=SC2016 # perl's own, not the shell's
  case ${1##*/} in
    '') shift; exec "$@" ;;
    perl) exec "$1" -e 'use POSIX; POSIX::setsid(); shift; exec {$ARGV[0]} @ARGV; exit 127' "$@" ;;
    python3) exec "$1" -c 'import os, sys; os.setsid(); os.execvp(sys.argv[2], sys.argv[2:])' "$@" ;;
    *) exec "$@" ;;
  esac
}
