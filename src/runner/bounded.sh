# For the programs that ask others: `bounded` runs one that may hang.

# Runs the rest of the arguments as a program, for $1 seconds at most, and then
# ends what it has left in its session. Returns its status.
bounded() {
  _limit=$1
  shift
  find_setsid && set -- "$_setsid" "$@"
  (if [ -n "$_setsid" ]; then become_leader "$@"; else exec "$@"; fi) &
  _asked=$!
  (
    trap 'kill $_timer; exit' TERM
    sleep "$_limit" &
    _timer=$!
    wait "$_timer"
    kill -KILL "-$_asked" || kill -KILL "$_asked"
  ) >/dev/null 2>&1 &
  _watch=$!
  wait "$_asked" 2>/dev/null
  _code=$?
  { kill "$_watch"; wait "$_watch"; kill -KILL "-$_asked"; } 2>/dev/null
  return "$_code"
}
