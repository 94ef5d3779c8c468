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
ask_version "$_found" "$@"
case $_version in
  '2 '* | '126 '* | '127 '*) is_foreign "$_found" && fail foreign "$_found" ;;
esac
say version "$_version"
