# Tells what the machine is, and the PATH that the user's login shell sets.

need_userland
find_login_path
find_boot
find_home
say path "$_found"
say path-from "$_from"
say host "$(uname -n)"
say system "$(uname -s)"
say boot "$_boot"
say home "$_home"
[ ! -d /run/systemd/system ] || say systemd runs
if [ -d /run/systemd/system ] && ! lingers && dies_at_logout; then
  say logout kills
fi
