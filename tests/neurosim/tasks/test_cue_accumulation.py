import numpy as np
import pytest

import neurosim as ns
from hw_models.parts import InputError
from neurosim.tasks import PARTS, CueAccumulation, baselines

TASK = CueAccumulation(sequences=400, validation_sequences=20, test_sequences=30)


def populations(series, n=10):
    """Spikes of each population in each step."""
    return series.inputs.reshape(*series.inputs.shape[:2], 4, n).sum(axis=3)


def test_trials_have_the_lengths_of_the_paper_and_count_while_asked():
    dataset = TASK.load(3)
    assert [getattr(dataset, part).inputs.shape for part in PARTS] == [(400, 1700, 40), (20, 1700, 40), (30, 1700, 40)]
    assert dataset.classes and dataset.pooled and dataset.step_s == 1e-3
    train = dataset.train
    assert np.array_equal(train.counted[0], np.arange(1700) >= 1550)
    assert set(np.unique(train.inputs)) == {0.0, 1.0}
    assert set(np.unique(train.targets[train.counted])) == {-0.5, 0.5} and not train.targets.sum(axis=2).any()


def test_the_answer_is_the_side_that_sent_more_cues_and_nothing_else_tells():
    series = TASK.load(3).train
    left, right, asks, always = np.moveaxis(populations(series), 2, 0)
    windows = [slice(150 * k, 150 * k + 100) for k in range(7)]
    sent = np.stack([right[:, w].sum(axis=1) > left[:, w].sum(axis=1) for w in windows], axis=1)
    for k, w in enumerate(windows):  # a cue comes from one side alone
        assert not (right[~sent[:, k], w].any() or left[sent[:, k], w].any())
        assert not (left + right)[:, w.stop : w.stop + 50].any()
    assert np.array_equal(series.targets[:, -1].argmax(axis=1), (sent.sum(axis=1) > 3).astype(int))
    assert not (left + right)[:, 1050:].any() and not asks[:, :1550].any()
    assert abs(series.targets[:, -1, 1].mean()) < 4 * 0.5 / 400**0.5  # four standard errors
    assert abs(sent[series.targets[:, -1, 1] > 0].mean() - majority_share(0.7, 7)) < 0.05
    for spikes, hz in (((left + right)[:, windows[0]], 40.0), (asks[:, 1550:], 40.0), (always, 10.0)):
        count, expected = spikes.sum(), hz * 1e-2 * spikes.size
        assert abs(count - expected) < 4 * expected**0.5


def majority_share(p, n):
    """Mean share of cues from the side that had more, which is the trial's own side or not."""
    from math import comb

    chances = [comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]
    return sum(chance * max(k, n - k) / n for k, chance in enumerate(chances))


def test_a_linear_fit_of_the_present_spikes_is_chance():
    found = baselines(TASK.load(3))
    assert "persistence" not in found
    assert found["mean"]["test"] == pytest.approx(0.25, abs=0.01)
    assert found["linear"]["test"] == pytest.approx(0.25, abs=0.01)


def test_other_steps_are_the_same_times():
    train = CueAccumulation(cues=3, step_s=5e-3, sequences=4).load(0).train
    assert train.inputs.shape == (4, 3 * 30 + 100 + 30, 40)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"cues": 4}, r"CueAccumulation\.cues must be an odd number"),
        ({"rate": 2000.0}, r"CueAccumulation\.rate is 2000 Hz, more than one spike in a step of 0\.001 s; lower it to 1000 Hz"),
        ({"recall": 1e-4}, r"CueAccumulation\.recall is 0\.0001 s, less than a step"),
        ({"likely": 0.3}, r"CueAccumulation\.likely must be"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(InputError, match=message):
        CueAccumulation(**options).load(0)


def test_a_network_with_times_of_its_own_must_share_the_step():
    spiking = ns.Network(40, 3, 2, ns.neurons.LIF(), ns.neurons.LI())
    with pytest.raises(InputError, match=r"cue-accumulation takes 0\.002 s, but one of the chip ideal 0\.001 s"):
        ns.train(spiking, CueAccumulation(step_s=2e-3, sequences=1), ns.rules.ANP())
