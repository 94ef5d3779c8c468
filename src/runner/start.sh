# Starts a session in its spool and follows it.
#
# The processes: this shell waits for the wrapper and tells how the session
# ended; the wrapper waits for the command and writes the exit record; the
# listener hears what the reader asks for, and that it has gone.
#
# The wrapper runs in the foreground on purpose: whatever a shell without job
# control starts with `&` has INT and QUIT ignored for good, and no program
# could be interrupted. When the reader goes, the listener kills this shell and
# the wrapper stays, a child of init.
#
# Files in the spool: in, out, err; starter (who made it: process id, start time,
# boot); pid (the command's); stage (what kept the wrapper from becoming the
# command, else `run`); exit (how it ended; `full` for `run` if the disk was full
# by then); room (what tells that); alive (a FIFO that the wrapper holds open while
# it lives); note (there once `alive` is held); said (the wrapper's standard error,
# over a line that holds its place on the disk); sent.NAME (a signal that was sent on request); stdin and wake (FIFOs of an open
# input), eof (the input has its end), sender (who adds to it); cgroup (the folder
# of the cgroup that is the session's own), wrapper (who else is in there), scope
# (why there is none where there should be one); meta (what the session is, for a
# control machine that lost it); agent (a link to the socket of the agent that the
# latest login forwards).

find_spool
need_userland
find_setsid || fail setsid
[ -d "$_root" ] || _problem=$(LC_ALL=C mkdir -p "$_root" 2>&1) || fail spool "$_problem"
# The claim. Of two starts with one id, one goes on. The folder is the owner's
# alone, so nothing in it needs a umask, and the command keeps its own.
if ! _problem=$(LC_ALL=C mkdir -m 700 "$_spool" 2>&1); then
  [ -d "$_spool" ] && fail claimed
  fail spool "$_problem"
fi

# Makes what the session writes to. On a full disk this fails, since it writes.
furnish() {
  cd "$_spool" && echo run >stage && echo . >said || return
  if [ -n "$_cap" ]; then furnish_segments; else true >out && true >err; fi || return
  echo "$$ $_main_born $_boot" >starter || return
  # No shell finds anything in it that `echo` would not print as it stands, and
  # mksh has no `printf` of its own: as an argument it might be too long.
  [ -z "$_meta" ] || echo "$_meta" >meta || return
  case $_stdin in
    data) printf %b "$_data" >in ;;
    open) printf %b "$_data" >in && mkfifo stdin wake ;;
  esac
}
find_boot
find_born $$
_main_born=$_born
_scope=''
[ -z "$_scopes" ] || find_scope
if ! furnish 2>/dev/null; then
  # Once more for the words; then the claim is given up, as nothing was started.
  # Of its own writing dash says no more than that it failed; cat says why.
  _problem=$(export LC_ALL=C; cd "$_spool" && echo run | cat 2>&1 >stage && furnish 2>&1)
  cd /
  rm -rf "$_spool"
  fail spool "$_problem"
fi

# ksh93 runs `( … )` in the same process until something forces it to fork. The
# limit becomes what it is.
split_off() {
  # shellcheck disable=SC3045 # ksh93 has it
  case ${KSH_VERSION-} in *93*) ulimit -S -t "$(ulimit -S -t)" ;; esac
}

# Makes this shell one that survives the command, and tells how that ended.
steel() {
  # The kernel sends HUP when the first shell goes while one of us is stopped.
  trap '' HUP
  # ksh93 follows a command that INT has ended.
  case ${KSH_VERSION-} in *93*) trap : INT ;; esac
  # bash tells of no signal in posix mode, and unsets what asked for that mode.
  _posix=${POSIXLY_CORRECT-}
  # shellcheck disable=SC3040 # bash has it
  [ -z "${BASH_VERSION-}" ] || command set +o posix
}

# Feeds the file `in` to the command as it grows. The descriptor keeps its place
# between two cats, so every byte goes through once.
feed() {
  # Whoever stops the session finds a cat that is stuck by this.
  export LONGHAUL_SESSION="$_id"
  exec 4<in 5<>wake
  while :; do
    cat <&4
    [ -e eof ] && { cat <&4; break; }
    IFS= read -r _ <&5
  done
}

# Ends what was to become the command, and leaves word of what kept it from it.
stumble() {
  echo "$1" >"$_spool/stage"
  exit "$2"
}

# Enters the working directory; a relative one is below the home directory.
# shellcheck disable=SC2088 # a tilde as it came
enter() {
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
  cd "$_cwd" 2>/dev/null && return
  [ -d "$_cwd" ] && stumble 'cwd denied' 126
  [ -e "$_cwd" ] && stumble 'cwd file' 126
  # What lies behind a folder that may not be searched cannot be told to be there.
  while :; do
    case $_cwd in */?*) _cwd=${_cwd%/*} ;; *) break ;; esac
    [ -d "$_cwd" ] && ! [ -x "$_cwd" ] && stumble 'cwd denied' 126
    [ -e "$_cwd" ] && ! [ -d "$_cwd" ] && stumble 'cwd file' 126
  done
  stumble 'cwd missing' 126
}

# Gives the command the way to the forwarded agent that its spool has, unless that
# is too long: on some systems 103 bytes are the most that a socket's path may
# have. Then it has this login's own, and no later one's.
export_agent() {
  _socket=$_spool/agent
  [ -z "$_agent" ] || [ "${#_socket}" -gt 103 ] || ! [ -S "$_socket" ] ||
    export SSH_AUTH_SOCK="$_socket"
}

# Becomes the command.
become() {
  enter
  [ -z "$_posix" ] || export POSIXLY_CORRECT="$_posix"
  [ -z "$_path" ] || export PATH="$_path"
  export_agent
  # A loop in a here-document, not in a pipe: it has to run in this shell.
  while IFS= read -r _line; do
    [ -n "$_line" ] || continue
    decode "${_line#*=}"
    export "${_line%%=*}=$_v"
  done <<END
$_envs
END
  export LONGHAUL_SESSION="$_id"
  seek "$1"
  if [ -z "$_found" ]; then
    [ -z "$_denied" ] || stumble 'program denied' 126
    stumble 'program missing' 127
  fi
  # What looks like an option would be one of setsid's.
  case $1 in
    -*)
      shift
      case $_found in -*) _found=./$_found ;; esac
      set -- "$_found" "$@"
      ;;
  esac
  # Not before: bash, ksh93 and mksh grumble at a locale that is not installed.
  exec 2>>"$_spool/err"
  become_leader "$_setsid" "$@"
}

# Sets _me to the id of the process that calls it, and _born. Only the process
# itself can read its own id without an external command: $$ is the first
# shell's in all its children.
find_me() {
  if [ -r /proc/self/stat ]; then
    IFS= read -r _stat </proc/self/stat
    _me=${_stat%% *}
    parse_born "$_stat"
  else
    # shellcheck disable=SC2016 # the inner shell's parent is this one
    _me=$(exec sh -c 'echo "$PPID"')
    find_born "$_me"
  fi
}

# Writes down who this process is.
sign() {
  find_me
  # What has not signed cannot be stopped, so it does not run.
  persist pid "$_me $_born $_boot" || exit
}

# Writes the line $2 to the file $1. A disk that is full now may have room later;
# a spool that is gone is gone.
persist() {
  until echo "$2" >"$1"; do
    [ -d "$_spool" ] || return
    { [ -n "$_cap" ] && drop_one; } || sleep 1
  done
}

# Whether a few kilobytes more can be written. What is small fits in where
# nothing else does.
has_room() {
  _pad=0123456789abcdef
  while [ ${#_pad} -lt 16384 ]; do _pad=$_pad$_pad; done
  _room=yes
  echo "$_pad" 2>/dev/null >room || _room=no
  # What of it found room is room that the exit record needs.
  true 2>/dev/null >room
  [ "$_room" = yes ]
}

# Whether a status of 128 and $1 stands for signal $1. A shell tells of a death
# by a signal on its standard error, except of INT and PIPE: of these two nobody
# can tell the death from the exit status that stands for it, and they are taken
# for what they stand for. zsh tells of none, and believes in what was sent.
is_signal() {
  _said=''
  IFS= read -r _said <said
  [ "$_said" != . ] || [ "$1" = 2 ] || [ "$1" = 13 ] ||
    { [ -n "${ZSH_VERSION-}" ] && [ -e "sent.$(kill -l "$1")" ]; }
}

wrap() {
  split_off
  steel
  exec 3<&- 4>&- </dev/null >/dev/null
  [ -z "$_scope" ] || move_to_scope
  mkfifo alive
  exec 9<>alive
  exec 8>alive 9>&-
  # What the shell says here has its place already: a disk that is full by then
  # would make a signal look like an exit status.
  exec 2<>said
  until { true >note; } 2>/dev/null; do
    [ -d "$_spool" ] || exit
    sleep 1
  done
  case $_stdin in
    data) _input=in ;;
    open)
      _input=stdin
      (exec 8>&- 2>/dev/null; feed) >stdin &
      _feeder=$!
      find_born "$_feeder"
      _fed_since=$_born
      ;;
    *) _input=/dev/null ;;
  esac
  [ -z "$_cap" ] || start_movers
  # Job control gives each job a group of its own; bash alone does so without a
  # terminal.
  [ -n "$_setsid" ] || set -m
  # The redirections stand inside: mksh would apply them to this shell, too, and
  # tell of a signal in the session's err. They append: a command that opens
  # /dev/stdout or /dev/stderr anew would else write over what is there.
  (
    split_off
    trap - HUP
    exec 8>&- <"$_input" >>out 2>/dev/null
    [ -z "$_cap" ] || exec 6>&- 7>&-
    sign
    become "$@"
  )
  _code=$?
  [ -n "$_setsid" ] || set +m
  _kind=code
  # ksh93 adds 256 to a signal's number, other shells 128.
  if [ "$_code" -gt 256 ]; then
    _kind=signal _code=$((_code - 256))
  elif [ "$_code" -gt 128 ] && is_signal "$((_code - 128))"; then
    _kind=signal _code=$((_code - 128))
  fi
  # It ends at the end of the input, and its process id may be another's by now.
  [ "$_stdin" = open ] && is_born "$_feeder" "$_fed_since" && kill -KILL "$_feeder"
  [ -z "$_cap" ] || await_movers
  _stage=run
  read -r _stage <stage
  # The statuses with which shells give up on what is no script of theirs.
  case "$_stage $_kind $_code" in
    'run code 2' | 'run code 126' | 'run code 127')
      (enter; [ -z "$_path" ] || PATH=$_path; seek "$1"; is_foreign "$_found") 2>/dev/null &&
        _stage='program foreign'
      ;;
  esac
  # Who ends well and writes nothing needed no room, and what of a capped output
  # found none is told as dropped.
  if [ "$_stage" = run ] && [ -z "$_cap" ] &&
    { [ "$_code" != 0 ] || [ -s out ] || [ -s err ]; }; then
    has_room || _stage=full
  fi
  persist exit "$_kind $_code $_stage"
}

link_agent
attach_reader
listen &
_listener=$!
(wrap "$@")
finish
