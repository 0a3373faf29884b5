"""A trained network on other devices: restored into its own, or programmed into those of any chip, also if another tool trained it."""

import math
import pathlib
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from hw_models.chip import Chip
from hw_models.parts import InputError
from neurosim import config, random, runs
from neurosim.batch import Frozen
from neurosim.config import Plan
from neurosim.experiment import Experiment, as_learning, make_learner
from neurosim.runs import Saved
from neurosim.simulator import Simulator
from neurosim.tasks import World
from neurosim.train import missed

GRAPH = ".nir"  #: how the name of a NIR graph ends


def initial(plan: Plan) -> list[np.ndarray] | None:
    """The weights that an experiment starts from, if not from its seed: those of a run folder or of a NIR graph."""
    if not plan.init:
        return None
    if plan.init.endswith(GRAPH):
        from neurosim import nir  # what reads them is there for some alone

        return nir.named(plan.init, plan.experiment.chip.step_s).weights
    return runs.load(plan.init).weights


def trained(path: str, given: Iterable[tuple[str, str, Any]] = ()) -> tuple[Plan, list[np.ndarray]]:
    """The experiment of a run folder with its trained weights, or of a TOML file with its initial ones."""
    if pathlib.Path(path).is_file():
        plan = config.plan(config.assemble(path, given))
        weights = initial(plan)
        return plan, plan.experiment.network.weights(plan.experiment.settings.seed) if weights is None else weights
    saved = runs.load(path)
    return saved.plan(given=given), saved.weights


def in_step(chip: Chip, experiment: Experiment) -> Chip:
    """Another chip for an experiment: neurons whose numbers are times keep the step that their weights are for."""
    timed = any(hasattr(part, "discrete") for part in (experiment.network.neuron, experiment.network.readout))
    return chip._replace(step_s=experiment.chip.step_s) if timed else chip


def restored(saved: Saved, plan: Plan):
    """The run's own learner on its own devices, in the state that was saved."""
    learner = make_learner(plan.experiment, plan.dataset)
    learner.restore(saved.state)
    return learner


def programmed(saved: Saved, plan: Plan, chip, seed: int) -> Simulator:
    """A chip drawn from a seed, with the trained weights, and matrices if the rule decorrelated, programmed into its cells."""
    learning, chip = None, in_step(chip, plan.experiment)
    if saved.matrices:
        learning = as_learning(plan.experiment.rule)._replace(
            rule=Frozen(), readout_rule=Frozen(), threshold=0.0, verify=False
        )  # what is only used needs no registers
    simulator = Simulator(plan.experiment.network, chip, seed, learning, dtype=plan.experiment.settings.dtype)
    simulator.program(saved.cells, fit=True)
    if saved.matrices:
        cell, scale = simulator.parts.decorrelation_cell, simulator._matrix_scale()
        made = [simulator._cells(random.MATRICES + k, m, cell, scale) for k, m in enumerate(saved.matrices)]
        simulator.matrices = [*made, *simulator.matrices[len(made) :]]  # that of the inputs, if they are not decorrelated, stays empty
    return simulator


def loss(learner, dataset, part="test") -> float:
    """Loss on one part of the data, in the task's unit; infinite if a number on the way was not finite."""
    if isinstance(dataset, World):
        return missed(learner, dataset, part)
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


SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "y": 365.25 * 86400.0}


def times(text: str) -> list[tuple[str, float]]:
    """Moments such as ``1h,1d,30d``: what was written, and seconds, in rising order.

    Raises
    ------
    InputError
        If a piece is not a number with one of the units s, m, h, d, y.
    """
    found = []
    for piece in text.split(","):
        match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdy])", piece.strip())
        if match is None:
            raise InputError(f'--at takes times such as 1h,1d,30d (units s, m, h, d, y), but "{piece.strip()}" is not one.')
        found.append((piece.strip(), float(match[1]) * SECONDS[match[2]]))
    return sorted(found, key=lambda moment: moment[1])


def over_time(learners: Iterable, dataset, later: list[tuple[str, float]]) -> dict:
    """Test losses of several drawings of a chip now and later, there also with global drift compensation."""
    now, plain, compensated = [], {name: [] for name, _ in later}, {name: [] for name, _ in later}
    for learner in learners:
        now.append(loss(learner, dataset))
        if not later:
            continue
        if not isinstance(learner, Simulator):
            raise InputError("--at asks how devices change with time, but this run has none: it is a reference gradient on ideal memory.")
        fresh, scales, passed = learner.strength(), learner.scales.copy(), 0.0
        for name, seconds in later:
            learner.wait(seconds - passed)
            passed, learner.scales[:] = seconds, scales
            plain[name].append(loss(learner, dataset))
            learner.compensate(fresh)
            compensated[name].append(loss(learner, dataset))
    at = [{"after": name, "seconds": s, **spread(plain[name]), "compensated": spread(compensated[name])} for name, s in later]
    return spread(now) | ({"at": at} if later else {})
