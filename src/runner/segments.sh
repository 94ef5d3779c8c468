# For the programs that stream a session whose output is capped. Its streams lie
# in the folders out.d and err.d, in segments, each named by the offset of its
# first byte. The oldest are unlinked; one that is open is read to its end all
# the same.
#
# An offset has 15 digits, and some shells count to 2147483647: it is taken apart
# into the digits for the millions and the other six, each with a 1 before it,
# since 0 makes a number octal.

# shellcheck disable=SC2034 # tells that this part is there
_segments=yes

# Sets _offset to $1, with zeros before it.
pad() {
  _offset=00000000000000$1
  while [ "${#_offset}" -gt 15 ]; do _offset=${_offset#?}; done
}

# Whether the offset $1 lies behind the offset $2.
is_behind() {
  [ "1${1%??????}" -gt "1${2%??????}" ] && return
  [ "1${1%??????}" -eq "1${2%??????}" ] || return 1
  [ "1${1#?????????}" -gt "1${2#?????????}" ]
}

# Sets _segment to the one of the stream $1 that comes after the one called
# _after; without that, to the one that holds _offset, or else the first. To
# nothing if there is none.
find_segment() {
  _segment=''
  for _file in "$1.d"/*; do
    [ -e "$_file" ] || continue
    _file=${_file##*/}
    if [ -z "$_after" ]; then
      [ -n "$_segment" ] && is_behind "$_file" "$_offset" && return
      _segment=$_file
    elif is_behind "$_file" "$_after"; then
      _segment=$_file
      return
    fi
  done
}

# Sets _newest to the newest segment of the stream $1.
find_newest() {
  for _newest in "$1.d"/*; do :; done
  _newest=${_newest##*/}
}

# Sends the stream $1 from the offset $2 on, to what is its end now; with _live,
# for as long as there is a spool.
send_segments() {
  pad "$2"
  _after=''
  find_newest "$1"
  _goal=$_newest
  find_segment "$1"
  while [ -n "$_segment" ]; do
    [ -z "$_live" ] && is_behind "$_segment" "$_goal" && break
    _after=$_segment
    # It may have been dropped by now.
    { send_segment "$1"; } 5<"$1.d/$_segment"
    find_segment "$1"
  done
}

# Sends the segment that is on 5. A line says before where in the stream it is:
# the reader has counted, and so knows what was dropped.
send_segment() {
  if is_behind "$_offset" "$_segment"; then
    say at "$_offset"
    _skip=$(((1${_offset%??????} - 1${_segment%??????}) * 1000000 + 1${_offset#?????????} - 1${_segment#?????????}))
    dd bs=1 skip="$_skip" count=0 <&5
  else
    say at "$_segment"
  fi
  # The descriptor keeps its place between two cats. A segment is complete once
  # there is a newer one, so that is looked for before the last cat.
  while :; do
    find_newest "$1"
    if [ -z "$_live" ]; then cat <&5; break; fi
    cat <&5 &
    wait "$!"
    [ "$_newest" = "$_segment" ] || break
    sleep 0.2 &
    wait "$!" || { sleep 1 & wait "$!"; }
  done
}

# Sends the stream $1 from the offset $2 on, until TERM. After that, nothing that
# it has started sends any more.
relay() {
  trap exit TERM
  _live=yes
  # From here on the last process that was started is one of this shell's.
  true &
  wait "$!"
  trap 'kill -KILL "$!"; wait "$!"; exit' TERM
  send_segments "$1" "$2"
}

# What `stream` is for other sessions.
stream_segments() {
  _hushed=''
  trap '_hushed=yes' TERM
  relay out "$_out" &
  _one=$!
  relay err "$_err" >&4 &
  _two=$!
  (
    note_logout
    while IFS= read -r _line <&3; do :; done
  ) &
  _three=$!
  end_senders() { end_relays; }
  trap hush_relays TERM
  [ -z "$_hushed" ] || hush_relays
  tell_start
}

# Ends the relays, each with the cat that it has started. One that was just
# started may have forgotten a TERM, so it gets another until it is gone.
end_relays() {
  (while kill -TERM "$_one"; do sleep 0.1 || sleep 1; done) >/dev/null 4>&- &
  (while kill -TERM "$_two"; do sleep 0.1 || sleep 1; done) >/dev/null 4>&- &
  wait "$_one" "$_two"
}

# Ends what `stream_segments` has started, as `hush` does.
hush_relays() {
  # A second one must not end the wait.
  trap '' TERM
  kill -KILL "$_three"
  end_relays
  wait "$_three"
  exit 9
}
