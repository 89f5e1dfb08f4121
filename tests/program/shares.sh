#!/bin/sh
# recipes/common/shares.sh on this machine and with GNU parallel: the results of a single run, also when shares are
# killed, recordings are bad, or all of it is stopped and run again; nothing where a share is missing.
for tool in parallel setsid flock; do
    command -v $tool >/dev/null || { echo "no $tool: skipped"; exit 77; }
done
. "${top_srcdir:-.}/tests/support/shell.inc"
shares=$(cd "${top_srcdir:-.}" && pwd)/recipes/common/shares.sh
REAL=$(cd "$(dirname "$linnet")" && pwd)/$(basename "$linnet")
TOP=$dir
export REAL TOP
linnet=$REAL
work="$dir/it's here" # a name that has to be quoted
mkdir "$work"

mkdir "$work/data"
printf 'long %s/long.wav\nb %s/b.wav\n' "$TOP" "$TOP" >"$work/data/wav.scp"
{ seq 7 | awk '{ printf "u%d long %.1f %.1f\n", $1, $1 / 3, 2 + $1 / 2 }'; echo "v b 0 -1"; } >"$work/data/segments"
set -- --data "$work/data" -m "$TOP/model" -s decoder.max_tokens=6 -s decoder.temperature=0,1
run 0 "$linnet" decode "$@" -o "$work/single"

# same FOLDER: as the single run.
same() {
    for file in hyp.txt hyp.jsonl recipe.yaml; do
        cmp "$work/single/$file" "$1/$file" || failed "$1: another $file"
    done
}

run 0 "$shares" --nj 3 -- "$linnet" decode "$@" --out "$work/three"
same "$work/three"
has err '^shares.sh: 3 shares, local'
run 0 "$shares" --nj 1 -- "$linnet" decode "$@" --out="$work/one"
same "$work/one"
[ ! -e "$work/one.shares" ] || failed "shares of one"
run 0 "$shares" --nj=10 --jobs 4 -- "$linnet" decode "$@" "-o$work/many" # more than there are utterances
same "$work/many"

# A program that dies where $TOP/kill says, when it has written something, so many times as that file has lines.
cat >"$TOP/dying" <<'E2'
#!/bin/sh
kill_it=
case " $* " in
*" --shard $(tail -n 1 "$TOP/kill" 2>/dev/null)/"*) kill_it=yes ;;
esac
[ "$1 $kill_it" = "decode yes" ] || exec "$REAL" "$@"
sed -i '$d' "$TOP/kill"
for out; do :; done # the last argument
"$REAL" "$@" &
while [ ! -s "$out/hyp.txt" ]; do sleep 0.02; done
kill -9 $!
kill -9 $$
E2
chmod +x "$TOP/dying"
printf '2\n2\n' >"$TOP/kill"
run 0 "$shares" --nj 3 -- "$TOP/dying" decode "$@" --out "$work/killed"
same "$work/killed"
[ "$(grep -c 'tried again: 2$' "$dir/err")" = 2 ] || failed "two tries"
[ "$(grep -c '^== share 2 of 3 on ' "$work/killed.shares/2.log")" = 3 ] || failed "the log of share 2"

# What dies as often as it is tried: no result, and the next run goes on.
printf '1\n1\n' >"$TOP/kill"
run 1 "$shares" --nj 3 --retries 1 -- "$TOP/dying" decode "$@" --out "$work/hole"
has err 'not all shares are decoded; those missing are: 1\. '
has err '^    == share 1 of 3 on '
[ ! -e "$work/hole/hyp.txt" ] || failed "a result with a hole"
run 0 "$shares" --nj 3 -- "$TOP/dying" decode "$@" --out "$work/hole"
same "$work/hole"

# A bad recording among good ones: named, the others are merged.
sed 's/^b .*/b gone.wav/' "$work/data/wav.scp" >"$TOP/wav.scp"
mkdir "$work/bad"
cp "$work/data/segments" "$TOP/wav.scp" "$work/bad"
run 1 "$linnet" decode "$@" --data "$work/bad" --out "$work/bad.single"
run 1 "$shares" --nj 3 -- "$linnet" decode "$@" --data "$work/bad" --out "$work/bad.three"
has err 'gone.wav'
! grep 'tried again' "$dir/err" || failed "a bad recording is tried again"
for file in hyp.txt hyp.jsonl; do
    cmp "$work/bad.single/$file" "$work/bad.three/$file" || failed "another $file with a bad recording"
done

# Two processes for one share: one waits for the other.
rm -r "$work/three.shares/1"
sh "$work/three.shares/run.sh" 1 &
sh "$work/three.shares/run.sh" 1 || failed "one of two"
wait $! || failed "the other of two"
cut -d ' ' -f 1 "$work/three.shares/1/hyp.txt" | uniq -d | grep . && failed "decoded twice"
[ "$(grep -c '== ended with 0' "$work/three.shares/1.log")" = 3 ] || failed "three ends"

# Two runs for one folder: the second is told.
run 1 flock "$work/single" "$linnet" decode "$@" -o "$work/single"
has err "it's here/single: another run is writing into it"
run 0 "$linnet" decode "$@" -o "$work/single"

# Other machines: what ssh would do.
cat >"$TOP/ssh" <<'E2'
#!/bin/sh
while [ $# -gt 0 ]; do
    case $1 in -[lop]) shift 2 ;; -*) shift ;; *) break ;; esac
done
[ "$1" != down ] || { echo "ssh: no such machine" >&2; exit 255; }
echo "$1" >>"$TOP/machines"
shift
[ "$1" != -- ] || shift
unset SHELL
exec sh -c "$*"
E2
chmod +x "$TOP/ssh"
echo 3 >"$TOP/kill"
run 0 "$shares" --cmd parallel --nj 4 --sshlogin "$TOP/ssh one,$TOP/ssh two" -- "$TOP/dying" decode "$@" \
    --out "$work/parallel"
same "$work/parallel"
has err 'tried again: 3$'
for machine in one two; do grep -qx $machine "$TOP/machines" || failed "nothing on machine $machine"; done

# Stopped: nothing goes on in the background, and the next run ends the work.
cat >"$TOP/waiting" <<'E2'
#!/bin/sh
[ "$1" = decode ] && [ -e "$TOP/wait" ] || exec "$REAL" "$@"
echo $$ >>"$TOP/wait"
exec sleep 600
E2
chmod +x "$TOP/waiting"
for cmd in local parallel; do
    : >"$TOP/wait"
    "$shares" --cmd $cmd --jobs 2 --nj 2 -- "$TOP/waiting" decode "$@" --out "$work/stopped.$cmd" \
        >"$dir/out" 2>"$dir/err" &
    process=$!
    while kill -0 $process && [ "$(wc -l <"$TOP/wait")" -lt 2 ]; do sleep 0.05; done
    kill $process
    wait $process
    [ $? = 143 ] || failed "a stopped --cmd $cmd"
    has err 'stopping; run again to go on'
    while read -r process; do
        tries=0
        while kill -0 "$process" 2>/dev/null && [ $tries -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
        ! kill -9 "$process" 2>/dev/null || failed "--cmd $cmd was stopped, a share goes on"
    done <"$TOP/wait"
    rm "$TOP/wait"
    run 0 "$shares" --cmd $cmd --nj 2 -- "$TOP/waiting" decode "$@" --out "$work/stopped.$cmd"
    same "$work/stopped.$cmd"
done

# Mistakes.
run 2 "$shares" --nj 0 -- "$linnet" decode "$@" --out "$work/x"
run 2 "$shares" --cmd cloud -- "$linnet" decode "$@" --out "$work/x"
run 2 "$shares" --nj 2 -- "$linnet" transcribe a.wav
run 2 "$shares" --nj 2 -- "$linnet" decode "$@"
has err '\-\-out is not among'
run 1 "$shares" --nj 2 -- "$linnet" decode "$@" --out "$work/x" --no-such-option
has err 'linnet decode does not take these options'
has err 'no-such-option'
run 0 "$shares" --help
has out '\-\-slurm-options'
exit $bad
