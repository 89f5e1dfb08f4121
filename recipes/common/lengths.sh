# SPDX-License-Identifier: Apache-2.0
# lengths.sh - the stage that decodes the same utterances one by one and joined to recordings of --lengths-s seconds.
#
# What is asked: whether a decoder's error rate holds on recordings that are many times as long as what its model was
# trained on.  On the half of the speakers that nothing was tuned on.  Encoders that take chunks of any size are given
# chunks with a limited left context, so that what a state depends on is the same in both: only decoders differ.

lengths_chunks="-s decoder.chunk=16 -s decoder.left_chunks=8"
max_tokens_per_s=8 # of a decoder that may run on for ever: more than anybody speaks

# length_pair NAME DONE OPTION...: both error rates of a decoder. DONE: where the utterances were decoded, if they were.
length_pair() {
    pair=$1 utterances=${2:-$exp/lengths/$1.utterances} is_there=$2
    shift 2
    # shellcheck disable=SC2046
    set -- -m "$exp/models/$one_model" --precision "$lengths_precision" $(of_set) "$@"
    [ -n "$is_there" ] || decode_to "lengths/$pair.utterances" "$lengths_data" "$utterances" "$@"
    case " $* " in *" -d attention "*) set -- "$@" -s "decoder.max_tokens=$((lengths_s * max_tokens_per_s))" ;; esac
    decode_to "lengths/$pair.joins" "$exp/joins" "$exp/lengths/$pair.joins" "$@"
    length_score utterances "$lengths_data/text" "$utterances"
    length_score joins "$exp/joins/text" "$exp/lengths/$pair.joins"
    pair_names="$pair_names $pair"
}

# length_score WHICH REF DECODED
length_score() {
    if score_to "lengths/$pair.$1.score" "$exp/lengths/$pair.$1.json" "$2" "$3/hyp.jsonl"; then
        printf '%s %s\n' "$measure" "$(percent "$exp/lengths/$pair.$1.json")"
    fi
}

length_pairs() {
    prefix= in_chunks=
    [ "$(models | wc -l)" -lt 2 ] || prefix=${one_model}_
    [ "$(fact "$one_model" chunks)" != "of any size" ] || in_chunks=$lengths_chunks
    for decoder in $(fact "$one_model" decoders); do
        case $decoder in
        segmental)
            # shellcheck disable=SC2046,SC2086
            length_pair "${prefix}segmental" "" -d segmental $in_chunks \
                $(cat "$exp/tune/$one_model/options" 2>/dev/null)
            ;;
        attention | attention_rescoring)
            # shellcheck disable=SC2086
            length_pair "$prefix$decoder" "" -d "$decoder" $in_chunks
            ;;
        whisper)
            is_there=$exp/decode/${prefix}whisper_$lengths_precision
            [ -s "$is_there/hyp.jsonl" ] || is_there=
            length_pair "$prefix$decoder" "$is_there" -d whisper -l "$language"
            ;;
        esac
    done
}

make_joins() {
    is_done joins "$exp/joins" <<EOF && return
data $(state_of "$lengths_data")
seconds $lengths_s
EOF
    rm -rf "$exp/joins" "$exp/joins.new"
    run "joins" sh "$common/join.sh" --all "$lengths_data" "$exp/joins.new" "$lengths_s"
    sed -i 's|/joins\.new/|/joins/|' "$exp/joins.new/wav.scp"
    mv "$exp/joins.new" "$exp/joins"
    done_with joins
}

write_lengths() {
    # shellcheck disable=SC2086
    python3 -B - "$exp" "$measure" "${lengths_data##*/}" "$lengths_s" $pair_names >"$exp/lengths.json.new" <<'EOF'
import json, os, sys
exp, measure, data, seconds, *names = sys.argv[1:]
rows = []
for name in names:
    row = {"decoder": name, "set": data, "seconds": int(seconds)}
    for which in ("utterances", "joins"):
        with open(os.path.join(exp, "lengths", f"{name}.{which}.json"), encoding="utf-8") as f:
            rate = json.load(f)[measure]
        row.update({which: rate["percent"], "errors_" + which: rate["errors"], "total_" + which: rate["total"]})
    rows.append(row)
json.dump(rows, sys.stdout, indent=1)
print()
EOF
    keep_new "$exp/lengths.json"
}

stage_lengths() {
    needs "$exp/models.tsv" model
    lengths_data=$exp/data/${sets%% *}.held pair_names=
    lengths_precision=$(echo "${precisions:-fp32}" | awk '{ print $1 }')
    if ! command -v sox >/dev/null; then
        say "stage $i_stage $stage: left out: sox is not installed (apt-get install sox)"
        has_steps=yes
        return
    fi
    [ "$lengths_s" -gt 0 ] && [ -s "$lengths_data/text" ] || return 0
    make_joins
    for one_model in $(models); do length_pairs; done
    write_lengths
}
