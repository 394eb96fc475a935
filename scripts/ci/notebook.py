#!/usr/bin/env python3
"""Executes docs/results.ipynb from its first cell to its last, and fails where a cell does.

    scripts/ci/notebook.py [FILE]

writes the executed copy to FILE. The committed one has no outputs, which is checked as well. It
takes nbclient, ipykernel, pandas, matplotlib and the package of crates/python.
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).resolve().parents[2] / "docs" / "results.ipynb"


def main() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if any(cell.outputs or cell.execution_count for cell in code):
        sys.exit(f"{NOTEBOOK} has outputs: clear them before it is committed")
    resources = {"metadata": {"path": str(NOTEBOOK.parent)}}
    NotebookClient(notebook, timeout=600, resources=resources).execute()
    if not all(cell.outputs for cell in code if cell.id in {"table1", "fig1", "listen"}):
        sys.exit("a cell that shows something showed nothing")
    if len(sys.argv) > 1:
        nbformat.write(notebook, sys.argv[1])
    print(f"{NOTEBOOK.name}: {len(code)} cells executed")


if __name__ == "__main__":
    main()
