# For the programs that stream a session: `listen` hears the reader, `finish`
# tells how the session ended and sends what is missing.

one='' two=''

# Sends both streams as they grow, from the offsets `out` and `err`. What a tail
# has to say itself (on a host without a free inotify instance, say) is no
# output of the session's, so it may not go where that goes. A TERM that comes
# while there is only one tail, or none yet, must not leave it behind.
tails() {
  over=''
  trap 'over=yes' TERM
  tail -c "+$((out + 1))" -f out 2>/dev/null &
  one=$!
  tail -c "+$((err + 1))" -f err >&2 2>/dev/null &
  two=$!
  trap 'end_tails' TERM
  [ -z "$over" ] || end_tails
}

end_tails() {
  { kill "$one" "$two"; wait "$one" "$two"; } 2>/dev/null
  exit 9
}

# Starts the tails once the reader asks for them: a session that ends at once
# needs none. Ends everything but the session when the reader goes.
listen() {
  while IFS= read -r line <&3; do
    [ "$line" = follow ] && [ -z "$one" ] || continue
    pid=''
    [ -s pid ] && read -r pid _ <pid
    say started "$pid"
    tails
  done
  trap - TERM
  [ -z "$one" ] || kill "$one" "$two"
  # The wrapper must have come into its own before the shell above it may go.
  until [ -e alive ] || [ -e exit ]; do sleep 1; done
  kill -KILL $$
}

# Sends what lies behind the offsets $1 and $2.
send_from() {
  if [ "$1" = 0 ]; then [ -s out ] && cat out; else tail -c "+$(($1 + 1))" out; fi 2>/dev/null
  if [ "$2" = 0 ]; then [ -s err ] && cat err; else tail -c "+$(($2 + 1))" err; fi >&2 2>/dev/null
}

# Sets record to how the session ended. Without an exit record the wrapper was
# killed; the command may live on, and is waited for.
find_record() {
  while :; do
    [ -s exit ] && IFS= read -r record <exit && return
    find_process
    [ "$alive" = yes ] || break
    sleep 1
  done
  # It may have been written between the two looks.
  [ -s exit ] && IFS= read -r record <exit && return
  record='lost killed'
  [ -z "$boot_then" ] || [ "$boot" = "$boot_then" ] || record='lost rebooted'
}

# A tail that is killed has not sent everything it read of: the reader counts
# what came, says so, and gets the rest by offset. Where no tail ever ran, all
# of it is sent before the end is told, and nobody has to ask.
finish() {
  find_record
  part=no
  if [ -n "$listener" ]; then
    # Standard error is the session's; the shell would tell of the kill there.
    { kill -TERM "$listener"; wait "$listener"; } 2>/dev/null
    [ $? = 9 ] && part=yes
  fi
  [ "$part" = yes ] || send_from "$out" "$err"
  say end "$part" "$record"
  say end >&2
  if [ "$part" = yes ] && IFS=' ' read -r _ out err <&3; then
    send_from "$out" "$err"
    say fin
    say fin >&2
  fi
  exit 0
}
