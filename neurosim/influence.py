"""What the update of a synapse depends on, found by experiment: change one thing around it, and see whether it learns the same bits.

The functions that do the learning in every run, `listen` and `sweep`, are called as plain Python on a small network in the middle of a
run, once as things are and once for each change. So this also finds what no reading of a rule's source would, such as a global that one
synapse writes and another one reads.
"""

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from hw_models.chip import Chip
from hw_models.noise import Gaussian
from hw_models.parts import InputError
from neurosim import loop
from neurosim.batch import Batch
from neurosim.bptt import GradientLearner
from neurosim.network import Network
from neurosim.rules import Gradient, Learning
from neurosim.simulator import Simulator

SIZES = Network(3, (4, 3), 2)
STEPS, REPLICAS = 3, 2
CHIP = Chip(noise=Gaussian(0.1))


class Synapse(NamedTuple):
    """Which synapse is watched, in the first replica."""

    k: int  #: its projection
    pre: int
    post: int


class Influence(NamedTuple):
    """One thing that was changed, in how many experiments, and in how many of them the synapse learned something else."""

    thing: str
    tried: int
    changed: int


def influences(learning: Learning, seed: int = 0) -> tuple[list[Influence], bool]:
    """Change everything around a synapse, one after the other: first what a rule may know, then what it may not.

    Returns
    -------
    found : list of Influence
        Of `KNOWN` and then of `FOREIGN`.
    asks : bool
        Whether any of these synapses was ever asked for a change.

    Raises
    ------
    InputError
        If a synapse asks for no finite number, or it or its neuron keeps none: nothing could be told from that.
    """
    rng, course = np.random.default_rng(seed), _course(learning, seed)
    usual, found, synapses = _learned(copy.deepcopy(course)), [], _watched(course)
    for synapse in synapses:
        if not np.isfinite(_held(usual, synapse, True)).all():
            raise InputError(
                f"{learning.name} does not stay finite: in a small network of ordinary numbers the change that it asks for, or what it keeps, is not a number or "
                "infinite; look for a division by what can be 0, a root, or a logarithm."
            )
    asks = any(_asked(usual, synapse) != 0 for synapse in synapses)
    for thing, change in {**KNOWN, **FOREIGN}.items():
        changed = 0
        for synapse in synapses:
            after = copy.deepcopy(course)
            change(after, synapse, rng)
            alone = change is not _other_replicas  # replicas share the weights: what one asks for is added to the rest
            changed += not np.array_equal(_held(usual, synapse, alone), _held(_learned(after), synapse, alone), equal_nan=True)
            asks = asks or _asked(after, synapse) != 0
        found.append(Influence(thing, len(synapses), changed))
    return found, asks


# ---------------------------------------------------------------- the experiment


def _course(learning, seed) -> loop.Course:
    """The middle of a plain run: a few steps have been taken, and of the last one nobody has heard yet."""
    rng = np.random.default_rng(seed)
    inputs, targets = (rng.standard_normal((REPLICAS, STEPS, width)) for width in (SIZES.inputs, SIZES.outputs))
    if learning.by_layer:
        learning = learning._replace(passes=(False, *(True,) * (len(SIZES.layers) + 1)))
    learning = learning._replace(at_once=False)  # what is asked for stays apart from the weights
    one = Simulator(SIZES, CHIP, seed, learning, dtype="float64", plain=True)
    counted = np.ones((REPLICAS, STEPS), bool)
    course = Batch(one, inputs, targets, counted, {}, 1, 0, one.clock, learning).course
    course.span[1] = STEPS
    loop.sequence(course)
    plan, scratch = course.plan, course.scratch
    if plan.folds:  # neurons hear the rewards, and synapses that it is time
        scratch.heard[:], scratch.reward[:], scratch.arrived[:] = rng.standard_normal(scratch.heard.shape), 1.0, 1.0
    else:
        scratch.reward[:], scratch.arrived[:] = rng.standard_normal(scratch.reward.shape), plan.share
    return course


def _watched(course) -> list[Synapse]:
    """One synapse of each projection."""
    shapes = [p.planes[0].shape for p in course.net.projections]
    return [Synapse(k, k % pre, (k + 1) % post) for k, (pre, post) in enumerate(shapes)]


@np.errstate(all="ignore")
def _learned(c: loop.Course) -> loop.Course:
    """The same after every neuron has listened and every synapse has learned."""
    net = c.net
    for group in (*net.hidden, net.readout):
        loop.listen(c.parts.readout_rule if group is net.readout else c.parts.rule, c.plan, group, c.plan.sigma, c.one)
    for k, p in enumerate(net.projections):
        group = _group(c, k)
        p.z_before[:] = p.z[0]
        loop.sweep(
            c.parts, c.parts.readout_rule if group is net.readout else c.parts.rule, c.plan, p, loop.WRITE, 0, group.a, c.scratch.reward, c.scratch.arrived,
            c.first, c.key, int(c.clock[0]) + 1, c.one, c.scratch, c.record.counts, c.one,
        )  # fmt: skip
    return c


def _asked(course: loop.Course, synapse: Synapse) -> float:
    """What a synapse asks for, all replicas together."""
    return course.net.projections[synapse.k].waiting[synapse.pre, synapse.post]


def _held(course: loop.Course, synapse: Synapse, alone: bool) -> np.ndarray:
    """What a synapse asks for, and what it and its neuron hold."""
    p, group, lanes = course.net.projections[synapse.k], _group(course, synapse.k), range(course.plan.lanes)
    place = synapse.pre, synapse.post
    asked = [_asked(course, synapse)] if alone else []
    signals = [group.a[lane, synapse.post] for lane in lanes if course.parts.rule.site == "current"]
    registers = [array[lane][place] for array in p.registers for lane in lanes]
    return np.array([*asked, *registers, *signals, *[array[0, synapse.post] for array in group.memory]], np.float64)


def _group(course, k) -> loop.Group:
    return (*course.net.hidden, course.net.readout)[k // 2]


def _scramble(array, rng, keep=None) -> None:
    """New numbers everywhere but in one place."""
    old = None if keep is None else np.array(array[keep])
    array[...] = rng.standard_normal(array.shape)
    if keep is not None:
        array[keep] = old


def _of_neuron(field: str) -> Callable[..., None]:
    def change(c, synapse, rng):
        value = getattr(_group(c, synapse.k), field)
        for array in value if isinstance(value, tuple) else (value,):
            place = (..., 0, synapse.post)
            array[place] = rng.standard_normal(np.shape(array[place]))

    return change


def _of_others(field: str) -> Callable[..., None]:
    """That of all other neurons of the layer, in the same replica, and of all neurons of other layers."""

    def change(c, synapse, rng):
        mine = _group(c, synapse.k)
        for group in (*c.net.hidden, c.net.readout):
            value = getattr(group, field)
            for array in value if isinstance(value, tuple) else (value,):
                _scramble(array[..., 0, :], rng, (..., synapse.post) if group is mine else None)

    return change


def _own_weight(c, synapse, rng):
    for plane in c.net.projections[synapse.k].planes:
        plane[synapse.pre, synapse.post] = rng.standard_normal()


def _own_register(c, synapse, rng):
    for array in c.net.projections[synapse.k].registers:
        array[: c.plan.lanes, synapse.pre, synapse.post] = rng.standard_normal()


def _own_input(c, synapse, rng):
    c.net.projections[synapse.k].z[0, 0, synapse.pre] = rng.standard_normal()


def _energy(c, synapse, rng):
    _group(c, synapse.k).energy[0] = rng.random()


def _reward(c, synapse, rng):
    array = c.scratch.heard if c.plan.folds else c.scratch.reward
    array[...] = rng.standard_normal(array.shape)


def _other_weights(c, synapse, rng):
    for k, p in enumerate(c.net.projections):
        for plane in p.planes:
            _scramble(plane, rng, (synapse.pre, synapse.post) if k == synapse.k else None)


def _other_registers(c, synapse, rng):
    for k, p in enumerate(c.net.projections):
        for array in p.registers:
            for lane in range(c.plan.lanes):
                _scramble(array[lane], rng, (synapse.pre, synapse.post) if k == synapse.k else None)


def _other_inputs(c, synapse, rng):
    for k, p in enumerate(c.net.projections):
        _scramble(p.z[:, 0], rng, (slice(None), synapse.pre) if k == synapse.k else None)


def _other_replicas(c, synapse, rng):
    """Everything that is not the first replica's: activity, noise, memories, registers, inputs, rewards."""
    for group in (*c.net.hidden, c.net.readout):
        for array in (group.activity, group.xi, group.out):
            _scramble(array[:, 1:], rng)
        for array in group.memory:
            _scramble(array[1:], rng)
        group.energy[1:] = rng.random(len(group.energy) - 1)
    for p in c.net.projections:
        _scramble(p.z[:, 1:], rng)
        for array in p.registers:
            _scramble(array[c.plan.lanes :], rng)
    _scramble(c.scratch.reward[c.plan.lanes :], rng)
    _scramble(c.scratch.heard[:, 1:], rng)


#: What a rule may know: by these the update should change, if the rule uses them.
KNOWN: dict[str, Callable[..., Any]] = {
    "the broadcast": _reward,
    "its own weight": _own_weight,
    "its own register": _own_register,
    "its presynaptic neuron": _own_input,
    "its neuron's activity": _of_neuron("activity"),
    "its neuron's noise": _of_neuron("xi"),
    "its neuron's output": _of_neuron("out"),
    "its neuron's memory": _of_neuron("memory"),
    "its neuron's input energy": _energy,
}
#: What no rule may use without saying so, with the need that says it.
FOREIGN: dict[str, Callable[..., Any]] = {
    "other synapses' weights": _other_weights,
    "other synapses' registers": _other_registers,
    "other synapses' inputs": _other_inputs,
    "other neurons' activity": _of_others("activity"),
    "other neurons' noise": _of_others("xi"),
    "other neurons' outputs": _of_others("out"),
    "other neurons' memories": _of_others("memory"),
    "other replicas": _other_replicas,
}
SAID_BY = {"other neurons' activity": "layer_energy"}


# ---------------------------------------------------------------- the same for reference gradients


class Difference(NamedTuple):
    """What a weight was changed by, and what by after something changed that it could not know."""

    need: str
    before: float
    after: float


def differences(rule: Gradient) -> list[Difference]:
    """Three experiments on a weight from an input, in each of which its own input, its neuron's activity and the loss stay as they were.

    ``error``: the targets are mirrored about the outputs. ``transpose``: the readout has other weights, and targets as far from its outputs
    as before. ``history``: the weight's input is silent after the first step, no neuron feeds itself, and the last step alone counts, whose
    targets are mirrored.
    """
    steps = min(rule.k, 4) if rule.method == "tbptt" else 4
    rule, network, rng = rule._replace(optimizer="sgd", lr=1.0, k=steps), Network(2, 4, 2), np.random.default_rng(0)
    inputs, targets = (rng.standard_normal((1, steps, 2)) for _ in range(2))
    every, last = np.ones((1, steps), bool), np.arange(1, steps + 1) == np.full((1, 1), steps)
    below, recurrent, above = network.weights(1)

    def outputs(weights, inputs):
        return _learner(network, rule, weights).run(inputs)["y"]

    def update(weights, inputs, targets, counted):
        learner, k = _learner(network, rule, weights), 0 if rule.learns == "all" else -1
        learner.learn(inputs, targets, counted)
        return float(learner.weights[k][0, 0] - weights[k][0, 0])

    weights, y = [below, recurrent, above], outputs([below, recurrent, above], inputs)
    others = [below, recurrent, rng.standard_normal(above.shape)]
    once = inputs.copy()
    once[:, 1:, 0] = 0.0
    apart = [below, recurrent - np.diag(np.diag(recurrent)), above]
    mirrored = 2 * outputs(apart, once) - targets
    pairs = {
        "error": (update(weights, inputs, targets, every), update(weights, inputs, 2 * y - targets, every)),
        "transpose": (update(weights, inputs, targets, every), update(others, inputs, outputs(others, inputs) - (y - targets), every)),
        "history": (update(apart, once, targets, last), update(apart, once, mirrored, last)) if steps > 1 else (0.0, 0.0),
    }
    return [Difference(need, *pair) for need, pair in pairs.items() if need in rule.needs and not np.isclose(*pair, rtol=1e-9, atol=1e-12)]


def _learner(network, rule, weights) -> GradientLearner:
    learner = GradientLearner(network, rule, 1, dtype="float64", plain=True)
    learner.program(weights)
    return learner
