# Tells what spools there are: of each its lengths, its state and its `meta`
# file. The first `out` of them are left out, and no more than 500 are told, so
# that an answer has a bound; `listed more` says that there are others. With an
# `id`, tells of that one alone.

find_root
[ -d "$_root" ] || { say listed 'all'; exit 0; }
cd "$_root" 2>/dev/null || fail spool "cd $_root"

# Sets _state to how the session of the spool is that this is in.
find_state() {
  [ -f exit ] && [ -s exit ] && IFS= read -r _state <./exit && return
  _state=claimed
  [ -f pid ] && [ -s pid ] || return 0
  find_process
  _state=running
  [ "$_alive" = no ] || return 0
  # It may have been written between the two looks.
  [ -f exit ] && [ -s exit ] && IFS= read -r _state <./exit && return
  _state='lost killed'
  case $_boot_then in '' | - | "$_boot") ;; *) _state='lost rebooted' ;; esac
}

# Tells of the spool _seen, of which the lengths have been gathered.
tell() {
  [ -n "$_seen" ] && cd "$_root/$_seen" 2>/dev/null || return 0
  _input=open
  [ -e eof ] && _input=ended
  find_state
  say spool "$_seen" "$_out_length" "$_err_length" "$_in_length" "$_input" "$_state"
  # A longer one is none. It is a line, so `read` has all of it.
  if [ "$_meta_length" -gt 0 ] && [ "$_meta_length" -le 33000 ]; then
    IFS= read -r _line <meta && say meta "$_line"
  fi
}

# Adds what there is of the stream $1 of the spool _seen to _files. Of one that is
# capped the newest segment tells the length, and that is the last to be dropped.
add_stream() {
  _files="$_files $_seen/$1"
  [ -d "$_seen/$1.d" ] || return 0
  for _newest in "$_seen/$1.d"/*; do :; done
  case ${_newest##*/} in
    *[!0123456789]*) ;;
    ???????????????) _files="$_files $_newest" ;;
  esac
}

# Tells of the spools $_chunk. One `ls` has the lengths of all of them, and what
# is no plain file is left out; the names are ids, and no other names.
tell_chunk() {
  [ -n "$_chunk" ] || return 0
  _files=''
  for _seen in $_chunk; do
    _files="$_files $_seen/in $_seen/meta"
    add_stream out
    add_stream err
  done
  # shellcheck disable=SC2086,SC2012 # ids, which have neither blanks nor worse
  LC_ALL=C ls -ln $_files 2>/dev/null | {
    _seen=''
    while read -r _mode _ _ _ _length _ _ _ _file; do
      case $_mode in -*) ;; *) continue ;; esac
      if [ "${_file%%/*}" != "$_seen" ]; then
        tell
        _seen=${_file%%/*} _out_length=0 _err_length=0 _in_length=0 _meta_length=0
      fi
      case $_file in
        */out) _out_length=$_length ;;
        */err) _err_length=$_length ;;
        */out.d/*) _name=${_file##*/}; advance "$_length"; _out_length=$_name ;;
        */err.d/*) _name=${_file##*/}; advance "$_length"; _err_length=$_name ;;
        */in) _in_length=$_length ;;
        */meta) _meta_length=$_length ;;
      esac
    done
    tell
  }
  # Some shells run the end of a pipe themselves.
  cd "$_root" || fail spool "cd $_root"
  _chunk='' _in_chunk=0
}

_chunk='' _in_chunk=0 _told=0 _listed='all'
for _name in *; do
  case $_name in
    *[!0123456789abcdefghjkmnpqrstvwxyz]*) continue ;;
    ??????????) ;;
    *) continue ;;
  esac
  [ -d "$_name" ] || continue
  [ -L "$_name" ] && continue
  [ "${_id:-$_name}" = "$_name" ] || continue
  if [ "$_out" -gt 0 ]; then
    _out=$((_out - 1))
    continue
  fi
  [ "$_told" -lt 500 ] || { _listed='more'; break; }
  _chunk="$_chunk $_name" _told=$((_told + 1)) _in_chunk=$((_in_chunk + 1))
  [ "$_in_chunk" -lt 100 ] || tell_chunk
done
tell_chunk
say listed "$_listed"
