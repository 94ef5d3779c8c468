# Follows a session that was started earlier, from the offsets `out` and `err`.

find_spool
cd "$_spool" 2>/dev/null || fail gone
find_born $$
_main_born=$_born
# That a session's output is capped, its spool alone tells for sure. What else the
# reader has said by then, it says again.
if [ -d out.d ] && [ -z "$_segments" ]; then
  say want segments
  until [ -n "$_segments" ]; do
    IFS= read -r _line || exit 1
    case $_line in 'part '*) take_part "${_line#part }" ;; esac
  done
fi
link_agent
attach_reader
# Between the claim and the wrapper's coming into its own lie a few forks, which
# on a host that swaps take their time: as long as who made them is there.
_tries=0
until [ -e note ] || [ -s exit ] || [ "$_tries" -ge 10 ]; do
  sleep 1
  look_for starter
  [ "$_alive" = yes ] || _tries=$((_tries + 1))
done
_listener=''
if ! [ -s exit ] && [ -p alive ]; then
  # To open a FIFO waits for the other side, so there is one in any case: again
  # and again, since it may meet another follower. (To open it for both, and
  # close that again, is no way: mksh keeps a copy.) No listener yet, which could
  # end this shell and leave the other.
  while [ -p alive ]; do true >alive; done &
  _knocker=$!
  exec 6<alive
  kill -KILL "$_knocker"
  wait "$_knocker"
  listen &
  _listener=$!
  # The end of file comes when the wrapper goes.
  IFS= read -r _ <&6
fi
finish
