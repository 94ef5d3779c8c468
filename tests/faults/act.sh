# The command of a session whose output is known: pieces of two files, then its
# standard input, then its end.
#
#   sh cast/act NAME PIECES OUT ERR PAUSE READS HOW WHICH
name=$1 pieces=$2 out=$3 err=$4 pause=$5 reads=$6 how=$7 which=$8
cd cast || exit 99
echo "$$" >>"$name.starts"
[ "$how" = stubborn ] && trap '' TERM
piece=0
while [ "$piece" -lt "$pieces" ]; do
  dd if="$name.out" bs="$out" skip="$piece" count=1 2>/dev/null
  [ "$err" = 0 ] || { dd if="$name.err" bs="$err" skip="$piece" count=1 2>/dev/null; } >&2
  piece=$((piece + 1))
  sleep "$pause"
done
[ "$reads" = no ] || cat
case $how in
  code) exit "$which" ;;
  signal) kill "-$which" "$$" ;;
esac
while :; do sleep 1; done
