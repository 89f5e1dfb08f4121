# SPDX-License-Identifier: Apache-2.0
# decode.sh - the stages that decode systems, score them and compare them.

# for_systems FUNCTION: calls it with name, title, kind, precision, set and options of each system.
for_systems() {
    while IFS=$tab read -r f1 f2 f3 f4 f5 f6; do
        "$1" "$f1" "$f2" "$f3" "$f4" "$f5" "$f6"
    done <<EOF
$(grep -v '^#' "$exp/systems.tsv")
EOF
}

# system_field NAME COLUMN
system_field() { awk -F '\t' -v name="$1" -v column="$2" '$1 == name { print $column }' "$exp/systems.tsv"; }

data_known= data_state= models_state= # found once

# decode_to STEP DATA OUT OPTION...: a data directory, in shares where there are several; recordings that failed are
# kept in problems/, and tried again by the next run.
decode_to() {
    decode_step=$1 decode_data=$2 out=$3
    shift 3
    [ "$decode_data" = "$data_known" ] || data_state=$(state_of "$decode_data")
    data_known=$decode_data
    models_state=${models_state:-$(cat "$exp"/.done/convert/* | sum_of)}
    lengths="$*"
    case $lengths in
    *segmental.length_file=*) lengths=${lengths##*segmental.length_file=} lengths=$(state_of "${lengths%% *}") ;;
    *) lengths= ;;
    esac
    is_done "$decode_step" "$out/hyp.txt" <<EOF && return
options $*
lengths $lengths
model $models_state
data $data_state
shares $nj
version $version
EOF
    [ $resumes = yes ] || rm -rf "$out" "$out.shares"
    problems=$exp/problems/${decode_step##*/}
    mkdir -p "${out%/*}" "$exp/problems"
    rm -f "$problems"
    [ "$threads" -eq 0 ] && [ "$nj" -gt 1 ] || set -- "$@" -t "$threads"
    eval "set -- $cmd_options -- '$linnet' decode --data \"\$decode_data\" --out \"\$out\" \"\$@\""
    if try "${decode_step##*/}" sh "$common/shares.sh" --cmd "$cmd" --nj "$nj" "$@"; then
        printf '%d s\n' $took
        done_with "$decode_step"
        return
    fi
    [ $status -eq 1 ] && [ -s "$out/hyp.txt" ] && [ -s "$out/stats.json" ] || give_up
    python3 - "$out/stats.json" >"$problems" <<'EOF'
import json, sys
with open(sys.argv[1], encoding="utf-8") as f:
    for failure in json.load(f)["failures"]:
        print(": ".join(failure[key] for key in ("utt", "why") if failure.get(key)))
EOF
    [ -s "$problems" ] || give_up
    printf '%d s, %d failed\n' $took "$(wc -l <"$problems")"
}

decode_system() {
    # shellcheck disable=SC2086
    decode_to "decode/$1" "$exp/data/$5" "$exp/decode/$1" $6
}

stage_decode() {
    needs "$exp/models.tsv" model
    needs "$exp/data" data
    write_systems
    for_systems decode_system
}

# ---- scores

# score_to STEP RESULT REF HYP OPTION...: utterances that HYP lacks are counted as deleted.
score_to() {
    score_step=$1 result=$2 reference=$3 hypothesis=$4
    shift 4
    is_done "$score_step" "$result" <<EOF && return 1
reference $(state_of "$reference")
hypothesis $(state_of "$hypothesis")
options $normalize $*
version $version
EOF
    mkdir -p "${result%/*}"
    try "${score_step##*/}" sh -c 'out=$1; shift; exec "$@" >"$out"' sh "$result.new" "$linnet" score --json \
        --normalize "$normalize" "$@" "$reference" "$hypothesis" || [ $status -eq 1 ] && [ -s "$result.new" ] || give_up
    mv "$result.new" "$result"
    done_with "$score_step"
}

# percent FILE [MEASURE]
percent() { sed -n "s/.*\"${2:-$measure}\": {\"percent\": \\([0-9.]*\\).*/\\1/p" "$1" | head -n 1; }

score_system() {
    reference=$exp/data/$5 hypothesis=$exp/decode/$1/hyp.jsonl
    needs "$hypothesis" decode
    speakers=
    [ ! -f "$reference/utt2spk" ] || speakers="--by-speaker $reference/utt2spk"
    # shellcheck disable=SC2086
    if score_to "score/$1" "$exp/score/$1.json" "$reference/text" "$hypothesis" --align --by-length $speakers; then
        printf '%s %s\n' "$measure" "$(percent "$exp/score/$1.json")"
    fi
}

# sweep FOLDER NAME...: removes what is there of other names, which an earlier run has left.
sweep() {
    folder=$1
    shift
    for old in "$exp/$folder"/*.json; do
        old=${old##*/}
        case " $* " in *" ${old%.json} "*) ;; *) rm -f "$exp/$folder/$old" "$exp/.done/$folder/${old%.json}" ;; esac
    done
}

names_of_systems() { grep -v '^#' "$exp/systems.tsv" | cut -f 1; }

# calibrate_system NAME ...: calibration/NAME.json, where words have confidences; of too few words there is none.
calibrate_system() {
    calibration=$exp/calibration/$1.json
    grep -q '"confidence": {' "$exp/score/$1.json" || return 0
    reference=$exp/data/$5/text
    is_done "calibration/$1" "$calibration" <<EOF && return
score $(state_of "$exp/score/$1.json")
reference $(state_of "$reference")
version $version
EOF
    mkdir -p "$exp/calibration"
    rm -f "$calibration.new"
    # shellcheck disable=SC2086
    if try "calibration/$1" "$linnet" calibrate --normalize "$normalize" $speakers --out "$calibration.new" \
        "$reference" "$hypothesis" || [ -s "$calibration.new" ]; then
        crossed=$(new_log | sed -n 's/^ *cross-validated  *//p')
        printf '%s\n' "${crossed:-too few words to cross-validate}"
    else
        printf 'none: %s\n' "$(new_log | sed -n '$s/^linnet: //p')"
        echo '{"calibrations": []}' >"$calibration.new"
    fi
    mv "$calibration.new" "$calibration"
    done_with "calibration/$1"
}

score_and_calibrate() {
    score_system "$@"
    calibrate_system "$@"
}

stage_score() {
    needs "$exp/systems.tsv" decode
    for_systems score_and_calibrate
    for folder_of_systems in score calibration; do
        # shellcheck disable=SC2046
        sweep $folder_of_systems $(names_of_systems)
    done
}

# ---- comparisons

# common_set A B: the data that both have decoded: the same, or one a part of the other; else nothing.
common_set() {
    set_a=$(system_field "$1" 5) set_b=$(system_field "$2" 5)
    case $set_a in "$set_b" | "$set_b".*) echo "$set_a"; return ;; esac
    case $set_b in "$set_a".*) echo "$set_b" ;; esac
}

# compare_pair A B: exp/compare/A__B.json, how B differs from A.
compare_pair() {
    case "$1 $compared" in "$2 "* | *" $1__$2 "* | *" $2__$1 "*) return ;; esac
    set_name=$(common_set "$1" "$2")
    [ -n "$set_name" ] || return 0
    for one in "$1" "$2"; do needs "$exp/decode/$one/hyp.jsonl" decode; done
    compared="$compared $1__$2 "
    if score_to "compare/$1__$2" "$exp/compare/$1__$2.json" "$exp/data/$set_name/text" "$exp/decode/$1/hyp.jsonl" \
        --against "$exp/decode/$2/hyp.jsonl"; then
        n='\([-0-9.]*\)'
        sed -n "s/.*\"difference\": {\"percent\": $n, \"low\": $n, \"high\": $n.*/\1 (\2 to \3)/p" \
            "$exp/compare/$1__$2.json"
    fi
}

compare_with_baseline() { compare_pair "$baseline" "$1"; }

# In other precisions; or with any other.
compare_neighbours() {
    for other in $(names_of_systems); do
        case $pairs in all) compare_pair "$1" "$other"; continue ;; esac
        [ "${1%_*}" != "${other%_*}" ] || compare_pair "$1" "$other"
    done
}

stage_compare() {
    needs "$exp/systems.tsv" decode
    all=$(names_of_systems)
    baseline=${baseline:-$(echo "$all" | head -n 1)}
    echo "$all" | grep -qx "$baseline" || die "--baseline: no system '$baseline'; they are:" "$all"
    compared=
    for_systems compare_with_baseline
    for_systems compare_neighbours
    for pair in $pairs; do
        case $pair in
        all) ;;
        *:*) compare_pair "${pair%%:*}" "${pair#*:}" ;;
        *) wrong_usage "--pairs: '$pair' is not A:B" ;;
        esac
    done
    sweep compare $compared
}

# ---- what failed

tell_problems() {
    n=$(cat "$exp"/problems/* 2>/dev/null | sort -u | wc -l)
    [ "$n" -gt 0 ] || return 0
    say "$n could not be used:"
    cat "$exp"/problems/* | sort -u | head -n 20 | sed 's/^/  /'
    [ "$n" -le 20 ] || echo "  and so on; all are in $exp/problems"
    exit 1
}
