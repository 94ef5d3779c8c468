# Removes the spool of a session that has ended.

find_spool
[ -d "$_spool" ] || { say removed; exit 0; }
cd "$_spool" 2>/dev/null || fail remove "cd $_spool"
if ! [ -s exit ]; then
  find_process
  [ "$_alive" = no ] || fail running
fi
cd /
# Twice: what the session left behind may add to a capped stream meanwhile.
rm -rf "$_spool" 2>/dev/null || _problem=$(LC_ALL=C rm -rf "$_spool" 2>&1) || fail remove "$_problem"
say removed
