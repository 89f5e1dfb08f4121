#!/bin/sh
# linnet live on a terminal: the open line is redrawn in its place and never longer than it, finals stand once on lines of
# their own, Ctrl-C ends with the last words.
command -v script >/dev/null || { echo "no script(1)"; exit 77; }
. "${top_srcdir:-.}/tests/support/shell.inc"
# Random words, without spaces between them; all are taken for speech.
tiny="-m $dir/model -l zh -s decoder.delay_s=0.5 -s decoder.logprob_threshold=-1000 -s endpoint.rule3_utterance_ms=4000 -t 2"

# on_terminal COMMAND: what it writes on a terminal of 40 columns, to $dir/out (without a shell that Ctrl-C would end,
# whichever one script starts); an open line is a line that starts with
# OPEN there, what stands on the screen for good starts with nothing.
on_terminal() {
    $limit script -qec "stty cols 40; exec $1" "$dir/screen" >"$dir/typed" 2>"$dir/err"
    echo $? >"$dir/code"
    grep -v '^Script ' "$dir/screen" | tr -d '\n' | sed 's/\r\x1b\[K/\nOPEN /g; s/\r/\nEND\n/g' >"$dir/lines"
    # A redrawn line that an END follows is final.
    awk '{ if ($0 == "END") { sub(/^OPEN /, "", last); print last; last = "" }
           else { if (last ~ /^OPEN /) print last; last = $0 } }
         END { if (last ~ /^OPEN ./) print last }' "$dir/lines" >"$dir/out"
}

on_terminal "$linnet live $tiny -i $dir/long.wav --speed 0"
[ "$(cat "$dir/code")" = 0 ] || failed "on a terminal: exit code $(cat "$dir/code")"
[ "$(grep -c '^OPEN .' "$dir/out")" -gt 3 ] || failed "the open line is not redrawn"
awk '/^OPEN / && length($0) > 5 + 39 { exit 1 }' "$dir/out" || failed "an open line is longer than the terminal"
awk '/^OPEN / && length($0) == 5 + 39 { n++ } END { exit n == 0 }' "$dir/out" || failed "no open line was cut"
controls() { tr -d '\001-\011\013-\037'; } # which are among the random words
grep -v '^OPEN' "$dir/out" | controls >"$dir/finals"
run 0 "$linnet" live $tiny -i "$dir/long.wav" --speed 0
sed -n 's/^{"type": "final", "text": "\([^"]*\)".*/\1/p' "$dir/out" | sed 's/\\u00[01].//g' >"$dir/wanted"
[ -s "$dir/wanted" ] || failed "no finals at all"
cmp -s "$dir/wanted" "$dir/finals" || failed "finals on the terminal: $(cat "$dir/finals")"

# The level is drawn before the text, and both fit.
on_terminal "$linnet live $tiny --level -i $dir/a.wav --speed 0"
awk '/^OPEN \[[# ]*\] / { n++ } /^OPEN / && length($0) > 5 + 39 { exit 1 } END { exit n == 0 }' "$dir/out" ||
    failed "the level meter"

# waits_for FILE: until it is there with something in it, 20 s at most.
waits_for() {
    n=0
    while [ ! -s "$1" ] && [ $n -lt 100 ]; do
        sleep 0.2
        n=$((n + 1))
    done
}

# Ctrl-C, typed once something was shown: the words are final, the program ends well, and nothing stays open.
rm "$dir/typed" "$dir/code"
{
    waits_for "$dir/typed"
    printf '\003'
    waits_for "$dir/code"
} | on_terminal "$linnet live $tiny -i $dir/long.wav --speed 2"
[ "$(cat "$dir/code")" = 0 ] || failed "Ctrl-C: exit code $(cat "$dir/code")"
grep -q -v '^OPEN' "$dir/out" || failed "Ctrl-C: no last words"
tail -n 1 "$dir/out" | grep -q '^OPEN' && failed "Ctrl-C: a line stays open"
exit $bad
