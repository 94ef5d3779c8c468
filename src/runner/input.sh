# Adds to a session's standard input. Says how much of it is there already,
# takes the rest of this program's own standard input, and says how much is
# there then: the sender goes on from that, so nothing is lost or doubled.

find_spool
cd "$_spool" 2>/dev/null || fail gone
[ -p wake ] || fail closed
# A sender whose link is gone may still have bytes in a pipe, which its cat would
# add behind the count that is told here. Its processes are one group.
if { read -r _old _old_born <sender; } 2>/dev/null; then
  while is_born "$_old" "$_old_born" && kill -KILL "-$_old" 2>/dev/null; do
    sleep 0.1 2>/dev/null || sleep 1
  done
fi
find_born $$
echo "$$ $_born" >sender
_have=$(wc -c <in)
say have "$((_have))"
_problem=$(LC_ALL=C cat 2>&1 >>in) || fail input "$_problem"
_have=$(wc -c <in)
# `ends` is the length at which the input ends, where that is known.
[ "$_ends" = "$((_have))" ] && true >eof
# For reading and writing, since nobody may be there to read any more.
exec 5<>wake
echo >&5
say have "$((_have))"
