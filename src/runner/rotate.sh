# For the program that starts a session whose output is capped. The command
# writes to the FIFOs `out` and `err`, and what comes is moved into segments:
# see segments.sh. _cap holds the length of a segment, and how many there may be
# of both streams together.

# Makes the FIFOs and the first segments.
furnish_segments() {
  mkdir -p out.d err.d || return
  [ -p out ] || mkfifo out || return
  [ -p err ] || mkfifo err || return
  true >out.d/000000000000000 && true >err.d/000000000000000
}

# Starts what moves both streams, and holds them open on 6 and 7. The movers have
# neither the session's mark nor its group, and in its cgroup they are known by
# their file: to stop a session ends its writers, and the movers end with those.
#
# To open a FIFO waits for the other side: when both are open, both are moved.
start_movers() {
  _share=${_cap% *} _count=${_cap#* }
  _block=$((_share / 16))
  [ "$_block" -le 65536 ] || _block=65536
  (exec 8>&- <out 2>/dev/null; move out) &
  echo "$!" >movers
  (exec 8>&- <err 2>/dev/null; move err) &
  echo "$!" >>movers
  exec 6>out 7>err
}

# Waits until all that the command has written is in its segments. A process that
# it left behind may have its streams open for ever: what comes of that is not
# waited for.
await_movers() {
  exec 6>&- 7>&-
  _tries=0
  await_mover out
  await_mover err
}

# Waits until the stream $1 has ended, or has grown by more than was in the pipe,
# or was at a standstill for 3 s.
await_mover() {
  [ -d "$1.d" ] || return 0
  find_newest "$1"
  _name=$_newest
  advance "$((_share + 65536))"
  _seen=$_newest
  until [ -e "$1.end" ] || is_behind "$_newest" "$_name" || [ "$_tries" -ge 60 ]; do
    sleep 0.05 2>/dev/null || { sleep 1; _tries=$((_tries + 19)); }
    _tries=$((_tries + 1))
    [ -d "$1.d" ] || return 0
    find_newest "$1"
    [ "$_newest" = "$_seen" ] || _tries=0
    _seen=$_newest
  done
}

# Moves standard input into segments of the stream $1, until its end.
#
# dd takes what there is with each read, and not a byte more than its count of
# reads: neither `head` nor `read` could stop in a pipe without taking too much
# or losing what is no text.
move() {
  _name=000000000000000 _size=0
  while :; do
    dd bs="$_block" count="$(((_share - _size) / _block))" >>"$1.d/$_name"
    _code=$?
    _length=$(wc -c <"$1.d/$_name") && _length=$((_length)) || exit
    if [ "$_code" != 0 ]; then
      # What it has read last may be lost: nobody knows how much that was, so
      # as much is told as dropped as it can have been.
      await_room "$1"
      advance "$((_length + _block))"
    elif [ "$_length" = "$_size" ]; then
      true >"$1.end"
      exit
    else
      _size=$_length
      [ "$((_share - _size))" -lt "$_block" ] || continue
      advance "$_size"
    fi
    _size=0
    until true >"$1.d/$_name"; do
      [ -d "$1.d" ] || exit
      sleep 1
    done
    drop_down_to "$_count"
  done
}

# Drops the oldest segments until $1 are left. The stream that has more of them
# gives, so a flood on one leaves the other its half. The newest of each, which
# is being written to, stays. Sets _have to how many there are.
drop_down_to() {
  _limit=$1
  while :; do
    set -- err.d/*
    _have=$# _oldest=$1
    set -- out.d/*
    [ "$#" -le "$_have" ] || _oldest=$1
    _have=$((_have + $#))
    [ "$_have" -gt "$_limit" ] && [ "$_have" -gt 2 ] || return 0
    rm -f "$_oldest" || return
  done
}

# Drops the oldest segment, if there is one that may go.
drop_one() {
  drop_down_to "$_count"
  [ "$_have" -gt 2 ] && drop_down_to "$((_have - 1))"
}

# Waits until the disk takes a block, and drops segments for it.
await_room() {
  until dd if=/dev/zero of="$1.room" bs="$_block" count=1; do
    [ -d "$1.d" ] || exit
    drop_one || sleep 1
  done
  rm -f "$1.room"
}
