# Removes the spool of a session that has ended.

find_spool
[ -d "$spool" ] || { say removed; exit 0; }
cd "$spool" 2>/dev/null || fail remove "cd $spool"
if ! [ -s exit ]; then
  find_process
  [ "$alive" = no ] || fail running
fi
cd /
problem=$(rm -rf "$spool" 2>&1) || fail remove "$problem"
say removed
