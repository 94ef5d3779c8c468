# For the programs that want to know whether anything outlives the logins.

# Whether the user's service manager runs without a login.
lingers() {
  find_user
  [ -e "/var/lib/systemd/linger/$_user" ]
}
