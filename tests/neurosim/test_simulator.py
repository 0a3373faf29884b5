"""The simulator: what follows from the seed, pauses, batches in pieces and in threads, records, and what is refused."""

from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, NamedTuple

import numpy as np
import pytest

from hw_models.cells import FixedPoint
from hw_models.cells.ideal import Stored
from hw_models.chip import Chip, load
from hw_models.memory import Limited
from hw_models.noise import Gaussian, Telegraph
from hw_models.parts import Bits, InputError, check
from hw_models.protocols import Nothing
from hw_models.reward import DigitalWire
from neurosim.bptt import GradientLearner
from neurosim.network import Network
from neurosim.neurons import ALIF, LI, Leaky
from neurosim.rules import Gradient, Perturbation
from neurosim.rules.perturbation import Learning
from neurosim.simulator import Simulator
from neurosim.wiring import Sparse

NETWORK, DEEP = Network(2, 5, 3), Network(2, (5, 6), 3)
IDEAL, DIGITAL, ANALOG = Chip(), load("digital-8bit"), load("analog-noisy")
RULE = Perturbation("anp", 0.1, 0.1).learning()


def series(network=NETWORK, replicas=2, steps=4, seed=1, dtype="float32"):
    rng = np.random.default_rng(seed)
    counted = rng.random((replicas, steps)) < 0.7
    counted[:, -1] = True
    inputs, targets = (rng.standard_normal((replicas, steps, n)).astype(dtype) for n in (network.inputs, network.outputs))
    return inputs, targets, counted


def kept(simulator):
    return {name: array.copy() for name, array in simulator.state().items()}


def plain(network=NETWORK, chip=IDEAL, seed=3, learning=RULE, **options):
    return Simulator(network, chip, seed, learning, plain=True, **options)


# ---------------------------------------------------------------- time that passes without a step


class Fading(NamedTuple):
    """Loses a share of itself every second, counted from its making: w / (1 + rate * t)."""

    rate: float = 1.0

    State = Stored
    draws = {}
    bounded, ages, swallows = True, True, False

    @property
    def stored_bits(self):
        return 32

    def make(self, u):
        return Stored(0.0)

    def program(self, s, w, now, u):
        return Stored(w)

    def write(self, s, dw, now, u):
        return Stored(s.w + dw), 1.0

    def read(self, s, u):
        return s.w

    def age(self, s, then, now, u):
        return Stored(s.w * (1.0 + self.rate * then) / (1.0 + self.rate * now))


@pytest.mark.parametrize("compile_it", [False, True])
def test_devices_drift_while_nothing_runs_and_one_factor_an_array_compensates(compile_it):
    one = Simulator(NETWORK, Chip(cell=Fading(), step_s=0.5), 3, RULE, plain=not compile_it)
    fresh, strength = one.weights, one.strength()
    one.wait(1.0)
    assert one.clock.tolist() == [2, 2]
    one.wait(2.0)  # in two pauses as in one
    for before, after in zip(fresh, one.weights, strict=True):
        np.testing.assert_allclose(after, before / 4, rtol=1e-6)
    one.compensate(strength)
    for before, after in zip(fresh, one.weights, strict=True):
        np.testing.assert_allclose(after, before, rtol=1e-5)
    with pytest.raises(InputError, match="seconds from 0 up"):
        one.wait(-1.0)


def test_waiting_changes_nothing_on_memory_that_keeps():
    one = plain(chip=DIGITAL)
    fresh = one.weights
    one.wait(1e6)
    np.testing.assert_equal(one.weights, fresh)


# ---------------------------------------------------------------- seeds and pauses


@pytest.mark.parametrize("chip", [IDEAL, DIGITAL, ANALOG], ids=lambda chip: chip.name)
def test_equal_seeds_give_equal_bits_and_others_do_not(chip):
    ends = []
    for seed in (3, 3, 4):
        one = plain(chip=chip, seed=seed)
        outcome = one.learn(*series())
        ends.append((outcome, one.state(), one.evaluate(*series(), record=("x", "h", "y"))))
    np.testing.assert_equal(ends[1], ends[0])
    for k in range(3):
        assert not np.array_equal(ends[2][1][f"planes.{k}.w"], ends[0][1][f"planes.{k}.w"])
    assert not np.array_equal(ends[2][2].loss, ends[0][2].loss)


def test_learning_draws_other_noise_for_every_seed():
    """The same weights, programmed."""
    first, other = (plain(seed=seed) for seed in (3, 4))
    other.program(first.weights)
    first.learn(*series())
    other.learn(*series())
    assert not np.array_equal(first.weights[0], other.weights[0])


LEAVES_MORE = Perturbation("anp", 0.1, 0.1, norm="running", trace=0.5, decorrelation_lr=0.01, passes="noisy-noisy").learning()


@pytest.mark.parametrize(
    ("chip", "learning", "network"),
    [(IDEAL, LEAVES_MORE, DEEP), (DIGITAL, LEAVES_MORE, DEEP._replace(neuron=Leaky(0.4))), (ANALOG, RULE, NETWORK)],
    ids=["ideal", "digital", "analog"],
)
def test_learning_in_two_halves_is_learning_in_one_go(chip, learning, network):
    whole, first, second = (plain(network, chip, learning=learning) for _ in range(3))
    for k in range(4):
        whole.learn(*series(network, seed=k))
        if k < 2:
            first.learn(*series(network, seed=k))
    second.learn(*series(network, replicas=3, seed=9))  # whatever it did before is forgotten
    second.restore(kept(first))
    for k in (2, 3):
        second.learn(*series(network, seed=k))
    np.testing.assert_equal(second.state(), whole.state())
    assert whole.clock[0] == 16
    np.testing.assert_equal(second.evaluate(*series(network)), whole.evaluate(*series(network)))


def test_a_pause_after_compensation_goes_on_to_the_same_bits():
    """The factors of the digital outputs are part of the state, as are drifted devices."""
    chip = Chip(cell=Fading(), step_s=0.5)
    whole, second = (plain(chip=chip) for _ in range(2))
    whole.learn(*series())
    strength = whole.strength()
    whole.wait(3.0)
    whole.compensate(strength)
    second.restore(kept(whole))
    np.testing.assert_equal(second.evaluate(*series()), whole.evaluate(*series()))
    for one in (whole, second):
        one.learn(*series(seed=1))
    np.testing.assert_equal(second.state(), whole.state())
    fresh = plain(chip=chip)
    assert np.all(whole.state()["scales"] > fresh.state()["scales"])


def test_a_batch_of_another_size_starts_memories_anew():
    one = plain(learning=LEAVES_MORE)
    one.learn(*series(replicas=2))
    assert one.state()["memories.0.v"].shape == (2, 5) and one.state()["memories.0.v"].all()
    one.learn(*series(replicas=3))
    assert one.state()["memories.0.v"].shape == (3, 5)


@pytest.mark.parametrize("learning", [LEAVES_MORE, Perturbation("np", momentum=0.5).learning()], ids=["memories", "running means"])
def test_preparing_for_another_batch_leaves_alone_what_is_kept_for_each_sequence(learning):
    one = plain(learning=learning)
    one.learn(*series(replicas=2))
    before = kept(one)
    one.prepare(5)
    np.testing.assert_equal(one.state(), before)


@pytest.mark.parametrize("chip", [IDEAL, DIGITAL, ANALOG], ids=lambda chip: chip.name)
def test_preparing_and_running_leave_everything_alone(chip):
    one = plain(chip=chip, learning=Perturbation("anp", update="sequence", decorrelation_lr=0.01).learning())
    one.learn(*series())
    before = kept(one)
    one.prepare()
    one.run(series()[0])
    one.evaluate(*series(), record=("x",))
    np.testing.assert_equal(one.state(), before)


# ---------------------------------------------------------------- batch after batch


SPIKING = Network(2, (5, 6), 3, neuron=ALIF(), readout=LI(), bias=True)
ONE_BY_ONE = {
    "np": (NETWORK, IDEAL, Perturbation("np")),
    "with biases, on spikes": (SPIKING, IDEAL, Perturbation("anp", norm="running")),
    "spikes with delays": (
        Network(2, 5, 3, neuron=ALIF(), readout=LI(), wiring=Sparse(0.5, delay=2e-3)),
        IDEAL,
        Perturbation("anp", trace=0.5),
    ),
    "reward at the end": (NETWORK, ANALOG, Perturbation("anp", update="sequence", decorrelation_lr=0.01)),
    "changes that wait": (NETWORK, DIGITAL, Perturbation("np", 0.1, 0.1, threshold=0.02)),
    "writes that are verified": (
        NETWORK,
        load("pcm-hermes").replace(cell__update="direct"),
        Perturbation("np", 0.1, 0.1, threshold=0.02, verify=True),
    ),
    "weights perturbed": (NETWORK, DIGITAL, Perturbation("wp", decorrelation_lr=0.01)),
    "single pass": (NETWORK, IDEAL, Perturbation("nrl", trace=0.5)),
    "layer by layer": (DEEP, IDEAL, Perturbation("np", perturb="layer", samples=3)),
    "antithetic": (DEEP, IDEAL, Perturbation("np", passes="antithetic", samples=2, perturb="all")),
    "over time": (DEEP, IDEAL, Perturbation("np", interval=3, momentum=0.5, sign=True, samples=2, perturb="hidden")),
    "late reward, telegraph noise": (NETWORK, Chip(wire=DigitalWire(delay=2, lost=0.2), noise=Telegraph()), Perturbation("anp")),
}


@pytest.mark.parametrize("case", ONE_BY_ONE)
def test_batch_after_batch_in_one_call_is_one_call_a_batch(case):
    network, chip, rule = ONE_BY_ONE[case]
    network, chip, rule = check(network), check(chip), check(rule)
    one, other = (plain(network, chip, learning=rule.learning()) for _ in range(2))
    given = series(network, replicas=6)
    before = [part.copy() for part in given]
    whole = one.learn(*given, record=("x", "y"), batch=2)
    pieces = [other.learn(*[part[k : k + 2] for part in given], record=("x", "y")) for k in (0, 2, 4)]
    np.testing.assert_equal(one.state(), other.state())
    np.testing.assert_array_equal(whole.loss, np.concatenate([piece.loss for piece in pieces]))
    assert whole.account == pieces[0].account.plus(pieces[1].account).plus(pieces[2].account)
    for name, shown in whole.records.items():
        np.testing.assert_array_equal(shown, np.concatenate([piece.records[name] for piece in pieces]))
    for part, places in whole.saturation.items():
        for place, counts in places.items():
            assert counts == tuple(np.sum([piece.saturation[part][place] for piece in pieces], axis=0))
    np.testing.assert_equal(given, before)  # what is given is not written into


def test_spikes_of_later_batches_are_those_of_later_sequences():
    one, other = (plain(SPIKING, learning=Perturbation("anp", norm="running").learning()) for _ in range(2))
    inputs, targets, counted = series(SPIKING, replicas=4, steps=12)
    found = one.learn(20 * inputs, targets, counted, record=("spikes",), batch=2).records["spikes"]
    pieces = [other.learn(20 * inputs[k : k + 2], targets[k : k + 2], counted[k : k + 2], record=("spikes",)) for k in (0, 2)]
    first, second = (piece.records["spikes"] for piece in pieces)
    assert len(first.step) and len(second.step)
    late = found.sequence >= 2
    assert (np.diff(found.step) >= 0).all()
    for mine, given in ((found.sequence[~late], first.sequence), (found.sequence[late] - 2, second.sequence)):
        np.testing.assert_array_equal(mine, given)
    for mine, given in ((found.neuron[~late], first.neuron), (found.neuron[late], second.neuron)):
        np.testing.assert_array_equal(mine, given)


def test_a_batch_that_is_not_finite_is_the_last():
    one, other = plain(), plain()
    inputs, targets, counted = series(replicas=6)
    targets[2:4] = np.float32(1e30)
    outcome = one.learn(inputs, targets, counted, batch=2)
    pieces = [other.learn(inputs[k : k + 2], targets[k : k + 2], counted[k : k + 2]) for k in (0, 2)]
    assert not outcome.finite and not pieces[1].finite
    np.testing.assert_array_equal(outcome.loss, np.concatenate([piece.loss for piece in pieces]))
    np.testing.assert_equal(one.state(), other.state())
    assert outcome.account == pieces[0].account.plus(pieces[1].account)


@pytest.mark.parametrize("rule", [Gradient("tbptt", k=3), Gradient("eprop", k=2)], ids=lambda rule: rule.name)
def test_reference_gradients_take_batch_after_batch_too(rule):
    one, other = (GradientLearner(NETWORK, rule, 3, plain=True) for _ in range(2))
    given = series(replicas=6)
    whole = one.learn(*given, batch=2)
    pieces = [other.learn(*[part[k : k + 2] for part in given]) for k in (0, 2, 4)]
    np.testing.assert_equal(one.state(), other.state())
    np.testing.assert_array_equal(whole.loss, np.concatenate([piece.loss for piece in pieces]))
    assert whole.account == pieces[0].account.plus(pieces[1].account).plus(pieces[2].account)


@pytest.mark.parametrize("batch", [0, 4, 1.5, float("nan"), True])
def test_a_batch_has_to_divide_the_sequences(batch):
    with pytest.raises(InputError, match=f"6 sequences cannot be taken {batch} at a time"):
        plain().learn(*series(replicas=6), batch=batch)


# ---------------------------------------------------------------- batches in pieces, out of order, in threads; compiled


def test_batch_after_batch_compiled(noisy):
    one, other = (Simulator(NETWORK, ANALOG, 3, RULE) for _ in range(2))
    _, given, _ = noisy
    whole = one.learn(*given, batch=2)
    pieces = [other.learn(*[part[k : k + 2] for part in given]) for k in range(0, 8, 2)]
    np.testing.assert_equal(one.state(), other.state())
    np.testing.assert_array_equal(whole.loss, np.concatenate([piece.loss for piece in pieces]))


@pytest.fixture(scope="module")
def noisy():
    """A simulator on the noisy chip that has learned, eight sequences, and what evaluating them together gives."""
    one = Simulator(NETWORK, ANALOG, 3, RULE)
    data = series(replicas=8, steps=6)
    one.learn(*data)
    return one, data, one.evaluate(*data, record=("x", "h", "y"), noise=5)


def some(data, first, last):
    return [array[first:last] for array in data]


def joined(outcomes):
    return np.concatenate([o.loss for o in outcomes]), {
        name: np.concatenate([o.records[name] for o in outcomes]) for name in outcomes[0].records
    }


def test_reads_are_noisy_and_numbered(noisy):
    one, data, whole = noisy
    np.testing.assert_equal(one.evaluate(*data, record=("x", "h", "y"), noise=5), whole)
    assert not np.array_equal(one.evaluate(*data, noise=6).loss, whole.loss)
    assert not np.array_equal(one.evaluate(*data, noise=5, first=1).loss, whole.loss)
    same = [np.repeat(array[:1], 8, axis=0) for array in data]
    assert len(set(one.evaluate(*same, noise=5).loss)) == 8  # each sequence meets noise of its own


@pytest.mark.parametrize("cuts", [(0, 3, 8), (0, 1, 2, 7, 8), tuple(range(9))], ids=str)
def test_results_do_not_depend_on_how_a_batch_is_split(noisy, cuts):
    one, data, whole = noisy
    pieces = zip(cuts, cuts[1:])
    found = [one.evaluate(*some(data, a, b), record=("x", "h", "y"), noise=5, first=a) for a, b in pieces]
    np.testing.assert_equal(joined(found), (whole.loss, whole.records))


def test_results_do_not_depend_on_the_order_of_a_batch(noisy):
    one, data, whole = noisy
    for k in (7, 2, 5):
        found = one.evaluate(*some(data, k, k + 1), record=("y",), noise=5, first=k)
        assert found.loss[0] == whole.loss[k]
        np.testing.assert_array_equal(found.records["y"][0], whole.records["y"][k])


@pytest.mark.parametrize("shared", [True, False], ids=["one simulator", "two simulators"])
def test_results_do_not_depend_on_threads(noisy, shared):
    one, data, whole = noisy
    other = one
    if not shared:
        other = Simulator(NETWORK, ANALOG, 3, RULE)
        other.restore(kept(one))

    def half(job):
        simulator, a, b = job
        return [simulator.evaluate(*some(data, a, b), record=("x", "h", "y"), noise=5, first=a) for _ in range(20)]

    with ThreadPoolExecutor(2) as pool:
        halves = list(pool.map(half, [(one, 0, 4), (other, 4, 8)]))
    for pair in zip(*halves, strict=True):
        np.testing.assert_equal(joined(pair), (whole.loss, whole.records))


def test_learning_in_two_threads_is_learning_in_turn():
    def learned(seed):
        one = Simulator(NETWORK, ANALOG, seed, RULE)
        for k in range(10):
            one.learn(*series(seed=k))
        return kept(one)

    expected = [learned(seed) for seed in (3, 4)]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(learned, (3, 4)))
    np.testing.assert_equal(found, expected)


# ---------------------------------------------------------------- records


def test_records_of_two_layers():
    one = plain(DEEP, dtype="float64", learning=None)
    inputs = series(DEEP, 2, 5, dtype="float64")[0]
    A, R, C, S, B = one.weights
    x, z, h, y = np.zeros((2, 5)), np.zeros((2, 6)), [], []
    outs = []
    for t in range(5):
        below = inputs[:, t] @ A + x @ R
        x = np.tanh(below)
        above = x @ C + z @ S
        z = np.tanh(above)
        h.append(np.concatenate([below, above], 1))
        outs.append(np.concatenate([x, z], 1))
        y.append(z @ B)
    found = one.run(inputs, record=("x", "h", "y"))
    for name, want in (("x", outs), ("h", h), ("y", y)):
        want = np.stack(want, 1)
        assert found[name].shape == want.shape
        np.testing.assert_allclose(found[name], want, rtol=1e-10, atol=1e-14)


def test_records_have_the_axes_of_what_was_given():
    one = plain(Network(1, 5, 3), learning=None)
    series1 = np.ones(4)
    assert one.run(series1)["y"].shape == one.run(series1[:, None])["y"].shape == (4, 3)
    assert one.run(series1[None, :, None])["y"].shape == (1, 4, 3)
    found = one.run(series1, record=("x", "h"))
    assert found.keys() == {"x", "h"} and found["x"].shape == found["h"].shape == (4, 5)
    assert found["x"].dtype == np.float32
    outcome = one.evaluate(np.ones((2, 4, 1), "f4"), np.zeros((2, 4, 3), "f4"), np.ones((2, 4), bool))
    assert outcome.records == {} and outcome.loss.shape == (2,) and outcome.steps == 4 and outcome.finite


def test_what_is_recorded_changes_no_bit():
    inputs = series()[0]
    one = plain(chip=ANALOG)
    every = one.run(inputs, record=("x", "h", "y"))
    for name in every:
        np.testing.assert_array_equal(one.run(inputs, record=(name,))[name], every[name])


def test_the_loss_is_that_of_counted_steps():
    one = plain(dtype="float64", learning=None)
    inputs, targets, counted = series(dtype="float64")
    outcome = one.evaluate(inputs, targets, counted, record=("y",))
    error = ((outcome.records["y"] - targets) ** 2).sum(2)
    assert 0 < counted.sum() < counted.size
    np.testing.assert_allclose(outcome.loss, (error * counted).sum(1), rtol=1e-12)


def test_the_loss_reported_by_learning_is_that_of_the_clean_pass():
    """With rates 0, what `learn` reports is what `evaluate` does."""
    one = plain(learning=Perturbation("anp", 0.0, 0.0).learning())
    np.testing.assert_array_equal(one.learn(*series()).loss, one.evaluate(*series()).loss)


def test_a_schedule_gives_other_rates_for_one_call():
    one, two = plain(), plain(learning=Perturbation("anp", 0.05, 0.02).learning())
    one.learn(*series(), Perturbation("anp", 0.05, 0.02).learning())
    two.learn(*series())
    np.testing.assert_equal(one.weights, two.weights)
    one.learn(*series())
    two.learn(*series())
    assert not np.array_equal(one.weights[0], two.weights[0])


# ---------------------------------------------------------------- weights in cells


def test_programmed_weights_are_what_cells_can_hold():
    one = plain(chip=Chip(cell=FixedPoint(4)), dtype="float64")
    full = [4.0 * sigma for sigma in NETWORK.sigmas()]
    levels = [np.linspace(-1.2, 1.2, pre * post).reshape(pre, post) for pre, post in NETWORK.shapes()]
    one.program([level * scale for level, scale in zip(levels, full, strict=True)])
    for w, level, scale in zip(one.weights, levels, full, strict=True):
        np.testing.assert_allclose(w, np.clip(np.floor(level * 8 + 0.5) / 8, -1, 0.875) * scale, rtol=1e-12)
    ideal = plain(dtype="float64")
    ideal.program(levels)
    np.testing.assert_equal(ideal.weights, levels)


def test_initial_weights_are_the_networks():
    for w, expected in zip(plain(dtype="float64").weights, NETWORK.weights(3), strict=True):
        np.testing.assert_array_equal(w, expected)


def test_arrays_that_would_be_cut_are_mapped_anew_and_others_stay():
    chip = load("digital-8bit")
    own = Simulator(NETWORK, chip, 3).scales
    weights = NETWORK.weights(3)
    weights[1] = weights[1] * (3 * own[1] / np.abs(weights[1]).max())
    cut, kept, all_anew = (Simulator(NETWORK, chip, 3) for _ in range(3))
    cut.program(weights)
    kept.program(weights, fit=None)
    all_anew.program(weights, fit=True)
    np.testing.assert_array_equal(cut.scales, own)
    np.testing.assert_array_equal(kept.scales, [own[0], all_anew.scales[1], own[2]])
    assert np.abs(cut.weights[1]).max() <= own[1] < np.abs(kept.weights[1]).max()
    np.testing.assert_allclose(kept.weights[1], weights[1], atol=kept.scales[1] / 127)

    again = Simulator(NETWORK, chip, 3)
    again.program(cut.weights, fit=None)  # what a chip of the same kind holds is never mapped anew
    np.testing.assert_array_equal(again.scales, own)
    np.testing.assert_array_equal(again.weights[1], cut.weights[1])


# ---------------------------------------------------------------- refused in one sentence


@pytest.mark.parametrize(
    ("memory", "rule", "message"),
    [
        (
            Limited(8, 64),
            Perturbation("np", trace=0.9),
            r"NPTrace needs 16 bits in every synapse \(e 16 bit\), but the chip small has 8; choose",
        ),
        (
            Limited(16, 10),
            Perturbation(norm="running"),
            r"ANPRunning needs 16 bits in every neuron \(v 16 bit\), but the chip small has 10; choose",
        ),
    ],
    ids=["synapse", "neuron"],
)
def test_a_rule_that_does_not_fit_the_chip(memory, rule, message):
    chip = Chip("small", memory=memory)
    with pytest.raises(InputError, match=message):
        plain(chip=chip, learning=rule.learning())
    plain(chip=chip.replace(memory=Limited(16, 16)), learning=rule.learning())  # room for exactly that is enough


def test_a_trace_does_not_fit_the_analog_chip():
    with pytest.raises(InputError, match=r"needs 16 bits in every synapse .* analog-noisy has 0;"):
        plain(chip=ANALOG, learning=Perturbation("anp", trace=0.5).learning())


@pytest.mark.parametrize("seed", [-1, 2**63, 1.5, True, "1", None], ids=repr)
def test_seeds_out_of_range(seed):
    with pytest.raises(InputError, match=r"seed must be a whole number from 0 to 2\*\*63 - 1, got"):
        plain(seed=seed)


@pytest.mark.parametrize("seed", [0, 2**63 - 1, np.int64(7)], ids=repr)
def test_seeds_at_the_ends_of_the_range(seed):
    one = plain(seed=seed)
    assert one.learn(*series()).finite and all(np.isfinite(w).all() for w in one.weights)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (np.array([[1.0, 2.0], [np.nan, 0.0]]), r"inputs is nan at sequence 0, step 1, column 0; every value must be finite"),
        (np.array([[[1.0, 2.0]], [[0.0, -np.inf]]]), r"inputs is -inf at sequence 1, step 0, column 1"),
        (np.zeros((4, 3)), r"inputs has shape \(4, 3\), but the network takes \(step, 2\) or \(sequence, step, 2\)"),
        (np.zeros(4), r"inputs has shape \(4,\), but"),
        (np.zeros((1, 2, 4, 2)), r"inputs has shape \(1, 2, 4, 2\), but"),
        (np.zeros((0, 2)), r"inputs has shape \(0, 2\): there is no step in it"),
    ],
    ids=["nan", "infinity", "width", "one axis", "four axes", "no step"],
)
def test_inputs_that_no_network_takes(inputs, message):
    with pytest.raises(InputError, match=message):
        plain().run(inputs)


def test_unknown_records():
    with pytest.raises(InputError, match=r'cannot record "z"; .*Known: x, h, y'):
        plain().run(np.zeros((3, 2)), record=("y", "z"))


@pytest.mark.parametrize("method", ["evaluate", "learn"])
@pytest.mark.parametrize("wrong", ["inputs", "targets", "counted", "steps", "nan"])
def test_sequences_that_do_not_fit(method, wrong):
    inputs, targets, counted = series()
    given = {
        "inputs": (inputs[:, :, :1], targets, counted),
        "targets": (inputs, targets[:, :, :1], counted),
        "counted": (inputs, targets, counted[:1]),
        "steps": (inputs, targets[:, :2], counted),
        "nan": (np.where(inputs > 1, np.nan, inputs), targets, counted),
    }
    with np.errstate(all="ignore"), pytest.raises(InputError):
        getattr(plain(), method)(*given[wrong])


@pytest.mark.parametrize(
    "other",
    [
        lambda: plain(Network(2, 6, 3)),
        lambda: plain(DEEP),
        lambda: plain(chip=ANALOG),
        lambda: plain(learning=Perturbation(norm="running").learning()),
        lambda: plain(learning=Perturbation(decorrelation_lr=0.1).learning()),
    ],
    ids=["size", "layers", "chip", "rule", "decorrelation"],
)
def test_a_state_of_something_else_is_refused_and_changes_nothing(other):
    one = plain()
    before = kept(one)
    with pytest.raises(InputError, match="belongs to another network, chip, rule or dtype"):
        one.restore(other().state())
    np.testing.assert_equal(one.state(), before)


def test_a_refused_state_leaves_memories_alone():
    one, other = plain(learning=LEAVES_MORE), plain(Network(2, 6, 3), learning=LEAVES_MORE)
    one.learn(*series(replicas=2))
    other.learn(*series(replicas=3))
    before = kept(one)
    with pytest.raises(InputError):
        one.restore(other.state())
    np.testing.assert_equal(one.state(), before)


def test_learning_without_a_rule():
    with pytest.raises(InputError, match="has no learning rule; give one"):
        plain(learning=None).learn(*series())


def test_programming_other_shapes():
    with pytest.raises(InputError, match=r"weights have shapes .*\(2, 5\).* but the network has .*\(5, 3\)"):
        plain().program([np.zeros((2, 5))])


@pytest.mark.parametrize("dtype", ["float16", "double"])
def test_other_arithmetic(dtype):
    with pytest.raises(InputError, match=rf'dtype "{dtype}" is not known; .*float32, float64'):
        plain(dtype=dtype)


def test_a_class_where_a_part_is_wanted():
    with pytest.raises(InputError, match=r"FixedPoint is a class where a part is wanted: write FixedPoint\(\)"):
        plain(chip=Chip()._replace(cell=FixedPoint))


def test_numbers_out_of_range():
    with pytest.raises(InputError, match=r"ANPLayer\.lr|FixedPoint\.bits must be"):
        plain(chip=Chip()._replace(cell=FixedPoint(40)))
    with pytest.raises(InputError, match=r"Network\.outputs must be"):
        plain(Network(1, 2, 0))


def test_learning_is_a_tuple_of_options():
    """The fields that a rule of a user's own may leave out mean: a clean and a noisy pass, at once, no decorrelation, all of the difference carried on, no threshold."""
    assert Learning("mine", None, None)[3:] == (
        (False, True),
        True,
        True,
        0.0,
        True,
        True,
        1.0,
        False,
        False,
        False,
        0.0,
        False,
        1,
        0.0,
        False,
    )


class Given(NamedTuple):
    """The perturbation that a neuron was given last."""

    xi: Annotated[float, Bits(64)]


class Listener(NamedTuple):
    """A rule that remembers what it was given and learns nothing."""

    site = "current"
    needs = ()
    Register, Memory = Nothing, Given

    def signal(self, m, own, extra):
        return Given(own.xi), own.xi

    def trace(self, r, pre, a):
        return r

    def change(self, w, r, pre, a, reward):
        return 0.0 * reward


@pytest.mark.parametrize("noise", [Gaussian(0.1), Telegraph(0.1, up=2.0, down=3.0)], ids=lambda noise: type(noise).__name__)
def test_perturbations_are_those_that_learning_gives(noise):
    learning = Learning("listener", Listener(), Listener(), perturb_readout=False)
    simulator = Simulator(Network(1, (3, 2), 1), IDEAL.replace(noise=noise), 5, learning, dtype="float64", plain=True)
    for steps in (1, 4):  # the second sequence begins at step 1 of the clock
        told = simulator.perturbations(steps)
        simulator.learn(np.zeros((1, steps, 1)), np.zeros((1, steps, 1)), np.ones((1, steps), bool))
        assert [xi.shape for xi in told] == [(steps, 3), (steps, 2), (steps, 1)]
        for xi, memory in zip(told, simulator.memories):
            np.testing.assert_array_equal(xi[-1], memory.xi[0])
        assert told[0].all() and not told[2].any()


@pytest.mark.parametrize("noise", [Gaussian(0.1), Telegraph(0.1, up=2.0, down=3.0)], ids=lambda noise: type(noise).__name__)
def test_over_an_interval_noise_goes_on_and_is_added_where_it_begins(noise):
    chip, inputs, told = IDEAL.replace(noise=noise), np.zeros((1, 5, 1)), []
    for interval in (1, 3):
        learning = Learning("listener", Listener(), Listener(), interval=interval)
        simulator = Simulator(Network(1, (3, 2), 1), chip, 5, learning, dtype="float64", plain=True)
        told.append(simulator.perturbations(5))
    begins = np.array([0, 1, 0, 0, 1])[:, None]
    np.testing.assert_array_equal(told[1][0], told[0][0] * begins)
    np.testing.assert_array_equal(told[1][2], told[0][2])
    for steps in (3, 4):  # what was given in the second step is what neurons keep
        simulator.learn(inputs[:, :steps], inputs[:, :steps], np.ones((1, steps), bool))
        np.testing.assert_array_equal(simulator.memories[0].xi[0], told[1][0][1])
        simulator = Simulator(Network(1, (3, 2), 1), chip, 5, learning, dtype="float64", plain=True)


def test_perturbations_need_a_clean_and_a_perturbed_pass():
    for learning in (None, Perturbation("wp").learning(), Perturbation(samples=2).learning()):
        with pytest.raises(InputError, match="a clean and a perturbed pass"):
            Simulator(Network(1, 3, 1), learning=learning, plain=True).perturbations(1)
