"""Run a network in neurosim and in Brian2, learning included, and say how far the two part and whether rounding explains it."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from hw_models.parts import InputError
from neurosim import config, transfer
from neurosim.brian import words
from neurosim.brian.bounds import allowed, arrivals, gains, margins, outputs
from neurosim.brian.script import check_chip, check_learning, check_network, load, script
from neurosim.brian.trains import coincidence, van_rossum
from neurosim.brian.writer import populations, projections
from neurosim.rules import Gradient
from neurosim.simulator import Simulator
from neurosim.tasks import World
from neurosim.train import as_learning, rule_name

STEPS, LEARNING_STEPS = 1000, 100
VARIABLES = {"h": "current", "x": "output", "v": "membrane"}
SAME = 1e-9  # the most by which learned weights may differ, relative to the largest if that is above 1


class Case(NamedTuple):
    """What is compared: a network with its weights, computed in float64 without hardware."""

    name: str
    simulator: Simulator  #: with a learning rule, if that can be compared
    inputs: np.ndarray  #: (step, input)
    lesson: tuple[np.ndarray, np.ndarray, np.ndarray]  #: inputs, targets and which steps count
    rule: str
    refusal: str = ""  #: why learning cannot be compared


class Difference(NamedTuple):
    """How far one quantity differs, step by step."""

    largest: np.ndarray  #: (step,)
    mean: np.ndarray  #: (step,)
    judged: np.ndarray  #: (step,) the neuron closest to what is allowed, or the length of all differences
    allowed: np.ndarray  #: (step,) how large that may be by rounding alone
    agrees: bool

    def table(self) -> dict[str, Any]:
        tightest = int(np.argmax(_share(self.judged, self.allowed)))
        return {
            "largest": self.largest.max(), "mean": self.mean.mean(), "tightest_step": tightest, "judged": self.judged[tightest],
            "allowed": self.allowed[tightest], "agrees": self.agrees,
        }  # fmt: skip


class Trains(NamedTuple):
    """The spikes of one population in both simulators."""

    ours: np.ndarray  #: (step, neuron) of 0 and 1
    theirs: np.ndarray
    first: int | None  #: step in which they differ first; none if they are the same, spike for spike
    explained: bool  #: whether the neurons that differ then were closer to their threshold than rounding can move them
    step_s: float

    def table(self) -> dict[str, Any]:
        """How alike they are: means over neurons of the coincidence factor (2 ms) and of van Rossum's distance (10 ms)."""
        ours, theirs, seconds = self.ours, self.theirs, len(self.ours) * self.step_s
        pairs = list(zip(ours.T, theirs.T, strict=True))
        alike = [coincidence(a, b, self.step_s) for a, b in pairs]
        return {
            "spikes": int(ours.sum()), "spikes_brian2": int(theirs.sum()), "equal": self.first is None, "first_difference": self.first,
            "explained": self.explained, "rate_Hz": ours.mean(axis=0).mean() / self.step_s, "rate_brian2_Hz": theirs.mean(axis=0).mean() / self.step_s,
            "coincidence": float(np.nanmean(alike)) if np.isfinite(alike).any() else None,
            "van_rossum": float(np.mean([van_rossum(a, b, self.step_s) for a, b in pairs])), "seconds": seconds,
        }  # fmt: skip

    def said(self, name: str) -> str:
        """A sentence."""
        t = self.table()
        how = "the same, spike for spike" if t["equal"] else f"different from step {self.first} on"
        why = "" if t["equal"] else ", where rounding decides" if self.explained else ", which rounding does not explain"
        alike = "-" if t["coincidence"] is None else f"{t['coincidence']:.3g}"
        return (
            f"Spikes of {name}: {t['spikes']} and {t['spikes_brian2']}, {how}{why}; {t['rate_Hz']:.3g} and {t['rate_brian2_Hz']:.3g} Hz, "
            f"coincidence {alike}, van Rossum distance {t['van_rossum']:.3g}."
        )


class Report(NamedTuple):
    """What came out of a comparison."""

    case: Case
    brian2: str  #: its version
    device: str
    gains: list[float]  #: recurrent gain of each layer
    trajectory: dict[str, Difference]  #: each simulator by itself from the first step on, by ``population.variable``
    steps: dict[str, Difference]  #: Brian2 from our state in every step; only where a recurrent gain is above 1
    learned: dict[str, float]  #: largest difference of learned weights, by ``source_to_target``
    limit: float  #: what that may be
    trains: dict[str, Trains] = {}  #: of populations that send spikes; membranes are then compared until the first that differs

    @property
    def agrees(self) -> bool:
        same = all(d.agrees for d in (self.steps or self.trajectory).values()) and all(t.explained for t in self.trains.values())
        return same and all(off <= self.limit for off in self.learned.values())

    @property
    def judgement(self) -> str:
        """What is judged, in a sentence or a few."""
        if self.trains:
            return "\n".join(trains.said(name) for name, trains in self.trains.items())
        gains = f"Recurrent gain {', '.join(f'{gain:.3g}' for gain in self.gains)}"
        if self.steps:
            return (
                f"{gains}: above 1 rounding alone can part two simulators, so that steps are judged one by one, each from one common state."
            )
        return f"{gains}: at most 1, so that differences add up and no more; whole trajectories are judged."

    @property
    def verdict(self) -> str:
        """What came out, in a sentence."""
        if not self.agrees:
            return "The two disagree by more than rounding explains."
        return f"The two agree: rounding explains all that differs{' and both learn the same' if self.learned else ''}."

    def lines(self) -> list[tuple[str, ...]]:
        """A row for each quantity: what, largest and mean difference, what is judged, what is allowed, verdict."""
        rows = []
        for how, differences in (("", self.trajectory), (", step by step", self.steps)):
            for name, d in differences.items():
                population, _, v = name.partition(".")
                off = d.table()
                judged = (
                    [f"{off['judged']:.2g}", f"{off['allowed']:.2g}", _said(d.agrees)]
                    if how or not self.steps
                    else ["-", "-", "not judged"]
                )
                rows.append((f"{VARIABLES[v]} of {population}{how}", f"{off['largest']:.2g}", f"{off['mean']:.2g}", *judged))
        for name, off in self.learned.items():
            what = f"weights {name} after {len(self.case.lesson[0])} steps of {self.case.rule}"
            rows.append((what, f"{off:.2g}", "", f"{off:.2g}", f"{self.limit:.2g}", _said(off <= self.limit)))
        return rows

    def table(self) -> dict[str, Any]:
        """Plain values, ready for JSON. Where steps are judged, trajectories are not: their verdict is null."""
        case, network = self.case, self.case.simulator.network
        trajectory = {name: d.table() for name, d in self.trajectory.items()}
        if self.steps:
            trajectory = {name: {**d, "judged": None, "allowed": None, "agrees": None} for name, d in trajectory.items()}
        learning = {"rule": case.rule, "steps": len(case.lesson[0]) if self.learned else 0, "largest": self.learned, "allowed": self.limit}
        return {
            "name": case.name, "sizes": [network.inputs, *network.layers, network.outputs], "brian2": self.brian2, "device": self.device,
            "steps": len(case.inputs), "recurrent_gain": self.gains, "trajectory": trajectory, "spikes": {name: t.table() for name, t in self.trains.items()},
            "step_by_step": {name: d.table() for name, d in self.steps.items()}, "learning": {**learning, "not_compared": case.refusal},
            "agrees": self.agrees,
        }  # fmt: skip


def read(path: str, given: Iterable[tuple[str, str, Any]] = (), chip: str | None = None, steps: int = STEPS) -> Case:
    """The case of a run folder, with its trained weights, or of an experiment's TOML file, with its initial ones.

    Parameters
    ----------
    path : str
    given : (what was typed, "part.field", value)
    chip : str, optional
        Compare on this chip instead of the experiment's own; only a chip without hardware effects can be.
    steps : int
        Of the task's test data, or as many as there are.

    Raises
    ------
    InputError
        If the experiment cannot be read, or a part of it cannot be said in Brian2.
    """
    plan, weights = transfer.trained(path, given)
    e, refusal, learning = plan.experiment, "", None
    if isinstance(plan.dataset, World):
        raise InputError(f"{path} acts in an environment ({e.task.name}), which Brian2 has not; a network on a series can be compared.")
    there = config.chip_from({"name": chip}) if chip else e.chip
    check_chip(there)
    check_network(e.network)
    try:
        if isinstance(e.rule, Gradient):
            raise InputError(f"{e.rule.name} is a reference gradient and no rule of synapses.")
        learning = as_learning(e.rule)
        check_learning(learning, e.network)
    except InputError as error:
        refusal, learning = str(error), None
    simulator = Simulator(e.network, there, e.settings.seed, learning, dtype="float64")
    simulator.program(weights)
    train, test = plan.dataset.train, plan.dataset.test
    lesson = (train.inputs[0, :LEARNING_STEPS], train.targets[0, :LEARNING_STEPS], train.counted[0, :LEARNING_STEPS])
    return Case(str(path), simulator, test.inputs[0, :steps].astype(np.float64), lesson, rule_name(e.rule), refusal)


def compare(case: Case, device: str = "numpy") -> Report:
    """Run a case in both simulators."""
    version = load(device).__version__
    simulator = case.simulator
    if words.spikes(simulator.network.neuron):
        trajectory, trains = _spikes(case, device)
        return Report(case, version, device, [], trajectory, {}, {}, SAME, trains)
    network, weights, names = simulator.network, simulator.weights, populations(simulator.network)
    ours = _recorded(case, ("h", "x"))
    xs = [ours[f"{name}.x"] for name in names[:-1]]

    def differences(held):
        theirs = script(simulator, case.inputs, states=[_before(x) for x in xs] if held else None, title=case.name).run(device)
        limits = allowed(network, weights, {**theirs, **ours}, case.inputs, names, held)
        return {name: _difference(values, theirs[name], limits[name]) for name, values in ours.items()}

    stretch = gains(network, weights)
    trajectory = differences(False)
    steps = differences(True) if max(stretch) > 1 else {}
    learned, limit, refusal = _lesson(case, device) if simulator.learning is not None else ({}, SAME, case.refusal)
    return Report(case._replace(refusal=refusal), version, device, stretch, trajectory, steps, learned, limit)


def _recorded(case, variables):
    """What our simulator records of the hidden layers, and the outputs of the readout, by ``population.variable``."""
    simulator, names = case.simulator, populations(case.simulator.network)
    recorded = simulator.run(case.inputs, (*variables, "y"))
    ends = np.cumsum(simulator.network.layers)[:-1]
    ours = {f"{name}.{v}": each for v in variables for name, each in zip(names, np.split(recorded[v], ends, axis=1))}
    ours["readout.x"] = recorded["y"]
    if not all(np.isfinite(values).all() for values in ours.values()):
        raise InputError(f"The activity of {case.name} is not finite within {len(case.inputs)} steps: there is nothing to compare.")
    return ours


def _before(x):
    """What was sent in the step before."""
    return np.vstack([np.zeros_like(x[:1]), x[:-1]])


def _spikes(case, device):
    """Differences of membranes and outputs until the first spike that differs, and the spikes of every layer."""
    simulator, steps = case.simulator, len(case.inputs)
    network, weights, step_s, names = simulator.network, simulator.weights, simulator.chip.step_s, populations(simulator.network)
    adaptive = "adaptation" in simulator.recordable
    ours = _recorded(case, ("x", "v", *["adaptation"] * adaptive))
    theirs = script(simulator, case.inputs, title=case.name).run(device)
    below, found, first, lowest, trajectory, trains = case.inputs, {}, None, "", {}, {}
    for k, name in enumerate(names[:-1]):
        x, v, late = ours[f"{name}.x"], ours[f"{name}.v"], slice(k, k + steps)  # Brian2 is a step later in every layer
        other = np.zeros((steps + len(names), x.shape[1]))
        other[theirs[f"{name}.step"], theirs[f"{name}.neuron"]] = 1
        found[name] = x, other[late], v, theirs[f"{name}.v"][late]
        differ = np.flatnonzero((x != other[late]).any(axis=1))
        if len(differ) and (first is None or differ[0] < first):
            first, lowest = int(differ[0]), name  # what differs above in the same step may follow from it
    until = slice(0, steps if first is None else first)
    for k, name in enumerate(names[:-1]):
        x, other, v, w = found[name]
        b = ours[f"{name}.adaptation"] - x if adaptive else None  # a spike raises its own threshold only afterwards
        pairs = [(below, weights[2 * k]), (_before(x), weights[2 * k + 1])]
        off, threshold = margins(network.neuron, step_s, *arrivals(pairs), v, b)
        differ = np.flatnonzero((x != other).any(axis=1))
        explained = True
        if name == lowest:
            at = np.nonzero((x != other) & (np.arange(steps) == first)[:, None])
            unfired = np.where(x[at] > 0, w[at], v[at])  # the one that did not fire still stands where it was
            limit = network.neuron.v_threshold + (0.0 if b is None else network.neuron.beta_adaptation * b[at])
            explained = bool((np.abs(unfired - limit) <= off[at] + threshold[at]).all())
        trains[name] = Trains(x, other, int(differ[0]) if len(differ) else None, explained, step_s)
        if until.stop:
            trajectory[f"{name}.v"] = _difference(v[until], w[until], off[until])
        below = x
    variable = "v" if type(network.readout) in words.SPIKES else "x"
    y, z = ours["readout.x"], theirs[f"readout.{variable}"][len(names) - 1 :][:steps]
    pairs = [(below, weights[-1])]
    if variable == "v":
        limit, _ = margins(network.readout, step_s, *arrivals(pairs), y)
    else:
        size, fed = arrivals(pairs)
        limit = outputs(network.readout, fed, size)
    if until.stop:
        trajectory[f"readout.{variable}"] = _difference(y[until], z[until], limit[until])
    return trajectory, trains


def _lesson(case, device):
    """Largest differences of the learned weights, what they may be, and why they say nothing if so."""
    simulator, weights = case.simulator, case.simulator.weights
    theirs = script(simulator, *case.lesson, title=case.name).run(device)
    after = _learned(simulator, case.lesson, weights)
    if after is None or not all(np.isfinite(theirs[name]).all() for name in projections(simulator.network)):
        return {}, SAME, f"{case.rule} diverged within {len(case.lesson[0])} steps."
    off = {name: float(np.abs(theirs[name] - w).max()) for name, w in zip(projections(simulator.network), after, strict=True)}
    limit = SAME * max(1.0, *(float(np.abs(w).max()) for w in after))
    if max(off.values()) > limit:
        twin = _learned(simulator, case.lesson, [np.nextafter(w, np.inf) for w in weights])
        apart = max(float(np.abs(a - b).max()) for a, b in zip(after, twin, strict=True)) if twin else np.inf
        if apart * len(case.lesson[0]) > limit:  # rounding enters every step
            ends = f"weights that begin one unit in the last place apart end {apart:.1g} apart"
            return {}, limit, f"{case.rule} stretches rounding here: learned in neurosim alone, {ends}."
    return off, limit, ""


def _learned(simulator, lesson, weights):
    """The weights after a lesson from given ones, as if nothing had been learned before; none if it diverged."""
    fresh = Simulator(simulator.network, simulator.chip, simulator.seed, simulator.learning, dtype="float64", plain=simulator.plain)
    fresh.program(weights)
    return fresh.weights if fresh.learn(*(part[None] for part in lesson)).finite else None


def _said(agrees: bool) -> str:
    return "agrees" if agrees else "DIFFERS"


def _difference(ours, theirs, limit) -> Difference:
    """`limit` is (step, neuron), or (step, 1) for the length of a step's differences."""
    off = np.abs(ours - theirs)
    judged = off if limit.shape == off.shape else np.linalg.norm(off, axis=1, keepdims=True)
    tightest = np.argmax(_share(judged, limit), axis=1)[:, None]
    pick = lambda values: np.take_along_axis(values, tightest, axis=1)[:, 0]  # noqa: E731
    return Difference(off.max(axis=1), off.mean(axis=1), pick(judged), pick(limit), bool((judged <= limit).all()))


def _share(judged, limit):
    """What part of what is allowed is used; nothing of nothing is none."""
    return np.divide(judged, limit, out=np.where(judged > 0, np.inf, 0.0), where=limit > 0)
