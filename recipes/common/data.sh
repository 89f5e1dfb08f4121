# SPDX-License-Identifier: Apache-2.0
# data.sh - the data stage, and what recipes need to fetch a corpus.
#
# A recipe's get_data SET names in `source` what data.py takes: a Kaldi directory, a folder of recordings, a list of
# them.  It may fetch and unpack archives first.  SET is one of $sets, or train.

get_data() {
    [ -n "$data" ] || die "no data: name a Kaldi directory, a folder of recordings with a .txt beside each," \
        "a CSV, TSV, JSON lines or data.list file with --data"
    [ "$1" = train ] || source=$data
}

# is_whole FILE MD5: with this sum, or where none is known, an archive that can be read to its end.
is_whole() {
    [ -f "$1" ] || return 1
    if [ -n "$2" ]; then [ "$(md5sum <"$1")" = "$2  -" ]; else gzip -t "$1" 2>/dev/null; fi
}

# fetch NAME FROM MD5 PAGE: into $download, resumed where it was stopped.
fetch() {
    file=$download/$1 from=${url:-$2}
    [ ! -f "$file" ] || return 0
    where="put $1 (from $4) into $download, or name the data where it is with --data"
    command -v curl >/dev/null || die "curl is not installed: apt-get install curl; or $where"
    mkdir -p "$download"
    if ! is_whole "$file.part" "$3"; then
        reason=
        try "fetching $from/$1" curl -fsSL --retry 3 -C - -o "$file.part" "$from/$1" || {
            printf 'failed\n'
            die "$(new_log | tail -n 1)" "$where"
        }
        printf '%d s\n' $took
        is_whole "$file.part" "$3" || {
            rm "$file.part"
            die "$1 arrived damaged; run again, or $where"
        }
    fi
    mv "$file.part" "$file"
}

# unpack NAME FOLDER: the archive NAME of $download, into $download/FOLDER.
unpack() {
    [ ! -d "$download/$2" ] || return 0
    rm -rf "$download/$2.new"
    mkdir -p "$download/$2.new"
    reason=
    run "unpacking $1" tar -xzf "$download/$1" -C "$download/$2.new"
    mv "$download/$2.new" "$download/$2"
}

# take SET OPTION...: what get_data names becomes $exp/data.new/SET.
take() {
    source= set_name=$1
    get_data "$1"
    [ -n "$source" ] || return 0
    [ -e "$source" ] || die "there is no $source"
    shift
    reason=$why why=
    if ! try "$set_name" python3 -B "$common/data.py" "$source" "$exp/data.new/$set_name" "$@"; then
        [ $status -eq 3 ] || give_up
        new_log | grep '^data: ' >>"$exp/problems/data"
    fi
    echo "$(new_log | sed -n '$s/^made //p')"
}

# What the data depends on: the lists of a folder, not its recordings.
lists_of() {
    if [ -n "$1" ]; then
        if [ -d "$1" ]; then state_of "$1" -maxdepth 1; else state_of "$1"; fi
    fi
}

absolute() { case $1 in '' | /*) echo "$1" ;; *) echo "$PWD/$1" ;; esac; }

stage_data() {
    data=$(absolute "$data") train=$(absolute "$train")
    download=$(absolute "${download:-$exp/download}")
    is_done data "$exp/data" <<EOF && return
sets $sets
from ${data:-${url:-its place in the network}}
lists $(lists_of "$data")
train $train
lists-of-train $(lists_of "$train")
limit $limit
few $few
tune_limit $tune_limit
EOF
    why=$reason
    mkdir -p "$exp/problems"
    rm -rf "$exp/data.new" "$exp/problems/data"
    mkdir "$exp/data.new"
    for set_wanted in $sets; do
        take "$set_wanted" --limit "$limit" --few "$few" --tune "$tune_limit"
    done
    if [ -n "$train" ]; then
        get_data() { source=$train; }
        [ -f "$train/text" ] || die "$train/text: there is none; --train takes a Kaldi directory"
    fi
    take train
    rm -rf "$exp/data"
    mv "$exp/data.new" "$exp/data"
    done_with data
}
