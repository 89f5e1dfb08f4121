#!/bin/sh
# linnet serve's HTTP, spoken by clients of every manner; what is open when they have gone is what was open before.
. "${top_srcdir:-.}/tests/support/shell.inc"
. "${top_srcdir:-.}/tests/support/serve.inc"
need_python http.client
client=${top_srcdir:-.}/tests/support/http_client.py

start_server $quick --upload-mb 10 --file-seconds 60
"$python" "$client" "$url" "$dir" >"$dir/out" 2>"$dir/err" || failed "http_client.py"
cat "$dir/out"

# A client is cut off without delay, so the descriptors are counted until they are as few.
open_descriptors() { ls "/proc/$server/fd" 2>/dev/null | wc -l; }
if [ -d "/proc/$server/fd" ]; then
    curl -s -o "$dir/out" "$url/health" 2>"$dir/err" || "$python" -c "" # the last one has gone
    few=$(open_descriptors)
    "$python" "$client" "$url" "$dir" >"$dir/out" 2>"$dir/err" || failed "http_client.py again"
    tries=0
    while [ "$(open_descriptors)" -gt "$few" ] && [ $tries -lt 300 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    [ "$(open_descriptors)" -le "$few" ] || failed "descriptors: $few, then $(open_descriptors)"
fi
stop_server
exit $bad
