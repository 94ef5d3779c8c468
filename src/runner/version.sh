# For the programs that ask a program for its version.

# Runs the arguments as a program, and sets _version to its status and the first
# line that it told. Not for ever: some look for updates first.
ask_version() {
  _version=$(
    {
      bounded 10 "$@" </dev/null 2>&1
      printf '\n@longhaul@%s\n' "$?"
    } | {
      IFS= read -r _first
      _code=${_first#@longhaul@}
      while [ "$_code" = "$_first" ] && IFS= read -r _line; do
        case $_line in @longhaul@*) _code=${_line#@longhaul@}; break ;; esac
      done
      printf '%s %s\n' "${_code:-255}" "$_first"
    }
  )
}
