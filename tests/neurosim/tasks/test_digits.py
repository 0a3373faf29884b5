import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits

import neurosim as ns
from hw_models.parts import InputError
from neurosim.tasks import PARTS, Digits, share_right


def test_every_picture_is_in_one_part_whole_and_with_its_label():
    dataset = Digits().load(5)
    pictures, labels = load_digits(return_X_y=True)
    found = [
        (rows.ravel() * 16.0, answer[-1].argmax())
        for part in PARTS
        for rows, answer in zip(getattr(dataset, part).inputs, getattr(dataset, part).targets, strict=True)
    ]
    as_rows = lambda pairs: sorted((*map(int, picture), int(label)) for picture, label in pairs)  # noqa: E731
    assert as_rows(found) == as_rows(zip(pictures, labels, strict=True))
    assert [len(getattr(dataset, part).inputs) for part in PARTS] == [1258, 180, 359]


def test_only_the_last_row_counts_and_rows_can_be_shown_for_longer():
    train = Digits(repeat=3).load(0).train
    assert train.inputs.shape[1:] == (24, 8)
    assert np.array_equal(train.inputs[:, 0], train.inputs[:, 2])
    assert np.array_equal(train.counted[0], np.arange(24) == 23)
    assert np.array_equal(train.targets.sum(axis=(1, 2)), np.ones(len(train.targets)))


def test_pixels_as_spikes():
    """By rate, a pixel sends as many as it is bright; by latency one, the brighter the sooner: white at once, 1/16 in the last of 16 steps."""
    bright = Digits().load(0).train
    by_rate, by_time = (Digits(repeat=16, code=code).load(0).train for code in ("rate", "latency"))
    shown = [series.inputs.reshape(-1, 8, 16, 8) for series in (by_rate, by_time)]  # picture, row, step, pixel
    counts = shown[0].sum(axis=2)
    assert set(np.unique(by_rate.inputs)) == {0.0, 1.0}
    assert (counts[bright.inputs == 1] == 16).all() and not counts[bright.inputs == 0].any()
    half = counts[bright.inputs == 0.5]
    assert abs(half.mean() - 8) < 4 * 2 / len(half) ** 0.5  # of 16 coins: a standard deviation of 2
    assert np.array_equal(shown[1].sum(axis=2), bright.inputs > 0)
    first = shown[1].argmax(axis=2)
    assert np.array_equal(first[bright.inputs > 0], np.rint((1 - bright.inputs) * 15)[bright.inputs > 0])
    assert np.array_equal(by_rate.targets, by_time.targets)


def test_the_seed_shuffles():
    assert not np.array_equal(Digits().load(0).test.inputs, Digits().load(1).test.inputs)


def test_share_right_counts_counted_steps_alone():
    test = Digits().load(0).test
    assert share_right(test, test.targets) == 1.0
    wrong = test.targets.copy()
    wrong[: len(wrong) // 2, -1] = np.roll(wrong[: len(wrong) // 2, -1], 1, axis=-1)
    wrong[:, 0] = 1.0  # steps that do not count
    assert share_right(test, wrong) == 1 - (len(wrong) // 2) / len(wrong)


def test_without_scikit_learn_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(InputError, match=r'pip install "neurosim-hw\[digits\]"'):
        Digits().load(0)


def test_a_run_says_how_many_answers_are_right():
    run = ns.train(ns.Network(8, 12, 10), Digits(), ns.rules.DANP(), epochs=1, batch=34, seed=1)
    answers = run.learner.evaluate(*[getattr(run.dataset.test, a) for a in ("inputs", "targets", "counted")], record=("y",)).records["y"]
    assert run.metrics["test_accuracy"] == share_right(run.dataset.test, answers)
    assert run.metrics["baselines"]["reservoir"]["test"] < run.metrics["baselines"]["mean"]["test"]
