# Tells what the machine is, and the PATH that the user's login shell sets.
#
# Many an rc file returns at once for a shell that is not interactive, before
# the lines that add to the PATH; so the shell is asked to be both, login and
# interactive. It may print what it likes, and it may hang: it has five seconds.

need_userland
_shell=${SHELL:-/bin/sh}
# shellcheck disable=SC2016 # expanded by the shell that is asked
_ask='exec /bin/sh -c '\''echo; echo "@longhaul@path $PATH"'\'
# shellcheck disable=SC2016 # expanded by the shell that is asked
_again='exec "$0" -i -c "$1"'
case ${_shell##*/} in
  # csh takes -l only alone, and reads its rc file without being asked.
  csh | tcsh) set -- "$_shell" -c "$_ask" ;;
  # A login bash reads .bashrc only if .profile has it do so: another one, with
  # what the first one set, reads it in any case.
  bash) set -- "$_shell" -l -c "$_again" "$_shell" "$_ask" ;;
  *) set -- "$_shell" -l -i -c "$_ask" ;;
esac
# The end of the pipe is not waited for: what an rc file starts in the
# background may hold it open.
_answer=$(
  { bounded 5 "$@" </dev/null 2>/dev/null; echo; echo @longhaul@over; } |
    while IFS= read -r _line; do
      case $_line in
        "@longhaul@path "*) echo "$_line" ;;
        @longhaul@over) break ;;
      esac
    done
)
case $_answer in
  "@longhaul@path "*) _found=${_answer##*@longhaul@path } _from=shell ;;
  *) _found=$PATH _from=default ;;
esac
find_boot
find_home
say path "$_found"
say path-from "$_from"
say host "$(uname -n)"
say system "$(uname -s)"
say boot "$_boot"
say home "$_home"
[ ! -d /run/systemd/system ] || say systemd runs
if [ -d /run/systemd/system ] && ! lingers && dies_at_logout; then
  say logout kills
fi
