# Tells whether a program is there, and what it prints when it is asked for its
# version: the arguments are the program and whatever makes it tell.

[ -z "$path" ] || export PATH="$path"
found=$(command -v -- "$1") && [ -n "$found" ] || fail missing "$1"
say found "$found"
# The first line alone, and not for ever: some look for updates first.
answer=$(
  exec </dev/null
  "$@" 2>&1 &
  asked=$!
  (
    sleep 10 &
    # shellcheck disable=SC2064 # the id as it is now
    trap "kill $!; exit" TERM
    wait $!
    kill -KILL "$asked"
  ) >/dev/null 2>&1 &
  watch=$!
  wait "$asked"
  code=$?
  kill "$watch"
  exit "$code"
)
code=$?
say version "$code" "$(printf '%s\n' "$answer" | head -n 1)"
