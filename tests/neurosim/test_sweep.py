"""Sweeps: which runs they are, what is said of them over seeds, and that nothing done is done again."""

import csv
import json
import math

import pytest
from typer.testing import CliRunner

from hw_models.parts import InputError
from neurosim import plots, sweep
from neurosim.cli import app
from neurosim.sweep import Axis, Point

SMALL = [("test", "network.hidden", 6), ("test", "task.steps", 60), ("test", "task.validation_steps", 40), ("test", "train.epochs", 2)]
SMALL += [("test", "train.baselines", False), ("test", "rule.lr", 1e-6), ("test", "chip.name", "digital-8bit")]


def test_every_combination_has_a_folder_of_its_own(tmp_path):
    axes = [Axis("--rule", "rule.name", ("np", "my/rule.py:Mine")), sweep.axis("rule.lr=0.1,1e-3"), sweep.axis("train.seed=1,2")]
    found = sweep.points(axes, tmp_path)
    assert [list(point.options.values()) for point in found[:3]] == [["np", 0.1, 1], ["np", 0.1, 2], ["np", 0.001, 1]] and len(found) == 8
    assert found[-1].folder == str(tmp_path / "my_rule.py_Mine_lr=0.001_seed=2") and len({point.folder for point in found}) == 8
    assert [point.folder for point in sweep.points([], tmp_path)] == [str(tmp_path / "run")]


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        ([Axis("--rule", "rule.name", ("a/b", "a:b"))], "would share a folder"),
        ([Axis("--rule", "rule.name", ("np",)), Axis("--vary rule.name", "rule.name", ("wp",))], "--rule and --vary rule.name both vary rule.name"),
    ],
)  # fmt: skip
def test_combinations_that_cannot_be_told_apart_are_refused(axes, said, tmp_path):
    with pytest.raises(InputError, match=said):
        sweep.points(axes, tmp_path)


@pytest.mark.parametrize("text", ["rule.lr", "rule.lr=", "=3", "lr=1,2", "rule.lr=1,1.0", "rule.lr=1,,2", "rule.lr=1,2,"])
def test_an_axis_that_is_none_is_refused(text):
    with pytest.raises(InputError, match=r"--vary"):
        sweep.axis(text)


def test_lists_and_tables_are_values_too(tmp_path):
    assert sweep.axis("network.hidden=[10, 5],[5,5],7").values == ([10, 5], [5, 5], 7)
    assert sweep.axis('network.wiring=dense,{kind = "sparse"}').values == ("dense", {"kind": "sparse"})
    axes = [Axis("--rule", "rule.name", ("anp",)), sweep.axis("network.hidden=[6],6"), sweep.axis("train.seed=1")]  # one kernel for both
    found = sweep.run(None, [one for one in SMALL if one[1] != "network.hidden"], axes, tmp_path)
    assert [bool(sweep.final(point, "test")) for point in found] == [True, True]


def ended(seed, test, validation=0.5, diverged=False, **options):
    metrics = {"test_loss": [9.0, test], "validation_loss": [9.0, validation], "diverged": diverged}
    return Point({"chip.name": "ideal", **options, "train.seed": seed}, f"run-{seed}", metrics)


def test_medians_over_seeds_by_hand():
    runs = [ended(1, 0.3, 0.1), ended(2, 0.1, 0.2), ended(3, 0.0, 0.3, diverged=True)]
    (line,) = sweep.summary(runs)
    assert line == ({"chip.name": "ideal"}, 0.2, 0.3, 0.1, None, 3, 1, "")
    two = sweep.summary([*runs, Point({"chip.name": "pcm", "train.seed": 1}, "x", refused="no")])
    assert two[1] == ({"chip.name": "pcm"}, None, None, None, None, 0, 0, "no") and len(two) == 2


def test_a_picture_shows_every_setting_or_the_best_of_many(monkeypatch):
    seen = []
    drawn = plots.over_seeds
    monkeypatch.setattr(plots, "over_seeds", lambda *given: seen.append(given) or drawn(*given))
    refused = Point({"chip.name": "pcm", "train.seed": 1}, "x", refused="no")
    assert sweep.picture([ended(1, 0.3, 0.1), ended(2, 0.0, 0.3, diverged=True), refused]).startswith(b"\x89PNG")
    assert seen[0][0] == {"ideal": [0.3, float("inf")], "pcm": []} and seen[0][2] == "2 seeds and their median"
    many = [ended(1, 2 * k, k, **{"rule.lr": k}) for k in range(sweep.DRAWN + 5, 0, -1)]
    assert sweep.picture(many).startswith(b"\x89PNG")
    assert list(seen[1][0].items())[:2] == [("ideal lr=1", [2]), ("ideal lr=2", [4])] and len(seen[1][0]) == sweep.DRAWN
    assert seen[1][2] == f"one seed each: the {sweep.DRAWN} of {sweep.DRAWN + 5} settings with the lowest validation loss"


def test_what_is_done_is_not_done_again_and_what_was_interrupted_goes_on(tmp_path):
    chips = ("digital-8bit", "digital-16bit")  # one kernel for both
    axes = [Axis("--rule", "rule.name", ("anp", "bptt")), Axis("--chip", "chip.name", chips), sweep.axis("train.seed=1,2")]
    said = []
    first = sweep.run(None, SMALL[:-1], axes, tmp_path / "sweep", 2, said.append)
    assert len(said) == 8 and [bool(point.refused) for point in first] == [False] * 4 + [True] * 4  # bptt knows ideal memory alone
    rows = list(csv.DictReader((tmp_path / "sweep" / "sweep.csv").read_text().splitlines()))
    assert [float(row["test_loss"]) for row in rows[:4]] == [sweep.final(point, "test") for point in first[:4]] and rows[4]["not_run"]
    assert all(math.isfinite(float(row["validation_loss"])) for row in rows if not row["not_run"])

    whole, cut = (tmp_path / "sweep" / f"anp_digital-8bit_seed={seed}" / "summary.json" for seed in (1, 2))
    before, kept = whole.stat().st_mtime_ns, json.loads(cut.read_text())["test_loss"]
    cut.unlink()
    again = sweep.run(None, SMALL[:-1], axes, tmp_path / "sweep")
    assert whole.stat().st_mtime_ns == before and json.loads(cut.read_text())["test_loss"] == kept
    assert [sweep.final(point, "test") for point in again] == [sweep.final(point, "test") for point in first]

    half = tmp_path / "sweep" / "anp_digital-16bit_seed=1"
    (half / "experiment.toml").unlink()
    (half / "summary.json").unlink()
    (half / "learning_curve.png").unlink()  # as it is left by one that was stopped at its very start
    again = sweep.run(None, SMALL[:-1], axes, tmp_path / "sweep")
    assert [sweep.final(point, "test") for point in again] == [sweep.final(point, "test") for point in first]

    other = [given for given in SMALL[:-1] if given[1] != "train.epochs"] + [("test", "train.epochs", 3)]
    with pytest.raises(
        InputError, match=r"holds a run with other options \(train.epochs = 2, and now train.epochs = 3\); give another folder with --out"
    ):
        sweep.run(None, other, axes, tmp_path / "sweep")


def test_a_value_that_nothing_can_be_run_with_is_refused_before_anything_runs(tmp_path):
    axes = [Axis("--rule", "rule.name", ("np", "dnap")), sweep.axis("train.seed=1,2")]
    with pytest.raises(InputError, match='"dnap" is not known; did you mean'):
        sweep.run(None, SMALL, axes, tmp_path / "sweep")
    assert not (tmp_path / "sweep").exists()


def test_a_fault_in_one_does_not_cost_the_others(tmp_path):
    (tmp_path / "bad.py").write_text("from typing import NamedTuple\nfrom hw_models import Nothing\n" + BAD)
    axes = [Axis("--rule", "rule.name", (f"{tmp_path}/bad.py:Bad", "anp"))]
    bad, good = sweep.run(None, [one for one in SMALL if not one[1].startswith("rule.")], axes, tmp_path / "out")
    assert bad.failed and not bad.metrics and sweep.final(good, "test") is not None
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot be written: .*; give another folder with --out"):
        sweep.run(None, SMALL, [], tmp_path / "file" / "out")


BAD = """
class Bad(NamedTuple):
    site = "current"
    needs = ()
    Register = Memory = Nothing
    lr: float = 0.01

    def signal(self, m, own, extra):
        return m, own.xi

    def trace(self, r, pre, a):
        return r

    def change(self, w, r, pre, a, reward):
        return self.lr * pre * a * reward * nowhere
"""


def test_the_command_prints_a_line_for_each_combination(tmp_path):
    args = [x for _, path, value in SMALL if path != "chip.name" for x in ("--set", f"{path}={str(value).lower()}")]
    args += ["--rule", "anp", "--chip", "digital-8bit,digital-16bit", "--seed", "1,2", "--out", str(tmp_path / "s")]
    result = CliRunner().invoke(app, ["sweep", *args])
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["rule.name", "chip.name", "validation", "test", "loss", "range", "runs", "diverged"]
    assert [line.split()[:2] for line in lines[1:3]] == [["anp", "digital-8bit"], ["anp", "digital-16bit"]] and len(lines) == 4
    told = json.loads(CliRunner().invoke(app, ["sweep", *args, "--json"]).stdout)
    assert len(told["runs"]) == 4 and told["medians"][0]["runs"] == 2
    assert (tmp_path / "s" / "sweep.png").read_bytes().startswith(b"\x89PNG")
