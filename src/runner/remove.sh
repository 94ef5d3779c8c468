# Removes the spools of sessions that have ended: that of `id`, or those of all
# arguments, with a line for each.

# Removes the spool of session $_id, or sets _kept to why not.
remove() {
  _kept=''
  find_spool
  [ -d "$_spool" ] || return 0
  cd "$_spool" 2>/dev/null || { _kept="remove cd $_spool"; return 1; }
  if ! [ -s exit ]; then
    find_process
    [ "$_alive" = no ] || { _kept=running; return 1; }
  fi
  cd /
  # Twice: what the session left behind may add to a capped stream meanwhile.
  rm -rf "$_spool" 2>/dev/null || _problem=$(LC_ALL=C rm -rf "$_spool" 2>&1) || { _kept="remove $_problem"; return 1; }
}

if [ "$#" = 0 ]; then
  remove || fail "$_kept"
  say removed
  exit 0
fi
# What keeps a spool is split without globbing, so that it is on one line.
set -f
for _id in "$@"; do
  # shellcheck disable=SC2086
  if remove; then say removed "$_id"; else say kept "$_id" $_kept; fi
done
