# SPDX-License-Identifier: Apache-2.0
# recipe.sh - what a recipe's run.sh sources: settings, options, and the run through the stages.
#
#     here=$(cd "$(dirname "$0")" && pwd)
#     . "$here/../common/recipe.sh"
#     recipe=name title="what it is" model=whisper-base ...   the settings below, where they are not the defaults
#     get_data() { ... }                                       the data stage: writes the folders $sets into $1
#     recipe_main "$@"
#
# A stage is a function stage_NAME made of steps (steps.sh). What stages leave in the folder of a run, $exp:
#
#     data/SET/        wav.scp, text, utt2spk, segments; SET.tune and SET.held: one half of the speakers each; SET.few
#     models.tsv       name, where it is from; models/NAME/, models/NAME.facts; model: the first of them
#     systems.tsv      what is decoded: name, title, whole or streaming, precision, set, options of `linnet decode`
#     tune/            lengths of segments, and the error rates that scales of segmental search were chosen by
#     decode/SYSTEM/   what `linnet decode` writes; score/SYSTEM.json, calibration/SYSTEM.json, compare/A__B.json,
#                      lengths.json, facts.json
#     report.html, RESULTS.md
#     log/STAGE.log    what programs said; problems/SYSTEM: recordings that failed; .done/: what each step depended on
set -u
LC_ALL=C.UTF-8
export LC_ALL
unset CDPATH
common=$here/../common
top=$(cd "$here/../.." && pwd)
tab=$(printf '\t')
stages="data model convert tune decode score compare lengths report"
. "$common/steps.sh"
. "$common/data.sh"
. "$common/models.sh"
. "$common/systems.sh"
. "$common/tune.sh"
. "$common/decode.sh"
. "$common/lengths.sh"
. "$common/report.sh"

# ---- settings: name, default, argument of the option that sets it, help. A recipe's own defaults come after these.

default_scales="segmental.label_scale=0.7,0.5,0.3 decoder.blank_penalty=1,2 segmental.length_scale=0.1,0.3,1"
settings="\
exp||DIR|folder for what is made (exp/RECIPE)
stage|data|STAGE|first stage, a name or a number
stop_stage|report|STAGE|last stage
data||DIR|the data, where it is there already
train||DIR|transcribed data for lengths of segments, a Kaldi directory
download||DIR|folder for downloads (EXP/download)
url||URL|where the data is downloaded from
model|whisper-base|'M...'|models: directories, checkpoints to convert, names of 'linnet models'
language|auto|L|language spoken
normalize|none|RULES|rules of 'linnet score' for both sides
measure|wer|wer or cer|the error rate to look at
cmd|local|CMD|local, parallel (GNU parallel) or slurm: see common/shares.sh
cmd_options||'OPT...'|more options of common/shares.sh
nj|1|N|shares that a set is decoded in, at a time
threads|0|N|threads of each; 0: one for each processor
precisions||'P...'|precisions (those that this processor is made for)
chunks|160 320 640|'MS...'|chunks of streaming with encoders that take any, in ms; the whole recording comes last
only|*|'PATTERN...'|systems to decode, of those that the models have
without||'PATTERN...'|systems to leave out
set||'KEY=VALUE...'|settings for all of them
limit|0|N|utterances of each set, spread over it; 0: all
few|20|N|utterances for what is slow, such as Whisper's beam search; 0: all
tune_limit|60|N|utterances to tune segmental search on; 0: it is not tuned
scales|$default_scales|'KEY=V,...'|what is tried
baseline||SYSTEM|what all systems are compared with (the first)
pairs||'A:B...'|more pairs to compare, or all
lengths_s|600|S|seconds of joined recordings
note||TEXT|what readers of the report should know
"
while IFS='|' read -r name value _; do
    [ -z "$name" ] || eval "$name=\$value"
done <<EOF
$settings
EOF
recipe=recipe title= sets=data redo=no results=no

usage() {
    echo "usage: run.sh [OPTION...]"
    echo "$recipe: $title"
    echo
    echo "Stages: $(echo $stages | awk '{ for (i = 1; i <= NF; i++) printf "%s%d %s", (i > 1 ? ", " : ""), i, $i }')."
    echo "What was done already with the same settings and data is not done again."
    echo
    echo "$settings" | while IFS='|' read -r name _ argument help; do
        [ -z "$name" ] || printf '  %-26s %s\n' "--$(echo $name | tr _ -) $argument" "$help"
    done
    echo "  --redo                     do the stages again, from --stage on"
    echo "  --results                  copy RESULTS.md into the recipe's folder"
    echo "LINNET names the program: build/linnet, if it is there, else that of the path."
    echo "Here: model $model, language $language, rules $normalize, sets $sets."
}

say() { echo "$recipe: $*"; }

# die TEXT...: each a line.
die() {
    printf '%s\n' "$@" | sed "s/^/$recipe: /" >&2
    exit 1
}

wrong_usage() {
    say "$*; --help lists the options" >&2
    exit 2
}

# set_option --NAME VALUE
set_option() {
    name=$(echo "${1#--}" | tr - _)
    case "$settings" in
    *"
$name|"* | "$name|"*) eval "$name=\$2" ;;
    *) wrong_usage "no option $1" ;;
    esac
}

parse_options() {
    while [ $# -gt 0 ]; do
        case $1 in
        -h | --help) usage; exit 0 ;;
        --redo) redo=yes ;;
        --results) results=yes ;;
        --*=*) set_option "${1%%=*}" "${1#*=}" ;;
        --*)
            [ $# -gt 1 ] || wrong_usage "$1 needs an argument, or is no option"
            set_option "$1" "$2"
            shift
            ;;
        *) wrong_usage "'$1' is no option" ;;
        esac
        shift
    done
}

# stage_number NAME_OR_NUMBER
stage_number() {
    echo $stages | awk -v wanted="$1" '{ for (i = 1; i <= NF; i++) if ($i == wanted || i == wanted) print i }'
}

check_options() {
    first=$(stage_number "$stage") last=$(stage_number "$stop_stage")
    [ -n "$first" ] || wrong_usage "no stage '$stage': they are $stages"
    [ -n "$last" ] || wrong_usage "no stage '$stop_stage': they are $stages"
    case $cmd in local | parallel | slurm) ;; *) wrong_usage "--cmd is local, parallel or slurm, not '$cmd'" ;; esac
    case $measure in wer | cer) ;; *) wrong_usage "--measure is wer or cer, not '$measure'" ;; esac
    for number in nj threads limit few tune_limit lengths_s; do
        eval "value=\$$number"
        case $value in '' | *[!0-9]*) wrong_usage "--$(echo $number | tr _ -): '$value' is no number" ;; esac
    done
    [ "$nj" -gt 0 ] || wrong_usage "--nj: at least one"
}

find_program() {
    linnet=${LINNET:-$top/build/linnet}
    [ -n "${LINNET:-}" ] || [ -x "$linnet" ] || linnet=linnet
    version=$("$linnet" --version 2>/dev/null) ||
        die "there is no program '$linnet': './quickstart' in $top builds build/linnet; or name one with LINNET=FILE"
    command -v python3 >/dev/null || die "python3 is not installed: apt-get install python3"
}

# One run at a time in a folder; the lock is also held by what a killed run left working.
lock_folder() {
    exp=${exp:-exp/$recipe}
    mkdir -p "$exp" && exp=$(cd "$exp" && pwd) || die "no folder $exp"
    case $exp in *[[:space:]]*) die "$exp: blanks in the name of --exp are not possible" ;; esac
    exec 9>>"$exp/.lock"
    if command -v flock >/dev/null && ! flock -n 9; then
        die "another run works in $exp, or what is left of one"
    fi
}

# show_command ARGUMENT...: what readers would type for the same results, without this machine's folders.
show_command() {
    command_line=recipes/$recipe/run.sh
    while [ $# -gt 0 ]; do
        case $1 in
        --redo | --results) shift; continue ;;
        --*=*) name=${1%%=*} value=${1#*=} ;;
        *) name=$1 value=$2; shift ;;
        esac
        shift
        case $name in
        --stage | --stop[-_]stage | --exp | --download) continue ;;
        --data) value=DATA ;;
        --train) value=TRAIN ;;
        --model) value=$(for one in $value; do basename "$one"; done | tr '\n' ' ' | sed 's/ $//') ;;
        esac
        case $value in *[!A-Za-z0-9_./:=-]*) value="'$value'" ;; esac
        command_line="$command_line $name $value"
    done
}

recipe_main() {
    parse_options "$@"
    show_command "$@"
    check_options
    find_program
    lock_folder
    [ "$results" = no ] || results=$here/RESULTS.md
    i_stage=0
    for stage in $stages; do
        i_stage=$((i_stage + 1))
        [ $i_stage -ge "$first" ] && [ $i_stage -le "$last" ] || continue
        stage_begin
        "stage_$stage"
        stage_end
    done
    tell_problems
}
