#!/bin/sh
# linnet serve: live streams over linnet's own protocol say what linnet live says, and the server takes no more than
# it is told to.
. "${top_srcdir:-.}/tests/support/shell.inc"
. "${top_srcdir:-.}/tests/support/serve.inc"
need_python websockets

client() {
    run 0 "$python" "${top_srcdir:-.}/tests/support/stream_client.py" "ws${url#http}/v1/stream" "$@"
}

words="-s decoder.logprob_threshold=-1000" # of a model that was never trained
quick="$quick $words -q"
run 0 "$linnet" live $quick --speed 0 -w "$dir/a.wav"
cp "$dir/out" "$dir/live"
run 0 "$linnet" live $quick --speed 0 -w --raw s16le:15000:1 "$dir/a.s16"
cp "$dir/out" "$dir/live15"

quick="-m $dir/model -l en -s decoder.temperature=0 $words -t 2"
start_server $quick --streams 8
client same "$dir/a.s16" 16000 "$dir/live" 6
client same "$dir/a.s16" 15000 "$dir/live15" 1
client boosted "$dir/a.s16"
client wrong
stop_server

start_server $quick --streams 1
client full
stop_server

# Without a number of streams it finds out how many fit.
start_server $quick
client same "$dir/a.s16" 16000 "$dir/live" 1
stop_server
exit $bad
