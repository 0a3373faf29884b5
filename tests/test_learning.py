"""The study of learning in small: rules come in the order that the large one finds."""

import importlib
import json
import math
import pathlib
import sys
from concurrent.futures import Future
from types import SimpleNamespace

import numpy as np
import pytest

import hw_models as hw
import neurosim as ns

FOLDER = pathlib.Path(__file__).parent.parent / "benchmarks" / "learning"
MODULES = ("plan", "runs", "tuner", "page", "study")
MEAN = 0.0466  # the loss of whoever always answers the mean


class InTurn:
    """A pool of one."""

    def submit(self, function, *given):
        future = Future()
        future.set_result(function(*given))
        return future


@pytest.fixture(scope="module")
def study():
    sys.path.insert(0, str(FOLDER))
    try:
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in MODULES})
    finally:
        sys.path.remove(str(FOLDER))
        for name in MODULES:
            sys.modules.pop(name, None)


def medians(study, found):
    return {rows[0]["rule"]: study.runs.median(rows) for rows in found}


def test_activity_beats_node_and_node_beats_weight_perturbation(study, tmp_path):
    runs = study.runs.Runs(tmp_path / "small.jsonl", pool=InTurn(), deadline=float("inf"))
    found = study.tuner.study(runs, [("mackey-glass", 100, "ideal", rule) for rule in ("danp", "dnp", "dwp")], tune=False)
    loss = medians(study, found)
    assert loss["danp"] < loss["dnp"] < loss["dwp"] < MEAN, loss


def test_credit_over_time_beats_credit_at_once_and_none_in_a_driven_network(study, tmp_path):
    """The study finds factors of 15 and 8."""
    runs = study.runs.Runs(tmp_path / "driven.jsonl", pool=InTurn(), deadline=float("inf"))
    found = study.tuner.study(
        runs, [("mackey-glass-driven", 100, "ideal", rule) for rule in ("dnp over time", "danp", "readout-only")], tune=False
    )
    loss = medians(study, found)
    assert 3 * loss["dnp over time"] < min(loss["danp"], loss["readout-only"]), loss


def test_every_rule_can_be_drawn(study):
    drawn = {rule for work in study.plan.TASKS.values() for rule, entry in work.rules.items() if not entry.only and entry.times <= 1}
    assert drawn == set(study.page.STYLES)


class Oracle:
    """Runs whose losses are known: the closer a rate is to 1e-4, the better."""

    def __init__(self):
        self.asked = []

    def of(self, asked):
        self.asked += asked
        return [job | {"diverged": False, "validation_loss": [abs(math.log10(job["options"].get("lr", 1) / 1e-4))]} for job in asked]


def test_a_large_network_is_tuned_among_the_best_settings_of_a_smaller_one(study):
    runs = Oracle()
    ranked = study.tuner.ranked(runs, "mackey-glass", "danp", "ideal", 1000)
    sizes = [(job["hidden"], job["epochs"]) for job in runs.asked]
    assert [sizes.count(each) for each in dict.fromkeys(sizes)] == [32, 8 * 2, 4 * 3, 4] and sizes[-1] == (1000, 12)
    assert [job["options"] for job in runs.asked[32 + 16 :: 3]][3] == {}  # what it starts from, though it is far from the best
    assert runs.asked[-1]["options"] == {}
    assert ranked == study.tuner.ranked(Oracle(), "mackey-glass", "danp", "ideal", 500)
    away = [abs(math.log10(options.get("lr", 1) / 1e-4)) for options in ranked]
    assert away == sorted(away)


def test_the_largest_network_tuned_in_full_depends_on_task_and_chip(study):
    for task, chip, full in (("mackey-glass", "ideal", 500), ("mackey-glass", "digital-8bit", 100), ("digits", "ideal", 100)):
        runs = Oracle()
        study.tuner.ranked(runs, task, "danp", chip, 500)
        assert [job["hidden"] for job in runs.asked] == ([500] * 60 if full == 500 else [100] * 60 + [500] * 4)


def test_weights_of_tbptt_are_programmed_into_the_other_chips(study, tmp_path, monkeypatch, uncompiled):
    short = ns.tasks.MackeyGlass(steps=30, validation_steps=15)
    monkeypatch.setitem(study.plan.TASKS, "short", study.plan.Work(lambda: short, 3, "Short", stages=((2, 3, 1),)))
    monkeypatch.setattr(study.tuner, "SEEDS", (42,))
    runs = study.runs.Runs(tmp_path / "short.jsonl", pool=InTurn(), deadline=float("inf"))
    rules, chips = ("tbptt", "eprop", "np"), ("ideal", "reram-es")
    found = study.tuner.study(runs, [("short", 5, chip, rule) for rule in rules for chip in chips], tune=True)
    ideal, there = (next(rows for rows in found if (rows[0]["rule"], rows[0]["chip"]) == ("tbptt", chip)) for chip in chips)
    assert [(rows[0]["rule"], rows[0]["chip"]) for rows in found].count(("eprop", "reram-es")) == 0
    assert there[0]["options"] == ideal[0]["options"] and there[0]["train_loss"] == ideal[0]["train_loss"]
    assert len(there[0]["test_loss"]) == 3 and there[0]["test_loss"] != ideal[0]["test_loss"]

    options = dict(there[0]["options"])
    schedule = {"anneal": options.pop("anneal")} if "anneal" in options else {}
    run = ns.train(ns.Network(1, 5, 1), short, study.plan.RULES["tbptt"].rule(options), epochs=3, seed=42, baselines=False, **schedule)
    chip = ns.Simulator(ns.Network(1, 5, 1), hw.load("reram-es"), 42)
    chip.program(run.learner.weights, fit=True)
    test = run.dataset.test
    assert there[0]["test_loss"][-1] == pytest.approx(
        chip.evaluate(test.inputs, test.targets, test.counted).loss.sum() / test.counted.sum()
    )

    table = study.page.chips(found).splitlines()
    best = next(study.runs.median(rows) for rows in found if (rows[0]["rule"], rows[0]["chip"]) == ("np", "reram-es"))
    learned = f"np | {best:.5f} | {best / study.runs.median(ideal):.2f}"
    assert len(table) == 3
    assert (
        table[2]
        == f"| short | 5 | reram-es | {study.runs.median(ideal):.5f} | {study.runs.median(there):.5f} | - | - | - | - | - | - | - | {learned} |"
    )
    assert study.page.label(there) == "tbptt, programmed" and study.page.choices(found).count("tbptt") == 1

    monkeypatch.setitem(study.plan.RULES, "still", study.plan.Entry(lambda **o: ns.rules.ANP(lr=0.0, readout_lr=0.0), {}, after="tbptt"))
    (rows,) = study.tuner.study(runs, [("short", 5, chip, "still") for chip in chips], tune=True)
    assert rows[0]["options"] == {"tbptt": ideal[0]["options"]}
    # it begins where the other ended, and learns nothing; but reads are noisy
    assert rows[0]["test_loss"] == pytest.approx([there[0]["test_loss"][-1]] * 3, rel=0.1)
    np.testing.assert_array_equal(study.runs.trained(rows[0], None, baselines=False).learner.scales, chip.scales)


def test_an_interval_of_the_median_holds_it_as_often_as_it_says(study):
    """Of 20 values it reaches from the sixth to the fifteenth: it misses with a chance of 2 * sum(comb(20, k), k < 6) / 2**20 = 0.041."""
    assert study.page.middle(np.arange(20.0)[::-1]) == (9.5, 5.0, 14.0)
    samples = np.random.default_rng(0).lognormal(0.0, 1.0, (2000, 20))
    held = np.mean([low <= 1.0 <= high for _, low, high in map(study.page.middle, samples)])
    assert abs(held - (1 - 0.041)) < 4 * (0.041 * 0.959 / 2000) ** 0.5


def test_fresh_seeds_are_held_against_tbptt_seed_by_seed(study):
    def rows(rule, losses, **more):
        job = study.plan.job("mackey-glass", rule, {}, "ideal", 100, 12, 0)
        ends = [
            job | {"seed": seed, "diverged": False, "test_loss": [loss / 2, loss], "validation_loss": [1.0, 2.0]}
            for seed, loss in enumerate(losses)
        ]
        return [row | {"epochs": 2} | more for row in ends]

    found = [
        rows("tbptt", np.arange(1.0, 21)),
        rows("np", 2 * np.arange(1.0, 21)),
        rows("readout-only", [0.5] * 20, baselines={"reservoir": 0.25}),
    ]
    lines = study.page.again(found).splitlines()
    assert (
        lines[2] == "| mackey-glass, N = 100, ideal | tbptt | 10.50000 (6.00000 to 15.00000) | 20.00000 | 5.25000 | 10.00000 | - | - | - |"
    )
    assert (
        lines[3]
        == "| mackey-glass, N = 100, ideal | np | 21.00000 (12.00000 to 30.00000) | 40.00000 | 10.50000 | 20.00000 | 2.00 (2.00 to 2.00) | 0 of 20 | 1.9e-06 |"
    )
    assert "| readout-only | 0.50000 (0.50000 to 0.50000) | 0.50000 |" in lines[4] and lines[4].endswith("| 20 of 20 | 1.9e-06 |")
    assert "| *reservoir* | 0.25000" in lines[5]


def test_what_is_not_part_of_the_study_is_said(study, tmp_path):
    said, runs = [], study.runs.Runs(tmp_path / "none.jsonl")
    places = [
        ("mackey-glass", "reram-es", "eprop"),
        ("mackey-glass", "ideal", "danp, after tbptt"),
        ("delayed-match", "ideal", "wp"),
        ("mackey-glass", "ideal", "dnp over time, 1 sample"),
        ("mackey-glass", "reram-es", "dnp over time, 64 samples"),
    ]
    for task, chip, rule in places:
        study.tuner.study(runs, [(task, 100, chip, rule)], True, say=lambda line, flush: said.append(line))
    assert [line.partition(": left out: ")[2].split()[0] for line in said] == ["references", "begins", "this", "takes", "neurons"]


def test_a_page_that_is_not_there_is_begun(study, tmp_path):
    row = study.plan.job("mackey-glass-small", "danp", {}, "ideal", 32, 3, 42) | {
        "test_loss": [0.5],
        "validation_loss": [0.5],
        "diverged": False,
    }
    rows = [row | {"rule": rule, "seed": seed} for rule in ("danp", "dnp") for seed in study.plan.SEEDS]
    (tmp_path / "new.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    study.page.write(tmp_path / "new")
    text = (tmp_path / "new.md").read_text()
    assert "<!-- untuned mackey-glass-small -->\nForecasting Mackey-Glass" in text and "| danp | 0.50000 (0.50000 to 0.50000) |" in text
    study.page.write(tmp_path / "new")
    assert (tmp_path / "new.md").read_text() == text


def test_what_was_tuned_is_kept_and_not_run_again(study, tmp_path):
    path = tmp_path / "small.jsonl"
    runs = study.runs.Runs(path, pool=InTurn(), deadline=float("inf"))
    found = study.tuner.study(runs, [("mackey-glass-small", 32, "ideal", rule) for rule in ("danp", "dwp")], tune=True)
    loss, kept = medians(study, found), path.read_text()
    assert loss["danp"] < loss["dwp"] < MEAN, loss
    assert len(kept.splitlines()) == 2 * (4 + 5)  # settings on one seed, and the best of them from five
    again = study.tuner.complete(path, tune=True)  # without a pool: whatever had to be run would be too late
    assert medians(study, again) == loss and path.read_text() == kept
