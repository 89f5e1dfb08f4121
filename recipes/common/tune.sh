# SPDX-License-Identifier: Apache-2.0
# tune.sh - the stage that makes segmental search ready: lengths of segments from `linnet align`, and $scales.
#
# Scales are chosen one after the other, each by the error rate on one half of the speakers of the first set (SET.tune)
# with those chosen before; what comes out is reported on the other half (SET.held).  tune/MODEL/table.tsv has all that
# was tried, options what was chosen.

# make_lengths: tune/MODEL/lengths.txt, of the training data where there is some.
make_lengths() {
    aligned=$exp/data/train
    [ -d "$aligned" ] || aligned=$tune_data
    is_done "align/$one_model" "$tune/lengths.txt" <<EOF && return
data $(state_of "$aligned")
model $(cat "$exp/.done/convert/$one_model")
EOF
    rm -rf "$tune/align"
    mkdir -p "$tune"
    if ! try "lengths of segments" "$linnet" align -m "$exp/models/$one_model" --data "$aligned" --out "$tune/align" \
        -t "$threads" $(of_set); then
        [ -s "$tune/align/lengths.txt" ] || give_up
    fi
    new_log | sed '$!d; s/^linnet: //'
    mv "$tune/align/lengths.txt" "$tune/lengths.txt"
    done_with "align/$one_model"
}

# try_point OPTIONS: error rate on the tuning half; `best` becomes the options if it is lower than any before.
try_point() {
    point=$(echo "$1" | sed 's/-s segmental\.length_file=[^ ]*//; s/-s //g; s/[a-z][a-z]*\.//g; s/^ *//; s/ *$//
        s/  */,/g')
    point=${point:-defaults}
    # shellcheck disable=SC2086
    decode_to "tune/$one_model.$point" "$tune_data" "$tune/$point" -m "$exp/models/$one_model" -d segmental \
        --precision "$tune_precision" $(of_set) $1
    if score_to "tune/$one_model.$point.score" "$tune/$point.json" "$tune_data/text" "$tune/$point/hyp.jsonl"; then
        printf '%s %s\n' "$measure" "$(percent "$tune/$point.json")"
    fi
    rate=$(percent "$tune/$point.json")
    printf '%s\t%s\n' "$rate" "$point" >>"$tune/table.tsv.new"
    if [ -z "$best_rate" ] || echo "$rate $best_rate" | awk '{ exit !($1 < $2) }'; then
        best=$1 best_rate=$rate
    fi
}

# with_option CHOSEN OPTION...: the chosen options with these in the place of those of the same names.
with_option() {
    chosen=$1
    shift
    for word; do
        [ "$word" = -s ] || chosen=$(echo " $chosen" | sed "s/ -s ${word%%=*}=[^ ]*//; s/^ //")
    done
    echo "$chosen $*"
}

keep_new() {
    if cmp -s "$1.new" "$1"; then rm "$1.new"; else mv "$1.new" "$1"; fi
}

tune_model() {
    tune=$exp/tune/$one_model tune_data=$exp/data/${sets%% *}.tune
    needs "$tune_data/text" data
    tune_precision=$(echo "${precisions:-fp32}" | awk '{ print $1 }')
    make_lengths
    best= best_rate=
    : >"$tune/table.tsv.new"
    try_point ""
    for scale in $scales; do
        for value in $(echo "${scale#*=}" | tr , ' '); do
            # shellcheck disable=SC2046
            try_point "$(with_option "$best" $(lengths_for "$scale") -s "${scale%%=*}=$value")"
        done
    done
    keep_new "$tune/table.tsv"
    echo "$best" >"$tune/options.new"
    keep_new "$tune/options"
}

# lengths_for SCALE: what else a scale of lengths needs.
lengths_for() {
    case $1 in
    segmental.length_scale=*) echo "-s segmental.length_model=label -s segmental.length_file=$tune/lengths.txt" ;;
    esac
}

stage_tune() {
    needs "$exp/models.tsv" model
    for one_model in $(models); do
        case " $(fact "$one_model" decoders) " in *" segmental "*) [ "$tune_limit" -eq 0 ] || tune_model ;; esac
    done
}
