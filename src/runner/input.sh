# Adds to a session's standard input. Says how much of it is there already,
# takes the rest of this program's own standard input, and says how much is
# there then: the sender goes on from that, so nothing is lost or doubled.

find_spool
cd "$spool" 2>/dev/null || fail gone
[ -p wake ] || fail closed
have=$(wc -c <in)
say have "$((have))"
problem=$(cat 2>&1 >>in) || fail input "$problem"
have=$(wc -c <in)
# `from` is the length at which the input ends, where that is known.
[ "$from" = "$((have))" ] && : >eof
# For reading and writing, since nobody may be there to read any more.
exec 5<>wake
echo >&5
say have "$((have))"
