# For the programs that ask others: `bounded` runs one that may hang.

# Runs the rest of the arguments as a program, for $1 seconds at most, and then
# ends what it has left in its session. Returns its status.
bounded() {
  _limit=$1
  shift
  find_setsid || :
  (become_leader "$_setsid" "$@") &
  _asked=$!
  find_born "$_asked"
  _since=$_born
  # It looks every second, so that it ends soon after the program even where it
  # is not told to, and never takes another process for the program.
  (
    while is_born "$_asked" "$_since"; do
      if [ "$_limit" = 0 ]; then
        kill -KILL "-$_asked" || kill -KILL "$_asked"
        exit
      fi
      sleep 1
      _limit=$((_limit - 1))
    done
  ) >/dev/null 2>&1 &
  _watch=$!
  wait "$_asked" 2>/dev/null
  _code=$?
  { kill -KILL "-$_asked"; kill -KILL "$_watch"; wait "$_watch"; } 2>/dev/null
  return "$_code"
}
