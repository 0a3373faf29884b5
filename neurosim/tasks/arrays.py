"""A person's own arrays as a task."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw_models.parts import InputError
from neurosim.tasks import dataset
from neurosim.tasks.dataset import Dataset
from neurosim.tasks.split import check_split, spans, stretch


class Arrays:
    """Learn targets from inputs given as arrays, taken as they are (scale them to about 1 beforehand).

    One series is split along time, each later part after a warm-up that does not count; several sequences are split along sequences.

    Parameters
    ----------
    inputs : (step,), (step, input) or (sequence, step, input)
        What the network sees.
    targets : (step,), (step, output), (sequence, step) or (sequence, step, output)
        What it should answer in the same step.
    split : three fractions
        Of the steps or of the sequences, for train, validation and test, in order.
    warmup : int
        Steps before validation and test that are shown but do not count; for one series only.

    Raises
    ------
    InputError
        If an array is not numeric, not finite, or the shapes do not fit.
    """

    name = "arrays"

    def __init__(self, inputs: Any, targets: Any, split: tuple[float, ...] = (0.8, 0.1, 0.1), warmup: int = 100) -> None:
        self.split = check_split(split, "Arrays.split")
        if isinstance(warmup, bool) or not isinstance(warmup, (int, np.integer)) or warmup < 0:
            raise InputError(f"Arrays.warmup must be a whole number at least 0 (steps), got {warmup!r}.")
        self.warmup = warmup
        self.inputs, self.targets = _sequences(_numeric(inputs, "inputs"), _numeric(targets, "targets"))
        dataset.require_finite(self.inputs, "Arrays.inputs")
        dataset.require_finite(self.targets, "Arrays.targets")

    def __repr__(self) -> str:
        return f"Arrays(inputs {self.inputs.shape}, targets {self.targets.shape}, split={self.split}, warmup={self.warmup})"

    def load(self, seed: int) -> Dataset:
        """The three parts; the seed changes nothing."""
        count, steps = self.targets.shape[:2]
        if count == 1:
            parts = spans(self.split, steps, 1, "steps", "Arrays.split")
            train, validation, test = (stretch(part, self.warmup, self.inputs[0], self.targets[0]) for part in parts)
        else:
            parts = spans(self.split, count, 1, "sequences", "Arrays.split")
            train, validation, test = (dataset.all_counted(self.inputs[part].copy(), self.targets[part].copy()) for part in parts)
        return dataset.check(Dataset(train, validation, test))


def _numeric(array: Any, name: str) -> NDArray[np.float64]:
    try:
        found = np.asarray(array)
        if np.iscomplexobj(found):
            raise TypeError
        return np.array(found, dtype=np.float64)  # a copy: later changes to the caller's array must not reach the task
    except (TypeError, ValueError):
        raise InputError(
            f"Arrays.{name} must be an array of real numbers with rows of equal length; convert it with numpy first."
        ) from None


def _sequences(inputs: NDArray, targets: NDArray) -> tuple[NDArray, NDArray]:
    """Both as (sequence, step, column)."""
    shapes = f"inputs {inputs.shape} and targets {targets.shape}"
    inputs_3d = inputs[:, None] if inputs.ndim == 1 else inputs
    targets_3d = targets[..., None] if targets.ndim == inputs_3d.ndim - 1 else targets
    if inputs_3d.ndim == 2:
        inputs_3d, targets_3d = inputs_3d[None], targets_3d[None]
    if inputs_3d.ndim != 3 or targets_3d.ndim != 3:
        raise InputError(
            f"Arrays got {shapes}; inputs must be (step, input) or (sequence, step, input), and targets the same with outputs last."
        )
    if inputs_3d.shape[:2] != targets_3d.shape[:2] or 0 in inputs_3d.shape + targets_3d.shape:
        raise InputError(
            f"Arrays got {shapes}; both need the same number of sequences and steps, none of them 0, so cut or pad one of them."
        )
    return inputs_3d, targets_3d
