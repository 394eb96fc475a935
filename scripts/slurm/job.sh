#!/usr/bin/env bash
# A job of submit.sh: job.sh dictionaries|shard|merge PROGRAM DIR SHARDS RUN…
set -uo pipefail

# Times a job goes back to the queue by itself: more than a bad node needs, less than for ever.
most_restarts=10

what=$1 program=$2 out=$3 shards=$4
shift 4
threads=${SLURM_CPUS_PER_TASK:-1}
step=(srun --ntasks=1 --cpus-per-task="$threads" "$program")
run=("${step[@]}" "$@" --jobs "$threads" --cache "$out/cache")
case $what in
dictionaries) "${run[@]}" --dictionaries-only --out "$out/shards/dictionaries" ;;
shard)
    shard=$SLURM_ARRAY_TASK_ID
    "${run[@]}" --shard "$shard/$shards" --out "$out/shards/$shard-of-$shards"
    ;;
merge)
    folders=()
    for ((shard = 1; shard <= shards; shard++)); do
        folders+=("$out/shards/$shard-of-$shards")
    done
    "${step[@]}" merge "${folders[@]}" --out "$out"
    ;;
esac
code=$?

# 3: some trials failed and are recorded as such; the merge says so. 130: stopped by a signal, such
# as that before the time limit. Above that: killed. These two go on where they stopped, as every
# run does.
if [[ $what != merge ]] && ((code == 3)); then
    code=0
elif ((code >= 130)) && ((${SLURM_RESTART_COUNT:-0} < most_restarts)); then
    echo "job.sh: ended with code $code, back to the queue" >&2
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
