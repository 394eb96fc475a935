#!/usr/bin/env bash
# Builds the wheel of crates/python, installs it into fresh environments and tests it there: with
# NumPy alone, then with scikit-learn, pandas, mir_eval and the type checker as well, and
# docs/results.ipynb is executed.
#
# The command line is tested against it where it is built: VBNMF_EXPERIMENTS, or target/debug.
set -euo pipefail
cd "$(dirname "$0")/../.."

work=$(mktemp --directory)
trap 'rm -rf "$work"' EXIT
pip=(-m pip --quiet --disable-pip-version-check)

# Of the stable ABI, so one wheel is for every later Python. In the profile and the target folder of
# `cargo test`, which is optimised and has compiled most of it.
python3 -m venv "$work/build"
"$work/build/bin/python" "${pip[@]}" install 'maturin>=1.9.4,<2'
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
"$work/build/bin/maturin" build --quiet --locked --profile dev --strip \
    --manifest-path crates/python/Cargo.toml --interpreter python3 --out "$work/wheels"

# Away from the sources, so that the wheel is what is imported.
export VBNMF_EXPERIMENTS=${VBNMF_EXPERIMENTS:-$CARGO_TARGET_DIR/debug/vbnmf}
[[ -x $VBNMF_EXPERIMENTS ]] || unset VBNMF_EXPERIMENTS
tests=$PWD/crates/python/tests
run_tests() {
    (cd "$work" && "$work/$1/bin/python" -m pytest -q -p no:cacheprovider "${@:2}" \
        -c "$tests/../pyproject.toml" "$tests")
}

python3 -m venv "$work/alone"
"$work/alone/bin/python" "${pip[@]}" install "$work"/wheels/*.whl pytest
run_tests alone -m 'not slow'

python3 -m venv "$work/peers"
"$work/peers/bin/python" "${pip[@]}" install "$work"/wheels/*.whl \
    pytest scikit-learn pandas mir_eval mypy
run_tests peers
(cd "$work" && peers/bin/python -m mypy --strict --ignore-missing-imports -p vbnmf)

"$work/peers/bin/python" "${pip[@]}" install nbclient ipykernel matplotlib
"$work/peers/bin/python" scripts/ci/notebook.py
