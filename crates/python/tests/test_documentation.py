"""Examples of the README and of all docstrings."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import pkgutil
from pathlib import Path

import pytest

import vbnmf
from conftest import REPOSITORY

README = Path(__file__).resolve().parents[1] / "README.md"


def is_there(needed: str) -> bool:
    if needed in ("results", "data"):
        return (REPOSITORY / needed).is_dir()
    return importlib.util.find_spec(needed) is not None


def test_the_readme(monkeypatch):
    if not README.exists():
        pytest.skip("not in the repository")
    monkeypatch.chdir(REPOSITORY)
    blocks, names, missing = README.read_text(encoding="utf-8").split("```python\n"), {}, []
    assert len(blocks) > 5
    runner = doctest.DocTestRunner()
    for number, block in enumerate(blocks[1:]):
        source = block.split("```")[0]
        needed = source.split("# needs: ")[1].split()[0] if "# needs: " in source else None
        if needed and not is_there(needed):
            missing.append(needed)
            continue
        test = doctest.DocTestParser().get_doctest(source, names, f"block {number}", "README", 0)
        test.globs = names
        report = []
        runner.run(test, out=report.append, clear_globs=False)
        assert not runner.failures, "".join(report)


@pytest.mark.parametrize(
    "name", ["vbnmf", *(f"vbnmf.{m.name}" for m in pkgutil.iter_modules(vbnmf.__path__))]
)
def test_docstrings(name):
    module = importlib.import_module(name)
    assert doctest.testmod(module).failed == 0


def test_everything_public_is_documented():
    for name in vbnmf.__all__:
        if name == "__version__":
            continue
        value = getattr(vbnmf, name)
        assert value.__doc__, name
        for attribute, member in vars(value).items():
            public = not attribute.startswith("_") and callable(member)
            assert not public or member.__doc__, f"{name}.{attribute}"
