"""The notebooks run from top to bottom as they are, and print what they show. Read as JSON: no Jupyter is needed for that.

``python tests/test_notebooks.py`` runs them and writes what they print into them.
"""

import contextlib
import io
import json
import linecache
import re
from pathlib import Path

import matplotlib
import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parent.parent / "notebooks").glob("*.ipynb"))


def run(notebook):
    """What each cell prints. Its lines are kept where tracebacks look for them, as a notebook does."""
    matplotlib.use("Agg")
    space = {"__name__": "__main__"}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            source, name = "".join(cell["source"]), cell["id"]
            linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(compile(source, name, "exec"), space)
            yield cell, out.getvalue()


def shown(cell):
    return "".join(text for output in cell["outputs"] if output["output_type"] == "stream" for text in output["text"])


def without_lines(text):
    """Line numbers of the package's files move with every edit."""
    return re.sub(r"\.py:\d+", ".py:N", text)


@pytest.mark.slow  # a rule of one's own is compiled in every process
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_prints_what_it_shows(path):
    cells = list(run(json.loads(path.read_text(encoding="utf-8"))))
    assert any(shown(cell) for cell, _ in cells)
    for cell, printed in cells:
        assert without_lines(printed) == without_lines(shown(cell))


if __name__ == "__main__":
    for path in NOTEBOOKS:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        for cell, printed in run(notebook):
            text = printed.splitlines(keepends=True)
            cell["outputs"] = [{"name": "stdout", "output_type": "stream", "text": text}] if text else []
        path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
