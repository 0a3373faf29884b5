"""A trained network on other devices: restored into its own, or programmed into those of any chip."""

import math

import numpy as np

from neurosim.config import Plan
from neurosim.runs import Saved
from neurosim.simulator import MATRICES, Frozen, Simulator
from neurosim.train import as_learning, make_learner


def restored(saved: Saved, plan: Plan):
    """The run's own learner on its own devices, in the state that was saved."""
    learner = make_learner(plan.experiment)
    learner.restore(saved.state)
    return learner


def programmed(saved: Saved, plan: Plan, chip, seed: int) -> Simulator:
    """A chip drawn from a seed, with the trained weights, and matrices if the rule decorrelated, programmed into its cells."""
    learning = None
    if saved.matrices:
        learning = as_learning(plan.experiment.rule)._replace(rule=Frozen(), readout_rule=Frozen())  # what is only used needs no registers
    simulator = Simulator(plan.experiment.network, chip, seed, learning, dtype=plan.experiment.settings.dtype)
    simulator.program(saved.weights)
    if saved.matrices:
        cell, scale = simulator.parts.decorrelation_cell, simulator._matrix_scale()
        simulator.matrices = [simulator._cells(MATRICES + k, m, cell, scale) for k, m in enumerate(saved.matrices)]
    return simulator


def loss(learner, dataset, part="test") -> float:
    """Loss on one part of the data, in the task's unit; infinite if a number on the way was not finite."""
    series = getattr(dataset, part)
    number = np.dtype(learner.dtype).type
    outcome = learner.evaluate(series.inputs.astype(number), series.targets.astype(number), series.counted)
    counted = series.counted.sum() * series.targets.shape[2]
    return float(outcome.loss.sum() / counted * dataset.loss_unit) if outcome.finite else math.inf


def spread(losses) -> dict:
    """Losses of several drawings with their mean, standard deviation and range."""
    losses = [float(x) for x in losses]
    with np.errstate(invalid="ignore"):
        std = float(np.std(losses, ddof=1)) if len(losses) > 1 else 0.0
        return {"test_loss": losses, "mean": float(np.mean(losses)), "std": std, "min": min(losses), "max": max(losses)}
