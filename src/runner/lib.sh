# Shared by all programs of the runner; each is this file and others.
# POSIX sh only: dash, bash, busybox ash, mksh, ksh93 and zsh run it as it
# stands. zsh alone does not tell that a signal ended a command: there it is
# told as `code` 128 and more, unless `stop` sent the signal.
#
# A program reads its parameters from standard input, a line each, `key value`,
# until the line `go`. Values have backslash escapes for everything but plain
# ASCII, and are decoded by builtins alone: an external command costs more than
# all the rest together.
#
# All variables begin with `_`: to assign to one that the account's rc files
# export would change what the command finds in its environment.

# bash takes options from SHELLOPTS, if that is exported.
set +aCefuvx
_nonce='' _id='' _root='' _cwd='' _path='' _stdin=null _cap='' _out=0 _err=0 _sig='' _grace='' _ends='' _envs='' _data='' _meta='' _agent='' _live=''
# Set by the parts that are there only where they are needed.
_segments='' _logout='' _scopes=''
set --

# Sets _v to the decoded form of $1. The dot keeps newlines at the end, which
# a command substitution would drop.
decode() {
  case $1 in
    *\\*) _v=$(printf '%b.' "$1"); _v=${_v%.} ;;
    *) _v=$1 ;;
  esac
}

# Takes in a part of the program that is sent only where it is needed, in the
# form in which the program itself travels: each byte costs a system call.
take_part() {
  eval "$(printf %b "$1")"
}

# A line for the reader, told from the session's own output by the nonce.
say() {
  printf '\036%s %s\n' "$_nonce" "$*"
}

# Ends the program because of what went wrong: a word, then the system's words.
fail() {
  # Split without globbing, so that all of it is on one line.
  set -f
  # shellcheck disable=SC2048,SC2086
  say fail $*
  exit 1
}

# Sets _home, also where the environment lacks it.
find_home() {
  _home=${HOME-}
  [ -n "$_home" ] || eval "_home=~$(id -un)"
  case $_home in /*) ;; *) fail spool 'HOME is not set, and the account has no home directory' ;; esac
}

# Sets _root to the folder of all spools. The 1 is the format's version: whoever
# changes what the files in a spool mean counts it up.
find_root() {
  [ -n "$_root" ] || { find_home; _root=$_home/.local/state/longhaul/1; }
}

# Sets _spool to the session's folder.
find_spool() {
  case $_id in '' | .* | */*) fail spool "not a session: '$_id'" ;; esac
  find_root
  _spool=$_root/$_id
}

# Sets _boot to what tells this boot of the machine from any other. The time of
# the boot is the last resort: it moves when the clock is set.
find_boot() {
  _boot=-
  if [ -r /proc/sys/kernel/random/boot_id ]; then
    IFS= read -r _boot </proc/sys/kernel/random/boot_id
  elif ! [ -r /proc/self/stat ]; then
    for _name in kern.bootsessionuuid kern.boot_id kern.boottime; do
      _boot=$(LC_ALL=C PATH=$PATH:/usr/sbin:/sbin sysctl -n "$_name" 2>/dev/null) || continue
      # `{ sec = 1700000000, usec = 42 } …`
      _boot=${_boot#*sec = } _boot=${_boot%%,*}
      # shellcheck disable=SC2086 # words are to be split
      join_words $_boot
      _boot=${_v:--}
      [ "$_boot" = - ] || break
    done
    _boot=${_boot:--}
  fi
}

# Sets _v to the arguments, joined by underscores.
join_words() {
  _v=''
  for _word; do _v=${_v:+${_v}_}$_word; done
}

# Sets _born to the start time in $1, the text of a `stat` file in /proc, or to
# nothing if that is a zombie's. The command's name stands in parentheses and
# may hold anything, so fields count from the last one.
parse_born() {
  _born=''
  # shellcheck disable=SC2086 # fields are to be split
  set -- ${1##*") "}
  case $1 in Z | X) ;; *) shift 19 && _born=$1 ;; esac
}

# Sets _born to the start time of process $1, or to nothing if there is none.
# A process id is reused; an id with its start time is not. In Linux that time
# counts from the boot; elsewhere it is a date.
find_born() {
  _born=''
  if [ -r /proc/self/stat ]; then
    { IFS= read -r _stat <"/proc/$1/stat"; } 2>/dev/null || return 0
    parse_born "$_stat"
  elif kill -0 "$1" 2>/dev/null; then
    # shellcheck disable=SC2046 # words are to be split
    join_words $(LC_ALL=C ps -o stat= -o lstart= -p "$1" 2>/dev/null)
    case $_v in Z*) ;; *) _born=${_v#*_} ;; esac
  fi
}

# Whether process $1 is there and has the start time $2.
is_born() {
  find_born "$1"
  [ -n "$_born" ] && [ "$_born" = "$2" ]
}

# Whether the process that has signed the file $1 is there: sets _pid, _alive to
# yes or no, _there to yes if any process has that id, and _same_boot to yes if
# process ids of that file can mean anything now.
look_for() {
  _pid='' _born_then='' _boot_then='' _alive=no _there=no _same_boot=no
  { read -r _pid _born_then _boot_then <"$1"; } 2>/dev/null || return 0
  find_boot
  [ "$_boot" != "$_boot_then" ] || _same_boot=yes
  # A date needs no boot beside it. What stands for the boot may be another now.
  case $_born_then in
    *[!0-9]*) ;;
    *) [ "$_same_boot" = yes ] || return 0 ;;
  esac
  is_born "$_pid" "$_born_then" && _alive=yes _same_boot=yes
  [ -z "$_born" ] || _there=yes
}

# Whether the session's own process is there.
find_process() {
  look_for pid
}

_key=''
while IFS= read -r _line; do
  _key=${_line%% *} _value=${_line#* }
  case $_key in
    go) break ;;
    part) take_part "$_value" ;;
    nonce) _nonce=$_value ;;
    id) _id=$_value ;;
    root) decode "$_value"; _root=$_v ;;
    cwd) decode "$_value"; _cwd=$_v ;;
    path) decode "$_value"; _path=$_v ;;
    arg) decode "${_line#arg }"; set -- "$@" "$_v" ;;
    env) _envs="$_envs$_value
" ;;
    stdin) _stdin=$_value ;;
    data) _data=$_value ;;
    meta) _meta=$_value ;;
    agent) _agent=$_value ;;
    cap) _cap=$_value ;;
    out) _out=$_value ;;
    err) _err=$_value ;;
    sig) _sig=$_value ;;
    grace) _grace=$_value ;;
    ends) _ends=$_value ;;
  esac
done
# A link that was cut in the middle of the parameters leaves some of them out.
[ "$_key" = go ] || exit 1
