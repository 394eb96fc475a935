#!/usr/bin/env bash
# Submits a study to Slurm: one job learns the dictionaries, an array does the shards, one job
# merges them.
#
#     scripts/slurm/submit.sh --out DIR [--shards N] [--threads T] -- \
#         table1 --config configs/table1.toml [OPTION]…
#
# What follows `--` is the command line of the run: `table1`, `sweep` or `realmix`. --out, --cache,
# --jobs, --shard, --force and --dictionaries-only are for the jobs to give and refused there. DIR
# is on a disk that all nodes see; tables end up in it, the shards in DIR/shards, logs in DIR/jobs.
# Without --shards there are 8, without --threads 1 per job. Partition, account, memory and time
# limit are those of sbatch's own variables, for example SBATCH_PARTITION=long
# SBATCH_TIMELIMIT=2:00:00. EXPERIMENTS names the program; without it a release build is made.
# Program and configuration are copied to DIR/jobs: what is built or edited after the submission
# does not reach its jobs.
#
# A shard that is killed, preempted or out of time goes back to the queue and goes on where it
# stopped. To go on after anything else (a full disk, a cancelled job), submit the same again: what
# is finished is not done twice.
set -euo pipefail

fail() {
    echo "submit.sh: $1 (see the head of $0)" >&2
    exit 2
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out='' shards=8 threads=1
while (($#)); do
    case $1 in
    --out) out=${2:?} && shift 2 ;;
    --shards) shards=${2:?} && shift 2 ;;
    --threads) threads=${2:?} && shift 2 ;;
    --) shift && break ;;
    *) fail "$1 is no option" ;;
    esac
done
[[ -n $out ]] || fail '--out is missing'
[[ $shards =~ ^[1-9][0-9]*$ ]] || fail "--shards: $shards is not a number from 1"
[[ $threads =~ ^[1-9][0-9]*$ ]] || fail "--threads: $threads is not a number from 1"
(($#)) || fail 'after --, the run is missing, for example: table1 --config configs/quick.toml'
run=() config=''
while (($#)); do
    case $1 in
    --config | --config=*)
        [[ -z $config ]] || fail '--config is there twice'
        if [[ $1 == --config ]]; then shift; fi
        (($#)) || fail '--config: the file is missing'
        config=${1#--config=}
        [[ -f $config && -r $config ]] || fail "--config: $config is not a file that can be read"
        ;;
    --out | --out=* | --cache | --cache=* | --jobs | --jobs=* | --shard | --shard=* | --force | \
        --dictionaries-only)
        fail "${1%%=*} cannot be given to the run: the jobs give what they need of it"
        ;;
    *) run+=("$1") ;;
    esac
    shift
done

if [[ -z ${EXPERIMENTS:-} ]]; then
    cargo build --quiet --locked --release -p experiments --manifest-path "$here/../../Cargo.toml"
    EXPERIMENTS=${CARGO_TARGET_DIR:-$here/../../target}/release/vbnmf
fi

mkdir -p "$out/jobs" "$out/shards"
out=$(cd "$out" && pwd)
# Copies, so that jobs which start later run the same whatever is built or edited meanwhile. Paths
# in a configuration are not relative to it but to the folder of the submission, where Slurm runs
# the jobs. Named by their contents: jobs of an earlier submission that still wait keep theirs.
copy() {
    local mode=$1 file=$2 name=$3 extension=${4:-}
    copied=$out/jobs/$name-$(sha256sum <"$file" | cut -c 1-16)$extension
    install -m "$mode" "$file" "$copied.new"
    mv "$copied.new" "$copied"
}
copy 755 "$EXPERIMENTS" experiments
program=$copied
if [[ -n $config ]]; then
    copy 644 "$config" config .toml
    run+=(--config "$copied")
fi

submit() {
    local name=$1
    shift
    sbatch --parsable --job-name="$name" --output="$out/jobs/$name-%A_%a.log" --open-mode=append \
        --requeue --kill-on-invalid-dep=yes --ntasks=1 --cpus-per-task="$threads" "$@"
}
job=$here/job.sh
run=("$program" "$out" "$shards" "${run[@]}")
dictionaries=$(submit dictionaries "$job" dictionaries "${run[@]}")
array=$(submit shards --array="1-$shards" --dependency="afterok:${dictionaries%%;*}" \
    --signal=TERM@60 "$job" shard "${run[@]}")
merge=$(submit merge --dependency="afterok:${array%%;*}" "$job" merge "${run[@]}")
echo "dictionaries: job ${dictionaries%%;*}, shards: ${array%%;*}, merge: ${merge%%;*}"
echo "to stop: scancel ${dictionaries%%;*} ${array%%;*} ${merge%%;*}"
