"""What README.md gives runs: its test command is that of .ci/run, its rule and its cell keep their contracts, its experiment is one."""

import importlib
import re
import shlex
import tomllib
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import neurosim as ns
from hw_models.testing import check_cell
from neurosim import config
from neurosim.cli import app
from neurosim.experiment import make_learner

ROOT = Path(__file__).resolve().parent.parent


def test_ci_runs_the_readme_test_command():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"<!-- test-command -->\s*```\w*\n(.*?)\n```", readme, flags=re.DOTALL)
    assert len(blocks) == 1, "README.md must mark exactly one code block with <!-- test-command -->"
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert blocks[0].strip() in [line.strip() for line in lines]


def code(heading, language):
    """The one code block under a heading."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    (block,) = re.findall(rf"```{language}\n(.*?)\n```", section, flags=re.DOTALL)
    return block


COMMANDS = [line for line in code("What you can type", "").splitlines() if line.startswith("neurosim train") and "--init" not in line]


@pytest.mark.parametrize("command", COMMANDS)
def test_what_can_be_typed_can_begin(command, tmp_path, monkeypatch):
    """Whatever its rule, chip and options: none of them refuses another. (A series of one's own is one number an hour.)"""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weather.csv").write_text("temperature\n" + "".join(f"{n % 24}\n" for n in range(500)))
    begun = []

    def trained(experiment, dataset, *rest):
        begun.append(make_learner(experiment, dataset))
        raise typer.Exit

    monkeypatch.setattr("neurosim.screen.trained", trained)
    done = CliRunner().invoke(app, shlex.split(command)[1:])
    assert begun and done.exit_code == 0, done.output


def test_the_rule_of_ones_own_learns_where_it_is_said_to(tmp_path, uncompiled):
    (command,) = re.findall(r"`neurosim (train --rule my_rule.py:SignNP.*?)`", (ROOT / "README.md").read_text(encoding="utf-8"))
    (tmp_path / "my_rule.py").write_text(code("A rule of your own", "python"), encoding="utf-8")
    asked = [("--rule", "rule.name", f"{tmp_path}/my_rule.py:SignNP"), ("--chip", "chip.name", command.split("--chip ")[1])]
    table = config.assemble(None, [*asked, config.assignment("network.hidden=6"), config.assignment("task.steps=200")])
    assert config.parts(table)[3].name == "ideal" and command.split()[2] == "my_rule.py:SignNP"
    assert make_learner(config.plan(table).experiment, config.plan(table).dataset)


@pytest.mark.parametrize(("heading", "name"), [("A rule of your own", "SignNP"), ("A cell of your own", "Stepper")])
def test_classes_of_ones_own_keep_their_contracts(heading, name, tmp_path, monkeypatch):
    """From a file, so that what is said of a line can be found."""
    (tmp_path / f"readme_{name.lower()}.py").write_text(code(heading, "python"), encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    cls = getattr(importlib.import_module(f"readme_{name.lower()}"), name)
    if name == "SignNP":
        assert ns.check_rule(cls).local
    else:
        check_cell(cls())


def test_the_experiment_is_one(tmp_path):
    (tmp_path / "experiment.toml").write_text(code("An experiment as a file", "toml"), encoding="utf-8")
    e = config.plan(config.assemble(str(tmp_path / "experiment.toml"))).experiment
    assert (e.task.horizon, e.rule.samples, e.chip.cell.bits, e.chip.tile.read_noise) == (10, 4, 6, 0.01)
    (tmp_path / "my_chip.toml").write_text(code("An experiment as a file", "toml").split("[chip]")[1].replace("name =", "extends ="))
    assert config.chip_from({"name": str(tmp_path / "my_chip.toml")}).tile == e.chip.tile
    assert tomllib.loads(code("An experiment as a file", "toml"))["chip"]["name"] == e.chip.name
