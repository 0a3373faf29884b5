"""The loop: against arithmetic written out here, compiled against plain, and with parts that a user brings."""

import functools
import importlib
from typing import Annotated, NamedTuple

import numpy as np
import pytest

from hw_models.cells import FixedPoint
from hw_models.chip import Chip, load
from hw_models.circuit import AnalogCircuit, FixedPointCircuit
from hw_models.converters import Quantiser
from hw_models.noise import Gaussian
from hw_models.parts import Bits, InputError
from hw_models.protocols import Nothing
from hw_models.tile import Crossbar, Sum, WiredCrossbar
from neurosim import loop, random
from neurosim.network import Network
from neurosim.neurons import Leaky, Linear
from neurosim.rules import Learning, Perturbation
from neurosim.simulator import Simulator

SEED = 11
SMALL = Network(1, 2, 1)


def series(network, replicas=1, steps=5, seed=1, dtype="float32", all_count=False):
    rng = np.random.default_rng(seed)
    counted = rng.random((replicas, steps)) < 0.7
    counted[:, -1] = True
    inputs, targets = (rng.standard_normal((replicas, steps, n)).astype(dtype) for n in (network.inputs, network.outputs))
    return inputs, targets, counted | all_count


# ---------------------------------------------------------------- worked by hand


def drawn(noise, steps, sizes, seed=SEED):
    """The perturbation of each group, (step, neuron) each, of the second pass and the first replica, from the counters alone."""
    found, one = [], np.float64(1)
    for group, n in enumerate(sizes):
        xi = np.empty((steps, n))
        path = lambda purpose, step, g=group: functools.reduce(random.fold, (purpose, g, step, 1, 0), random.root(seed, random.TRAIN))  # noqa: E731
        for i in range(n):
            state = noise.make(random.draws["make"](noise, *random.halves(path(random.NOISE_STATE, 0)), i, one))
            for t in range(steps):
                state, xi[t, i] = noise.next(state, random.draws["next"](noise, *random.halves(path(random.NOISE, t)), i, one))
        found.append(xi)
    return found


def by_hand(weights, inputs, targets, xi, rule, sigma=1.0, arrives=lambda t: True):
    """One online sequence of one hidden layer as the papers write it, for weights (post, pre); returns weights (pre, post) and D."""
    A, R, B = (np.array(w).T for w in weights)
    n, o = len(R), len(B)
    D = np.eye(n)
    x = x_noisy = before = before_noisy = np.zeros(n)
    for t, (u, target) in enumerate(zip(inputs, targets, strict=True)):
        if rule.decorrelation_lr and t:
            y = D @ x
            D = D - rule.decorrelation_lr * (np.outer(y, y) - np.diag(y * y)) @ D
        z, z_noisy = (before, before_noisy) if rule.decorrelate == "all" else (x, x_noisy)
        h, h_noisy = A @ u + R @ z, A @ u + R @ z_noisy + xi[0][t]
        x, x_noisy = np.tanh(h), np.tanh(h_noisy)
        before, before_noisy = D @ x, D @ x_noisy
        out, out_noisy = B @ before, B @ before_noisy + xi[1][t] * (rule.perturb == "all")
        loss_change = np.sum((out_noisy - target) ** 2) - np.sum((out - target) ** 2)
        dh, dy = h_noisy - h, out_noisy - out
        if rule.method == "np":
            dh, dy = xi[0][t] / sigma**2, xi[1][t] / sigma**2
        elif rule.norm == "layer":
            dh, dy = dh * n / (dh @ dh), dy * o / (dy @ dy)
        else:
            dh, dy = dh / sigma**2, dy / sigma**2
        energy, energy_above = u @ u + z @ z + 1e-6, before @ before + 1e-6
        if not rule.normalise:
            energy = energy_above = 1.0
        if arrives(t):
            A = A - rule.lr * loss_change * np.outer(dh, u) / energy
            R = R - rule.lr * loss_change * np.outer(dh, z) / energy
            B = B - rule.readout_lr * loss_change * np.outer(dy, before) / energy_above
    return [A.T, R.T, B.T], D


LOUD = Chip(noise=Gaussian(0.3))


def check_by_hand(rule, chip=LOUD, network=SMALL, steps=4, arrives=lambda t: True):
    one = Simulator(network, chip, SEED, rule.learning(), dtype="float64", plain=True)
    weights = [np.array([[0.7, -0.4]]), np.array([[0.3, -0.6], [0.5, 0.2]]), np.array([[0.9], [-0.8]])] if network is SMALL else one.weights
    one.program(weights)
    inputs, targets, counted = series(network, steps=steps, dtype="float64", all_count=True)
    xi = drawn(chip.noise, steps, (*network.layers, network.outputs))
    expected, matrix = by_hand(weights, inputs[0], targets[0], xi, rule, getattr(chip.noise, "sigma", 1.0), arrives)
    one.learn(inputs, targets, counted)
    for w, want, start in zip(one.weights, expected, weights, strict=True):
        assert np.abs(want - start).max() > 1e-3
        np.testing.assert_allclose(w, want, rtol=1e-10)
    if rule.decorrelation_lr:
        assert np.abs(matrix - np.eye(len(matrix))).max() > 1e-3
        np.testing.assert_allclose(one.state()["decorrelation.0.w"], matrix.T, rtol=1e-10)
    return one


@pytest.mark.parametrize(
    "rule",
    [
        Perturbation("anp", 0.05, 0.05, normalise=False),
        Perturbation("anp", 0.05, 0.05),
        Perturbation("anp", 0.05, 0.05, norm="expected"),
        Perturbation("anp", 0.05, 0.05, perturb="hidden"),
        Perturbation("np", 0.05, 0.05),
        Perturbation("anp", 0.05, 0.05, decorrelation_lr=0.1),
        Perturbation("anp", 0.05, 0.05, decorrelation_lr=0.1, decorrelate="all"),
        Perturbation("np", 0.05, 0.05, decorrelation_lr=0.1, decorrelate="all"),
    ],
    ids=lambda rule: f"{rule.name}-{rule.norm}-{rule.perturb}-{rule.decorrelate}-{rule.normalise}",
)
def test_a_run_by_hand(rule):
    check_by_hand(rule)
    check_by_hand(rule, network=Network(3, 5, 2))  # more than one block of rows


def test_one_step_by_the_published_formula():
    """dW = -eta sqrt(N_tot) dL dh / |dh|**2 z, with lr = eta sqrt(N_tot) / N and nothing normalised."""
    eta, n_tot, sigma = 0.01, 1 + 2 + 1, 0.5
    A, R, B = np.array([[0.7, -0.4]]), np.array([[0.3, -0.6], [0.5, 0.2]]), np.array([[0.9], [-0.8]])
    rule = Perturbation("anp", eta * n_tot**0.5 / 2, eta * n_tot**0.5 / 1, normalise=False)
    one = Simulator(SMALL, Chip(noise=Gaussian(sigma)), SEED, rule.learning(), dtype="float64", plain=True)
    one.program([A, R, B])
    u, target = 1.5, 0.25
    (xi,), (xi_y,) = drawn(Gaussian(sigma), 1, (2, 1))
    h = [0.7 * u, -0.4 * u]
    y = 0.9 * np.tanh(h[0]) - 0.8 * np.tanh(h[1])
    y_noisy = 0.9 * np.tanh(h[0] + xi[0]) - 0.8 * np.tanh(h[1] + xi[1]) + xi_y[0]
    d_loss, dy = (y_noisy - target) ** 2 - (y - target) ** 2, y_noisy - y
    step = -eta * n_tot**0.5 * d_loss
    one.learn(np.full((1, 1, 1), u), np.full((1, 1, 1), target), np.ones((1, 1), bool))
    got = one.weights
    np.testing.assert_allclose(got[0], A + step * xi[None] / (xi @ xi) * u, rtol=1e-12)
    np.testing.assert_allclose(got[1], R, rtol=0)  # nothing came round yet
    np.testing.assert_allclose(got[2], B + step / dy * np.tanh(h)[:, None], rtol=1e-12)


def test_a_batch_asks_for_the_mean_of_its_changes():
    rule = Perturbation("anp", 0.05, 0.05, normalise=False, update="sequence").learning()
    inputs, targets, counted = series(SMALL, 3, dtype="float64")
    total = 0.0
    for b in range(3):
        one = Simulator(SMALL, Chip(), SEED, rule, dtype="float64", plain=True)
        before = one.weights
        only = np.arange(3) == b  # the others, whose steps do not count, learn nothing; noise is that of replica b
        one.learn(inputs, targets, counted & only[:, None])
        total = total + np.concatenate([(w - w0).ravel() for w, w0 in zip(one.weights, before, strict=True)])
    one = Simulator(SMALL, Chip(), SEED, rule, dtype="float64", plain=True)
    before = one.weights
    one.learn(inputs, targets, counted)
    np.testing.assert_allclose(np.concatenate([(w - w0).ravel() for w, w0 in zip(one.weights, before, strict=True)]), total, rtol=1e-9)


# ---------------------------------------------------------------- compiled against plain

WIDE, DEEP, ODD = Network(3, 34, 2), Network(2, (5, 6), 3), Network(2, 5, 3)  # 34: more than the lanes of a sum
IDEAL, DIGITAL, ANALOG = Chip(), load("digital-8bit"), load("analog-noisy")
LEAKY = ODD._replace(neuron=Leaky(0.4), readout=Leaky(0.7))

REGISTERS = DIGITAL._replace(neuron=FixedPointCircuit(16, 4.0))
MISMATCHED = ANALOG.replace(
    tile=WiredCrossbar(conductance_ratio=1e3, rows=64), neuron=AnalogCircuit(limit=1.0), dac__gain_spread=0.1, adc__offset_spread=0.02
)
MADE = ("gain", "z_plus", "z_minus", ".waiting")  #: of a cell, what manufacture makes for good and what it has no use for
#: (name, network, chip, rule, batch, float type): few compiled combinations of kinds, others differ in what is not compiled
CASES = [
    ("np", WIDE, IDEAL, Perturbation("np"), 1, "float32"),
    (
        "dnp, all decorrelated, batch, at the end",
        ODD,
        IDEAL,
        Perturbation("np", decorrelation_lr=0.01, decorrelate="all", update="sequence"),
        3,
        "float32",
    ),
    ("dnp, wide", WIDE, IDEAL, Perturbation("np", decorrelation_lr=0.01), 2, "float32"),
    ("np, trace, reward at the end", ODD, IDEAL, Perturbation("np", trace=0.9, reward="sequence"), 3, "float32"),
    ("np, trace, update at the end", ODD, IDEAL, Perturbation("np", trace=0.9, update="sequence", passes="noisy-noisy"), 2, "float32"),
    ("wp", ODD, IDEAL, Perturbation("wp", 1e-4, 1e-4), 1, "float32"),
    (
        "wp, noisy-noisy, batch, at the end",
        ODD,
        IDEAL,
        Perturbation("wp", 1e-4, 1e-4, passes="noisy-noisy", update="sequence"),
        3,
        "float32",
    ),
    ("danp, digital, two layers", DEEP, REGISTERS, Perturbation("anp", 0.1, 0.1, decorrelation_lr=0.01, decorrelate="all"), 3, "float32"),
    ("anp, digital, two layers", DEEP, REGISTERS, Perturbation("anp", 0.1, 0.1, perturb="hidden", update="sequence"), 1, "float32"),
    ("anp, analog", ODD, ANALOG, Perturbation("anp", 0.1, 0.1), 1, "float32"),
    ("np, threshold", WIDE, IDEAL, Perturbation("np", 0.1, 0.1, threshold=0.01), 1, "float32"),
    ("np, threshold, batch, at the end", ODD, IDEAL, Perturbation("np", 0.1, 0.1, threshold=0.01, update="sequence"), 3, "float32"),
    (
        "np, verified",
        ODD,
        load("pcm-hermes").replace(cell__update="direct"),
        Perturbation("np", 1.0, 1.0, threshold=0.01, verify=True),
        2,
        "float32",
    ),
    (
        "danp, carry, leaky, tiles, wires",
        LEAKY._replace(hidden=70),
        MISMATCHED,
        Perturbation("anp", 0.1, 0.1, carry=0.5, decorrelation_lr=0.01),
        1,
        "float32",
    ),
    ("danp, analog, noisy-noisy", ODD, ANALOG, Perturbation("anp", 0.1, 0.1, passes="noisy-noisy", decorrelation_lr=0.01), 3, "float32"),
    ("anp expected, leaky, float64", LEAKY, IDEAL, Perturbation("anp", norm="expected"), 2, "float64"),
]


@pytest.mark.parametrize(("network", "chip", "rule", "batch", "dtype"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_plain_and_compiled_runs_have_the_same_bits(network, chip, rule, batch, dtype):
    data = series(network, batch, 4, dtype=dtype)
    plain, fast = (Simulator(network, chip, SEED, rule.learning(), dtype=dtype, plain=plain) for plain in (True, False))
    start = {name: a.copy() for name, a in plain.state().items()}
    for _ in range(2):
        np.testing.assert_equal(fast.learn(*data), plain.learn(*data))
    np.testing.assert_equal(fast.state(), plain.state())
    assert {a.dtype.name for name, a in fast.state().items() if name not in ("clock", "scales", "reaches")} == {dtype}
    for name, a in plain.state().items():
        if name.startswith(("planes", "decorrelation")) and a.size and not name.endswith(MADE):
            assert not np.array_equal(a, start[name]), f"{name} learned nothing"
    expected = plain.evaluate(*data, record=("x", "h", "y"), noise=3, first=2)
    np.testing.assert_equal(fast.evaluate(*data, record=("x", "h", "y"), noise=3, first=2), expected)
    assert all(np.isfinite(a).all() and np.any(a) for a in expected.records.values())


# ---------------------------------------------------------------- what perturbed passes carry on


def test_a_share_of_the_difference_is_carried_on():
    """One linear neuron that feeds itself with 0.5: of a perturbation, 1 + 0.5 c + (0.5 c)**2 is left at the output of the third step."""
    network, steps = Network(1, 1, 1, neuron=Linear()), 3
    data = np.ones((1, steps, 1)), np.zeros((1, steps, 1)), np.ones((1, steps), bool)
    seen = {}
    for carry in (1.0, 0.5, 0.0):
        learning = Perturbation("anp", 0.0, 0.0, norm="expected", normalise=False, carry=carry, perturb="hidden").learning()
        simulator = Simulator(network, IDEAL, SEED, learning, dtype="float64", plain=True)
        simulator.program([np.full(shape, 0.5) for shape in network.shapes()])
        given, seen[carry] = watched(simulator, data)
        expected = 0.0
        for xi, difference in zip(given, seen[carry], strict=True):
            expected = 0.5 * carry * expected + xi
            assert difference == pytest.approx(expected, rel=1e-9)
    assert seen[1.0][0] == seen[0.0][0] and seen[1.0][2] != seen[0.5][2] != seen[0.0][2]


def watched(simulator, data):
    """Learn with the plain loop and note, each step, the noise that the hidden neuron was given and how far its passes part."""
    module, given, differences = importlib.import_module(loop.sequence.__module__), [], []
    original = module.listen

    def listen(rule, plan, group, sigma, one):
        if group.number == 0:
            given.append(float(group.xi[1, 0, 0]))
            differences.append(float(group.activity[1, 0, 0] - group.activity[0, 0, 0]))
        original(rule, plan, group, sigma, one)

    module.listen = listen
    try:
        simulator.learn(*data)
    finally:
        module.listen = original
    return given, differences


# ---------------------------------------------------------------- tiles


def test_a_tall_layer_stands_on_several_tiles_whose_sums_pass_an_adc_each():
    network, adc = Network(1, 150, 1, neuron=Linear()), Quantiser(bits=4, limit=2.0)
    chip = Chip(tile=Crossbar(read_noise=0.0, rows=64), adc=adc)
    simulator = Simulator(network, chip, SEED, dtype="float64", plain=True)
    found = simulator.run(np.ones((2, 1)), record=("x", "h"))
    x, recurrent = found["x"][0], simulator.weights[1]
    convert = np.vectorize(lambda h: adc._replace(rounding=0.0).convert(h, (0.5,)))
    parts = [x[rows] @ recurrent[rows] for rows in (slice(0, 64), slice(64, 128), slice(128, 150))]
    expected = convert(simulator.weights[0][0]) + sum(convert(part) for part in parts)
    np.testing.assert_allclose(found["h"][1], expected, atol=1e-12)
    assert not np.allclose(expected, convert(simulator.weights[0][0]) + convert(sum(parts)))


# ---------------------------------------------------------------- decorrelation


def test_decorrelation_makes_activity_less_correlated_and_keeps_it_alive():
    """Eight neurons driven by two signals, 4,000 steps of learning D alone; measured on another 1,000 steps."""
    network = Network(2, 8, 1)
    rng = np.random.default_rng(3)
    inputs = rng.standard_normal((1, 5000, 2)).astype("float32")
    targets, counted = np.zeros((1, 4000, 1), "float32"), np.ones((1, 4000), bool)

    def learned(rate):
        one = Simulator(network, IDEAL, SEED, Perturbation("np", 0.0, 0.0, decorrelation_lr=rate).learning())
        before = one.weights
        one.learn(inputs[:, :4000], targets, counted)
        np.testing.assert_equal(one.weights, before)
        return one.run(inputs[0, 4000:], record=("x",))["x"], one.state()["decorrelation.0.w"]

    def correlation(x):
        c = x.T @ x
        c = c / np.sqrt(np.outer(np.diag(c), np.diag(c)))
        return (c[~np.eye(len(c), dtype=bool)] ** 2).mean()

    x, matrix = learned(0.02)
    decorrelated = x @ matrix
    assert correlation(x) > 0.1
    assert correlation(decorrelated) < correlation(x) / 20  # measured: from 0.156 to 0.0021
    assert ((decorrelated**2).mean(0) > 0.1 * (x**2).mean(0)).all()  # measured: 0.28 at least


def test_without_a_rate_there_is_no_matrix_and_with_rate_zero_it_stays():
    rule = Perturbation("np", 0.1, 0.1, decorrelation_lr=0.01)
    data = series(ODD)
    one = Simulator(ODD, IDEAL, SEED, rule.learning(), plain=True)
    one.learn(*data, rule._replace(decorrelation_lr=0.0).learning())
    np.testing.assert_equal(one.state()["decorrelation.0.w"], np.eye(5))
    one.learn(*data)
    assert np.abs(one.state()["decorrelation.0.w"] - np.eye(5)).max() > 1e-4
    assert Simulator(ODD, IDEAL, SEED, Perturbation("np").learning(), plain=True).state()["decorrelation.0.w"].size == 0


def test_a_matrix_learns_from_the_mean_of_a_batch():
    """Equal sequences give every replica the same clean pass, whatever its noise; the weights stay."""
    rule = Perturbation("np", 0.0, 0.0, decorrelation_lr=0.1).learning()
    found = []
    for replicas in (1, 3):
        one = Simulator(ODD, IDEAL, SEED, rule, dtype="float64", plain=True)
        one.learn(*(np.repeat(a, replicas, axis=0) for a in series(ODD, dtype="float64")))
        found.append(one.state()["decorrelation.0.w"])
    assert np.abs(found[0] - np.eye(5)).max() > 1e-3
    np.testing.assert_allclose(found[1], found[0], rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("inputs", [False, True], ids=["", "inputs too"])
@pytest.mark.parametrize("method", ["wp", "np", "anp"])
def test_an_identity_matrix_changes_nothing(method, inputs):
    """A decorrelating rule whose D does not learn runs as one without D."""
    data, ends = series(DEEP, 2), []
    plain = Perturbation(method, 0.1, 0.1)
    for rule in (plain, plain._replace(decorrelation_lr=0.01, decorrelate="all", decorrelate_inputs=inputs)):
        one = Simulator(DEEP, IDEAL, SEED, rule.learning(), plain=True)
        one.learn(*data, rule._replace(decorrelation_lr=0.0, decorrelate_inputs=False).learning())
        ends.append(one.weights)
    np.testing.assert_equal(*ends)


def test_inputs_are_decorrelated_by_a_matrix_of_their_own():
    """Two inputs that say nearly the same; nothing else learns, and what the first weights see is D u."""
    rng = np.random.default_rng(0)
    common = rng.standard_normal((1, 3000, 1))
    inputs = (common + 0.3 * rng.standard_normal((1, 3000, 2))).astype("float32")
    targets, counted = np.zeros((1, 3000, 1), "float32"), np.ones((1, 3000), bool)
    rule = Perturbation("np", 0.0, 0.0, decorrelation_lr=0.01, decorrelate_inputs=True)
    network = Network(2, 1, 1)
    one = Simulator(network, IDEAL, SEED, rule.learning(), plain=True)
    one.learn(inputs, targets, counted)
    matrix = one.state()["decorrelation.1.w"]  # after that of the layer
    seen = inputs[0] @ matrix
    assert abs(np.corrcoef(inputs[0].T)[0, 1]) > 0.9
    assert abs(np.corrcoef(seen.T)[0, 1]) < 0.1
    weights = one.weights
    plain = Simulator(network, IDEAL, SEED, Perturbation("np").learning(), dtype="float64", plain=True)
    plain.program([matrix.astype(float) @ weights[0], *weights[1:]])
    np.testing.assert_allclose(one.run(inputs[:, :5], record=("h",))["h"], plain.run(inputs[:, :5], record=("h",))["h"], rtol=1e-4)


# ---------------------------------------------------------------- rounding


class Push(NamedTuple):
    """Asks every synapse for the same change in every step."""

    step: float

    site = "current"
    needs = ()
    Register = Memory = Nothing

    def signal(self, m, own, extra):
        return m, own.xi

    def trace(self, r, pre, a):
        return r

    def change(self, w, r, pre, a, reward):
        return self.step


@pytest.mark.parametrize("which", [0, 1, 2], ids=["input", "recurrent", "readout"])
def test_stochastic_rounding_keeps_the_mean_of_tiny_changes_and_nearest_swallows_them(which):
    """Cells of 8 bits are asked 20 times for a tenth of a level: 2 levels in all, though no single change is one.

    Each change is a level with chance 0.1, so that one cell's sum has variance 20 * 0.1 * 0.9 = 1.8, and the mean over n = 100 cells is
    within 5 sqrt(1.8 / n) of 2.
    """
    network, steps = Network(10, 10, 10), 20
    n = 100
    scale = 4.0 * network.sigmas()[which]
    rules = [Push(0.1 * 2.0**-7 * scale * on) for on in (which < 2, which == 2)]
    data = series(network, steps=steps, all_count=True)
    moved, lost, levels = {}, {}, {}
    for rounding in ("stochastic", "nearest"):
        one = Simulator(network, Chip(cell=FixedPoint(8, rounding)), SEED, Learning("push", *rules), plain=True)
        one.program([np.zeros(shape) for shape in network.shapes()])
        outcome = one.learn(*data)
        moved[rounding] = one.state()[f"planes.{which}.w"] * 2.0**7
        lost[rounding] = outcome.asked, outcome.swallowed
        levels[rounding] = sum(one.state()[f"planes.{k}.w"].sum() * 2.0**7 for k in range(3))
    asked = steps * n * (2 if which < 2 else 1)  # the two projections of a layer share a rule
    assert lost["nearest"] == (asked, asked) and not moved["nearest"].any()
    assert lost["stochastic"][0] == asked
    assert abs(moved["stochastic"].mean() - 2) < 5 * np.sqrt(1.8 / n)
    assert 0.5 * np.sqrt(1.8) < moved["stochastic"].std() < 1.5 * np.sqrt(1.8)
    assert lost["stochastic"][1] == asked - levels["stochastic"]  # every hit was one level, for nothing saturates


def test_changes_that_are_not_asked_for_are_not_counted():
    one = Simulator(ODD, Chip(cell=FixedPoint(8, "nearest")), SEED, Learning("push", Push(0.0), Push(1e-9)), plain=True)
    outcome = one.learn(*series(ODD, steps=3, all_count=True))
    assert (outcome.asked, outcome.swallowed) == (3 * 5 * 3, 3 * 5 * 3)  # the readout's 15 cells alone
    unbounded = Simulator(ODD, Chip(), SEED, Learning("push", Push(0.0), Push(1e-9)), plain=True)
    outcome = unbounded.learn(*series(ODD, steps=3, all_count=True))
    assert (outcome.asked, outcome.swallowed) == (0, 0)  # a cell that loses nothing is not counted


# ---------------------------------------------------------------- parts of a user's own


class Charge(NamedTuple):
    w: Annotated[float, Bits(0)]


class Leaking(NamedTuple):
    """A cell whose charge leaks: in a time dt it loses the share rate * dt."""

    rate: float

    State = Charge
    draws = {}
    bounded = False
    ages = True
    stored_bits = 0

    def make(self, u):
        return Charge(0.0)

    def program(self, s, w, now, u):
        return Charge(w)

    def write(self, s, dw, now, u):
        return Charge(s.w + dw), 1.0

    def read(self, s, u):
        return s.w

    def age(self, s, then, now, u):
        return Charge(s.w * (1.0 - self.rate * (now - then)))


def ticks(steps, aged=0):
    """Steps in which cells age: whenever the elapsed time has grown by a hundredth."""
    found = []
    for step in range(1, steps):
        if step > aged and step >= 1.01 * aged:
            found.append((aged, step))
            aged = step
    return found


def test_a_cell_that_ages_decays_with_simulated_time():
    network = Network(1, 2, 1)
    chip = Chip(cell=Leaking(2.0), decorrelation=Leaking(3.0), step_s=1e-3)
    rule = Perturbation("np", 0.0, 0.0, decorrelation_lr=0.01)
    one = Simulator(network, chip, SEED, rule.learning(), dtype="float64", plain=True)
    before = one.weights
    data = series(network, steps=100, dtype="float64")
    still = rule._replace(decorrelation_lr=0.0).learning()
    for _ in range(3):
        one.learn(*data, still)
    passed = ticks(300)
    assert len(passed) < 250  # every step until 100, then one a hundredth
    for rate, found in (
        (2.0, [now / was for now, was in zip(one.weights, before, strict=True)]),
        (3.0, [np.diag(one.state()["decorrelation.0.w"])]),
    ):
        expected = np.prod([1 - rate * 1e-3 * (now - then) for then, now in passed])
        assert 0.3 < expected < 0.7
        for ratio in found:
            np.testing.assert_allclose(ratio, expected, rtol=1e-10)


def test_evaluating_leaves_ageing_cells_alone():
    one = Simulator(Network(1, 2, 1), Chip(cell=Leaking(2.0)), SEED, plain=True)
    before = {name: a.copy() for name, a in one.state().items()}
    first, second = (one.run(np.ones((20, 1)))["y"] for _ in range(2))
    np.testing.assert_equal(second, first)
    np.testing.assert_equal(one.state(), before)


class Gain(NamedTuple):
    gain: float


class Mismatched(NamedTuple):
    """A tile whose columns each have a gain of their own."""

    spread: float

    Column = Gain
    Sums = Sum
    draws = {"make": "u"}

    def make(self, u):
        return Gain(1.0 + self.spread * (2.0 * u[0] - 1.0))

    def gather(self, w, x, at):
        return Sum(w * x)

    def finish(self, column, sums, u):
        return column.gain * sums.h


def test_a_tile_whose_columns_have_gains():
    network = Network(2, (3, 4), 2)
    one = Simulator(network, Chip(tile=Mismatched(0.5)), SEED, dtype="float64", plain=True)
    gains = [one.state()[f"columns.{k}.gain"] for k in range(5)]
    assert [len(g) for g in gains] == [3, 3, 4, 4, 2]
    every = np.concatenate(gains)
    assert len(set(every)) == 16 and (np.abs(every - 1) < 0.5).all() and every.std() > 0.1
    A, R, C, S, B = (w * g for w, g in zip(one.weights, gains, strict=True))
    x, z = np.zeros(3), np.zeros(4)
    inputs = series(network, steps=4, dtype="float64")[0][0]
    found = one.run(inputs, record=("h", "y"))
    for t, u in enumerate(inputs):
        h = u @ A + x @ R
        x = np.tanh(h)
        g = x @ C + z @ S
        z = np.tanh(g)
        np.testing.assert_allclose(found["h"][t], [*h, *g], rtol=1e-12)
        np.testing.assert_allclose(found["y"][t], z @ B, rtol=1e-12)


class Level(NamedTuple):
    x: Annotated[float, Bits(1)]


class Telegraph(NamedTuple):
    """Random telegraph noise: sigma or -sigma, the other one after a step with the given chance."""

    sigma: float
    chance: float

    State = Level
    draws = {"make": "u", "next": "u"}

    def make(self, u):
        return Level(1.0 if u[0] < 0.5 else -1.0)

    def next(self, s, u):
        x = -s.x if u[0] < self.chance else s.x
        return Level(x), self.sigma * x


def test_a_noise_source_with_a_state():
    noise, network = Telegraph(0.3, 0.25), Network(2, 6, 2)
    levels = np.concatenate(drawn(noise, 12, (6, 2)), axis=1)
    flips = levels[1:] != levels[:-1]
    assert set(np.unique(levels)) == {-0.3, 0.3} and 0 < flips.sum() < 44  # it stays more often than it flips
    check_by_hand(Perturbation("np", 0.05, 0.05), Chip(noise=noise), network, steps=12)


def test_weights_cannot_be_perturbed_by_a_source_with_a_state():
    with pytest.raises(
        InputError, match=r"^WP perturbs every weight, but the noise source Telegraph keeps a state per neuron .* choose .*\.$"
    ):
        Simulator(SMALL, Chip(noise=Telegraph(0.3, 0.25)), SEED, Perturbation("wp").learning())


class Count(NamedTuple):
    n: float


class EverySecond(NamedTuple):
    """A reward wire that loses every second broadcast."""

    State = Count
    draws = {}

    def make(self, u):
        return Count(0.0)

    def send(self, s, value, u):
        return Count(1.0 - s.n), value, s.n == 0.0


@pytest.mark.parametrize("rule", [Perturbation("anp", 0.05, 0.05), Perturbation("np", 0.05, 0.05)], ids=lambda rule: rule.method)
def test_a_lost_broadcast_teaches_nothing(rule):
    one = check_by_hand(rule, Chip(noise=Gaussian(0.3), wire=EverySecond()), steps=5, arrives=lambda t: t % 2 == 0)
    inputs, targets, counted = series(SMALL, steps=2, dtype="float64", all_count=True)
    lengths = {}
    for steps in (1, 2):  # the second of two steps learns nothing: as if there had been one
        one = Simulator(SMALL, Chip(wire=EverySecond()), SEED, rule.learning(), dtype="float64", plain=True)
        one.learn(inputs[:, :steps], targets[:, :steps], counted[:, :steps])
        lengths[steps] = one.weights
    np.testing.assert_equal(lengths[2], lengths[1])


class Never(NamedTuple):
    """A reward wire that is cut."""

    State = Nothing
    draws = {}

    def make(self, u):
        return Nothing()

    def send(self, s, value, u):
        return s, value, False


def test_a_cut_wire_leaves_every_weight_and_asks_for_nothing():
    chip = Chip(cell=FixedPoint(8), wire=Never())
    one = Simulator(ODD, chip, SEED, Perturbation("anp", 0.1, 0.1).learning(), plain=True)
    before = one.weights
    outcome = one.learn(*series(ODD, 2))
    np.testing.assert_equal(one.weights, before)
    assert outcome.asked == 0


# ---------------------------------------------------------------- what does not count


@pytest.mark.parametrize("rule", [Perturbation("anp", 0.1, 0.1), Perturbation("np", 0.1, 0.1, update="sequence")], ids=["step", "sequence"])
def test_steps_that_do_not_count_neither_cost_nor_teach(rule):
    inputs, targets, _ = series(ODD, 2, steps=6)
    counted = np.zeros((2, 6), bool)
    one = Simulator(ODD, IDEAL, SEED, rule.learning(), plain=True)
    before = one.weights
    outcome = one.learn(inputs, targets, counted)
    assert not outcome.loss.any() and outcome.steps == 6
    np.testing.assert_equal(one.weights, before)
    counted[:, 3] = True
    strange = np.where(counted[..., None], targets, 1e6)
    ends = []
    for values in (targets, strange):
        one = Simulator(ODD, IDEAL, SEED, rule.learning(), plain=True)
        ends.append((one.learn(inputs, values, counted), one.weights))
    np.testing.assert_equal(*ends)
    y = Simulator(ODD, IDEAL, SEED, plain=True).run(inputs)["y"][:, 3]
    np.testing.assert_allclose(ends[0][0].loss, ((y - targets[:, 3]) ** 2).sum(1), rtol=1e-6)
    assert any(not np.array_equal(w, w0) for w, w0 in zip(ends[0][1], before, strict=True))


def test_nothing_is_broadcast_when_the_last_step_does_not_count():
    """A rule that does something at every broadcast shows it."""
    rule = Learning("push", Push(0.01), Push(0.01))
    counted = np.array([[True, False, True, False, False]])
    inputs, targets, _ = series(ODD)
    one = Simulator(ODD, IDEAL, SEED, rule, dtype="float64", plain=True)
    before = one.weights
    one.learn(inputs, targets, counted)
    for w, w0 in zip(one.weights, before, strict=True):
        np.testing.assert_allclose(w - w0, 0.02, rtol=1e-9)  # two steps counted


def test_a_loss_that_is_not_finite_ends_the_sequence():
    inputs, targets, counted = series(ODD, 2, steps=6, all_count=True)
    targets[1, 2] = 1e30  # its square is beyond float32
    with np.errstate(all="ignore"):
        outcome = Simulator(ODD, IDEAL, SEED, Perturbation("anp").learning(), plain=True).learn(inputs, targets, counted)
    assert not outcome.finite and outcome.steps == 3


@pytest.mark.parametrize("normalise", [False, True])
def test_what_a_step_is_divided_by_is_of_one_sequence(normalise):
    """The published code sums squares over its whole batch. Beside a sequence that is not counted, the other learns the same whatever that is."""
    rule = Perturbation("anp", 0.05, 0.05, normalise=normalise).learning()
    inputs, targets, counted = series(SMALL, 2, dtype="float64", all_count=True)
    counted[1] = False
    ends = []
    for factor in (1.0, 3.0):
        one = Simulator(SMALL, LOUD, SEED, rule, dtype="float64", plain=True)
        before = one.weights
        one.learn(inputs * np.array([1.0, factor])[:, None, None], targets, counted)
        assert all(np.abs(w - w0).max() > 1e-3 for w, w0 in zip(one.weights, before, strict=True))
        ends.append(one.weights)
    np.testing.assert_equal(*ends)


def test_a_row_loses_by_its_place_on_the_tile():
    """70 rows on tiles of 64, the 65th at the near end of the second; the fit of each column with a = 64 load / 100, by hand."""
    network = Network(70, 3, 1, neuron=Linear())
    one = Simulator(network, Chip(tile=WiredCrossbar(0.0, 0.0, 1.0, 100.0, 64)), SEED, dtype="float64", plain=True)
    x, w, h = np.random.default_rng(2).standard_normal((1, 70)), one.weights[0], 0.0
    for rows in (slice(0, 64), slice(64, 70)):
        products = x[0, rows, None] * w[rows]
        place = np.arange(1, len(products) + 1)[:, None] / 64
        a = 64 * np.abs(products).sum(0) / 100
        h = h + products.sum(0) - (0.05 * a**3 - 0.2 * a**2 + 0.5 * a) * (products * (1 - (1 - place) ** 2)).sum(0)
    assert np.abs(h - x[0] @ w).max() > 0.1
    np.testing.assert_allclose(one.run(x, record=("h",))["h"][0], h, rtol=1e-12)


def test_a_layer_shorter_than_its_tile_lies_at_its_near_end():
    """Two inputs on a tile of 64: places 1/64 and 2/64, as if 62 more inputs were 0."""
    network = Network(2, 3, 1, neuron=Linear())
    one = Simulator(network, Chip(tile=WiredCrossbar(0.0, 0.0, 1.0, 10.0, 64)), 11, dtype="float64", plain=True)
    x, w = np.array([[0.3, -0.8]]), one.weights[0]
    products, place = x[0, :, None] * w, np.array([[1 / 64], [2 / 64]])
    a = 64 * np.abs(products).sum(0) / 10
    h = products.sum(0) - (0.05 * a**3 - 0.2 * a**2 + 0.5 * a) * (products * (1 - (1 - place) ** 2)).sum(0)
    np.testing.assert_allclose(one.run(x, record=("h",))["h"][0], h, rtol=1e-12)
