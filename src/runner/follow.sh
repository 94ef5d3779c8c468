# Follows a session that was started earlier, from the offsets `out` and `err`.

find_spool
cd "$spool" 2>/dev/null || fail gone
say claimed
say begin >&2
exec 3<&0
# Between the claim and the wrapper's coming into its own lie a few forks.
tries=0
until [ -e alive ] || [ -e exit ] || [ "$tries" -ge 10 ]; do
  sleep 1
  tries=$((tries + 1))
done
listener=''
if ! [ -e exit ] && [ -e alive ]; then
  listen &
  listener=$!
  # Opened for reading and writing an open never blocks; read-only it then finds
  # a writer. What is read is the end of file that comes when the wrapper goes.
  exec 7<>alive
  exec 6<alive 7>&-
  IFS= read -r _ <&6
fi
finish
