# Tells all that a doctor wants to know of a machine, a line each. What cannot be
# told is left out. Of what it makes to find out nothing is left.

# First, since the reader looks at its own clock before and after.
_now=$(date +%s 2>/dev/null)
case $_now in '' | *[!0123456789]*) ;; *) say clock "$_now" ;; esac
_system=$(uname -s)
say system "$_system"
say shell "${SHELL-}"
say path "$PATH"
find_login_path
[ "$_from" = default ] || say login-path "$_found"
find_setsid && say setsid "$_setsid"
for _name in tail cat dd mkdir mkfifo rm mv ls sleep grep uname id; do
  seek "$_name"
  [ -n "$_found" ] || say lacks "$_name"
done

# Sets _dir to the folder $1, or to the next one above it that is there.
find_above() {
  _dir=$1
  until [ -d "$_dir" ] || [ -z "$_dir" ]; do _dir=${_dir%/*}; done
  _dir=${_dir:-/}
}

# Whether a file of some kilobytes can be written in the folder of spools.
try_to_write() {
  mkdir -p "$_root" && _trial=$_root/.doctor.$$ || return
  _pad=0123456789abcdef
  while [ ${#_pad} -lt 16384 ]; do _pad=$_pad$_pad; done
  # dash says of its own writing no more than that it failed; cat says why.
  echo "$_pad" | cat >"$_trial"
  _tried=$?
  rm -f "$_trial"
  return "$_tried"
}

find_root
say spools "$_root"
_problem=$(export LC_ALL=C; try_to_write 2>&1) || {
  # The words in one line.
  set -f
  # shellcheck disable=SC2086
  say unwritable $_problem
  set +f
}

# Room. The last line of `df -P` is the folder's; the name of its device may have
# blanks, so fields count from the sign of percent.
find_above "$_root"
_lines=$(LC_ALL=C df -kP "$_dir" 2>/dev/null)
_line=${_lines##*
}
_mount=/${_line##*% /}
# shellcheck disable=SC2086 # fields are to be split
set -- ${_line%%"%"*}
if [ $# -ge 5 ]; then
  while [ $# -gt 5 ]; do shift; done
  say disk "$4" "$2"
fi
# Inodes, where the columns are those of Linux.
_lines=$(LC_ALL=C df -iP "$_dir" 2>/dev/null)
case $_lines in
  *Inodes*)
    _line=${_lines##*
}
    # shellcheck disable=SC2086 # fields are to be split
    set -- $_line
    [ $# -lt 6 ] || say inodes "$4" "$2"
    ;;
esac

# The type: what stat(2) says, and of what is not in the kernel, what mount(8) does.
_type=''
[ "$_system" != Linux ] || _type=$(stat -f -c %T "$_dir" 2>/dev/null)
case $_type in
  '' | fuse* | UNKNOWN*)
    if [ -r /proc/self/mounts ]; then
      while read -r _ _point _kind _; do
        [ "$_point" != "$_mount" ] || _type=$_kind
      done </proc/self/mounts
    else
      _line=$(LC_ALL=C mount 2>/dev/null | grep -F " on $_mount (")
      _line=${_line##*'('}
      _line=${_line%%,*}
      _type=${_line%%')'*}
    fi
    ;;
esac
[ -z "$_type" ] || say fs "$_type"

if [ -d /run/systemd/system ]; then
  if lingers; then say logout lingers
  elif dies_at_logout; then say logout kills
  else say logout spared
  fi
fi

# Processes that bear the mark of a session: of this home, since the spools of
# another one are not looked at, and not those whose output goes into a spool that
# is there, wherever that is.
if [ -r /proc/self/environ ]; then
  # shellcheck disable=SC2013 # a path in /proc is one word
  for _file in $(grep -ls LONGHAUL_SESSION= /proc/[0-9]*/environ 2>/dev/null); do
    _mark='' _there=''
    while IFS= read -r _line; do
      case $_line in
        LONGHAUL_SESSION=*) _mark=${_line#*=} ;;
        HOME=*) _there=${_line#*=} ;;
      esac
    done <<END
$({ tr '\0' '\n' <"$_file"; } 2>/dev/null)
END
    if [ -z "$_mark" ] || [ "$_there" != "${HOME-}" ]; then continue; fi
    _one=${_file%/environ}
    _to=$(readlink "$_one/fd/1" 2>/dev/null)
    case $_to in */"$_mark"/*) [ -e "$_to" ] && continue ;; esac
    say marked "${_one#/proc/}" "$_mark"
  done
fi
say examined
