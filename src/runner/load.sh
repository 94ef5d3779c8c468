# Tells how busy the machine is. What a system does not tell is left out.

if [ -r /proc/loadavg ] && read -r _load _ </proc/loadavg; then
  say load "$_load"
else
  # …: 1.23 1.10 0.98, or with commas between them, or as decimal points.
  _load=$(LC_ALL=C uptime 2>/dev/null) || _load=
  _load=${_load##*averages:} _load=${_load##*average:}
  for _word in $_load; do say load "${_word%,}"; break; done
fi
_cpus=$(getconf _NPROCESSORS_ONLN 2>/dev/null) && say cpus "$_cpus"
if [ -r /proc/meminfo ]; then
  _total='' _available=''
  while read -r _key _number _; do
    case $_key in
      MemTotal:) _total=$_number ;;
      MemAvailable:) _available=$_number; break ;;
    esac
  done </proc/meminfo
  [ -z "$_total" ] || [ -z "$_available" ] || say memory "$_total" "$_available"
fi
# A driver that hangs is not to keep anybody waiting.
if command -v nvidia-smi >/dev/null 2>&1; then
  bounded 3 nvidia-smi --format=csv,noheader,nounits \
    --query-gpu=utilization.gpu,memory.used,memory.total </dev/null 2>/dev/null |
    while IFS= read -r _line; do say gpu "$_line"; done
fi
say told
