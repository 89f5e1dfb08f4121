# SPDX-License-Identifier: Apache-2.0
# steps.sh - steps of a stage, done once: when a step is done, .done/STEP holds what it depended on, lines "name value".
#
#     if ! is_done STEP RESULT <<EOF ... EOF; then     what it depends on; says why it is to be done
#         run STEP COMMAND...                          output goes to the stage's log; a failure ends the run
#         done_with STEP
#     fi
#
# A step writes its result under another name and renames it last. `resumes` is yes when an interrupted step with the
# same dependencies goes on: what it left may be used.

stage_begin() { has_steps=no; }

stage_end() { [ $has_steps = yes ] || say "stage $i_stage $stage: nothing to do"; }

# announce: heads the stage's lines, once.
announce() {
    [ $has_steps = yes ] || say "stage $i_stage $stage"
    has_steps=yes
}

# sum_of: of standard input, as one word.
sum_of() { cksum | { read -r sum size && echo "sum-$sum-$size"; }; }

# state_of FILE or FOLDER [OPTION OF FIND...]: a word that is another one when a file there changes; of large ones in a
# folder size and time are taken.
state_of() {
    if [ -d "$1" ]; then
        find -L "$@" -type f \( -size +8192 -exec stat -L -c '%s %Y %n' {} + -o -exec cksum {} + \) | sort | sum_of
    elif [ -f "$1" ]; then
        sum_of <"$1"
    fi
}

# first_difference OLD NEW: of two texts of lines "name value".
first_difference() {
    printf '%s\n\n%s\n' "$1" "$2" | awk '
        !NF && !is_new { is_new = 1; next }
        { name = $1; sub(/^[^ ]+ ?/, "") }
        !is_new { old[name] = $0; next }
        old[name] != $0 {
            if ((old[name] $0) ~ /sum-/) print name " changed"
            else print name " changed from \"" old[name] "\" to \"" $0 "\""
            exit
        }'
}

# is_done STEP RESULT
is_done() {
    done_file=$exp/.done/$1 wanted=$(cat) resumes=no reason=
    if [ -f "$done_file" ]; then
        old=$(cat "$done_file")
        if [ "$old" != "$wanted" ]; then
            reason=$(first_difference "$old" "$wanted")
        elif [ ! -e "$2" ]; then
            reason="its result is gone"
        elif [ $redo = yes ]; then
            reason="asked to"
        else
            return 0
        fi
        reason="again, ${reason:-with other dependencies}: "
        rm "$done_file"
    elif [ -f "$done_file.begun" ] && [ "$wanted" = "$(cat "$done_file.begun")" ]; then
        resumes=yes reason="was interrupted: "
    fi
    announce
    mkdir -p "${done_file%/*}"
    printf '%s\n' "$wanted" >"$done_file.begun"
    return 1
}

done_with() { mv "$exp/.done/$1.begun" "$exp/.done/$1"; }

# try STEP COMMAND...: one line on the terminal, which the caller ends with a newline; its status.
try() {
    printf '  %s: %s' "$1" "$reason"
    shift
    mkdir -p "$exp/log"
    log=$exp/log/$stage.log
    echo "$ $*" >>"$log"
    n_before=$(wc -l <"$log")
    began=$(date +%s)
    # In the background: a signal ends the run at once, and what it runs with it.
    "$@" </dev/null >>"$log" 2>&1 &
    child=$!
    trap 'kill $child 2>/dev/null; echo stopped; exit 143' TERM HUP
    trap 'kill $child 2>/dev/null; echo stopped; exit 130' INT
    status=0
    wait $child || status=$?
    trap - TERM HUP INT
    took=$(($(date +%s) - began))
    return $status
}

# new_log: what the step said that was tried last.
new_log() { tail -n +$((n_before + 1)) "$log"; }

give_up() {
    printf 'failed\n'
    new_log | tail -n 12 | sed 's/^/    /' >&2
    die "stage $i_stage $stage failed; all that was said: $log"
}

# run STEP COMMAND...
run() {
    try "$@" || give_up
    printf '%d s\n' $took
}

# needs FILE STAGE: for stages that are run alone.
needs() {
    [ -e "$1" ] || die "there is no $1: run stage $(stage_number "$2") ($2) first"
}
