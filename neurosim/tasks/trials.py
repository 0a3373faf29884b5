"""Trials in spikes: populations that fire at random as a plan says, and one answer at the end."""

import numpy as np
from numpy.typing import NDArray

from hw_models.parts import InputError
from neurosim.tasks.dataset import Dataset, Series, check


def steps(seconds: float, step_s: float) -> int:
    """Whole steps of a time."""
    return round(seconds / step_s)


def poisson(rates: NDArray[np.float64], neurons: int, step_s: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Spikes of populations: in each step a neuron sends 1 with the probability rate * step_s, which makes intervals of a Poisson process.

    Parameters
    ----------
    rates : (sequence, step, population), Hz
    neurons : int
        Of each population.
    step_s : float, s
    rng : generator

    Returns
    -------
    (sequence, step, population * neurons) of 0 and 1, population after population.
    """
    chances = np.repeat(rates * step_s, neurons, axis=2)
    return (rng.random(chances.shape) < chances).astype(np.float64)


def check_rate(hz: float, step_s: float, where: str) -> None:
    """Refuse a rate at which more than one spike would fall into a step."""
    if hz * step_s > 1:
        raise InputError(
            f"{where} is {hz:g} Hz, more than one spike in a step of {step_s:g} s; lower it to {1 / step_s:g} Hz or take a shorter step_s."
        )


def check_long(seconds: float, step_s: float, where: str) -> None:
    """Refuse a time that is not a step long."""
    if steps(seconds, step_s) < 1:
        raise InputError(f"{where} is {seconds:g} s, less than a step of {step_s:g} s; make it longer or take a shorter step_s.")


def answered(spikes: NDArray[np.float64], answers: NDArray[np.int_], classes: int, last: int) -> Series:
    """Trials whose answer is wanted in their `last` steps and counts there alone: 1/2 of the output that is right, -1/2 of the others.

    An output of 0 is then no answer at all, and its loss of 1/4 that of chance where there are two classes.
    """
    targets, counted = np.zeros((*spikes.shape[:2], classes)), np.zeros(spikes.shape[:2], bool)
    targets[:, -last:], counted[:, -last:] = (np.eye(classes)[answers] - 0.5)[:, None], True
    return Series(spikes, targets, counted)


def in_parts(train: Series, validation: Series, test: Series, step_s: float) -> Dataset:
    """The data set of such trials."""
    return check(
        Dataset(train, validation, test, unit="squared error of an output of 1/2 or -1/2", classes=True, pooled=True, step_s=step_s)
    )
