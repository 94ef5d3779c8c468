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
# Files in the spool: in, out, err; pid (process id, start time, boot); exit
# (how it ended); alive (a FIFO that the wrapper holds open while it lives).

find_spool
[ -d "$root" ] || problem=$(mkdir -p "$root" 2>&1) || fail spool "$problem"
# The claim. Of two starts with one id, one goes on.
if ! problem=$(mkdir "$spool" 2>&1); then
  [ -d "$spool" ] && fail claimed
  fail spool "$problem"
fi
cd "$spool" || fail spool "cd $spool"
case $stdin in
  data) printf %b "$data" >in || fail spool "$spool/in" ;;
  open) printf %b "$data" >in && mkfifo stdin wake || fail spool "$spool/in" ;;
esac
setsid=$(command -v setsid) ||
  if command -v perl >/dev/null; then setsid=perl
  elif command -v python3 >/dev/null; then setsid=python3
  else fail setsid; fi

# Feeds the file `in` to the command as it grows. The descriptor keeps its place
# between two cats, so every byte goes through once.
feed() {
  exec 4<in 5<>wake
  while :; do
    cat <&4
    [ -e eof ] && { cat <&4; break; }
    IFS= read -r _ <&5
  done
}

# Ends what was to become the command, and leaves word of what kept it from it.
stumble() {
  printf '%s\n' "$1" >"$spool/stage"
  exit "$2"
}

# Becomes the command.
become() {
  case $cwd in
    '' | '~') cwd=$HOME ;;
    '~/'*) cwd=$HOME/${cwd#'~/'} ;;
    /*) ;;
    *) cwd=$HOME/$cwd ;;
  esac
  if ! cd -- "$cwd" 2>/dev/null; then
    [ -d "$cwd" ] && stumble 'cwd denied' 126
    stumble 'cwd missing' 126
  fi
  # A loop in a here-document, not in a pipe: it has to run in this shell.
  while IFS= read -r line; do
    [ -n "$line" ] || continue
    decode "${line#*=}"
    export "${line%%=*}=$v"
  done <<END
$envs
END
  export LONGHAUL_SESSION="$id"
  [ -z "$path" ] || export PATH="$path"
  found=$(command -v -- "$1") || found=
  case ${found:-$1} in
    # A builtin of this shell may be no program, as ulimit is.
    */*) ;;
    *) [ -z "$found" ] && stumble 'program missing' 127 ;;
  esac
  case ${found:-$1} in
    */*)
      [ -e "${found:-$1}" ] || stumble 'program missing' 127
      { [ -x "${found:-$1}" ] && ! [ -d "${found:-$1}" ]; } || stumble 'program denied' 126
      ;;
  esac
  case $setsid in
    perl) exec perl -e 'use POSIX; POSIX::setsid(); exec {$ARGV[0]} @ARGV; exit 127' "$@" ;;
    python3) exec python3 -c 'import os, sys; os.setsid(); os.execvp(sys.argv[1], sys.argv[1:])' "$@" ;;
    *) exec "$setsid" "$@" ;;
  esac
}

# Writes down who this process is. Only the process itself can read its own id
# without an external command: $$ is the first shell's in all its children.
sign() {
  find_boot
  if [ -r /proc/self/stat ]; then
    read -r me _ </proc/self/stat
  else
    # shellcheck disable=SC2016 # the inner shell's parent is this one
    me=$(exec sh -c 'echo "$PPID"')
  fi
  find_born "$me"
  printf '%s %s %s\n' "$me" "$born" "$boot" >pid
}

wrap() {
  exec 3<&- </dev/null >/dev/null 2>note
  mkfifo alive
  exec 9<>alive
  exec 8>alive 9>&-
  case $stdin in
    data) input=in ;;
    open) input=stdin; (exec 8>&- 2>/dev/null; feed) >stdin & ;;
    *) input=/dev/null ;;
  esac
  # The redirections stand inside: mksh would apply them to this shell, too, and
  # tell of a signal in the session's err.
  (exec 8>&- <"$input" >out 2>err; sign; become "$@")
  code=$?
  kind=code
  # A shell tells of a signal on its standard error, except of INT and PIPE: of
  # these two nobody can tell the death from the exit status that stands for it,
  # and they are taken for what they stand for. ksh93 adds 256 to the number.
  if [ "$code" -gt 256 ]; then
    kind=signal code=$((code - 256))
  elif [ "$code" -gt 128 ] && { [ -s note ] || [ "$code" = 130 ] || [ "$code" = 141 ] ||
    [ -e "sent.$((code - 128))" ]; }; then
    kind=signal code=$((code - 128))
  fi
  stage=run
  [ -e stage ] && read -r stage <stage
  [ "$stdin" = open ] && kill $! 2>/dev/null
  # A disk that is full now may have room later; a spool that is gone is gone.
  until printf '%s %s %s\n' "$kind" "$code" "$stage" >exit.tmp && mv exit.tmp exit; do
    [ -d "$spool" ] || break
    sleep 1
  done
}

: >out >err
# In a shell of its own, which dies in this one's place if the reader has gone:
# what is claimed is started, or nobody could tell that it never was.
(say claimed; say begin >&2)
exec 3<&0
listen &
listener=$!
# The shell would tell of a killed wrapper on standard error, the session's. Without
# the `:` dash and busybox hold the words back until the redirection is over.
{ (wrap "$@"); :; } 2>/dev/null
finish
