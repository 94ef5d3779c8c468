# Tells which agents there are, of which version, and what says that somebody is
# logged in with them. No service is asked, and nothing is paid for.
#
# The arguments are words about one agent after the other: `program NAME` begins
# one; `version WORDS` make it tell its version; `variable NAME` is a variable,
# and `file NAME` a file in `folder FOLDER`, that one who is logged in has;
# `moved NAME` is a variable that names another folder.

[ -z "$_path" ] || export PATH="$_path"
find_home

# Tells of the agent $_program, of which all words have been taken.
tell() {
  [ -n "$_program" ] || return 0
  say agent "$_program"
  seek "$_program"
  if [ -n "$_found" ]; then
    say found "$_found"
    if [ -n "$_asking" ]; then
      # shellcheck disable=SC2086 # words are to be split
      ask_version "$_found" $_asking
      say version "$_version"
    fi
  elif [ -n "$_denied" ]; then
    say denied "$_denied"
  fi
  say login "$_login"
}

# Sets _v to the value of the variable $1. What is no name is no variable.
look_up() {
  _v=''
  case $1 in
    '' | [0123456789]* | *[!ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789]*) ;;
    *) eval "_v=\${$1-}" ;;
  esac
}

_program='' _asking='' _login=none _folder=$_home
for _word; do
  _value=${_word#* }
  case $_word in
    'program '*)
      tell
      _program=$_value _asking='' _login=none _folder=$_home
      ;;
    'version '*) _asking=$_value ;;
    'variable '*)
      look_up "$_value"
      [ -z "$_v" ] || [ "$_login" != none ] || _login="variable $_value"
      ;;
    # Always below the home directory, as `~/NAME`.
    'folder '*) _folder=$_home/${_value#??} ;;
    'moved '*)
      look_up "$_value"
      [ -z "$_v" ] || _folder=$_v
      ;;
    'file '*)
      # One that nobody is logged in with is empty, or `{}`.
      [ "$_login" = none ] && grep -q '"' "$_folder/$_value" 2>/dev/null &&
        _login="file $_folder/$_value"
      ;;
  esac
done
tell
say detected
