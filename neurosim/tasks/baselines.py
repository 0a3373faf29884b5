"""What a network has to beat: persistence, the mean, a linear fit, a ridge readout of given states."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hw_models.parts import InputError
from neurosim.tasks.dataset import PARTS, Dataset, Series, mean_squared_error

PENALTIES = np.logspace(-10, 2, 25)


def baselines(dataset: Dataset) -> dict[str, dict[str, float]]:
    """Losses of the trivial predictors on train, validation and test, in reported units.

    ``persistence`` (absent where it means nothing) says that nothing changes; ``mean`` gives the mean of the training targets (where
    targets are changes, the mean change); ``linear`` is the least-squares fit of the present inputs and an intercept.

    Parameters
    ----------
    dataset : Dataset
    """
    mean, linear = np.mean(dataset.train.targets[dataset.train.counted], axis=0), _linear(dataset.train)
    found = {}
    if all(series.persistence is not None for series in dataset[:3]):
        found["persistence"] = _losses(dataset, {part: getattr(dataset, part).persistence for part in PARTS})
    found["mean"] = _losses(dataset, {part: np.broadcast_to(mean, getattr(dataset, part).targets.shape) for part in PARTS})
    found["linear"] = _losses(dataset, {part: linear(getattr(dataset, part).inputs) for part in PARTS})
    return found


def ridge(states: Mapping[str, NDArray], dataset: Dataset, penalties: NDArray = PENALTIES) -> tuple[dict[str, float], float]:
    """Losses of the best linear readout of given states, and its penalty, the one with the lowest validation loss.

    W = Σ y xᵀ (Σ x xᵀ + λ s I)⁻¹ over counted training steps, x and y less their means (an intercept without penalty), s the mean
    energy of a state variable, so that λ has no unit. NaN if the states are not finite (a reservoir that blew up).

    Parameters
    ----------
    states : mapping from "train", "validation" and "test" to (sequence, step, neuron)
        What the readout sees; append the inputs to the neurons if it may see those too.
    dataset : Dataset
    penalties : (n,)
        Values of λ to choose from, greater than 0.

    References
    ----------
    Hoerl, Kennard, Technometrics 12:55 (1970), doi:10.1080/00401706.1970.10488634.
    """
    for part in PARTS:
        if part not in states or states[part].ndim != 3 or states[part].shape[:2] != getattr(dataset, part).counted.shape:
            given = states[part].shape if part in states else "nothing"
            wanted = getattr(dataset, part).counted.shape
            raise InputError(f"ridge needs states of shape {(*wanted, 'neurons')} for {part}, got {given}; give one state for each step.")
    if not all(np.isfinite(states[part]).all() for part in PARTS):
        return dict.fromkeys(PARTS, np.nan), np.nan

    x, y = (a[dataset.train.counted].astype(np.float64) for a in (states["train"], dataset.train.targets))
    x_mean, y_mean = x.mean(axis=0), y.mean(axis=0)
    x -= x_mean
    energy, axes = np.linalg.eigh(x.T @ x)  # one factorisation serves every penalty
    energy = np.maximum(energy, 0.0)  # rounding makes the smallest slightly negative
    moment = axes.T @ (x.T @ (y - y_mean))
    scale = energy.mean() or 1.0

    def readout(penalty: float):
        weights = axes @ (moment / (energy + penalty * scale)[:, None])
        return lambda part: (states[part] - x_mean) @ weights + y_mean

    best = min(penalties, key=lambda penalty: mean_squared_error(dataset.validation, readout(penalty)("validation")))
    predict = readout(best)
    return _losses(dataset, {part: predict(part) for part in PARTS}), float(best)


def _losses(dataset: Dataset, predictions: Mapping[str, NDArray]) -> dict[str, float]:
    return {part: float(dataset.loss_unit * mean_squared_error(getattr(dataset, part), predictions[part])) for part in PARTS}


def _linear(train: Series):
    x, y = train.inputs[train.counted], train.targets[train.counted]
    mean, std = x.mean(axis=0), x.std(axis=0)
    std[std == 0] = 1.0  # a constant column adds nothing to the intercept
    # scaled, so that columns in small units are not taken for rounding errors; lstsq shares weight among columns that repeat each other
    weights = np.linalg.lstsq((x - mean) / std, y - y.mean(axis=0))[0]
    return lambda inputs: (inputs - mean) / std @ weights + y.mean(axis=0)
