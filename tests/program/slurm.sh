#!/bin/sh
# recipes/common/shares.sh --cmd slurm on a real Slurm: a cluster of two nodes on the loopback device, of which one dies
# in the middle. What comes out is that of a single run, byte for byte. contrib/slurm.sbatch too.
PATH=$PATH:/usr/sbin:/sbin
for tool in munged slurmctld slurmd sbatch setpriv; do
    command -v $tool >/dev/null || { echo "no $tool: skipped"; exit 77; }
done
[ "$(id -u)" = 0 ] || { echo "not root, who may be all users of a cluster: skipped"; exit 77; }
[ -r /proc/self/environ ] || { echo "no /proc: skipped"; exit 77; }
. "${top_srcdir:-.}/tests/support/shell.inc"
sources=$(cd "${top_srcdir:-.}" && pwd)
linnet=$(cd "$(dirname "$linnet")" && pwd)/$(basename "$linnet")
chmod 755 "$dir" # munged's own user goes through it
dir=$(cd "$dir" && pwd -P)

# ---- the cluster

SLURM_CONF=$dir/slurm.conf
keeper=

# of [NAME=VALUE]: the processes of the cluster, or those that have this in their environment too.
of() {
    files=$(SLURM_CONF='' grep -lszxF "SLURM_CONF=$SLURM_CONF" /proc/[0-9]*/environ)
    # shellcheck disable=SC2086
    [ -z "$files" ] || [ $# = 0 ] || files=$(grep -lszxF "$1" $files)
    printf '%s\n' "$files" | tr -cd '0-9\n'
}

clean() {
    left=$(of)
    while [ -n "$left" ]; do # what was just being started, too
        # shellcheck disable=SC2086
        kill -9 $left 2>/dev/null
        left=$(of)
    done
    [ -z "$keeper" ] || kill "$keeper" 2>/dev/null
    rm -rf "$dir"
}
trap clean EXIT
trap 'exit 143' HUP INT TERM

free_ports() {
    python3 -c 'import socket, sys
sockets = [socket.create_server(("127.0.0.1", 0)) for i in range(int(sys.argv[1]))]
print(*(s.getsockname()[1] for s in sockets))' "$1"
}

start_munged() {
    mkdir -p "$dir/munge" "$dir/state"
    head -c 64 /dev/urandom >"$dir/munge/key"
    chmod 400 "$dir/munge/key"
    chown -R munge:munge "$dir/munge"
    setpriv --reuid munge --regid munge --clear-groups munged --foreground --key-file "$dir/munge/key" \
        --socket "$dir/munge/socket" --pid-file "$dir/munge/pid" --log-file "$dir/munge/log" \
        --seed-file "$dir/munge/seed" >"$dir/munged" 2>&1 &
    keeper=$!
}

# write_slurm_conf PORT PORT PORT. A node that dies loses its tasks: that Slurm starts them again is switched off.
write_slurm_conf() {
    host=$(uname -n | sed 's/\..*//')
    cat >"$SLURM_CONF" <<END
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$1
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge/socket
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/%n
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/%n.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0
SlurmctldTimeout=30
SlurmdTimeout=4
MessageTimeout=4
TCPTimeout=1
KillWait=1
JobRequeue=0
ReturnToService=2
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$2 CPUs=1 RealMemory=4096
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$3 CPUs=1 RealMemory=4096
PartitionName=all Nodes=n1,n2 Default=YES MaxTime=INFINITE
END
}

are_idle() { [ "$(sinfo -h -t idle -o %D 2>/dev/null)" = 2 ]; }

# Somebody else may take a port between the choice and its use: then with others.
start_cluster() {
    attempts=0
    while [ $attempts -lt 3 ]; do
        attempts=$((attempts + 1))
        # shellcheck disable=SC2046
        write_slurm_conf $(free_ports 3)
        slurmctld -D -c >>"$dir/daemons" 2>&1 &
        controller=$!
        slurmd -D -N n1 >>"$dir/daemons" 2>&1 &
        n1=$!
        slurmd -D -N n2 >>"$dir/daemons" 2>&1 &
        n2=$!
        tries=0
        while [ $tries -lt 200 ] && kill -0 $controller && kill -0 $n1 && kill -0 $n2; do
            ! are_idle || return 0
            sleep 0.1
            tries=$((tries + 1))
        done
        # shellcheck disable=SC2046
        kill -9 $(of) 2>/dev/null
    done
    echo "FAILED: Slurm does not start"
    tail -n 20 "$dir/daemons" "$dir"/*.log "$dir/munged"
    exit 1
}

start_munged
export SLURM_CONF
start_cluster

# ---- data

bench/make_model "$dir/conformer" || exit 99
mkdir "$dir/data"
echo "long $dir/long.wav" >"$dir/data/wav.scp"
seq 12 | awk '{ printf "u%02d long %.1f %.1f\n", $1, $1, 10 + $1 }' >"$dir/data/segments"
set -- --data "$dir/data" -m "$dir/conformer" -d ctc_greedy -s vad.gate=false
run 0 "$linnet" decode "$@" --out "$dir/single"

# equal_to_single FOLDER
equal_to_single() {
    for file in hyp.txt hyp.jsonl recipe.yaml; do
        cmp "$dir/single/$file" "$1/$file" || failed "$1: another $file"
    done
}

# ---- a node dies

# On the first node linnet stands still once it has written something, until the node dies.
cat >"$dir/linnet" <<END
#!/bin/sh
[ "\$SLURMD_NODENAME" = n1 ] || exec "$linnet" "\$@"
results=\$(printf '%s\n' "\$@" | sed -n '/^--out\$/{n;p;}')/hyp.txt
"$linnet" "\$@" &
until [ -s "\$results" ] || ! kill -0 \$!; do :; done
kill -STOP \$!
exec sleep 600
END
chmod 755 "$dir/linnet"
"$sources/recipes/common/shares.sh" --cmd slurm --nj 6 --retries 9 --slurm-options "--partition=all --mem=0" \
    -- "$dir/linnet" decode "$@" --out "$dir/shared" >"$dir/out" 2>"$dir/err" &
shares=$!
tries=0
while kill -0 $shares 2>/dev/null && [ $tries -lt 600 ]; do
    for log in $(grep -ls ' on n1, ' "$dir"/shared.shares/*.log); do
        i=$(basename "$log" .log)
        [ ! -s "$dir/shared.shares/$i/hyp.txt" ] || [ -e "$dir/shared.shares/$i.code" ] || break 2
    done
    sleep 0.1
    tries=$((tries + 1))
done
# shellcheck disable=SC2046
kill -9 $n1 $(pgrep -P $n1) $(of SLURMD_NODENAME=n1)
wait $shares || failed "shares.sh with a node that died: $?"
cat "$dir/err"
has err 'failed or vanished, tried again: [1-6]'
equal_to_single "$dir/shared"
[ "$(cat "$dir"/shared.shares/[1-6].log | grep -c '^== ended with 0$')" -eq 6 ] || failed "shares that ended"

# ---- the script to submit by hand, on the node that is left

mkdir "$dir/bin"
ln -s "$linnet" "$dir/bin/linnet"
mkdir "$dir/few"
cp "$dir/data/wav.scp" "$dir/few"
head -n 2 "$dir/data/segments" >"$dir/few/segments"
run 0 env PATH="$dir/bin:$PATH" SHARES=2 sbatch --array=1-2 --output="$dir/%a.by-hand" \
    "$sources/contrib/slurm.sbatch" "$dir/few" "$dir/by-hand" -m "$dir/conformer" -d ctc_greedy -s vad.gate=false
while [ -n "$(squeue -h 2>&1)" ]; do sleep 0.2; done
run 0 "$linnet" merge --out "$dir/by-hand" "$dir/by-hand.shares/"*
head -n 2 "$dir/single/hyp.jsonl" | cmp - "$dir/by-hand/hyp.jsonl" || failed "slurm.sbatch: another hyp.jsonl"

# ---- stopped: no task is left

"$sources/recipes/common/shares.sh" --cmd slurm --nj 6 -- "$linnet" decode "$@" --out "$dir/stopped" \
    >"$dir/out" 2>"$dir/err" &
shares=$!
until [ -n "$(squeue -h)" ] || ! kill -0 $shares 2>/dev/null; do sleep 0.1; done
kill $shares
wait $shares
[ $? = 143 ] || failed "shares.sh when it is stopped"
has err 'stopping; run again to go on'
[ -z "$(squeue -h -t pending,running)" ] || failed "tasks are left: $(squeue)"
exit $bad
