#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shares.sh - `linnet decode` in shares, on this machine or on many, and `linnet merge` of what they wrote.
#
# Beside OUT lies OUT.shares: run.sh, which decodes a share wherever it is started; of each share I the folder I, into
# which linnet decode writes, I.log, which all tries write to, and I.code, what the last try that came to its end ended
# with. A share without I.code has vanished (its machine died, somebody killed it) and is tried again like one that
# failed; linnet decode goes on where it was. A share is locked while it is decoded: a process that was given up for
# lost and is alive after all makes the next one wait, and nothing is written twice.
set -eu

usage() {
    cat <<'END'
Usage: shares.sh [OPTION...] -- linnet decode --data DATA --out OUT [OPTION...]
Decodes in shares and merges them into OUT. Run again after an interruption, it goes on.

  --cmd local|parallel|slurm   where: this machine (default), several over ssh with GNU parallel, or a Slurm cluster;
                               all see OUT, the data and the model under the same names
  --nj N                       shares (default 1)
  --jobs J                     shares at a time: on this machine (default: one for each processor), on each machine
                               (parallel, default 1), or in all (slurm, default: what the cluster lets run)
  --retries R                  how many times shares that failed or vanished are tried again (default 2)
  --sshlogin LIST              parallel: machines, with commas between; all that GNU parallel takes
  --sshloginfile FILE          parallel: a file of machines, one a line
  --slurm-options "OPTIONS"    slurm: for sbatch, such as "-p cpu --cpus-per-task=4 --mem=4G"

Threads: the processors of a machine divided by --jobs, or those that Slurm gives to a share; -t among the options of
linnet decode overrules it. Exit code 1: some recordings could not be decoded and are named, or there is no result.
END
}

say() { printf 'shares.sh: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }
wrong() { say "$@"; usage >&2; exit 2; }

# ---- the command line

# is_number TEXT LEAST
is_number() {
    case $1 in '' | *[!0-9]* | ??????????*) return 1 ;; esac
    [ "$1" -ge "$2" ]
}

cmd=local n_shares=1 jobs='' retries=2 sshlogin='' sshloginfile='' slurm_options=''
while [ $# -gt 0 ]; do
    option=$1
    shift
    case $option in
    --) break ;;
    -h | --help) usage; exit 0 ;;
    --*=*) value=${option#*=} option=${option%%=*} ;;
    --*) [ $# -gt 0 ] || wrong "$option needs a value"; value=$1; shift ;;
    *) wrong "'$option' before --" ;;
    esac
    case $option in
    --cmd) cmd=$value ;;
    --nj) is_number "$value" 1 || wrong "--nj $value: not a number of shares"; n_shares=$value ;;
    --jobs) is_number "$value" 1 || wrong "--jobs $value: not a number of shares"; jobs=$value ;;
    --retries) is_number "$value" 0 || wrong "--retries $value: not a number of tries"; retries=$value ;;
    --sshlogin) sshlogin=$value ;;
    --sshloginfile) sshloginfile=$value ;;
    --slurm-options) slurm_options=$value ;;
    *) wrong "unknown option $option" ;;
    esac
done
case $cmd in
local | parallel | slurm) ;;
*) wrong "--cmd $cmd: not one of local|parallel|slurm" ;;
esac
[ "${2:-}" = decode ] || wrong "what follows -- is not a linnet decode"
[ "$cmd $n_shares" != "local 1" ] || exec "$@"

# needs TOOL PACKAGE...
needs() {
    tool=$1
    shift
    command -v "$tool" >/dev/null || die "--cmd $cmd needs $tool, which is not here (Debian: apt-get install $*)"
}
case $cmd in
local) needs setsid util-linux ;;
parallel) needs setsid util-linux; needs parallel parallel ;;
slurm) for tool in sbatch squeue scancel; do needs $tool slurm-client; done ;;
esac

out='' before=''
for argument; do
    case $before in -o | --out) out=$argument ;; esac
    case $argument in
    --out=*) out=${argument#*=} ;;
    -o?*) out=${argument#-o} ;;
    esac
    before=$argument
done
[ -n "$out" ] || wrong "--out is not among the options of linnet decode"
mkdir -p "$out.shares" || exit 1
shares=$(cd "$out.shares" && pwd) || exit 1
out=${shares%.shares}

program=$1
case $program in
/*) ;;
*/*) program=$PWD/$program ;;
*) program=$(command -v "$program") || die "$1: not found" ;;
esac
shift 2

# ---- one share

# quote TEXT: as one word of sh
quote() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"; }

# write_runner OPTION...: run.sh, which a machine needs nothing else for.
write_runner() {
    cat <<END
#!/bin/sh
# Decodes one share of $n_shares: run.sh I, or as a task of a Slurm array. Written by shares.sh.
cd $(quote "$PWD") || exit
if [ \$# -gt 0 ]; then
    i=\$1 threads=\$((\$(nproc) / ${jobs:-1}))
else
    i=\$SLURM_ARRAY_TASK_ID threads=\$SLURM_CPUS_ON_NODE
fi
[ "\$threads" -gt 0 ] || threads=1
own=$(quote "$shares")/\$i
exec >>"\$own.log" 2>&1 </dev/null || exit
echo "== share \$i of $n_shares on \${SLURMD_NODENAME:-\$(uname -n)}, \$(date)"
flock 1 || echo "no locks here: nothing keeps two processes from decoding this share at a time"
END
    [ -z "${LINNET_MODELS:-}" ] || printf 'export LINNET_MODELS=%s\n' "$(quote "$LINNET_MODELS")"
    echo "trap 'kill \$!; wait \$!; exit 143' HUP INT TERM"
    printf "%s decode -t \"\$threads\"" "$(quote "$program")"
    for argument; do printf ' %s' "$(quote "$argument")"; done
    cat <<END
 \\
    --shard "\$i/$n_shares" --out "\$own" &
wait \$!
code=\$?
echo \$code >"\$own.code"
echo "== ended with \$code"
exit \$code
END
}

# ---- all shares of $todo, wherever they run

group='' job=''

stop() {
    trap - HUP INT TERM
    say "stopping; run again to go on"
    [ -z "$group" ] || { kill -TERM "-$group" && wait "$group"; } 2>/dev/null || true
    [ -z "$job" ] || scancel "$job" || true
    exit "$1"
}
trap 'stop 129' HUP
trap 'stop 130' INT
trap 'stop 143' TERM

# What reads the numbers of shares is in a process group of its own, so that all of it can be ended.
wait_for_group() {
    group=$!
    wait "$group" || true # the codes of the shares say more
    group=
}

run_local() {
    # shellcheck disable=SC2086
    printf '%s\n' $todo | setsid xargs -n 1 -P "$jobs" sh "$shares/run.sh" &
    wait_for_group
}

# The shell is named: GNU parallel would take that of the far side's SHELL, which may be unset or no shell at all, and
# say nothing when it does not start.
run_parallel() {
    # shellcheck disable=SC2086
    printf '%s\n' $todo | PARALLEL_SHELL=/bin/sh setsid parallel --jobs "$jobs" ${sshlogin:+--sshlogin "$sshlogin"} \
        ${sshloginfile:+--sshloginfile "$sshloginfile"} "sh $(quote "$shares/run.sh") {}" &
    wait_for_group
}

# ranges NUMBER...: as Slurm writes them, 1-3,7
ranges() {
    printf '%s\n' "$@" | awk '
        function flush() { printf "%s%s", s, first == last ? first : first "-" last; s = "," }
        n && $1 == last + 1 { last = $1; next }
        n { flush() }
        { first = last = $1; n = 1 }
        END { flush() }'
}

# Whether tasks of $job are pending or running; `state` is what squeue says. A controller that does not answer has not
# lost them.
is_queued() {
    if state=$(squeue --noheader --array --jobs="$job" --format='%T %r' 2>&1); then
        [ -n "$state" ]
    else
        case $state in *"Invalid job id"*) return 1 ;; esac # so long ago that Slurm has forgotten it
    fi
}

run_slurm() {
    # shellcheck disable=SC2086
    job=$(sbatch --parsable --job-name=linnet --array="$(ranges $todo)${jobs:+%$jobs}" --open-mode=append \
        --output="$shares/%a.log" $slurm_options "$shares/run.sh") || die "sbatch did not take the job"
    job=${job%%;*}
    say "Slurm's job $job"
    waited_s=0 told=
    while is_queued; do
        state=$(echo "$state" | sort | uniq -c | awk '{ $1 = $1; printf "%s%s", s, $0; s = ", " }')
        [ "$state" = "$told" ] || say "$state"
        told=$state
        pause_s=$((waited_s < 190 ? waited_s / 10 + 1 : 20)) # who waits long can wait a little longer
        sleep $pause_s
        waited_s=$((waited_s + pause_s))
    done
    job=
}

# ---- until all are whole

# Takes those that are whole out of $todo: decoded to the end, perhaps with recordings that cannot be decoded. That is
# an exit code of 1, which can also mean that nothing was done.
keep_failed() {
    ls "$shares" >/dev/null # a network file system looks for new files now
    left=
    for i in $todo; do
        code=
        [ ! -s "$shares/$i.code" ] || read -r code <"$shares/$i.code"
        case $code in
        0) ;;
        1) grep -qs '"complete": true' "$shares/$i/stats.json" || left="$left $i" ;;
        2) todo=$i; show_failed; die "linnet decode does not take these options" ;;
        *) left="$left $i" ;;
        esac
    done
    todo=$left
}

show_failed() {
    n=0
    for i in $todo; do
        n=$((n + 1))
        [ $n -le 5 ] || break
        if [ -s "$shares/$i.log" ]; then
            say "share $i, the end of $shares/$i.log:"
            tail -n 8 "$shares/$i.log" | sed 's/^/    /' >&2
        else
            say "share $i has written nothing; does every machine see $shares?"
        fi
    done
}

processors=$(nproc)
case $cmd in
local) jobs=${jobs:-$((n_shares < processors ? n_shares : processors))} ;;
parallel) jobs=${jobs:-1} ;;
esac
write_runner "$@" >"$shares/run.sh"
todo=$(seq "$n_shares")
tries=0
say "$n_shares shares, $cmd"
while :; do
    # shellcheck disable=SC2086
    (cd "$shares" && printf '%s.code\n' $todo | xargs rm -f)
    "run_$cmd"
    keep_failed
    if [ -z "$todo" ] || [ $tries -ge "$retries" ]; then break; fi
    tries=$((tries + 1))
    say "failed or vanished, tried again:$todo"
done
if [ -n "$todo" ]; then
    show_failed
    die "not all shares are decoded; those missing are:$todo. Run again to go on"
fi
# shellcheck disable=SC2046
cd "$shares" && exec "$program" merge --out "$out" $(seq "$n_shares")
