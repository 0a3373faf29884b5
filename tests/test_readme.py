"""The test command that README.md gives is the one that .ci/run runs."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_ci_runs_the_readme_test_command():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"<!-- test-command -->\s*```\w*\n(.*?)\n```", readme, flags=re.DOTALL)
    assert len(blocks) == 1, "README.md must mark exactly one code block with <!-- test-command -->"
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert blocks[0].strip() in [line.strip() for line in lines]
