# Tells whether a program is there, and what it prints when it is asked for its
# version: the arguments are the program and whatever makes it tell.

[ -z "$_path" ] || export PATH="$_path"
seek "$1"
if [ -z "$_found" ]; then
  [ -z "$_denied" ] || fail denied "$1"
  fail missing "$1"
fi
say found "$_found"
shift
set -- "$_found" "$@"
# The first line alone, and not for ever: some look for updates first.
_answer=$(
  {
    bounded 10 "$@" </dev/null 2>&1
    printf '\n@longhaul@%s\n' "$?"
  } | {
    IFS= read -r _first
    _code=${_first#@longhaul@}
    while [ "$_code" = "$_first" ] && IFS= read -r _line; do
      case $_line in @longhaul@*) _code=${_line#@longhaul@}; break ;; esac
    done
    printf '%s %s\n' "${_code:-255}" "$_first"
  }
)
case $_answer in
  '2 '* | '126 '* | '127 '*) is_foreign "$_found" && fail foreign "$_found" ;;
esac
say version "$_answer"
