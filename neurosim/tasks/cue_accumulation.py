"""Cue accumulation: which side sent more cues, asked after a delay, in spikes."""

from typing import Annotated, NamedTuple

import numpy as np

from hw_models.parts import InputError, Range, check
from neurosim.tasks import trials
from neurosim.tasks.dataset import PARTS, Dataset, Series
from neurosim.tasks.streams import generator


class CueAccumulation(NamedTuple):
    """See cues on the left and on the right, wait, and say when asked which side had more of them.

    Four populations of `neurons` send spikes: left, right, the one that asks (in the last `recall` seconds), and one that does nothing
    but fire all the time. A trial has a side of its own at random, from which each cue comes with the probability `likely`; the answer is
    the side that did send more. There are two outputs, left and right, whose targets are 1/2 for the one that is right and -1/2 for the other
    while it is asked for; the answer of a trial is the output that is larger over that time. There is no "nothing changes" baseline;
    chance is one half, a loss of 1/4.

    Parameters
    ----------
    cues : int
        Cues in a trial, an odd number.
    cue : float, s
        For how long a population fires.
    pause : float, s
        From the end of a cue to the next one.
    delay : float, s
        From the last pause to the question; 0.5 to 1.5 s in the papers.
    recall : float, s
        For how long is asked.
    likely : float
        Probability with which a cue comes from the trial's side.
    neurons : int
        Of each population.
    rate : float, Hz
        Of populations that stand for a cue or ask.
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
    Bellec et al. 2020, "A solution to the learning dilemma for recurrent networks of spiking neurons", doi:10.1038/s41467-020-17236-y.
    Frenkel, Indiveri 2022, "ReckOn", doi:10.1109/ISSCC42614.2022.9731734.
    """

    name = "cue-accumulation"

    cues: Annotated[int, Range("cues", low=1)] = 7
    cue: Annotated[float, Range("s", low=0, open_low=True)] = 0.1
    pause: Annotated[float, Range("s", low=0)] = 0.05
    delay: Annotated[float, Range("s", low=0)] = 0.5
    recall: Annotated[float, Range("s", low=0, open_low=True)] = 0.15
    likely: Annotated[float, Range("", low=0.5, high=1.0)] = 0.7
    neurons: Annotated[int, Range("neurons", low=1)] = 10
    rate: Annotated[float, Range("Hz", low=0)] = 40.0
    background: Annotated[float, Range("Hz", low=0)] = 10.0
    step_s: Annotated[float, Range("s", low=0, open_low=True)] = 1e-3
    sequences: Annotated[int, Range("trials", low=1)] = 100
    validation_sequences: Annotated[int, Range("trials", low=1)] = 100
    test_sequences: Annotated[int, Range("trials", low=1)] = 200

    def validate(self) -> None:
        if self.cues % 2 == 0:
            raise InputError(
                f"CueAccumulation.cues must be an odd number, so that one side has more, got {self.cues}; try {self.cues + 1}."
            )
        for name in ("cue", "recall"):
            trials.check_long(getattr(self, name), self.step_s, f"CueAccumulation.{name}")
        for name in ("rate", "background"):
            trials.check_rate(getattr(self, name), self.step_s, f"CueAccumulation.{name}")

    def load(self, seed: int) -> Dataset:
        """Fresh random trials for each part."""
        check(self)
        counts = (self.sequences, self.validation_sequences, self.test_sequences)
        train, validation, test = (self._series(count, generator(seed, self.name, part)) for part, count in zip(PARTS, counts, strict=True))
        return trials.in_parts(train, validation, test, self.step_s)

    def _series(self, count: int, rng: np.random.Generator) -> Series:
        cue, pause, delay, recall = (trials.steps(t, self.step_s) for t in (self.cue, self.pause, self.delay, self.recall))
        side = rng.integers(0, 2, (count, 1))
        from_right = np.where(rng.random((count, self.cues)) < self.likely, side, 1 - side)
        rates = np.zeros((count, self.cues * (cue + pause) + delay + recall, 4))
        for k in range(self.cues):
            start = k * (cue + pause)
            rates[np.arange(count), start : start + cue, from_right[:, k]] = self.rate
        rates[:, -recall:, 2] = self.rate
        rates[:, :, 3] = self.background
        spikes = trials.poisson(rates, self.neurons, self.step_s, rng)
        return trials.answered(spikes, (2 * from_right.sum(axis=1) > self.cues).astype(int), 2, recall)
