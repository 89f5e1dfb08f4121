# SPDX-License-Identifier: Apache-2.0
# models.sh - the stages that find models and make model directories of checkpoints.

# fact MODEL NAME: what `linnet info` said.
fact() { awk -v name="$2" '$1 == name { $1 = ""; print substr($0, 2) }' "$exp/models/$1.facts"; }

models() { cut -f 1 "$exp/models.tsv"; }

# directory_of M: that of a model which can be opened.
directory_of() {
    directory=$("$linnet" info "$1" 2>/dev/null | awk '$1 == "directory" { $1 = ""; print substr($0, 2) }')
    [ -z "$directory" ] || (cd "$directory" && pwd)
}

# find_model M: sets `found` to the model directory or checkpoint.
find_model() {
    found=$(directory_of "$1")
    [ -z "$found" ] || return 0
    if [ -e "$1" ]; then
        found=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
        return 0
    fi
    case $1 in */*/* | /* | .*) die "there is no model $1" ;; esac
    try "fetching $1" "$linnet" fetch "$1" || {
        printf 'failed\n'
        die "$(new_log | tail -n 1)" "no model '$1': 'linnet models' lists those that are there and those that can be" \
            "had with 'linnet fetch'; ./quickstart gets whisper-base; --model DIR names one, or a checkpoint to convert"
    }
    printf '%d s\n' $took
    found=$(directory_of "$1")
}

stage_model() {
    is_done model "$exp/models.tsv" <<EOF && return
model $model
EOF
    : >"$exp/models.tsv.new"
    for one in $model; do
        reason=
        find_model "$one"
        printf '  %s: %s\n' "$(basename "$one")" "$found"
        printf '%s\t%s\n' "$(basename "$one")" "$found" >>"$exp/models.tsv.new"
    done
    mv "$exp/models.tsv.new" "$exp/models.tsv"
    done_with model
}

# convert_model NAME SOURCE
convert_model() {
    to=$exp/models/$1
    is_done "convert/$1" "$to.facts" <<EOF && return
from $2
weights $(state_of "$2")
version $version
EOF
    mkdir -p "$exp/models"
    rm -rf "$to" "$to.new"
    if "$linnet" info "$2" >"$to.facts.new" 2>/dev/null; then
        ln -sfn "$2" "$to"
        printf '  %s: %sis a model directory\n' "$1" "$reason"
    else
        run "$1" "$linnet" convert --quiet "$2" "$to.new"
        mv "$to.new" "$to"
        "$linnet" info "$to" >"$to.facts.new" || die "$to: 'linnet info' cannot read what was converted"
    fi
    mv "$to.facts.new" "$to.facts"
    done_with "convert/$1"
}

stage_convert() {
    needs "$exp/models.tsv" model
    while IFS=$tab read -r name source; do
        convert_model "$name" "$source"
    done <"$exp/models.tsv"
    one=$(models | head -n 1)
    [ "$(readlink "$exp/model")" = "models/$one" ] || ln -sfn "models/$one" "$exp/model"
}
