"""Tables of studies, with pandas and without."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import vbnmf
from conftest import REPOSITORY


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "table1.csv").write_text(
        "method,snr_db,mean_db,units,order\nvb_fusion,-6,1.5,3,\nvb_mean,0,-2e-1,4,2\n"
    )
    (tmp_path / "empty.csv").write_text("method,error\na,\n")
    (tmp_path / "config.toml").write_text("seed = 1\n")
    (tmp_path / "manifest.json").write_text('{"seed": 1}')
    return tmp_path


def test_columns_of_numpy(folder):
    study = vbnmf.read_study(folder, use_pandas=False)
    assert list(study) == ["empty", "table1"] and len(study) == 2
    table = study["table1"]
    assert table["method"].tolist() == ["vb_fusion", "vb_mean"]
    assert table["snr_db"].dtype == np.int64 and table["snr_db"].tolist() == [-6, 0]
    assert table["mean_db"].tolist() == [1.5, -0.2]
    assert np.isnan(table["order"][0]) and table["order"][1] == 2.0
    assert study["empty"]["error"].tolist() == [""]
    assert study.config == "seed = 1\n" and study.manifest == {"seed": 1}
    with pytest.raises(KeyError, match="there are empty, table1"):
        study["figure1"]


def test_without_pandas(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert isinstance(vbnmf.read_study(folder)["table1"], dict)
    with pytest.raises(ImportError):
        vbnmf.read_study(folder, use_pandas=True)["table1"]


def test_data_frames(folder):
    pandas = pytest.importorskip("pandas")
    table = vbnmf.read_study(folder)["table1"]
    assert isinstance(table, pandas.DataFrame)
    columns = vbnmf.read_study(folder, use_pandas=False)["table1"]
    assert list(table.columns) == list(columns)
    np.testing.assert_array_equal(table["mean_db"], columns["mean_db"])


#: The table of means of each committed study.
COMMITTED = {
    "table1": "table1",
    "quick": "table1",
    "people": "summary",
    "realmix": "summary",
    "beta_sweep": "summary",
    "init_sweep": "summary",
}


@pytest.mark.parametrize("name", COMMITTED)
@pytest.mark.parametrize("use_pandas", [False, True])
def test_the_committed_studies_are_read(name, use_pandas):
    folder = REPOSITORY / "results" / "reference" / name
    if not folder.is_dir():
        pytest.skip("not in the repository")
    if use_pandas:
        pytest.importorskip("pandas")
    study = vbnmf.read_study(folder, use_pandas=use_pandas)
    assert {COMMITTED[name], "differences"} <= set(study)
    for table in study:
        header = (folder / f"{table}.csv").read_text().splitlines()[0].split(",")
        columns = study[table]
        assert list(columns) == header, table
        assert len({len(columns[column]) for column in header}) == 1, table
        # Numbers are numbers, whatever stands beside them.
        for column in header:
            is_number = column.endswith(("_db", "seconds", "probability", "units", "trials"))
            if is_number and column != "snr_db":
                assert np.asarray(columns[column]).dtype.kind in "if", (table, column)
    means = study[COMMITTED[name]]
    assert {"structured_fusion", "vb_selection"} <= set(means["method"])
    low, mean, high = (
        np.asarray(means[column]) for column in ("ci95_low_db", "mean_db", "ci95_high_db")
    )
    is_known = ~np.isnan(low)
    assert is_known.any() and (low <= mean)[is_known].all() and (mean <= high)[is_known].all()
    assert "seed" in study.config


def test_other_folders(tmp_path):
    with pytest.raises(ValueError, match="is it the folder of a study"):
        vbnmf.read_study(tmp_path)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        vbnmf.read_study(tmp_path / "missing")
