# SPDX-License-Identifier: Apache-2.0
# systems.sh - systems.tsv: every decoder that the models have, whole recordings and streams, in every precision.
#
# What a model has, `linnet info` says: decoders, streaming_decoders, frame_s, chunks.  A decoder that nothing is
# said of here is run as it is.  A recipe adds systems with more_systems, which calls system.

more_systems() { :; }

# Those that vector code of this processor is made for.
precisions_here() {
    echo fp32 int8
    ! grep -qs '^\(flags\|Features\).*bf16' /proc/cpuinfo || echo bf16
}

# of_set: $set as options, with a blank in front.
of_set() { for one in $set; do printf ' -s %s' "$one"; done; }

# matches NAME PATTERNS
matches() {
    set -f
    for pattern in $2; do
        # shellcheck disable=SC2254
        case $1 in $pattern) set +f; return 0 ;; esac
    done
    set +f
    return 1
}

# system NAME TITLE KIND SET_SUFFIX OPTIONS: of $one_model, in each of $precisions and for each of $sets.
system() {
    for precision in $precisions; do
        for set_name in $sets; do
            name=$prefix$1_$precision
            case $sets in *' '*) name=$name.$set_name ;; esac
            matches "$name" "$only" && ! matches "$name" "$without" || continue
            [ -f "$exp/data/$set_name$4/wav.scp" ] || continue
            streaming=
            [ "$3" = whole ] || streaming="--streaming "
            printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$name" "$title_before$2" "$3" "$precision" "$set_name$4" \
                "$streaming-m $exp/models/$one_model --precision $precision $5$(of_set)"
        done
    done
}

# language_option DECODER: the option that says which language is spoken, where the decoder asks.
language_option() {
    case $1 in whisper | alignatt | simul_whisper) echo " -l $language" ;; esac
}

# chunk_frames MS: encoder frames of a chunk, or nothing where the encoder's are longer.
chunk_frames() {
    awk -v ms="$1" -v frame_s="$(fact "$one_model" frame_s)" \
        'BEGIN { n = int(ms / 1000 / frame_s + 0.5); if (n > 0) print n }'
}

# spoken_name DECODER: as it is written in a sentence.
spoken_name() { echo "$1" | sed 's/_/ /g; s/^ctc/CTC/'; }

# In chunks of each length, with all of the left context; last, the encoder takes the whole recording at once.
in_chunks() {
    spoken=$(spoken_name "$1")
    if [ "$(fact "$one_model" chunks)" = "of any size" ]; then
        for ms in $chunks; do
            frames=$(chunk_frames "$ms")
            [ -z "$frames" ] ||
                system "$1_$ms" "$spoken, chunks of $ms ms" streaming "" "-d $1 -s decoder.chunk=$frames"
        done
    fi
    system "$1_unlimited" "$spoken, streaming, the encoder at the end" streaming "" "-d $1 -s decoder.chunk=-1"
}

whole_systems() {
    language_of=$(language_option "$1")
    case $1 in
    alignatt | simul_whisper) ;; # for streams
    whisper)
        system whisper "Whisper" whole "" "-d whisper$language_of --word-times"
        system whisper_greedy "Whisper, greedy at temperature 0" whole "$slow" \
            "-d whisper$language_of -s decoder.temperature=0"
        system whisper_beam5 "Whisper, beam of 5" whole "$slow" "-d whisper$language_of -b 5"
        ;;
    segmental)
        system segmental "segmental" whole "" "-d segmental --word-times"
        tuned=$(cat "$exp/tune/$one_model/options" 2>/dev/null) || return 0
        system segmental_tuned "segmental, scales tuned on the other half of the speakers" whole .held \
            "-d segmental --word-times $tuned"
        ;;
    *) system "$1" "$(spoken_name "$1")" whole "" "-d $1$language_of --word-times" ;;
    esac
}

streaming_systems() {
    language_of=$(language_option "$1")
    case $1 in
    alignatt) system alignatt "Whisper, streaming (AlignAtt)" streaming "" "-d alignatt$language_of" ;;
    simul_whisper)
        system simul_whisper "Whisper, streaming as Simul-Whisper does" streaming "$slow" "-d simul_whisper$language_of"
        ;;
    *)
        if [ -n "$(fact "$one_model" chunks)" ]; then
            in_chunks "$1"
        else
            system "$1_streaming" "$(spoken_name "$1"), streaming" streaming "" "-d $1$language_of"
        fi
        ;;
    esac
}

list_systems() {
    slow=
    [ "$few" -eq 0 ] || slow=.few
    for one_model in $(models); do
        prefix= title_before=
        [ "$(models | wc -l)" -lt 2 ] || prefix=${one_model}_ title_before="$one_model: "
        for decoder in $(fact "$one_model" decoders); do whole_systems "$decoder"; done
        for decoder in $(fact "$one_model" streaming_decoders); do streaming_systems "$decoder"; done
        more_systems
    done
}

write_systems() {
    precisions=$(echo ${precisions:-$(precisions_here)})
    is_done systems "$exp/systems.tsv" <<EOF && return
models $(cat "$exp"/models/*.facts | sum_of)
tuned $(cat "$exp"/tune/*/options 2>/dev/null)
precisions $precisions
language $language
chunks $chunks
set $set
sets $sets
few $few
only $only
without $without
EOF
    {
        echo "# name${tab}title${tab}kind${tab}precision${tab}set${tab}options of linnet decode"
        list_systems
    } >"$exp/systems.tsv.new"
    n=$(grep -vc '^#' "$exp/systems.tsv.new")
    [ "$n" -gt 0 ] || die "no system is left: --only '$only', --without '$without'"
    mv "$exp/systems.tsv.new" "$exp/systems.tsv"
    find "$exp/problems" -type f ! -name data -exec rm {} + 2>/dev/null
    printf '  systems: %s%d\n' "$reason" "$n"
    done_with systems
}
