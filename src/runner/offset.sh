# For the programs that count in a capped stream: see segments.sh.

# Sets _name to the offset that lies $1 bytes behind it.
advance() {
  _low=$((1${_name#?????????} - 1000000 + $1))
  _high=$((1${_name%??????} + _low / 1000000))
  _low=$((1000000 + _low % 1000000))
  _name=${_high#1}${_low#1}
}
