# Runs ssh, and ends it when standard input ends: that is held by the daemon, and
# a master whose daemon was killed would stay for ever. $0 is ssh, $1 the folder of
# its sockets, which goes with it.
folder=$1
shift
exec 3<&0 </dev/null
"$0" "$@" 3<&- &
ssh=$!
{
	read -r _ <&3
	kill "$ssh" 2>/dev/null
} >/dev/null 2>&1 &
watch=$!
exec 3<&-
wait "$ssh"
status=$?
kill "$watch" 2>/dev/null
rm -rf -- "$folder"
exit "$status"
