# Does what the start of a session does, up to its command, and asks that for its
# version. The arguments are the command. Nothing is left of it.

# Ends the program because of what would have kept a session from its command.
give_up() {
  # Split without globbing, so that all of it is on one line.
  set -f
  # shellcheck disable=SC2048,SC2086
  say stuck $*
  exit 1
}

need_userland
enter_cwd || give_up cwd "$_why"
say cwd "$_cwd"
find_root
find_setsid || give_up setsid
[ -d "$_root" ] || _problem=$(LC_ALL=C mkdir -p "$_root" 2>&1) || give_up spool "$_problem"
_trial=$_root/.rehearsal.$$
# dash says of its own writing no more than that it failed; cat says why.
if ! _problem=$(export LC_ALL=C; mkdir -m 700 "$_trial" 2>&1 && echo run | cat 2>&1 >"$_trial/stage"); then
  rm -rf "$_trial"
  give_up spool "$_problem"
fi
rm -rf "$_trial"
[ -z "$_path" ] || export PATH="$_path"
seek "$1"
if [ -z "$_found" ]; then
  [ -z "$_denied" ] || give_up program denied
  give_up program missing
fi
say found "$_found"
shift
ask_version "$_found" "$@"
# As the end of a session has it: the statuses with which shells give up on what is
# no script of theirs.
case $_version in
  '2 '* | '126 '* | '127 '*) is_foreign "$_found" && give_up program foreign ;;
esac
say version "$_version"
