#!/usr/bin/env bash
# Makes a small corpus in the layout of PASCAL CHiME 1 from synthetic speech and noise, for tests and trials
# of the corpus loader where the recordings themselves cannot be had. Needs espeak-ng and sox.
set -euo pipefail

readonly SAMPLE_RATE_HZ=16000
# Level of the room noise under the reverberated training speech.
readonly FLOOR_DB=45
readonly SNRS_DB=(-6 -3 0 3 6 9)
# Measured on an impulse: the level falls by 60 dB in 0.29 s, 9 dB below the direct sound.
export REVERB='reverb 30 50 30 100 0 0'
readonly MOST_SPEAKERS=34
readonly MOST_UTTERANCES=30000

usage() {
    cat <<'TEXT'
Usage: make_chime_tree.sh DIR [options]

Makes DIR/PCCdata16kHz with
  train/reverberated/id{n}/{code}.wav                      training speech, room noise 45 dB below
  {devel,test}/isolated/{m6dB,...,9dB}/s{n}_{code}.wav     other sentences in domestic background
  background/{kitchen,living_room,laundry,conversation}.wav
All files are 16 kHz, 16 bit, stereo. Codes are those of the Grid corpus: bgaa9a is "bin green at a nine again".
The same options give the same bytes with the same versions of espeak-ng and sox.

Options:
  --speakers N            speakers, 1 to 34                                     (default 2)
  --utterances N          training sentences of each speaker, all different     (default 20)
  --isolated N            sentences of each speaker in devel, and in test, per SNR  (default 2)
  --background-seconds N  length of each background file, 10 or more            (default 75)
  --seed S                a whole number                                        (default 1)
  --jobs N                processes at a time                                   (default: all processors)
  -h, --help              this text
TEXT
}

fail() {
    printf 'make_chime_tree.sh: %s\n' "$1" >&2
    exit "${2:-1}"
}

# whole_number OPTION VALUE LOWEST HIGHEST
whole_number() {
    if ! [[ $2 =~ ^[0-9]{1,9}$ ]] || ((10#$2 < $3 || 10#$2 > $4)); then
        fail "$1 must be a whole number from $3 to $4, not '$2'" 2
    fi
}

# Sets REPLY to a number below LIMIT that depends on nothing but the seed and the keys (splitmix64).
# pick LIMIT KEY...
pick() {
    local -i limit=$1 z=$seed
    shift
    local key
    for key in "$@"; do
        z=$(((z + key + 1) * 0x9E3779B97F4A7C15))
        z=$(((z ^ (z >> 30 & 0x3FFFFFFFF)) * 0xBF58476D1CE4E5B9))
        z=$(((z ^ (z >> 27 & 0x1FFFFFFFFF)) * 0x94D049BB133111EB))
        z=$((z ^ (z >> 31 & 0x1FFFFFFFF)))
    done
    REPLY=$(((z >> 1 & 0x7FFFFFFFFFFFFFFF) % limit))
}

# Sets REPLY to the Grid code of a sentence number below 64000 (4 x 4 x 4 x 25 x 10 x 4).
grid_code() {
    local -i n=$1
    local letters=abcdefghijklmnopqrstuvxyz digits=z123456789
    local commands=blps colours=bgrw prepositions=abiw adverbs=anps
    REPLY=${commands:n % 4:1}${colours:n / 4 % 4:1}${prepositions:n / 16 % 4:1}
    REPLY+=${letters:n / 64 % 25:1}${digits:n / 1600 % 10:1}${adverbs:n / 16000:1}
}

# Prints the words of a Grid code.
grid_words() {
    local code=$1 letter=${1:3:1} digit=${1:4:1}
    local -A command=([b]=bin [l]=lay [p]=place [s]=set)
    local -A colour=([b]=blue [g]=green [r]=red [w]=white)
    local -A preposition=([a]=at [b]=by [i]=in [w]=with)
    local -A adverb=([a]=again [n]=now [p]=please [s]=soon)
    # Alone, the letter a would be spoken as the article: give its phonemes.
    [[ $letter != a ]] || letter="[['eI]]"
    [[ $digit != z ]] || digit=zero
    echo "${command[${code:0:1}]} ${colour[${code:1:1}]} ${preposition[${code:2:1}]}" \
        "$letter $digit ${adverb[${code:5:1}]}"
}

# Prints the espeak-ng options of a speaker: accent, voice, pitch and speed; the last two vary a little by sentence.
# voice_options SPEAKER VARIATION
voice_options() {
    local -i speaker=$1 variation=$2
    local accents=(en-gb en-us en-gb-scotland en-gb-x-rp en-029 en-gb-x-gbclan en-gb-x-gbcwmd)
    local voices=(m1 f2 m3 f4 m7 f5 m2 f1 m4 f3)
    local voice=${voices[(speaker - 1) % ${#voices[@]}]} pitch=35
    [[ $voice != f* ]] || pitch=55
    pitch=$((pitch + speaker * 7 % 13 + variation % 5))
    local speed=$((140 + speaker * 11 % 30 + variation % 11))
    echo "-v ${accents[(speaker - 1) % ${#accents[@]}]}+$voice -p $pitch -s $speed"
}

# Prints "LEVEL_DB SECONDS" of a WAV: the root mean square of all channels, and the length.
level_and_length() {
    sox "$1" -n stats 2>&1 |
        awk '/^RMS lev dB/ { level = $4 } /^Length s/ { seconds = $3 } END { print level, seconds }'
}

# One utterance in a room, with noise from somewhere in a noise file at the given SNR.
# render SPEAKER CODE SNR_DB NOISE.wav OUTPUT.wav
render() {
    local speaker=$1 code=$2 snr_db=$3 noise=$4 output=$5
    local raw=$output.raw.wav speech=$output.speech.wav
    # The code as a number: base 36 holds its letters and digits.
    local -i key=$((36#$code))
    pick 1000 "$speaker" "$key"
    local options
    read -ra options < <(voice_options "$speaker" "$REPLY")
    espeak-ng -z "${options[@]}" -w "$raw" "$(grid_words "$code")"
    # REVERB is several words. The peak stays low enough for the loudest background.
    # shellcheck disable=SC2086
    sox -R -D -v 0.4 "$raw" -c 2 -b 32 "$speech" rate "$SAMPLE_RATE_HZ" highpass 40 pad 0.05 0.35 $REVERB gain -n -20

    local speech_db speech_seconds noise_db noise_seconds start
    read -r speech_db speech_seconds < <(level_and_length "$speech")
    noise_seconds=$(soxi -D "$noise")
    pick 1000000 "$speaker" "$key" 1
    start=$(awk -v r="$REPLY" -v n="$noise_seconds" -v s="$speech_seconds" 'BEGIN { print r / 1e6 * (n - s - 0.1) }')
    sox -D "$noise" -b 32 "$raw" trim "$start" "$speech_seconds"
    read -r noise_db _ < <(level_and_length "$raw")
    local gain
    gain=$(awk -v s="$speech_db" -v n="$noise_db" -v r="$snr_db" 'BEGIN { print 10 ^ ((s - n - r) / 20) }')
    sox -D -m -v 1 "$speech" -v "$gain" "$raw" -b 16 "$output"
    rm "$raw" "$speech"
}

# The words of the conversation in the background.
readonly SMALL_TALK=(
    "Have you seen my keys anywhere? I left them on the table."
    "The kettle is on, would anybody like a cup of tea?"
    "No, put that down, it is almost time for dinner."
    "They said it would rain all afternoon, but look at it now."
    "I told her we could meet at the station around seven."
    "Can you turn that down a little? I am on the phone."
    "We ran out of milk again. Who finished the last of it?"
    "Come here and show me what you made at school today."
)

# Long recordings of a home: kitchen, living room, laundry and conversation.
# make_backgrounds FOLDER SECONDS
make_backgrounds() {
    local folder=$1 part=$1/part
    local -i seconds=$2 i
    local generate=(sox -R -D -n -r "$SAMPLE_RATE_HZ" -c 2 -b 32)
    mkdir -p "$part"

    # Kitchen: a refrigerator's hum, and clatter of cutlery and dishes at irregular times.
    "${generate[@]}" "$part/hum.wav" synth "$seconds" sine 50 synth sine mix 100 synth sine mix 150 gain -n -28
    "${generate[@]}" "$part/air.wav" synth "$seconds" brownnoise gain -6 highpass 60 gain -n -26
    for ((i = 0; i < 16; i++)); do
        pick 2600 1 "$i"
        local pitch=$((900 + REPLY))
        pick 1400 2 "$i"
        local decay=0.$((1 + i % 3)) level=$((-3 - REPLY % 18)) gap
        gap=$(awk -v r="$REPLY" 'BEGIN { print 0.08 + (r / 1000) ^ 3 }')
        "${generate[@]}" "$part/hit$i.wav" synth "$decay" sine "$pitch" gain -6 \
            synth sine mix $((pitch * 27 / 17)) synth whitenoise mix gain -6 highpass 500 \
            fade l 0.001 "$decay" "$decay" gain -n "$level" pad 0 "$gap"
    done
    local hits=()
    # No hit with its gap is shorter than 0.18 s.
    for ((i = 0; i < seconds * 6; i++)); do
        pick 16 3 "$i"
        hits+=("$part/hit$REPLY.wav")
    done
    # shellcheck disable=SC2086
    sox -R -D "${hits[@]}" "$part/clatter.wav" gain -9 trim 0 "$seconds" $REVERB gain -n -6
    sox -D -m -v 0.4 "$part/hum.wav" -v 0.4 "$part/air.wav" -v 0.4 "$part/clatter.wav" \
        -b 16 "$folder/kitchen.wav" gain -n -3

    # Living room: plucked chords, two seconds each, with a bass note.
    local chords=("C4 E4 G4 C3" "A3 C4 E4 A2" "F3 A3 C4 F2" "G3 B3 D4 G2" "D4 F4 A4 D3" "E3 G3 B3 E2")
    local notes
    for ((i = 0; i < ${#chords[@]}; i++)); do
        read -ra notes <<<"${chords[i]}"
        sox -R -D -n -r "$SAMPLE_RATE_HZ" -c 4 -b 32 "$part/chord$i.wav" synth 2 \
            pluck "${notes[0]}" pluck "${notes[1]}" pluck "${notes[2]}" pluck "${notes[3]}" delay 0 0.25 0.5 0 trim 0 2
    done
    local bars=()
    for ((i = 0; i < seconds / 2 + 1; i++)); do
        pick ${#chords[@]} 4 "$i"
        bars+=("$part/chord$REPLY.wav")
    done
    # shellcheck disable=SC2086
    sox -R -D "${bars[@]}" -c 2 "$part/music.wav" remix 1v0.2,2v0.15,4v0.2 2v0.15,3v0.2,4v0.2 \
        trim 0 "$seconds" $REVERB gain -n -3
    sox -D -m -v 0.6 "$part/music.wav" -v 0.6 "$part/air.wav" -b 16 "$folder/living_room.wav" gain -n -3

    # Laundry: a drum turning, its motor, and water.
    "${generate[@]}" "$part/drum.wav" synth "$seconds" brownnoise gain -6 highpass 60 tremolo 0.9 70 gain -n -4
    "${generate[@]}" "$part/motor.wav" synth "$seconds" triangle 98 synth triangle mix 196.5 \
        tremolo 0.9 30 gain -n -16
    "${generate[@]}" "$part/water.wav" synth "$seconds" pinknoise bandpass 1800 1.5q tremolo 0.13 80 gain -n -14
    sox -D -m -v 0.4 "$part/drum.wav" -v 0.4 "$part/motor.wav" -v 0.4 "$part/water.wav" \
        -b 16 "$folder/laundry.wav" gain -n -3

    # Conversation: four people who talk at the same time, from left to right.
    local mix=() voice options text
    for voice in 0 1 2 3; do
        text=
        for ((i = 0; i < seconds / 2 + 1; i++)); do
            pick ${#SMALL_TALK[@]} 5 "$voice" "$i"
            text+="${SMALL_TALK[REPLY]} "
        done
        read -ra options < <(voice_options $((31 + voice)) 0)
        espeak-ng "${options[@]}" -w "$part/talk.wav" "$text"
        sox -R -D -v 0.4 "$part/talk.wav" -b 32 "$part/talk$voice.wav" rate "$SAMPLE_RATE_HZ" highpass 40 \
            trim 0 "$seconds" remix "1v0.$((9 - 2 * voice))" "1v0.$((3 + 2 * voice))"
        mix+=(-v 0.3 "$part/talk$voice.wav")
    done
    # shellcheck disable=SC2086
    sox -R -D -m "${mix[@]}" -v 0.2 "$part/air.wav" -b 16 "$folder/conversation.wav" $REVERB gain -n -3
    rm -r "$part"
}

# Writes one line per utterance: SPEAKER CODE SNR_DB NOISE OUTPUT. No speaker says a sentence twice.
list_utterances() {
    local -i speaker i counter folder_index
    local folder code snr_db name background
    local backgrounds=(background/*.wav)
    for ((speaker = 1; speaker <= speakers; speaker++)); do
        local -A said=()
        counter=0
        next_code() {
            while :; do
                pick 64000 6 "$speaker" "$counter"
                counter+=1
                grid_code "$REPLY"
                [[ -n ${said[$REPLY]:-} ]] || break
            done
            said[$REPLY]=1
        }
        mkdir -p "train/reverberated/id$speaker"
        for ((i = 0; i < utterances; i++)); do
            next_code
            echo "$speaker $REPLY $FLOOR_DB room.wav train/reverberated/id$speaker/$REPLY.wav"
        done
        folder_index=0
        for folder in devel test; do
            for ((i = 0; i < isolated; i++)); do
                next_code
                code=$REPLY
                pick ${#backgrounds[@]} 7 "$speaker" "$folder_index" "$i"
                background=${backgrounds[REPLY]}
                for snr_db in "${SNRS_DB[@]}"; do
                    name=${snr_db/-/m}dB
                    mkdir -p "$folder/isolated/$name"
                    echo "$speaker $code $snr_db $background $folder/isolated/$name/s${speaker}_$code.wav"
                done
            done
            folder_index+=1
        done
    done
}

target=
speakers=2
utterances=20
isolated=2
background_seconds=75
seed=1
jobs=$(getconf _NPROCESSORS_ONLN)

while (($#)); do
    case $1 in
    -h | --help)
        usage
        exit 0
        ;;
    --speakers | --utterances | --isolated | --background-seconds | --seed | --jobs)
        (($# > 1)) || fail "$1 needs a value" 2
        case $1 in
        --speakers) whole_number "$1" "$2" 1 $MOST_SPEAKERS && speakers=$((10#$2)) ;;
        --utterances) whole_number "$1" "$2" 1 $MOST_UTTERANCES && utterances=$((10#$2)) ;;
        --isolated) whole_number "$1" "$2" 0 1000 && isolated=$((10#$2)) ;;
        --background-seconds) whole_number "$1" "$2" 10 3600 && background_seconds=$((10#$2)) ;;
        --seed) whole_number "$1" "$2" 0 999999999 && seed=$((10#$2)) ;;
        --jobs) whole_number "$1" "$2" 1 1024 && jobs=$((10#$2)) ;;
        esac
        shift 2
        ;;
    -*)
        usage >&2
        fail "unknown option $1" 2
        ;;
    *)
        [[ -z $target ]] || fail "one folder only, but both '$target' and '$1' are given" 2
        target=$1
        shift
        ;;
    esac
done

[[ -n $target ]] || {
    usage >&2
    fail "the folder to make the tree in is missing" 2
}
for program in espeak-ng sox soxi; do
    command -v "$program" >/dev/null ||
        fail "$program is not installed; on Debian and Ubuntu: apt-get install espeak-ng sox"
done
[[ ! -e $target/PCCdata16kHz ]] || fail "$target/PCCdata16kHz exists already; remove it or choose another folder"
mkdir -p "$target"

# Everything is made beside its place and moved there at the end: an interrupted run leaves no half tree.
stage=$(mktemp -d "$target/.making.XXXXXX")
trap 'rm -rf "$stage"' EXIT
readonly target speakers utterances isolated background_seconds seed jobs stage
export SAMPLE_RATE_HZ seed
export -f pick grid_words voice_options level_and_length render

(
    cd "$stage"
    mkdir background
    make_backgrounds background "$background_seconds"
    sox -R -D -n -r "$SAMPLE_RATE_HZ" -c 2 -b 32 room.wav synth 60 pinknoise gain -n -6
    list_utterances >utterances.txt
    xargs -n 5 -P "$jobs" bash -c 'set -euo pipefail; render "$@"' render <utterances.txt ||
        fail "espeak-ng or sox failed, see above"
    rm room.wav utterances.txt
)
chmod 755 "$stage"
mv "$stage" "$target/PCCdata16kHz"
printf '%s: %d speakers, %d training utterances each\n' "$target/PCCdata16kHz" "$speakers" "$utterances"
