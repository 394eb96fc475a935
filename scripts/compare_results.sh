#!/usr/bin/env bash
# Compares a run with a committed one: every file that a seed determines must be the same to the byte.
# Timings and the manifest differ from run to run and are left out.
#
# Usage: compare_results.sh REFERENCE RUN
set -euo pipefail

if [[ $# -ne 2 || ! -d $1 || ! -d $2 ]]; then
    echo "usage: compare_results.sh REFERENCE RUN (two folders of results)" >&2
    exit 2
fi
status=0
for reference in "$1"/*; do
    name=$(basename "$reference")
    case $name in
        timings.* | manifest.json | README.md) continue ;;
    esac
    if ! cmp --silent "$reference" "$2/$name"; then
        echo "differs: $name" >&2
        diff "$reference" "$2/$name" 2>&1 | head -n 10 >&2 || true
        status=1
    fi
done
[[ $status -eq 0 ]] && echo "$2 is the same as $1"
exit $status
