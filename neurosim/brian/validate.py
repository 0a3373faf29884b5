"""Run a network in neurosim and in Brian2, learning included, and say how far the two part and whether rounding explains it."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from hw_models.parts import InputError
from neurosim import config, transfer
from neurosim.brian import words
from neurosim.brian.bounds import allowed, arrivals, gains, margins, matrices, outputs, with_one
from neurosim.brian.report import SAME, Case, Difference, Report, Trains, share
from neurosim.brian.script import check_chip, check_learning, check_network, load, script
from neurosim.brian.writer import by_name, populations
from neurosim.experiment import as_learning, rule_name
from neurosim.rules import Gradient
from neurosim.simulator import Simulator
from neurosim.tasks import World
from neurosim.wiring import late

STEPS, LEARNING_STEPS = 1000, 100
JUDGED_STEPS = 20  # steps that count, of which a lesson has so many if the sequence does


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
    there = transfer.in_step(config.chip_from({"name": chip}), e) if chip else e.chip
    check_chip(there)
    check_network(e.network)

    try:
        if isinstance(e.rule, Gradient):
            raise InputError(f"{e.rule.name} is a reference gradient and no rule of synapses.")
        learning = as_learning(e.rule)
        check_learning(learning)
    except InputError as error:
        refusal, learning = str(error), None
    simulator = Simulator(e.network, there, e.settings.seed, learning, dtype="float64")
    simulator.program(weights)
    train, test = plan.dataset.train, plan.dataset.test
    until = max(
        LEARNING_STEPS, int(np.flatnonzero(train.counted[0])[:JUDGED_STEPS].max(initial=0)) + 1
    )  # a task may judge nothing for long
    lesson = (train.inputs[0, :until], train.targets[0, :until], train.counted[0, :until])
    return Case(str(path), simulator, test.inputs[0, :steps].astype(np.float64), lesson, rule_name(e.rule), refusal)


def compare(case: Case, device: str = "numpy") -> Report:
    """Run a case in both simulators."""
    version = load(device).__version__
    simulator = case.simulator
    check_network(simulator.network)
    if words.spikes(simulator.network.neuron):
        report = Report(case, version, device, [], *_spikes(case, device))
    else:
        report = Report(case, version, device, *_rates(case, device))
    return _taught(report) if simulator.learning is not None else report


def _rates(case, device):
    """Recurrent gains, and differences over whole trajectories and, where a gain is above 1, from one common state in every step."""
    simulator = case.simulator
    network, weights, names = simulator.network, matrices(simulator.wires, simulator.weights), populations(simulator.network)
    ours = _recorded(case, ("h", "x"))
    xs = [ours[f"{name}.x"] for name in names[:-1]]

    def differences(held):
        theirs = script(simulator, case.inputs, states=[_before(x) for x in xs] if held else None, title=case.name).run(device)
        limits = allowed(network, weights, {**theirs, **ours}, case.inputs, names, held)
        return {name: _difference(values, theirs[name], limits[name]) for name, values in ours.items()}

    stretch = gains(network, weights)
    return stretch, differences(False), differences(True) if max(stretch) > 1 else {}


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


def _before(x, steps=1):
    """What was sent so many steps before."""
    return np.vstack([np.zeros((steps, x.shape[1])), x])[: len(x)]


class Pass(NamedTuple):
    """What one pass of a hidden layer did in both simulators, (step, neuron) each."""

    x: np.ndarray
    other: np.ndarray  #: spikes of Brian2
    v: np.ndarray  #: membranes
    w: np.ndarray  #: those of Brian2
    raised: np.ndarray | None  #: how far thresholds were raised, in steps of `beta_adaptation`


def _spikes(case, device):
    """Differences of membranes and outputs until the first spike that differs, no single steps, no weights, and the spikes of every layer."""
    simulator, steps = case.simulator, len(case.inputs)
    network, weights, names = simulator.network, matrices(simulator.wires, simulator.weights), populations(simulator.network)
    adaptive = "adaptation" in simulator.recordable
    ours = _recorded(case, ("x", "v", *["adaptation"] * adaptive))
    theirs = script(simulator, case.inputs, title=case.name).run(device)
    layers = {}
    for name in names[:-1]:
        x = ours[f"{name}.x"]
        raised = ours[f"{name}.adaptation"] - x if adaptive else None  # a spike raises its own threshold only afterwards
        layers[name] = {"": Pass(x, _raster(theirs[f"{name}.spike"], x.shape), ours[f"{name}.v"], theirs[f"{name}.v"], raised)}
    sent = [ours[f"{name}.x"] for name in names[:-1]]
    arrived = [arrivals(pairs) for pairs in _pairs(simulator, case.inputs, sent, weights)]
    trajectory, trains = _judged(simulator, layers, arrived)
    until = _until(trains, steps)
    variable = "v" if type(network.readout) in words.SPIKES else "x"
    y, z = ours["readout.x"], theirs[f"readout.{variable}"]
    if variable == "v":
        limit, _ = margins(network.readout, simulator.chip.step_s, *arrived[-1], y)
    else:
        size, fed = arrived[-1]
        limit = outputs(network.readout, fed, size)
    if until:
        trajectory[f"readout.{variable}"] = _difference(y[:until], z[:until], limit[:until])
    return trajectory, {}, {}, SAME, trains


def _raster(spikes, shape):
    """Steps and neurons of spikes as an array of 0 and 1."""
    found = np.zeros(shape)
    found[tuple(spikes)] = 1
    return found


def _pairs(simulator, inputs, sent, weights):
    """What arrives at each layer and at the readout: pairs of sent numbers and weights."""
    network, below = simulator.network, with_one(simulator.network, inputs)
    steps = late(network.wiring, simulator.chip.step_s) + 1
    for k, x in enumerate(sent):
        yield [(below, weights[2 * k]), (_before(x, steps), weights[2 * k + 1])]
        below = with_one(network, x)
    yield [(below, weights[-1])]


def _until(trains, steps):
    """The first step in which any spike differs, or the number of steps."""
    return min((t.first for t in trains.values() if t.first is not None), default=steps)


def _judged(simulator, layers, arrived):
    """Differences of membranes until the first spike that differs, and the spikes, of every pass of every layer.

    A perturbed pass takes what it has in common with the clean one from there, so that one bound, of the larger numbers, holds for both.
    """
    neuron, step_s, trajectory, trains, differs = simulator.network.neuron, simulator.chip.step_s, {}, {}, {}
    for name, passes in layers.items():
        for label, p in passes.items():
            at = np.flatnonzero((p.x != p.other).any(axis=1))
            trains[name + label] = Trains(p.x, p.other, int(at[0]) if len(at) else None, None if len(at) else True, step_s)
    first, steps = _until(trains, None), len(next(iter(trains.values())).ours)
    for k, (name, passes) in enumerate(layers.items()):
        (size, rounding), each = arrived[k], list(passes.values())
        off, threshold = margins(neuron, step_s, size, rounding, _largest([p.v for p in each]), _largest([p.raised for p in each]))
        for label, p in passes.items():
            if first is not None and trains[name + label].first == first and label not in differs:
                differs[label] = name  # what differs above in the same step may follow from it
                at = np.nonzero((p.x != p.other) & (np.arange(steps) == first)[:, None])
                unfired = np.where(p.x[at] > 0, p.w[at], p.v[at])  # the one that did not fire still stands where it was
                limit = neuron.v_threshold + (0.0 if p.raised is None else neuron.beta_adaptation * p.raised[at])
                explained = bool((np.abs(unfired - limit) <= off[at] + threshold[at]).all())
                trains[name + label] = trains[name + label]._replace(explained=explained)
            if first != 0:
                trajectory[f"{name}{label}.v"] = _difference(p.v[:first], p.w[:first], off[:first])
    return trajectory, trains


def _largest(arrays):
    return None if arrays[0] is None else np.max(np.abs(arrays), axis=0)


# ---------------------------------------------------------------- learning


def _taught(report: Report) -> Report:
    """The report with what the two learn, compared until a spike comes in one alone."""
    case, simulator = report.case, report.case.simulator
    weights, shown = simulator.weights, lambda after: by_name(simulator.network, after)
    theirs, after = script(simulator, *case.lesson, title=case.name).run(report.device), _learned(simulator, case.lesson, weights)
    if after is None or not all(np.isfinite(theirs[name]).all() for name in shown(after)):
        return _refused(report, f"{case.rule} diverged within {len(case.lesson[0])} steps.")
    if words.spikes(simulator.network.neuron):
        lesson, taught = _spikes_of(case, theirs)
        report, until = report._replace(lesson=lesson, taught=taught), _until(taught, len(case.lesson[0]))
        if until == 0:
            return _refused(report, "A spike of the first step came in one of the two alone.")
        if until < len(case.lesson[0]):
            case = case._replace(lesson=tuple(part[:until] for part in case.lesson))
            theirs, after = script(simulator, *case.lesson, title=case.name).run(report.device), _learned(simulator, case.lesson, weights)
            report = report._replace(case=case)
    off = {name: float(np.abs(theirs[name] - w).max()) for name, w in shown(after).items()}
    limit = SAME * max(1.0, *(float(np.abs(w).max()) for w in shown(after).values()))
    if max(off.values()) > limit:
        twin = _learned(simulator, case.lesson, [np.nextafter(w, np.inf) for w in weights])
        apart = max(float(np.abs(a - b).max()) for a, b in zip(shown(after).values(), shown(twin).values())) if twin else np.inf
        if apart * len(case.lesson[0]) > limit:  # rounding enters every step
            ends = f"weights that begin one unit in the last place apart end {apart:.1g} apart"
            return _refused(
                report._replace(lesson={}, taught={}), f"{case.rule} stretches rounding here: learned in neurosim alone, {ends}."
            )
    if not any(off.values()) and all(np.array_equal(a, b) for a, b in zip(weights, after or weights, strict=True)):
        return _refused(report, f"{case.rule} changed no weight within {len(case.lesson[0])} steps.")
    return report._replace(learned=off, limit=limit)


def _refused(report, why):
    return report._replace(case=report.case._replace(refusal=why))


def _spikes_of(case, theirs):
    """Membranes and spikes of both passes of a lesson, judged as if weights were as far apart as they may be."""
    simulator, (inputs, targets, counted) = case.simulator, case.lesson
    fresh, weights, shown = _fresh(simulator, simulator.weights), [np.zeros_like(w) for w in simulator.weights], []
    for net in fresh.follow(inputs[None], targets[None], counted[None]):
        weights = [np.maximum(most, np.abs(w)) for most, w in zip(weights, fresh.weights, strict=True)]
        shown.append(
            [(g.out[:, 0].copy(), g.state.v[:, 0].copy(), np.copy(getattr(g.state, "adaptation", g.out)[:, 0])) for g in net.hidden]
        )
    layers = {}
    for k, name in enumerate(populations(simulator.network)[:-1]):
        x, v, b = (np.array([step[k][field] for step in shown]) for field in range(3))  # (step, pass, neuron)
        raised = b - x if "adaptation" in simulator.recordable else None
        layers[name] = {
            label: Pass(
                x[:, q], _raster(theirs[f"{name}.{event}"], x[:, q].shape), v[:, q], theirs[f"{name}.{membrane}"],
                None if raised is None else raised[:, q],
            )
            for q, (label, event, membrane) in enumerate([("", "spike", "v"), (", perturbed", "noisy_spike", "v_noisy")])
        }  # fmt: skip
    sent = [_largest([p.x for p in passes.values()]) for passes in layers.values()]
    full, slack = matrices(simulator.wires, weights), SAME * max(1.0, *(float(w.max(initial=0)) for w in weights))
    arrived = []
    for pairs, given in zip(_pairs(simulator, inputs, sent, full), simulator.perturbations(len(inputs)), strict=True):
        size, rounding = arrivals(pairs)
        arrived.append((size + np.abs(given), rounding + slack * sum(np.abs(x).sum(axis=1, keepdims=True) for x, _ in pairs)))
    return _judged(simulator, layers, arrived)


def _fresh(simulator, weights):
    """A simulator that has learned nothing, with given weights."""
    fresh = Simulator(simulator.network, simulator.chip, simulator.seed, simulator.learning, dtype="float64", plain=simulator.plain)
    fresh.program(weights)
    return fresh


def _learned(simulator, lesson, weights):
    """The weights after a lesson from given ones, as if nothing had been learned before; none if it diverged."""
    fresh = _fresh(simulator, weights)
    return fresh.weights if fresh.learn(*(part[None] for part in lesson)).finite else None


def _difference(ours, theirs, limit) -> Difference:
    """`limit` is (step, neuron), or (step, 1) for the length of a step's differences."""
    off = np.abs(ours - theirs)
    judged = off if limit.shape == off.shape else np.linalg.norm(off, axis=1, keepdims=True)
    tightest = np.argmax(share(judged, limit), axis=1)[:, None]
    pick = lambda values: np.take_along_axis(values, tightest, axis=1)[:, 0]  # noqa: E731
    return Difference(off.max(axis=1), off.mean(axis=1), pick(judged), pick(limit), bool((judged <= limit).all()))
