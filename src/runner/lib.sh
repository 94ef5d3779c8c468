# Shared by all programs of the runner; each is this file and one other.
# POSIX sh only: dash, bash, busybox ash and mksh run it as it stands.
#
# A program reads its parameters from standard input, a line each, `key value`,
# until the line `go`. Values have backslash escapes for everything but plain
# ASCII, and are decoded by builtins alone: an external command costs more than
# all the rest together.

umask 077
nonce='' id='' root='' cwd='' path='' stdin=null out=0 err=0 sig='' grace='' from='' envs='' data=''
set --

# Sets v to the decoded form of $1. The dot keeps newlines at the end, which
# a command substitution would drop.
decode() {
  case $1 in
    *\\*) v=$(printf '%b.' "$1"); v=${v%.} ;;
    *) v=$1 ;;
  esac
}

# A line for the reader, told from the session's own output by the nonce.
say() {
  printf '\036%s %s\n' "$nonce" "$*"
}

# Ends the program because of what went wrong: a word, then the system's words.
fail() {
  say fail "$@"
  exit 1
}

# Sets spool to the session's folder. The 1 is the format's version: whoever
# changes what the files in it mean counts it up.
find_spool() {
  [ -n "$root" ] || root=${HOME:-$(cd && pwd)}/.local/state/longhaul/1
  spool=$root/$id
}

# Sets boot to what tells this boot of the machine from any other.
find_boot() {
  boot=-
  if [ -r /proc/sys/kernel/random/boot_id ]; then
    IFS= read -r boot </proc/sys/kernel/random/boot_id
  fi
}

# Sets born to the start time of process $1, or to nothing if there is none.
# A process id is reused; an id with its start time is not. The command's name
# stands in parentheses and may hold anything, so fields count from the last one.
find_born() {
  born=''
  if [ -r /proc/self/stat ]; then
    [ -r "/proc/$1/stat" ] || return 0
    IFS= read -r stat 2>/dev/null <"/proc/$1/stat" || return 0
    # shellcheck disable=SC2086 # fields are to be split
    set -- ${stat##*") "}
    case $1 in Z | X) ;; *) shift 19 && born=$1 ;; esac
  elif kill -0 "$1" 2>/dev/null; then
    born=$(LC_ALL=C ps -o lstart= -p "$1" 2>/dev/null | tr -s ' ' _)
  fi
}

# Whether the session's own process is there: sets pid, and alive to yes or no.
find_process() {
  pid='' born_then='' boot_then='' alive=no
  [ -r pid ] || return 0
  read -r pid born_then boot_then <pid || return 0
  find_boot
  [ "$boot" = "$boot_then" ] || return 0
  find_born "$pid"
  [ -n "$born" ] && [ "$born" = "$born_then" ] && alive=yes
  return 0
}

while IFS= read -r line; do
  key=${line%% *} value=${line#* }
  case $key in
    go) break ;;
    nonce) nonce=$value ;;
    id) id=$value ;;
    root) decode "$value"; root=$v ;;
    cwd) decode "$value"; cwd=$v ;;
    path) decode "$value"; path=$v ;;
    arg) decode "${line#arg }"; set -- "$@" "$v" ;;
    env) envs="$envs$value
" ;;
    stdin) stdin=$value ;;
    data) data=$value ;;
    out) out=$value ;;
    err) err=$value ;;
    sig) sig=$value ;;
    grace) grace=$value ;;
    from) from=$value ;;
  esac
done
# Without the last line the rest is missing, too: a launch whose link was cut in
# the middle must not run what came of it.
[ "${key-}" = go ] || exit 1
