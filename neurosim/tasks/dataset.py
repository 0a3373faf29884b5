"""What a task hands over: sequences of inputs and targets for training, validation and test."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hw_models.parts import InputError

PARTS = ("train", "validation", "test")


class Series(NamedTuple):
    """Sequences of equal length, and which of their steps count.

    Parameters
    ----------
    inputs : (sequence, step, input) float64
        What the network sees.
    targets : (sequence, step, output) float64
        What it should answer in the same step.
    counted : (sequence, step) bool
        Steps that count in the loss and in learning signals; warm-up steps do not.
    persistence : (sequence, step, output) float64 or None
        The answer "nothing changes", in the units of the targets; None where that means nothing.
    """

    inputs: NDArray[np.float64]
    targets: NDArray[np.float64]
    counted: NDArray[np.bool_]
    persistence: NDArray[np.float64] | None = None

    def cut(self, n: int) -> "Series":
        """The same steps for n replicas: one long series becomes n equal pieces side by side, the remainder is dropped.

        Several sequences stay as they are, n at a time; their number must be a multiple of n.

        Raises
        ------
        InputError
            If there are fewer steps than pieces, or the sequences do not divide by n.
        """
        count, steps = self.counted.shape
        if n < 1 or n != int(n):
            raise InputError(f"Series.cut takes a whole number of at least 1 sequences, got {n!r}; use a batch of 1 or more.")
        if count > 1:
            if count % n:
                raise InputError(
                    f"{count} sequences cannot be taken {n} at a time; use a batch that divides {count} or change the number of sequences."
                )
            return self
        length = steps // n
        if length == 0:
            raise InputError(f"A series of {steps} steps cannot be cut into {n} pieces; use a batch of at most {steps}.")

        def fold(array: NDArray) -> NDArray:
            return array[0, : n * length].reshape(n, length, *array.shape[2:])

        persistence = None if self.persistence is None else fold(self.persistence)
        return Series(fold(self.inputs), fold(self.targets), fold(self.counted), persistence)


class Dataset(NamedTuple):
    """Three series that share nothing but their origin.

    Parameters
    ----------
    train : Series
        What is learned from; the only part that may set scales, means or other choices of the task.
    validation : Series
        What tuning, schedules and stopping see.
    test : Series
        What is reported at the end.
    loss_unit : float
        The mean squared error of the targets times this is the loss that is reported.
    unit : str
        What the reported loss is measured in, in a few words.
    classes : bool
        Whether outputs stand for classes, the largest one being the answer.
    pooled : bool
        Whether a sequence is answered once, by the mean of its outputs over counted steps, and not in each of them.
    step_s : float, s
        Length of a step, which a network with times of its own must share; 0 if a step has none.
    """

    train: Series
    validation: Series
    test: Series
    loss_unit: float = 1.0
    unit: str = "squared units of the target"
    classes: bool = False
    pooled: bool = False
    step_s: float = 0.0

    def __repr__(self) -> str:
        """Shapes in place of arrays."""
        parts = ", ".join(
            f"{part} {' x '.join(map(str, series.inputs.shape))} -> {series.targets.shape[2]}"
            for part, series in zip(self._fields, self[:3])
        )
        return f"<Dataset (sequence x step x input -> output): {parts}; losses in {self.unit}>"


def all_counted(inputs: NDArray, targets: NDArray, persistence: NDArray | None = None) -> Series:
    """A series without warm-up."""
    return Series(inputs, targets, np.ones(targets.shape[:2], bool), persistence)


def mean_squared_error(series: Series, predictions: NDArray) -> float:
    """Mean over counted steps and outputs of (prediction - target)²; NaN or infinite for a run that diverged.

    Parameters
    ----------
    series : Series
    predictions : (sequence, step, output)
    """
    if predictions.shape != series.targets.shape:
        raise InputError(
            f"predictions have shape {predictions.shape}, but the targets have {series.targets.shape}; give one for each target."
        )
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.mean(np.square(predictions - series.targets, dtype=np.float64)[series.counted]))


def share_right(series: Series, predictions: NDArray, pooled: bool = False) -> float:
    """Share of the counted steps whose largest output is that of the target.

    Parameters
    ----------
    series : Series
    predictions : (sequence, step, output)
    pooled : bool
        Share of sequences instead, outputs and targets being their means over counted steps.
    """
    if pooled:
        predictions, targets = (np.sum(a, axis=1, where=series.counted[..., None]) for a in (predictions, series.targets))
        return float(np.mean((predictions.argmax(axis=-1) == targets.argmax(axis=-1))[series.counted.any(axis=1)]))
    right = predictions.argmax(axis=-1) == series.targets.argmax(axis=-1)
    return float(np.mean(right[series.counted]))


def check(dataset: Dataset) -> Dataset:
    """The data set itself, if its shapes agree, every number is finite and every part has a step that counts.

    Raises
    ------
    InputError
        Naming part, sequence, step and column.
    """
    for part in PARTS:
        series = getattr(dataset, part)
        _check_shapes(series, part)
        for name in ("inputs", "targets", "persistence"):
            array = getattr(series, name)
            if array is not None:
                require_finite(array, f"{part}.{name}")
        if not series.counted.any():
            raise InputError(f"{part}.counted is False for all {series.counted.size} steps; at least one step must count.")
        for name, axis in (("inputs", "input"), ("targets", "output")):
            here, first = getattr(series, name).shape[-1], getattr(dataset.train, name).shape[-1]
            if here != first:
                raise InputError(f"{part}.{name} has {here} {axis} columns, but train has {first}; give all three parts the same columns.")
    if not (np.isfinite(dataset.loss_unit) and dataset.loss_unit > 0):
        raise InputError(
            f"Dataset.loss_unit must be a finite number greater than 0, got {dataset.loss_unit!r}; use 1.0 for the targets' own unit."
        )
    return dataset


def require_finite(array: NDArray, where: str) -> None:
    """Refuse NaN and infinite numbers of a (sequence, step, column) array, naming the first."""
    bad = ~np.isfinite(array)
    if bad.any():
        sequence, step, column = (int(i) for i in np.argwhere(bad)[0])
        raise InputError(
            f"{where} is {array[sequence, step, column]} at sequence {sequence}, step {step}, column {column}; "
            f"every number must be finite ({int(bad.sum())} are not), so fill or remove them."
        )


def _check_shapes(series: Series, part: str) -> None:
    for name in ("inputs", "targets"):
        array = getattr(series, name)
        if array.ndim != 3 or 0 in array.shape:
            raise InputError(f"{part}.{name} has shape {array.shape}, but must be (sequence, step, column), none of them 0; reshape it.")
    steps = series.targets.shape[:2]
    expected = {"inputs": (*steps, series.inputs.shape[-1]), "counted": steps, "persistence": series.targets.shape}
    for name, shape in expected.items():
        array = getattr(series, name)
        if array is not None and array.shape != shape:
            raise InputError(f"{part}.{name} has shape {array.shape}, but with targets of {series.targets.shape} it must have {shape}.")
    if series.counted.dtype != np.bool_:
        raise InputError(f"{part}.counted has type {series.counted.dtype}, but must be bool; use counted.astype(bool).")
