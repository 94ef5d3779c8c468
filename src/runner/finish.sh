# For the programs that stream a session: `listen` hears the reader, `finish`
# tells how the session ended and sends what is missing.

_one='' _two='' _three=''

# The reader's words are on 3, and the session's standard error goes to 4. What
# the shell and its commands have to say themselves is for nobody: a word of
# theirs in the session's error output would be taken for the session's.
attach_reader() {
  # The reader may have gone: what is claimed is started all the same, or nobody
  # could tell that it never was.
  trap '' PIPE
  say claimed
  say begin >&2
  trap - PIPE
  # mksh never closes descriptor 10, where it puts aside what the first `exec` of
  # all replaces: here that is nothing that anybody waits for the end of.
  exec 5</dev/null
  exec 5<&-
  exec 3<&0 4>&2 2>/dev/null
}

# Sends both streams as they grow, from the offsets _out and _err, until TERM.
#
# The shell that has a trap waits, and another reads: a signal that comes just
# before `read` blocks would be acted on when the next line arrives, which may be
# never; to `wait` a shell gives itself over only with its signals in hand. Waited
# for is the one that reads, so that its end is noticed however it came.
#
# KILL alone is sure to end what was just started: a shell that catches TERM is
# copied with its handler, and what arrives before the copy has become another
# program is forgotten. mksh catches TERM in any case.
stream() {
  [ ! -d out.d ] || stream_segments
  _before=$!
  # In effect before there is a tail: none may outlive this process.
  trap hush TERM
  tail -c "+$((_out + 1))" -f out &
  _one=$!
  tail -c "+$((_err + 1))" -f err >&4 &
  _two=$!
  (
    # In here, as nothing waits for it.
    note_logout
    while IFS= read -r _line <&3; do :; done
  ) &
  _three=$!
  tell_start
}

# Tells if the user's logout would end the session.
note_logout() {
  [ -z "$_logout" ] || [ -e cgroup ] || { dies_at_logout && say note logout-kills; }
}

# Ends what sends.
end_senders() {
  kill -KILL "$_one" "$_two"
}

# Says that the session runs, and leaves the rest to what was started.
tell_start() {
  # A process id is there a moment after the claim.
  until [ -s pid ] || [ -s exit ]; do sleep 0.1 || sleep 1; done
  _pid=''
  [ -s pid ] && read -r _pid _ <pid
  say started "$_pid"
  wait "$_three"
  end_senders
  leave
  exit
}

# Ends what `stream` has started. Status 9 says that it was there. `$!` is the
# process that was started last, even if its id has not come into a variable yet;
# before the first it is another's, or 0 in zsh, which stands for the whole group.
# shellcheck disable=SC2317 # a trap calls it
hush() {
  # A second one must not end the wait.
  trap '' TERM
  [ "$!" = "$_before" ] || set -- "$!"
  # shellcheck disable=SC2086 # some may be missing
  kill -KILL $_one $_two $_three "$@"
  # shellcheck disable=SC2086
  wait $_one $_two $_three "$@"
  exit 9
}

# Streams once the reader asks for it: a session that ends at once needs no
# tails. Ends everything but the session when the reader goes.
listen() {
  # The seconds after which bash and ksh93 give up reading.
  # shellcheck disable=SC2034 # the shell reads it
  TMOUT=0
  while IFS= read -r _line <&3; do
    [ "$_line" = follow ] && stream
  done
  leave
}

# Ends the shell that waits for the session, if that is still there. The wrapper
# must have come into its own before.
leave() {
  while is_born $$ "$_main_born"; do
    if [ -e note ] || [ -s exit ] || ! [ -d "$_spool" ]; then
      kill -KILL $$
      break
    fi
    sleep 1
  done
}

# Sends what lies behind the offsets $1 and $2.
send_from() {
  if [ -d out.d ]; then
    send_segments out "$1"
    send_segments err "$2" >&4
    return
  fi
  send_rest "$1" out
  send_rest "$2" err >&4
}

# Sends what lies behind the offset $1 of the file $2. Of much it may be much
# more: `cat` moves it in pieces sixteen times as large as `tail` does. The
# descriptor that dd moves on is the one that cat reads; in a file it seeks, however
# small its blocks are.
send_rest() {
  if [ "$1" = 0 ]; then
    [ -s "$2" ] && cat "$2"
  elif [ "$1" -lt 16777216 ]; then
    tail -c "+$(($1 + 1))" "$2"
  else
    {
      dd bs=1 skip="$1" count=0
      cat
    } <"$2"
  fi
}

# Sets _record to the exit record. It is whole if its newline is there.
read_record() {
  [ -s ./exit ] && IFS= read -r _record <./exit
}

# Sets _record to how the session ended. Without an exit record the wrapper was
# killed; the command may live on, and is waited for. It may also be about to
# sign: it has a moment for that.
find_record() {
  _looks=0
  while :; do
    read_record && return
    find_process
    [ "$_alive" = yes ] || { [ -z "$_pid" ] && [ "$_looks" -lt 2 ]; } || break
    _looks=$((_looks + 1))
    sleep 1
  done
  # It may have been written between the two looks.
  read_record && return
  _record='lost killed'
  case $_boot_then in '' | - | "$_boot") ;; *) _record='lost rebooted' ;; esac
}

# A tail that is killed has not sent everything it read of: the reader counts
# what came, says so, and gets the rest by offset. Where no tail ever ran, all
# of it is sent before the end is told, and nobody has to ask.
finish() {
  find_record
  _part=no
  if [ -n "$_listener" ]; then
    kill -TERM "$_listener"
    # mksh catches TERM without being told to, and so may miss it while it reads.
    _again=''
    if [ -n "${KSH_VERSION-}" ]; then
      (while { sleep 0.1 || sleep 1; } && kill -TERM "$_listener"; do :; done) >/dev/null 4>&- &
      _again=$!
    fi
    wait "$_listener"
    _code=$?
    # Its process id may be another's from here on.
    [ -z "$_again" ] || { kill -KILL "$_again"; wait "$_again"; }
    case $_code in
      9) _part=yes ;;
      # TERM: it has had nothing to stream. ksh93 adds 256 to a signal's number.
      143 | 271) ;;
      # Somebody has killed it, and its tails may go on sending: what came of them
      # only the reader knows, who asks anew once this shell is gone.
      *) kill -KILL $$ ;;
    esac
  fi
  [ "$_part" = yes ] || send_from "$_out" "$_err"
  say end "$_part" "$_record"
  say end >&4
  # shellcheck disable=SC2034 # the shell reads it
  TMOUT=0
  if [ "$_part" = yes ] && IFS=' ' read -r _ _out _err <&3; then
    send_from "$_out" "$_err"
    say fin
    say fin >&4
  fi
  exit 0
}
