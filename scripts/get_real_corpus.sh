#!/usr/bin/env bash
# Makes a corpus of real people and real backgrounds from Debian packages, without root: speech of
# nine speakers in folders, noises and music as single files, the packages' licences beside them.
set -euo pipefail
shopt -s extglob

# The rate of G.722, in which the telephone prompts come.
readonly SAMPLE_RATE_HZ=16000
readonly BYTES_PER_SECOND=$((2 * SAMPLE_RATE_HZ))
readonly WAV_HEADER_BYTES=44
# Shorter recordings are left out: most are a single letter or digit. The paper's split needs 500
# utterances of a speaker, and with a limit of 0.6 s three speakers would have fewer.
readonly LEAST_TENTHS_OF_A_SECOND=5
# Prompts that are no speech.
readonly NOT_SPEECH='/silence/|/beep|-2tone\.|/confbridge-(join|leave)\.|/tt-monkeys\.'
# The release of Debian that has every package. It is asked only for those that the machine's own
# release lacks.
readonly COMPLETE_RELEASE=trixie
readonly SMALL_SPEAKERS=italian_man,russian_woman SMALL_NOISES=coffee-shop,rain SMALL_UTTERANCES=40

# Speaker, language, package, its files (an extended regular expression on the path), licence, who.
readonly SPEAKERS='
english_woman|English (US)|asterisk-core-sounds-en-g722|\.g722$|CC-BY-SA-3.0|Allison Smith
spanish_woman|Spanish (MX)|asterisk-core-sounds-es-g722|\.g722$|CC-BY-SA-3.0|Allison Smith
french_woman|French (CA)|asterisk-core-sounds-fr-g722|\.g722$|CC-BY-SA-3.0|June Wallack
italian_man|Italian|asterisk-core-sounds-it-g722|\.g722$|CC-BY-3.0|Carlo Flora
russian_woman|Russian|asterisk-core-sounds-ru-g722|\.g722$|CC-BY-3.0|ivrvoice.ru (Maxim Topal)
czech_woman|Czech|fillets-ng-data-cs|/[^/-]*-m-[^/]*\.ogg$|GPL-2|Fish Fillets, small fish
czech_man|Czech|fillets-ng-data-cs|/[^/-]*-v-[^/]*\.ogg$|GPL-2|Fish Fillets, big fish
dutch_woman|Dutch|fillets-ng-data-nl|/[^/-]*-m-[^/]*\.ogg$|GPL-2|Fish Fillets, small fish
dutch_man|Dutch|fillets-ng-data-nl|/[^/-]*-v-[^/]*\.ogg$|GPL-2|Fish Fillets, big fish
'
# Noise, what it is, package, file, licence, who recorded or made it.
readonly MUSIC=asterisk-moh-opsound-g722
readonly NOISES="
birds|ambience|blanket|birds.ogg|CC0-1.0|Kevin Garlic
boat|ambience|blanket|boat.ogg|CC0-1.0|Falcet
city|ambience|blanket|city.ogg|CC-BY-3.0|Gezorten Plotz
coffee-shop|ambience|blanket|coffee-shop.ogg|public domain|stephan
fireplace|ambience|blanket|fireplace.ogg|public domain|ezwa
rain|ambience|blanket|rain.ogg|CC-BY-4.0|Alex 36917
storm|ambience|blanket|storm.ogg|CC-BY-4.0|Digifish Music
stream|ambience|blanket|stream.ogg|CC0-1.0|Gluckose
summer-night|ambience|blanket|summer-night.ogg|public domain|Lisa Redfern
train|ambience|blanket|train.ogg|CC-BY-3.0|Daniel Miller
waves|ambience|blanket|waves.ogg|CC-BY-4.0|Luftrum
wind|ambience|blanket|wind.ogg|CC0-1.0|Felix Blume
music-cold-day|music|$MUSIC|macroform-cold_day.g722|CC-BY-SA-3.0|Paul Shuler
music-robot-dity|music|$MUSIC|macroform-robot_dity.g722|CC-BY-SA-3.0|Paul Shuler
music-simplicity|music|$MUSIC|macroform-the_simplicity.g722|CC-BY-SA-3.0|Paul Shuler
music-morning-coffee|music|$MUSIC|manolo_camp-morning_coffee.g722|CC-BY-SA-3.0|Manolo Camp
music-system|music|$MUSIC|reno_project-system.g722|CC-BY-SA-3.0|Reno Project
"

usage() {
    cat <<TEXT
Usage: get_real_corpus.sh DIR [options]

Makes the folder DIR, which must not exist or be empty, with
  speech/<speaker>/<utterance>.wav   recordings of one person each, of half a second or more
  noise/<noise>.wav                  ambiences and music
  licences/<package>.copyright       who made them, and what may be done with them
  corpus.csv                         one line per speaker and noise
All recordings are 16 kHz, 16 bit, mono. Up to 180 MB are downloaded from the Debian mirror that
this machine uses; nothing is installed and nothing outside DIR is changed. The same packages give
the same bytes with the same version of ffmpeg.

Options:
  --speakers NAME,...  these speakers only; none for no speech
  --noises NAME,...    these noises only; none for no noises
  --small              $SMALL_SPEAKERS with $SMALL_UTTERANCES utterances each, $SMALL_NOISES
  --jobs N             processes at a time              (default: all processors)
  --list               say which speakers and noises there are, and stop
  -h, --help           this text
TEXT
}

fail() {
    printf 'get_real_corpus.sh: %s\n' "$1" >&2
    exit "${2:-1}"
}

# names_in TABLE: the first column, one name a line.
names_in() { awk -F'|' 'NF > 1 { print $1 }' <<<"$1"; }

# Prints the rows of a table that a list of names chooses, in the table's order.
# choose OPTION TABLE NAME,...
choose() {
    local option=$1 table=$2 list=$3 name
    [[ $list != none ]] || return 0
    for name in ${list//,/ }; do
        [[ $name != all ]] || continue
        names_in "$table" | grep -qxF -- "$name" ||
            fail "$option: there is no '$name', only $(names_in "$table" | paste -sd ' ')" 2
    done
    awk -F'|' -v list=",$list," \
        'NF > 1 && (index(list, ",all,") || index(list, "," $1 ","))' <<<"$table"
}

list_choices() {
    awk -F'|' 'NF > 1 { printf "%-21s %-13s %-14s %s\n", $1, $2, $5, $6 }' <<<"$SPEAKERS$NOISES"
}

# Prints the name of the release of this machine.
# shellcheck disable=SC1091 # The file is every machine's own.
own_release() { (. /etc/os-release && echo "${VERSION_CODENAME:-}"); }

# Prepares apt for one release in a folder of its own, with this machine's sources: only the name of
# the release differs. Sets the array of its options, APT.
# use_release RELEASE
use_release() {
    local release=$1 folder=$stage/apt/$1 own file
    APT=(-o "Dir::State=$folder/state" -o "Dir::Cache=$folder/cache" -o Dir::State::status=/dev/null
        -o "Dir::Etc::sourcelist=$folder/none.list"
        -o "Dir::Etc::sourceparts=$folder/sources.list.d"
        -o Acquire::Languages=none -o Acquire::Retries=3 -o Acquire::http::Timeout=60
        # Root gives downloads to another user, who may not write here.
        -o APT::Sandbox::User= -qq)
    [[ ! -e $folder ]] || return 0
    own=$(own_release)
    mkdir -p "$folder"/{state/lists/partial,cache/archives/partial,sources.list.d}
    for file in /etc/apt/sources.list.d/*.sources; do
        [[ -r $file ]] || continue
        # The paragraphs of the release itself: updates and security have suites with a suffix.
        awk -v own="$own" -v release="$release" 'BEGIN { RS = ""; FS = "\n" } {
            kept = 0; text = ""
            for (i = 1; i <= NF; i++) {
                line = $i
                if (tolower(line) ~ /^suites:/) {
                    count = split(line, word, /[ \t]+/)
                    for (j = 2; j <= count; j++) kept = kept || word[j] == own
                    line = "Suites: " release
                } else if (tolower(line) ~ /^types:/) line = "Types: deb"
                text = text line "\n"
            }
            if (kept) print text
        }' "$file" >"$folder/sources.list.d/$(basename "$file")"
    done
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [[ -r $file ]] || continue
        sed -nE "s/^(deb[ \t]+(\[[^]]*\][ \t]+)?[^ \t]+)[ \t]+${own}[ \t]/\1 $release /p" "$file" \
            >"$folder/sources.list.d/$(basename "$file" .list).list"
    done
    find "$folder/sources.list.d" -size 0 -delete
    [[ -n $(ls "$folder/sources.list.d") ]] ||
        fail "/etc/apt has no source of packages for the release '$own'"
    apt-get "${APT[@]}" -o APT::Update::Error-Mode=any update >&2 ||
        fail "the packages of $release cannot be listed, see above"
}

# Downloads a package, unpacks it below packages/ and keeps its licence.
# get_package PACKAGE
get_package() {
    local package=$1 release
    local -a releases=("$(own_release)")
    # shellcheck disable=SC1091 # As above.
    if (. /etc/os-release && [[ ${ID:-} == debian ]]); then releases+=("$COMPLETE_RELEASE"); fi
    for release in "${releases[@]}"; do
        use_release "$release"
        [[ -n $(apt-cache "${APT[@]}" show "$package" 2>/dev/null) ]] || continue
        printf '%s from %s\n' "$package" "$release" >&2
        mkdir -p "$stage/debs" "$stage/packages/$package" "$made/licences"
        (cd "$stage/debs" && apt-get "${APT[@]}" download "$package" >&2) ||
            fail "$package cannot be downloaded, see above; try again"
        dpkg-deb -x "$stage/debs/${package}_"*.deb "$stage/packages/$package"
        dpkg-deb -f "$stage/debs/${package}_"*.deb Version >"$stage/debs/$package.version"
        cp "$stage/packages/$package/usr/share/doc/$package/copyright" \
            "$made/licences/$package.copyright"
        return 0
    done
    fail "the package $package is in none of these releases: ${releases[*]}"
}

# Writes the sounds in the archives of resources of a package, if it has any.
# unpack_resources PACKAGE
unpack_resources() {
    local archive path folder=$stage/packages/$1
    while read -r archive; do
        while read -r path; do
            gresource extract "$archive" "$path" >"$folder/$(basename "$path")"
        done < <(gresource list "$archive" | grep '\.ogg$')
    done < <(find "$folder" -name '*.gresource')
}

# Converts recordings to 16 kHz, 16 bit, mono. Starting ffmpeg costs more than a recording, so it
# gets many at a time.
# convert INPUT OUTPUT [INPUT OUTPUT]...
convert() {
    local -a inputs=() outputs=()
    local -i index=0
    while (($#)); do
        # G.722 is a bare stream, which nothing in the file tells.
        [[ $1 != *.g722 ]] || inputs+=(-f g722)
        inputs+=(-i "$1")
        outputs+=(-map "$index:a" -map_metadata -1 -fflags +bitexact -flags:a +bitexact
            -ac 1 -ar "$SAMPLE_RATE_HZ" -c:a pcm_s16le "$2")
        index+=1
        shift 2
    done
    # 255 stops xargs at once.
    ffmpeg -nostdin -v error -y "${inputs[@]}" "${outputs[@]}" || return 255
}

# Converts the recordings of a list, INPUT and OUTPUT on a line each.
convert_list() {
    xargs -r -d '\n' -n 48 -P "$jobs" bash -c 'convert "$@"' convert <"$1" ||
        fail 'ffmpeg cannot convert a recording, see above'
}

# get_speaker NAME PACKAGE FILES
get_speaker() {
    local name=$1 package=$2 files=$3 folder=$made/speech/$1 path title
    local -i least=$((WAV_HEADER_BYTES + BYTES_PER_SECOND * LEAST_TENTHS_OF_A_SECOND / 10))
    mkdir -p "$folder"
    find "$stage/packages/$package" -type f | LC_ALL=C sort |
        grep -E -- "$files" | grep -vE -- "$NOT_SPEECH" |
        while read -r path; do
            # The path below the folder of the sounds as one name, without the folders of the voice
            # (it_IT_m_Carlo) and of the language (cs).
            title=${path##*/sound*(s)/}
            title=${title/#+([a-zA-Z])_[A-Z][A-Z]_*([^\/])\//}
            title=${title/\/??\//\/}
            title=${title%.*}
            printf '%s\n%s\n' "$path" "$folder/${title//\//_}.wav"
        done >"$stage/list"
    [[ -s $stage/list ]] || fail "$package has no recordings of $name"
    convert_list "$stage/list"
    find "$folder" -size "-${least}c" -delete
    ((utterances == 0)) || thin_out "$folder" "$utterances"
}

# Keeps COUNT files of a folder, evenly spread over their names.
# thin_out FOLDER COUNT
thin_out() {
    local -a paths
    local -i i
    mapfile -t paths < <(find "$1" -name '*.wav' | LC_ALL=C sort)
    for ((i = 0; i < ${#paths[@]}; i++)); do
        ((i * $2 / ${#paths[@]} != (i + 1) * $2 / ${#paths[@]})) || rm "${paths[i]}"
    done
}

# get_noise NAME PACKAGE FILE
get_noise() {
    local path
    path=$(find "$stage/packages/$2" -type f -name "$3" -print -quit)
    [[ -n $path ]] || fail "$2 has no $3 for the noise $1"
    mkdir -p "$made/noise"
    convert "$path" "$made/noise/$1.wav" || fail "ffmpeg cannot convert $3 of $2, see above"
}

# Prints the line of corpus.csv for the recordings at a path.
# describe PATH KIND NAME LANGUAGE LICENCE AUTHOR PACKAGE
describe() {
    local counts version
    counts=$(find "$1" -name '*.wav' -printf '%s\n' | awk -v header="$WAV_HEADER_BYTES" \
        -v rate="$BYTES_PER_SECOND" \
        '{ sum += $1 - header } END { printf "%d,%.1f", NR, sum / rate }')
    version=$(cat "$stage/debs/$7.version")
    printf '%s,%s,%s,%s,%s,"%s",%s,%s\n' "$2" "$3" "$4" "$counts" "$5" "$6" "$7" "$version"
}

target=
speakers=all
noises=all
declare -i utterances=0
jobs=$(getconf _NPROCESSORS_ONLN)

while (($#)); do
    case $1 in
    -h | --help)
        usage
        exit 0
        ;;
    --list)
        list_choices
        exit 0
        ;;
    --small)
        speakers=$SMALL_SPEAKERS noises=$SMALL_NOISES utterances=SMALL_UTTERANCES
        shift
        ;;
    --speakers | --noises | --jobs)
        [[ $# -gt 1 && -n $2 ]] || fail "$1 needs a value" 2
        case $1 in
        --speakers) speakers=$2 ;;
        --noises) noises=$2 ;;
        --jobs)
            [[ $2 =~ ^[1-9][0-9]{0,3}$ ]] ||
                fail "$1 must be a whole number from 1 to 9999, not '$2'" 2
            jobs=$2
            ;;
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
    fail "the folder to make the corpus in is missing" 2
}
chosen_speakers=$(choose --speakers "$SPEAKERS" "$speakers")
chosen_noises=$(choose --noises "$NOISES" "$noises")
[[ -n $chosen_speakers$chosen_noises ]] || fail "neither a speaker nor a noise is asked for" 2
for need in apt-get:apt dpkg-deb:dpkg ffmpeg:ffmpeg gresource:libglib2.0-bin; do
    command -v "${need%:*}" >/dev/null ||
        fail "${need%:*} is not installed; on Debian: apt-get install ${need#*:}"
done
target=${target%/}
[[ ! -e $target || (-d $target && -z $(ls -A "$target")) ]] ||
    fail "$target exists already and is not an empty folder; remove it or choose another folder"
mkdir -p "$(dirname "$target")"

# Everything is made beside its place and moved there at the end: an interrupted run leaves no half
# corpus.
stage=$(mktemp -d "$(dirname "$target")/.making.XXXXXX")
trap 'rm -rf "$stage"' EXIT
stage=$(cd "$stage" && pwd)
made=$stage/made
mkdir "$made"
readonly target stage made speakers noises utterances jobs
export SAMPLE_RATE_HZ
export -f convert

while IFS='|' read -r _ _ package _; do
    [[ -n $package && ! -e $stage/packages/$package ]] || continue
    get_package "$package"
    unpack_resources "$package"
done <<<"$chosen_speakers"$'\n'"$chosen_noises"

echo 'kind,name,language,files,seconds,licence,author,package,version' >"$made/corpus.csv"
while IFS='|' read -r name language package files licence author; do
    [[ -n $name ]] || continue
    printf 'converting %s\n' "$name" >&2
    get_speaker "$name" "$package" "$files"
    describe "$made/speech/$name" speech "$name" "$language" "$licence" "$author" "$package"
done <<<"$chosen_speakers" >>"$made/corpus.csv"
while IFS='|' read -r name what package file licence author; do
    [[ -n $name ]] || continue
    printf 'converting %s\n' "$name" >&2
    get_noise "$name" "$package" "$file"
    describe "$made/noise/$name.wav" "$what" "$name" '' "$licence" "$author" "$package"
done <<<"$chosen_noises" >>"$made/corpus.csv"

chmod 755 "$made"
mv -T "$made" "$target"
awk -F, '
    function print_row(name, language, files, seconds, licence) {
        printf "%-21s %-13s %10s %8s  %s\n", name, language, files, seconds, licence
    }
    NR == 1 { print_row("name", "language", "recordings", "seconds", "licence"); next }
    { print_row($2, $3 == "" ? "(" $1 ")" : $3, $4, int($5 + 0.5), $6) }' "$target/corpus.csv"
