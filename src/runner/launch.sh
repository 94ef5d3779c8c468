# For the programs that start others: `seek` finds one, `find_cwd` where it is to
# run, `find_setsid` and `become_leader` give it a session of its own.

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

# Makes a path of the working directory that was asked for; a relative one is
# below the home directory.
# shellcheck disable=SC2088 # a tilde as it came
find_cwd() {
  case $_cwd in
    /*) ;;
    *)
      find_home
      case $_cwd in
        '' | '~') _cwd=$_home ;;
        '~/'*) _cwd=$_home/${_cwd#'~/'} ;;
        *) _cwd=$_home/$_cwd ;;
      esac
      ;;
  esac
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
