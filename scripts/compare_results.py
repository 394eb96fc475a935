#!/usr/bin/env python3
"""Compares a run with a committed one, file by file.

On one machine the two are the same to the byte. Between machines the last digits of FFTs and of elementary functions
may differ, so numbers in CSV files may differ by 1e-6 of their size, and one unit of their last printed digit on top.
Text must be the same. The committed folder says which files are compared.

Usage: compare_results.py REFERENCE RUN
Ends with code 1 when they differ, 2 when there is nothing to compare.
"""

import csv
import sys
from pathlib import Path

RELATIVE = 1e-6


def number(text):
    try:
        return float(text)
    except ValueError:
        return None


def last_digit(text):
    """One unit of the last digit printed: 0.001 for 1.234, 1e-9 for 1.234e-6."""
    mantissa, _, exponent = text.lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    return 10.0 ** (int(exponent or 0) - decimals)


def fields_agree(expected, found):
    if expected == found:
        return True
    a, b = number(expected), number(found)
    return a is not None and b is not None and abs(a - b) <= RELATIVE * abs(a) + last_digit(expected)


def csv_difference(expected, found):
    expected, found = (list(csv.reader(text.splitlines())) for text in (expected, found))
    if len(expected) != len(found):
        return f"{len(found)} lines instead of {len(expected)}"
    for line, (a, b) in enumerate(zip(expected, found), 1):
        if len(a) != len(b) or not all(map(fields_agree, a, b)):
            return f"line {line} is {','.join(b)!r} instead of {','.join(a)!r}"
    return None


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    reference, run = map(Path, sys.argv[1:])
    files = sorted(path for path in reference.glob("*") if path.suffix in (".csv", ".toml"))
    if not files:
        print(f"{reference} holds no results", file=sys.stderr)
        sys.exit(2)
    failed = False
    for path in files:
        other = run / path.name
        if not other.is_file():
            difference = "missing"
        else:
            expected, found = path.read_text(), other.read_text()
            if expected == found:
                print(f"{path.name}: the same bytes")
                continue
            difference = csv_difference(expected, found) if path.suffix == ".csv" else "another text"
        print(f"{path.name}: {difference or 'the same within the tolerance'}")
        failed |= difference is not None
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
