"""Delayed match to sample: whether what is shown after a delay is what was shown before, in spikes."""

from typing import Annotated, NamedTuple

import numpy as np

from hw_models.parts import Range, check
from neurosim.tasks import trials
from neurosim.tasks.dataset import PARTS, Dataset, Series
from neurosim.tasks.streams import generator


class DelayedMatch(NamedTuple):
    """See a sample, wait, see a test, and say when asked whether the two were the same.

    Each of the stimuli is a population of `neurons` that fires while it is shown; one more population asks, for `recall` seconds after
    the test, and another does nothing but fire all the time. One trial in two is a match, and samples are equally likely; neither sample
    nor test alone says anything of the answer. There are two outputs, "different" and "same", whose targets are 1/2 for the one that is
    right and -1/2 for the other while it is asked for; the answer of a trial is the output that is larger over that time. There is no
    "nothing changes" baseline; chance is one half, a loss of 1/4.

    Parameters
    ----------
    stimuli : int
        How many there are to choose from.
    sample : float, s
        For how long the sample is shown, and the test.
    delay : float, s
        Between the two.
    recall : float, s
        For how long is asked.
    neurons : int
        Of each population.
    rate : float, Hz
        Of populations that stand for a stimulus or ask.
    background : float, Hz
        Of the population that always fires.
    step_s : float, s
        Length of a step, the same as chip.step_s.
    sequences : int
        Trials to train on.
    validation_sequences : int
        Trials to validate on.
    test_sequences : int
        Trials to test on.

    References
    ----------
    Miller, Erickson, Desimone 1996, "Neural mechanisms of visual working memory in prefrontal cortex of the macaque",
    doi:10.1523/JNEUROSCI.16-16-05154.1996.
    """

    name = "delayed-match"

    stimuli: Annotated[int, Range("stimuli", low=2)] = 2
    sample: Annotated[float, Range("s", low=0, open_low=True)] = 0.1
    delay: Annotated[float, Range("s", low=0)] = 0.2
    recall: Annotated[float, Range("s", low=0, open_low=True)] = 0.1
    neurons: Annotated[int, Range("neurons", low=1)] = 10
    rate: Annotated[float, Range("Hz", low=0)] = 40.0
    background: Annotated[float, Range("Hz", low=0)] = 10.0
    step_s: Annotated[float, Range("s", low=0, open_low=True)] = 1e-3
    sequences: Annotated[int, Range("trials", low=1)] = 100
    validation_sequences: Annotated[int, Range("trials", low=1)] = 100
    test_sequences: Annotated[int, Range("trials", low=1)] = 200

    def validate(self) -> None:
        for name in ("sample", "recall"):
            trials.check_long(getattr(self, name), self.step_s, f"DelayedMatch.{name}")
        for name in ("rate", "background"):
            trials.check_rate(getattr(self, name), self.step_s, f"DelayedMatch.{name}")

    def load(self, seed: int) -> Dataset:
        """Fresh random trials for each part."""
        check(self)
        counts = (self.sequences, self.validation_sequences, self.test_sequences)
        train, validation, test = (self._series(count, generator(seed, self.name, part)) for part, count in zip(PARTS, counts, strict=True))
        return trials.in_parts(train, validation, test, self.step_s)

    def _series(self, count: int, rng: np.random.Generator) -> Series:
        sample, delay, recall = (trials.steps(t, self.step_s) for t in (self.sample, self.delay, self.recall))
        first, same = rng.integers(0, self.stimuli, count), rng.integers(0, 2, count)
        second = np.where(same == 1, first, (first + rng.integers(1, self.stimuli, count)) % self.stimuli)
        rates = np.zeros((count, 2 * sample + delay + recall, self.stimuli + 2))
        each = np.arange(count)
        rates[each, :sample, first] = self.rate
        rates[each, sample + delay : -recall, second] = self.rate
        rates[:, -recall:, self.stimuli] = self.rate
        rates[:, :, -1] = self.background
        return trials.answered(trials.poisson(rates, self.neurons, self.step_s, rng), same, 2, recall)
