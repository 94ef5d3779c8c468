# Tells whether a program is there, and what it prints when it is asked for its
# version: the arguments are the program and whatever makes it tell.

[ -z "$_path" ] || export PATH="$_path"
seek "$1"
[ -n "$_found" ] || fail missing "$1"
say found "$_found"
shift
ask_version "$_found" "$@"
say version "$_version"
