"""The run folder: nothing is lost or half written, and a killed run goes on to the same bits."""

import csv
import json
import shutil
import sys

import numpy as np
import pytest

import hw_models
import neurosim as ns
from neurosim import config, files, runs, transfer
from neurosim.rules import DANP
from neurosim.tasks import Arrays, MackeyGlass

TASK = MackeyGlass(steps=60, validation_steps=40)
EPOCHS = 4


def train(folder=None, rule=None, stop=None, task=TASK, **more):
    """A run kept in a folder; `stop` is what happens after the epoch of that number."""

    def epoch(run):
        if folder:
            folder.epoch(run)
        if stop and len(run.epochs) == stop[0]:
            stop[1]()

    begin = folder.begin if folder else None
    chip = hw_models.load("ideal")
    run = ns.train(
        ns.Network(1, 8, 1),
        task,
        rule or DANP(readout_lr=0.005),
        chip,
        epochs=EPOCHS,
        seed=5,
        baselines=False,
        on_epoch=epoch,
        resume=begin,
        **more,
    )
    if folder:
        folder.finish(run)
    return run


def killed():
    raise KeyboardInterrupt


def content(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A folder of an uninterrupted run, and the run."""
    path = tmp_path_factory.mktemp("runs") / "whole"
    return path, train(runs.Folder(path))


def test_the_folder_holds_what_is_promised(whole):
    path, run = whole
    assert {str(name) for name in content(path)} == {
        "experiment.toml", "metrics.csv", "summary.json", "learning_curve.png", "checkpoint/state.npz",
    }  # fmt: skip
    with open(path / "metrics.csv") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3, 4]
    assert [float(row["test_loss"]) for row in rows] == run.metrics["test_loss"]
    summary = json.loads((path / "summary.json").read_text())
    assert summary == json.loads(files.as_json(run.metrics))
    assert (path / "learning_curve.png").read_bytes().startswith(b"\x89PNG")


def test_a_folder_is_read_as_it_was_written(whole):
    path, run = whole
    saved = runs.load(path)
    assert same(saved.state, run.learner.state())
    assert all(np.array_equal(a, b) for a, b in zip(saved.cells, run.learner.weights, strict=True))
    assert saved.plan().experiment == run.experiment
    assert repr(saved) == f"<Saved run of danp on ideal: mackey-glass, 4 epochs, test loss {run.final.test:.4g}, in {path}>"
    assert saved.progress["epochs"] == [list(map(float, epoch)) for epoch in run.epochs]
    assert [matrix.shape for matrix in saved.matrices] == [(8, 8)]


@pytest.mark.parametrize("after", [1, 3])
def test_a_killed_run_goes_on_to_the_same_bits(whole, tmp_path, after):
    path, run = whole
    with pytest.raises(KeyboardInterrupt):
        train(runs.Folder(tmp_path / "run"), stop=(after, killed))
    saved = runs.load(tmp_path / "run")
    assert len(saved.progress["epochs"]) == after
    again = train(runs.Folder(tmp_path / "run", saved=saved))
    assert same(again.learner.state(), run.learner.state())
    assert again.epochs == run.epochs and again.steps == run.steps
    for name in ("metrics.csv", "experiment.toml"):
        assert (tmp_path / "run" / name).read_bytes() == (path / name).read_bytes()


def test_a_run_killed_in_its_first_epoch_goes_on_too(whole, tmp_path):
    folder = runs.Folder(tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        train_begun = folder.begin
        folder.begin = lambda run: (train_begun(run), killed())
        train(folder)
    again = train(runs.Folder(tmp_path / "run", saved=runs.load(tmp_path / "run")))
    assert same(again.learner.state(), whole[1].learner.state())


def test_the_best_state_is_in_the_folder_and_the_run_goes_on_from_its_last(tmp_path):
    wavers = {"rule": DANP(readout_lr=0.1), "keep": "best", "anneal": 1.0}
    path = tmp_path / "whole"
    run = train(runs.Folder(path), **wavers)
    assert 1 < run.kept < EPOCHS
    saved = runs.load(path)
    assert same(saved.state, run.learner.state()) and same(saved.last, run.last) and not same(saved.state, saved.last)
    assert all(np.array_equal(a, b) for a, b in zip(saved.cells, run.learner.weights, strict=True))
    assert saved.final == run.final
    plan = saved.plan()
    assert transfer.loss(transfer.restored(saved, plan), plan.dataset) == run.final.test
    summary = json.loads((path / "summary.json").read_text())
    assert summary["kept_epoch"] == run.kept and summary["final_test_loss"] == run.final.test
    for after in (1, EPOCHS - 1, EPOCHS):
        part = tmp_path / f"stopped after {after}"
        with pytest.raises(KeyboardInterrupt):
            train(runs.Folder(part), stop=(after, killed), **wavers)
        again = train(runs.Folder(part, saved=runs.load(part)), **wavers)
        assert same(again.learner.state(), run.learner.state()) and again.epochs == run.epochs
        assert (part / "metrics.csv").read_bytes() == (path / "metrics.csv").read_bytes()
    train(runs.Folder(path, saved=saved), **wavers)  # nothing is left to do
    assert same(runs.load(path).state, saved.state) and same(runs.load(path).last, saved.last)
    runs.save(run, tmp_path / "again")
    assert same(runs.load(tmp_path / "again").last, saved.last)


def test_an_option_that_came_later_keeps_no_run_from_going_on(whole, tmp_path):
    shutil.copytree(whole[0], tmp_path / "run")
    file = tmp_path / "run" / "experiment.toml"
    before = file.read_text()
    file.write_text(before.replace('keep = "last"\n', ""))
    assert file.read_text() != before
    saved = runs.load(tmp_path / "run")
    assert saved.plan().experiment == whole[1].experiment and saved.final == whole[1].final
    lines = before.replace('name = "ideal"', 'name = "mine"').splitlines()  # a chip of one's own, in no catalogue
    file.write_text("\n".join(line for line in lines if not line.startswith(("step_s", "headroom"))))
    assert "step_s" in before and runs.load(tmp_path / "run").plan().experiment.chip == hw_models.load("ideal")._replace(name="mine")
    file.write_text(before.replace('keep = "last"\n', ""))
    saved = runs.load(tmp_path / "run")
    with pytest.raises(ns.InputError, match=r"train\.keep was 'last' when"):
        saved.plan(given=[("--set train.keep", "train.keep", "best")])


def test_a_write_that_fails_leaves_the_file_of_before(whole, tmp_path, monkeypatch):
    path = tmp_path / "file"
    files.write(path, "before")
    monkeypatch.setattr(files.os, "fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        files.write(path, "after")
    assert path.read_text() == "before"


def test_a_diverged_run_keeps_its_last_good_state(tmp_path, monkeypatch):
    def hopeless():
        monkeypatch.setattr(sys.modules["neurosim.train"], "HOPELESS", 0.0)

    run = train(runs.Folder(tmp_path / "run"), stop=(2, hopeless))
    saved = runs.load(tmp_path / "run")
    assert run.diverged and len(saved.progress["epochs"]) == 2 and same(saved.state, run.learner.state())
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["diverged"] is True


def test_nothing_of_anyones_is_written_over(whole, tmp_path):
    before = content(whole[0])
    for taken in (whole[0], tmp_path):
        (tmp_path / "notes.txt").write_text("mine")
        with pytest.raises(ns.InputError, match="not empty"):
            runs.Folder(taken)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ns.InputError):
        runs.Folder(tmp_path / "file")
    assert content(whole[0]) == before
    (tmp_path / "empty").mkdir()
    runs.Folder(tmp_path / "empty")


def test_folders_are_numbered_where_nobody_chose_one(tmp_path):
    run = train()
    made = []
    for _ in range(3):
        folder = runs.Folder(tmp_path / "run", numbered=True)
        folder.begin(run)
        made.append(folder.path.name)
    assert made == ["run", "run-2", "run-3"]


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ns.InputError, match="--out"):
        runs.Folder(tmp_path / "file" / "run").begin(train())


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda f: (f / "checkpoint" / "state.npz").unlink(), "missing"),
        (lambda f: (f / "checkpoint" / "state.npz").write_bytes(b"PK not a zip"), "damaged"),
        (lambda f: (f / "checkpoint" / "state.npz").write_bytes((f / "checkpoint" / "state.npz").read_bytes()[:500]), "damaged"),
        (lambda f: (f / "checkpoint" / "state.npz").write_bytes(b""), "damaged"),
        (lambda f: (f / "experiment.toml").write_text("[task\n"), "line 1"),
        (lambda f: (f / "experiment.toml").write_text("[train]\nseed = 1\n"), "does not name"),
        (lambda f: (f / "experiment.toml").unlink(), "holds no run"),
    ],
)
def test_a_damaged_folder_is_said(tmp_path, damage, says):
    runs.save(train(), tmp_path / "run")
    damage(tmp_path / "run")
    with pytest.raises(ns.InputError, match=says):
        runs.load(tmp_path / "run")
    with pytest.raises(ns.InputError, match="no folder"):
        runs.load(tmp_path / "none")


def test_a_run_goes_on_only_as_it_began(whole):
    saved = runs.load(whole[0])
    saved.plan(given=[("--rule", "rule.name", "danp"), ("--seed", "train.seed", 5)])
    for path, value in (
        ("train.epochs", 9),
        ("rule.lr", 0.5),
        ("rule.name", "np"),
        ("chip.name", "digital-8bit"),
        ("network.init", "runs/a"),
    ):
        with pytest.raises(ns.InputError, match="began"):
            saved.plan(given=[("--set", path, value)])


def test_a_run_goes_on_though_its_rule_has_another_name_today(uncompiled, tmp_path):
    runs.save(train(rule=ns.rules.DNP_OVER_TIME(samples=2)), tmp_path / "run")
    file = tmp_path / "run" / "experiment.toml"
    text = file.read_text()
    assert 'name = "dnp-over-time"' in text
    file.write_text(text.replace('name = "dnp-over-time"', 'name = "dnp"'))  # as it was called before
    assert runs.load(tmp_path / "run").plan(given=[]).experiment.rule == ns.rules.DNP_OVER_TIME(samples=2)
    with pytest.raises(ns.InputError, match=r"rule\.name was 'dnp-over-time'"):
        runs.load(tmp_path / "run").plan(given=[("--rule", "rule.name", "np-over-time"), ("--set", "rule.decorrelation_lr", 0.0)])


def test_a_run_goes_on_only_with_its_data(whole):
    saved = runs.load(whole[0])
    with pytest.raises(ns.InputError, match=r"data .* have changed"):
        train(runs.Folder(whole[0], saved=saved), task=TASK._replace(horizon=3))


@pytest.mark.parametrize("lacking", [["account"], ["seconds"], ["account", "windows"], ["account", "writes", "hidden to hidden", "hits"]])
def test_a_run_of_an_older_version_is_evaluated_and_not_continued(whole, lacking):
    saved = runs.load(whole[0])
    *path, name = lacking
    table = saved.progress
    for key in path:
        table = table[key]
    del table[name]
    plan = saved.plan()
    assert transfer.loss(transfer.restored(saved, plan), plan.dataset) == whole[1].epochs[-1].test
    with pytest.raises(ns.InputError, match="was left by an older version, which counted less; start a new run, with --init"):
        train(runs.Folder(whole[0], saved=saved))


def test_a_rule_of_ones_own_is_kept_and_imported_only_by_name(tmp_path, own_rule):
    file = tmp_path / "mine.py"
    file.write_text(own_rule)
    table = {
        "rule": {"name": f"{file}:Mine"},
        "chip": {"name": "ideal"},
        "task": {"name": "mackey-glass", "steps": 60, "validation_steps": 40},
    }
    plan = config.plan(config.over(config.SHOWCASE, {**table, "network": {"hidden": 8}}))
    run = ns.Run(plan.experiment, plan.dataset, ns.Simulator(plan.experiment.network))
    runs.save(run, tmp_path / "run")
    assert (tmp_path / "run" / "rule.py").read_text() == own_rule
    saved = runs.load(tmp_path / "run")
    with pytest.raises(ns.InputError, match="not imported unasked"):
        saved.plan()
    named = [("--rule", "rule.name", f"{file}:Mine")]
    assert saved.plan(given=named).experiment == plan.experiment
    moved = tmp_path / "moved.py"
    file.rename(moved)
    assert saved.plan(given=[("--rule", "rule.name", f"{moved}:Mine")]).experiment.rule == plan.experiment.rule
    moved.write_text(own_rule.replace("0.01", "0.02"))
    with pytest.raises(ns.InputError, match="has changed"):
        saved.plan(given=[("--rule", "rule.name", f"{moved}:Mine")])


def test_a_run_on_arrays_is_kept_though_its_data_are_not(tmp_path):
    wave = np.sin(np.arange(400) / 5)
    runs.save(train(task=Arrays(wave[:-1], wave[1:])), tmp_path / "run")
    saved = runs.load(tmp_path / "run")
    assert len(saved.weights) == 3
    with pytest.raises(ns.InputError, match="arrays"):
        saved.plan()


def test_trained_weights_are_carried(whole):
    path, run = whole
    saved = runs.load(path)
    plan = saved.plan()
    final = float(run.epochs[-1].test)
    assert transfer.loss(transfer.restored(saved, plan), plan.dataset) == pytest.approx(final, rel=1e-12)
    programmed = transfer.programmed(saved, plan, plan.experiment.chip, 1)
    assert transfer.loss(programmed, plan.dataset) == pytest.approx(final, rel=1e-5)  # exact cells lose nothing
    assert all(np.array_equal(a, b) for a, b in zip(run.weights, saved.weights, strict=True))
    assert not np.allclose(run.weights[-1], run.learner.weights[-1])  # which are nothing without their matrix
    folded = ns.Simulator(plan.experiment.network, plan.experiment.chip)
    folded.program(saved.weights)
    assert transfer.loss(folded, plan.dataset) == pytest.approx(final, rel=1e-4)


def test_spread_of_drawings():
    found = transfer.spread([1.0, 2.0, 3.0])
    assert (found["mean"], found["std"], found["min"], found["max"]) == (2.0, 1.0, 1.0, 3.0)
    assert transfer.spread([1.0])["std"] == 0.0


def test_json_has_no_number_that_json_does_not_know():
    text = files.as_json({"a": np.float32(np.nan), "b": [np.inf, np.int64(3), (1.5, None)], "c": {"d": -np.inf}, "e": True})
    assert json.loads(text) == {"a": None, "b": [None, 3, [1.5, None]], "c": {"d": None}, "e": True}
