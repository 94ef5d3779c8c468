# Tells what the machine is, and the PATH that the user's login shell sets.
#
# Many an rc file returns at once for a shell that is not interactive, before
# the lines that add to the PATH; so the shell is asked to be both, login and
# interactive. It may print what it likes, and it may hang: it has five seconds.

shell=${SHELL:-/bin/sh}
# shellcheck disable=SC2016 # expanded by the shell that is asked
ask='exec /bin/sh -c '\''echo "@longhaul@$PATH"'\'
case ${shell##*/} in
  # csh takes -l only alone, and reads its rc file without being asked.
  csh | tcsh) set -- -c "$ask" ;;
  # A login bash reads .bashrc only if .profile has it do so: another one, with
  # what the first one set, reads it in any case.
  # shellcheck disable=SC2016
  bash) set -- -l -c 'exec "$0" -i -c "$1"' "$shell" "$ask" ;;
  *) set -- -l -i -c "$ask" ;;
esac
answer=$(
  exec </dev/null 2>/dev/null
  "$shell" "$@" &
  asked=$!
  (
    sleep 5 &
    # shellcheck disable=SC2064 # the id as it is now
    trap "kill $!; exit" TERM
    wait $!
    kill -KILL "$asked"
  ) >/dev/null &
  watch=$!
  wait "$asked"
  kill "$watch"
)
case $answer in
  *@longhaul@*) found=${answer##*@longhaul@} from=shell ;;
  *) found=$PATH from=default ;;
esac
find_boot
say path "$found"
say path-from "$from"
say host "$(uname -n)"
say system "$(uname -s)"
say boot "$boot"
say home "$HOME"
