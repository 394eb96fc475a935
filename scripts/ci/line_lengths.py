#!/usr/bin/env python3
"""Fails when a tracked source line is longer than 100 columns.

rustfmt breaks code but neither comments nor strings, and nothing formats the other files.
Checks .rs, .toml, .sh and .py files. Not checked: fixtures, lock files, and lines that cannot be
broken because of a web address.

Run:  scripts/ci/line_lengths.py [PATH ...]     (files or folders; without any, the repository)
"""

import pathlib
import subprocess
import sys

LIMIT = 100
SUFFIXES = {".rs", ".toml", ".sh", ".py"}
ROOT = pathlib.Path(__file__).parents[2]


def tracked_files(paths):
    """The tracked files below `paths` that are checked; a path that holds none is an error."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--error-unmatch", "--", *paths],
        stdout=subprocess.PIPE,
        text=True,
    )
    if listed.returncode:
        sys.exit(f"git cannot list {' '.join(paths)}")
    for path in map(pathlib.Path, filter(None, listed.stdout.split("\0"))):
        if path.suffix in SUFFIXES and "tests/fixtures" not in path.as_posix() and path.is_file():
            yield path


def main():
    paths = sys.argv[1:] or [str(ROOT)]
    found = 0
    for path in tracked_files(paths):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if len(line) > LIMIT and "://" not in line:
                print(f"{path}:{number}: {len(line)} columns")
                found += 1
    if found:
        sys.exit(f"{found} lines of more than {LIMIT} columns")


if __name__ == "__main__":
    main()
