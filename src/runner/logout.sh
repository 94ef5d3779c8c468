# For the programs that have to do with logind: what becomes of a session when its
# user logs out.

# shellcheck disable=SC2034 # tells that this part is there
_logout=yes

# Sets _uid to the user's id, and _user to the name, where the environment has it
# or can be told without asking.
find_user() {
  _uid='' _user=${USER:-${LOGNAME-}}
  while read -r _word _uid _; do
    [ "$_word" = Uid: ] && break
  done </proc/self/status
  [ -n "$_user" ] || _user=$(id -un)
}

# Sets _cgroup to the folder of the cgroup that the file $1 names: of the unified
# hierarchy, else of systemd's own.
find_cgroup() {
  _cgroup=''
  while IFS= read -r _line; do
    case $_line in
      0::*)
        for _dir in /sys/fs/cgroup/unified /sys/fs/cgroup; do
          [ -e "$_dir/cgroup.procs" ] && _cgroup=$_dir${_line#0::} && break
        done
        ;;
      *:name=systemd:*) [ -n "$_cgroup" ] || _cgroup=/sys/fs/cgroup/systemd${_line#*:name=systemd:} ;;
    esac
  done <"$1" 2>/dev/null
  [ -n "$_cgroup" ]
}

# Whether logind kills what this login leaves running. Who is spared by its
# settings, and what is in no login's scope, is not.
dies_at_logout() {
  [ -d /run/systemd/system ] && find_cgroup /proc/self/cgroup || return
  case $_cgroup in */session-*.scope) ;; *) return 1 ;; esac
  find_user
  _line='
' _said=$(LC_ALL=C exec busctl --timeout=5 get-property \
    org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager \
    KillUserProcesses KillExcludeUsers KillOnlyUsers 2>/dev/null) || return
  # A line each: `b true`, `as 1 "root"`, `as 0`.
  _kills=${_said%%"$_line"*} _said=${_said#*"$_line"}
  _spared=${_said%%"$_line"*} _only=${_said#*"$_line"}
  case $_spared in *"\"$_user\""*) return 1 ;; esac
  case $_only in
    'as 0') [ "$_kills" = 'b true' ] ;;
    *"\"$_user\""*) ;;
    *) return 1 ;;
  esac
}
