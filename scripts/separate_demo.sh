#!/usr/bin/env bash
# Learns dictionaries of a synthetic speaker, mixes other sentences with background noise at several
# signal-to-noise ratios, separates and scores: what README and docs say of recordings, regenerated.
#
#     scripts/separate_demo.sh DIR [MINUTES]
#
# Needs espeak-ng, sox and GNU time. With MINUTES, also separates a recording of that length and
# prints its peak memory. Everything goes below DIR. EXPERIMENTS names a binary to use instead of
# building one.
set -euo pipefail

readonly SNRS_DB=(-6 -3 0 3)
[[ $# -ge 1 ]] || {
    sed -n '2,10s/^# \{0,1\}//p' "$0" >&2
    exit 2
}
repository=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1"
cd "$1"
minutes=${2:-0}
tree=tree/PCCdata16kHz
if [[ -z ${EXPERIMENTS:-} ]]; then
    cargo build --manifest-path "$repository/Cargo.toml" -p experiments
    EXPERIMENTS=$(cargo metadata --manifest-path "$repository/Cargo.toml" --no-deps --format-version 1 |
        sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/debug/vbnmf
fi

# Power of a file in dB, as sox measures it.
level_db() { sox "$1" -n stats 2>&1 | awk '/^RMS lev dB/ { print $4 }'; }

[[ -d $tree ]] || "$repository/scripts/make_chime_tree.sh" tree --speakers 1 --utterances 110 --background-seconds 75

# Ten sentences are held out, a hundred are learned from.
mapfile -t sentences < <(printf '%s\n' "$tree"/train/reverberated/id1/*.wav)
[[ -e speech.npz ]] || "$EXPERIMENTS" train "${sentences[@]:10}" --out speech.npz
sox "${sentences[@]:0:10}" -c 1 -b 32 speech.wav gain -12
samples=$(soxi -s speech.wav)

printf '\n%-13s %6s %14s %13s %13s\n' background SNR 'mixture SDR' 'speech SDR' 'background SDR'
sdr() { awk -F, -v target="$2" '$1 == target && $3 == "" && $6 == "sdr" { print $7 }' "$1"; }
for recording in "$tree"/background/*.wav; do
    name=$(basename "$recording" .wav)
    sox "$recording" -c 1 -b 32 background.wav trim 20 "${samples}s" gain -12
    for snr_db in "${SNRS_DB[@]}"; do
        gain_db=$(awk -v s="$(level_db speech.wav)" -v b="$(level_db background.wav)" -v r="$snr_db" \
            'BEGIN { print s - b - r }')
        sox -D background.wav -b 32 noise.wav gain "$gain_db"
        sox -D -m -v 0.5 speech.wav -v 0.5 noise.wav -b 24 mixture.wav
        sox -D -v 0.5 speech.wav -b 32 true_speech.wav
        sox -D -v 0.5 noise.wav -b 32 true_noise.wav
        "$EXPERIMENTS" separate mixture.wav --speech speech.npz --out stems --replace --quiet \
            >separate.log
        "$EXPERIMENTS" score --reference true_speech.wav --estimate mixture.wav --csv mixture.csv >/dev/null
        "$EXPERIMENTS" score --reference true_speech.wav true_noise.wav \
            --estimate stems/speech.wav stems/background.wav --csv stems.csv >/dev/null
        printf '%-13s %6d %14.2f %13.2f %13.2f\n' "$name" "$snr_db" "$(sdr mixture.csv true_speech)" \
            "$(sdr stems.csv true_speech)" "$(sdr stems.csv true_noise)"
        awk -v before="$(sdr mixture.csv true_speech)" -v after="$(sdr stems.csv true_speech)" \
            'BEGIN { exit !(after > before) }' || {
            echo "the speech stem is no better than the mixture" >&2
            exit 1
        }
    done
done

if ((minutes > 0)); then
    printf '\n%s minutes:\n' "$minutes"
    sox mixture.wav long.wav repeat 100 trim 0 "$((60 * minutes))"
    /usr/bin/time -f 'peak memory %M kB, %e s, %U s of user time' \
        "$EXPERIMENTS" separate long.wav --speech speech.npz --out long-stems --replace --quiet
fi
