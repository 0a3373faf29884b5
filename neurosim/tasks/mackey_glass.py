"""Mackey-Glass: a chaotic series to be forecast, or (as in the released code) to be remembered."""

from collections import deque
from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hw_models.parts import InputError, Range, check
from neurosim.tasks import dataset
from neurosim.tasks.dataset import PARTS, Dataset, Series
from neurosim.tasks.streams import generator

_SUBSTEPS = 10
_UNIT = "squared units of tanh(x - 1)"


class MackeyGlass(NamedTuple):
    """Say what the Mackey-Glass series will be some steps ahead, from its present value.

    dx/dt = 0.2 x(t-τ) / (1 + x(t-τ)¹⁰) - 0.1 x(t), ten Euler steps to a step; the series is tanh(x - 1) less its mean over the
    training series. Training, validation and test are series of their own, from different random histories.

    Parameters
    ----------
    steps : int
        Steps of the training and of the test series.
    washout : int
        Steps made and thrown away before each series, so that it has forgotten its random history.
    horizon : int
        How many steps ahead the target lies.
    tau : int
        Delay of the equation; chaotic from about 17.
    validation_steps : int
        Steps of the validation series.
    warmup : int
        Steps in front of each series that are shown but do not count; none in the usual recipe.

    References
    ----------
    Mackey, Glass, Science 197:287 (1977), doi:10.1126/science.267326.
    García Fernández, Keemink, van Gerven, Front. Neurosci. 18:1439155 (2024), doi:10.3389/fnins.2024.1439155.
    """

    name = "mackey-glass"  # no annotation: an attribute of the class, not a field

    steps: Annotated[int, Range("steps", low=1)] = 5000
    washout: Annotated[int, Range("steps", low=0)] = 100
    horizon: Annotated[int, Range("steps", low=1)] = 15
    tau: Annotated[int, Range("steps", low=1)] = 17
    validation_steps: Annotated[int, Range("steps", low=1)] = 2000
    warmup: Annotated[int, Range("steps", low=0)] = 0

    def validate(self) -> None:
        _check_horizon(self)

    def load(self, seed: int) -> Dataset:
        """Three fresh series; "nothing changes" predicts the present value."""
        check(self)
        lengths = dict(zip(PARTS, (self.steps, self.validation_steps, self.steps), strict=True))
        waves = {part: self._wave(length, generator(seed, self.name, part)) for part, length in lengths.items()}
        mean = waves["train"].mean()  # of the training series alone, or validation and test would leak into what is learned
        train, validation, test = (self._pairs(wave - mean) for wave in waves.values())
        return dataset.check(Dataset(train, validation, test, unit=_UNIT))

    def _wave(self, length: int, rng: np.random.Generator) -> NDArray[np.float64]:
        return np.tanh(integrate(self.washout + self.warmup + length + self.horizon, self.tau, rng)[self.washout :] - 1)

    def _pairs(self, wave: NDArray[np.float64]) -> Series:
        past, future = (part.reshape(1, -1, 1) for part in (wave[: -self.horizon], wave[self.horizon :]))
        return Series(past, future, np.arange(past.size)[None] >= self.warmup, past)


class MackeyGlassReversed(NamedTuple):
    """Recall what the Mackey-Glass series was some steps ago: the pairs of the authors' released code.

    There the input lies 15 steps *later* than the target, so that a network remembers where the paper says it forecasts. Much easier
    than `MackeyGlass`, whose series these are; for comparison with figures made that way.

    Parameters
    ----------
    steps : int
        Steps of the training and of the test series.
    washout : int
        Steps made and thrown away before each series.
    horizon : int
        How many steps back the target lies.
    tau : int
        Delay of the equation; chaotic from about 17.
    validation_steps : int
        Steps of the validation series.
    warmup : int
        Steps in front of each series that are shown but do not count; none in the usual recipe, and then the first `horizon` targets,
        which the network never saw, are most of a good loss (ridge readout of 500 neurons: 1.6e-4, with a warm-up of 100 1.2e-6).

    References
    ----------
    Code `jesusgf96/NP_RNNs` of García Fernández, Keemink, van Gerven (2024), doi:10.3389/fnins.2024.1439155.
    """

    name = "mackey-glass-reversed"

    steps: Annotated[int, Range("steps", low=1)] = 5000
    washout: Annotated[int, Range("steps", low=0)] = 100
    horizon: Annotated[int, Range("steps", low=1)] = 15
    tau: Annotated[int, Range("steps", low=1)] = 17
    validation_steps: Annotated[int, Range("steps", low=1)] = 2000
    warmup: Annotated[int, Range("steps", low=0)] = 0

    def validate(self) -> None:
        _check_horizon(self)

    def load(self, seed: int) -> Dataset:
        """The series of `MackeyGlass` with input and target exchanged; "nothing changes" predicts the present value."""
        check(self)
        forecast = MackeyGlass(*self).load(seed)
        train, validation, test = (Series(s.targets, s.inputs, s.counted, s.targets) for s in forecast[:3])
        return Dataset(train, validation, test, unit=_UNIT)


def _check_horizon(task: MackeyGlass | MackeyGlassReversed) -> None:
    if task.horizon > task.steps:
        raise InputError(
            f"{type(task).__name__}.horizon is {task.horizon} steps, longer than the series of {task.steps}; lower it, or raise steps."
        )


def integrate(n: int, tau: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """The first n steps x of the Mackey-Glass equation, from a random history around 1.2."""
    past = deque(
        (1.2 + 0.2 * (rng.random(tau * _SUBSTEPS) - 0.5)).tolist()
    )  # Python floats: twice as fast here as NumPy's (measured), same bits
    x, out = 1.2, np.empty(n)
    for t in range(n):
        for _ in range(_SUBSTEPS):
            delayed = past.popleft()
            past.append(x)
            x = x + (0.2 * delayed / (1 + delayed**10) - 0.1 * x) / _SUBSTEPS
        out[t] = x
    return out
