"""The notebooks run from top to bottom as they are, and print what they show. Read as JSON: no Jupyter is needed for that."""

import contextlib
import io
import json
import linecache
from pathlib import Path

import matplotlib
import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parent.parent / "notebooks").glob("*.ipynb"))


def printed(name, source, space):
    """What a cell prints. Its lines are kept where tracebacks look for them, as a notebook does."""
    linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(source, name, "exec"), space)
    return out.getvalue()


def shown(cell):
    return "".join(text for output in cell["outputs"] if output["output_type"] == "stream" for text in output["text"])


@pytest.mark.slow  # a rule of one's own is compiled in every process
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_prints_what_it_shows(path):
    matplotlib.use("Agg")
    space = {"__name__": "__main__"}
    cells = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    assert any(shown(cell) for cell in cells)
    for cell in cells:
        assert printed(cell["id"], "".join(cell["source"]), space) == shown(cell)
