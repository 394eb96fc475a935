"""Tables that a study has written."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Study(Mapping[str, Any]):
    """The tables of a study's folder, by the name of their file without ``.csv``.

    A table is a ``pandas.DataFrame`` where pandas is installed, and else a dictionary from columns
    to NumPy arrays. It is read when it is asked for. Empty cells of a column of numbers are NaN.
    """

    folder: Path
    """The folder."""

    def __init__(self, folder: str | os.PathLike[str], *, use_pandas: bool | None = None) -> None:
        self.folder = Path(folder)
        if not self.folder.exists():
            raise FileNotFoundError(f"there is no folder {self.folder}")
        if not self.folder.is_dir():
            raise ValueError(f"{self.folder} is not a folder")
        if not self._files():
            raise ValueError(f"{self.folder} has no tables (.csv): is it the folder of a study?")
        self._use_pandas = use_pandas

    def _files(self) -> dict[str, Path]:
        return {path.stem: path for path in sorted(self.folder.glob("*.csv"))}

    def __getitem__(self, name: str) -> Any:
        files = self._files()
        if name not in files:
            raise KeyError(f"no table {name!r} in {self.folder}: there are {', '.join(files)}")
        if self._use_pandas is not False:
            try:
                import pandas
            except ImportError:
                if self._use_pandas:
                    raise
            else:
                return pandas.read_csv(files[name])
        return _read_columns(files[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._files())

    def __len__(self) -> int:
        return len(self._files())

    def __repr__(self) -> str:
        return f"Study({str(self.folder)!r}: {', '.join(self)})"

    @property
    def config(self) -> str:
        """The text of ``config.toml``: all that the study depends on."""
        return (self.folder / "config.toml").read_text(encoding="utf-8")

    @property
    def manifest(self) -> dict[str, Any]:
        """``manifest.json``: versions, seed, machine and times."""
        manifest: dict[str, Any] = json.loads(
            (self.folder / "manifest.json").read_text(encoding="utf-8")
        )
        return manifest


def read_study(folder: str | os.PathLike[str], *, use_pandas: bool | None = None) -> Study:
    """Opens the folder that ``table1``, ``sweep`` or ``realmix`` has written.

    Parameters
    ----------
    folder
        The folder of a study, such as ``results/table1``.
    use_pandas
        True for data frames, False for dictionaries of arrays; None for data frames where pandas is
        installed.

    Raises
    ------
    ValueError
        For a folder without tables.
    """
    return Study(folder, use_pandas=use_pandas)


def _read_columns(path: Path) -> dict[str, NDArray[Any]]:
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    if not rows:
        return {}
    return {
        name: _convert([row[index] for row in rows[1:]]) for index, name in enumerate(rows[0])
    }


def _convert(cells: list[str]) -> NDArray[Any]:
    """Whole numbers, numbers or text, whichever all cells are."""
    try:
        return np.array([int(cell) for cell in cells], dtype=np.int64)
    except (ValueError, OverflowError):
        pass
    try:
        if any(cells):
            return np.array([float(cell or "nan") for cell in cells])
    except ValueError:
        pass
    return np.array(cells, dtype=object)
