import numpy as np
import pytest

from hw_models.parts import InputError
from neurosim.tasks import DelayedMatch, baselines


@pytest.mark.parametrize("stimuli", [2, 3])
def test_the_answer_is_whether_sample_and_test_are_the_same(stimuli):
    dataset = DelayedMatch(stimuli=stimuli, sequences=300).load(1)
    series = dataset.train
    assert series.inputs.shape == (300, 500, 10 * (stimuli + 2)) and dataset.classes and dataset.pooled
    shown = series.inputs.reshape(300, 500, stimuli + 2, 10).sum(axis=3)
    sample, test = (shown[:, span, :stimuli].sum(axis=1) for span in (slice(0, 100), slice(300, 400)))
    assert ((sample > 0).sum(axis=1) == 1).all() and ((test > 0).sum(axis=1) == 1).all()
    assert np.array_equal(sample.argmax(axis=1) == test.argmax(axis=1), series.targets[:, -1, 1] > 0)
    assert not shown[:, 100:300, :stimuli].any() and not shown[:, 400:, :stimuli].any() and not shown[:, :400, stimuli].any()
    assert np.array_equal(series.counted[0], np.arange(500) >= 400)
    for one in (sample.argmax(axis=1), test.argmax(axis=1)):  # neither alone tells: four standard errors
        for k in range(stimuli):
            right = series.targets[one == k, -1, 1]
            assert abs(right.mean()) < 4 * 0.5 / len(right) ** 0.5
    assert abs(shown[:, :, -1].mean() - 0.1) < 4 * (0.1 / shown[:, :, -1].size) ** 0.5


def test_a_linear_fit_of_the_present_spikes_is_chance():
    found = baselines(DelayedMatch(sequences=300).load(1))
    assert found["mean"]["test"] == pytest.approx(0.25, abs=0.01)
    assert found["linear"]["test"] == pytest.approx(0.25, abs=0.01)


def test_options_are_checked():
    with pytest.raises(InputError, match=r"DelayedMatch\.stimuli must be a whole number at least 2"):
        DelayedMatch(stimuli=1).load(0)
    with pytest.raises(InputError, match=r"DelayedMatch\.background is 300 Hz, more than one spike in a step of 0\.005 s"):
        DelayedMatch(background=300.0, step_s=5e-3).load(0)
