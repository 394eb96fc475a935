#!/usr/bin/env bash
# Submits configs/quick.toml to a Slurm of its own, breaks the submitted file, kills a shard
# half-way, and compares the merged results with those of a plain run byte by byte.
#
#     scripts/slurm/test.sh [PROGRAM]
#
# PROGRAM is a built `vbnmf`; without it a build is made. Slurm is Debian's (apt-get install
# munge slurmctld slurmd slurm-client), started in a temporary folder on the loopback device by
# whoever runs the test, with one node, and stopped at the end. An installed Slurm and its
# configuration are not touched.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
shards=2

work=$(mktemp --directory /tmp/slurm-test.XXXXXX)
daemons=()
clean_up() {
    local code=$?
    if ((code)); then
        tail -n 20 "$work"/*.log "$work"/run/jobs/*.log 2>/dev/null || true
    fi
    for ((i = ${#daemons[@]} - 1; i >= 0; i--)); do
        kill "${daemons[i]}" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap clean_up EXIT

say() { printf '%3s s  %s\n' "$SECONDS" "$*"; }
die() {
    say "FAILED: $*"
    exit 1
}
# Waits at most so many seconds until a command succeeds.
until_true() {
    local seconds=$1 end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < end)) || die "after $seconds s still not: $*"
        sleep 0.02
    done
}

if (($#)); then
    program=$1
else
    cargo build --quiet --locked -p experiments
    program=${CARGO_TARGET_DIR:-target}/debug/vbnmf
fi
program=$(realpath "$program")

# Ports that are free now.
read -r controller_port node_port < <(python3 - <<'PYTHON'
import socket
sockets = [socket.socket() for _ in range(2)]
for s in sockets:
    s.bind(("127.0.0.1", 0))
print(*(s.getsockname()[1] for s in sockets))
PYTHON
)
host=$(hostname -s)
user=$(id -un)
mkdir -m 755 "$work/state" "$work/spool"
dd if=/dev/urandom of="$work/munge.key" bs=128 count=1 status=none
chmod 600 "$work/munge.key"
export SLURM_CONF=$work/slurm.conf
cat >"$SLURM_CONF" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$controller_port
SlurmdPort=$node_port
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$work/munge.socket
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,bf_interval=1
SlurmdParameters=config_overrides
ReturnToService=2
MpiDefault=none
MailProg=/bin/true
KillWait=5
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF

/usr/sbin/munged --foreground --force --key-file="$work/munge.key" --socket="$work/munge.socket" \
    --pid-file="$work/munged.pid" --log-file="$work/munged.log" --seed-file="$work/munge.seed" \
    2>"$work/munged.err.log" &
daemons+=($!)
until_true 30 test -S "$work/munge.socket"
/usr/sbin/slurmctld -D -i 2>"$work/slurmctld.err.log" &
daemons+=($!)
until_true 30 scontrol ping
/usr/sbin/slurmd -D -N "$host" 2>"$work/slurmd.err.log" &
daemons+=($!)
idle() { [[ $(sinfo --noheader --format=%t) == idle ]]; }
until_true 60 idle
say "$(sinfo --version) is up: $(sinfo --noheader --format='%D node, %c processors, %t')"

"$program" table1 --config configs/quick.toml --quiet --out "$work/plain" >/dev/null
say 'plain run done'

for option in --force --out=elsewhere '--shard 1/2' '--jobs 2' --dictionaries-only; do
    # An option and its value are two words.
    # shellcheck disable=SC2086
    if EXPERIMENTS=$program scripts/slurm/submit.sh --out "$work/refused" -- \
        table1 $option 2>"$work/refused.txt"; then
        die "$option was submitted"
    fi
    grep -q -e "${option%%[= ]*} cannot be given" "$work/refused.txt" ||
        die "$option: $(cat "$work/refused.txt")"
done
[[ ! -e $work/refused ]] || die 'a refused submission left a folder'

# Submitted from another folder with relative paths; the configuration is broken as soon as that is
# done.
cp configs/quick.toml "$work/submitted.toml"
submitted=$(cd "$work" && EXPERIMENTS=$program "$root/scripts/slurm/submit.sh" --out run \
    --shards "$shards" -- table1 --config=submitted.toml)
echo 'edited = "meanwhile"' >"$work/submitted.toml"
say "${submitted%%$'\n'*}"
[[ $submitted =~ shards:\ ([0-9]+),\ merge:\ ([0-9]+) ]]
array=${BASH_REMATCH[1]} merge=${BASH_REMATCH[2]}

# Two shards are held as soon as they have recorded something, so that they end between their first
# and their last part.
cells() { echo "$work/run/shards/$1-of-$shards/cells"; }
recorded() { [[ -s $(cells "$1")/records ]]; }
# The first line of the lock.
process() { head -n 1 "$(cells "$1")/lock"; }
hold() {
    until_true 120 recorded "$1"
    kill -STOP "$(process "$1")" || die "shard $1 had ended already"
}
hold 1 &
held=$!
hold 2
wait "$held"
parts() { wc -l <"$(cells "$1")/records"; }
say "shard 1 has recorded $(parts 1) parts: scontrol requeue ${array}_1"
scontrol requeue "${array}_1"
say "shard 2 has recorded $(parts 2) parts: its process is killed"
kill -KILL "$(process 2)"
state() {
    scontrol show job "$1" | grep -o 'JobState=[A-Z]*\|Reason=[A-Za-z]*\|Restarts=[0-9]*' | xargs
}
requeued() { [[ $(state "$1") == 'JobState=PENDING '*' Restarts=1' ]]; }
for shard in 1 2; do
    until_true 60 requeued "${array}_$shard"
    say "shard $shard: $(state "${array}_$shard")"
    # Slurm lets a requeued job wait for two minutes; a test need not.
    scontrol update jobid="${array}_$shard" starttime=now
done

ended() { scontrol show job "$merge" | grep -Eq 'JobState=(COMPLETED|FAILED|CANCELLED)'; }
until_true 120 ended
scontrol show job "$merge" | grep -q 'JobState=COMPLETED' || die 'the merge did not succeed'
say "merge done: $(scontrol show job "$merge" | grep -o 'ExitCode=[0-9:]*')"
for shard in 1 2; do
    log=$work/run/jobs/shards-${array}_$shard.log
    grep -h 'parts are there already\|back to the queue' "$log" | sed "s/^/       shard $shard: /"
    grep -q 'parts are there already' "$log" || die "shard $shard began anew"
done

# All but the times and the manifest.
compared=0
while read -r name; do
    case $name in manifest.json | timings.* | cache/* | cells/*) continue ;; esac
    cmp "$work/plain/$name" "$work/run/$name" || die "$name differs"
    compared=$((compared + 1))
done < <(cd "$work/plain" && find . -type f -printf '%P\n' | sort)
((compared >= 8)) || die "only $compared files to compare"
say "$compared files of the merged results are the same bytes as those of the plain run"
