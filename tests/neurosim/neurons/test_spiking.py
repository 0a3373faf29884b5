"""Spiking neurons: worked by hand, against the solutions of their equations, and in a network on a chip."""

import math
from itertools import pairwise

import numpy as np
import pytest

from hw_models import Nothing
from hw_models.chip import Chip, load
from hw_models.circuit import AnalogCircuit, FixedPointCircuit
from hw_models.noise import Gaussian
from hw_models.parts import InputError
from neurosim.cast import lower
from neurosim.jit import kernel
from neurosim.memory import memory_bits
from neurosim.network import Network
from neurosim.neurons import ALIF, LI, LIF, ConductanceLIF, ExcInhLIF, discrete
from neurosim.neurons.spiking import Start
from neurosim.probes import Probe
from neurosim.protocols import Arrivals, Neuron
from neurosim.rules import Gradient, Perturbation
from neurosim.simulator import Simulator
from neurosim.wiring import Sparse

start, step = kernel(Neuron.start), kernel(Neuron.step)
MS = 1e-3


def run(neuron, currents, step_s=MS, dtype=np.float64):
    """States, outputs and activities of one neuron, step by step."""
    part = lower(discrete(neuron, step_s), dtype)
    p = kernel(Neuron.make)(part, (dtype(0.25),))
    s, found = start(part, p), []
    for i in currents:
        s, out, activity = step(part, p, s, Arrivals(dtype(max(i, 0)), dtype(min(i, 0))) if hasattr(part, "apart") else dtype(i))
        found.append((s, float(out), float(activity)))
    return found


def spikes(found):
    return [t for t, (_, out, _) in enumerate(found) if out]


# ---------------------------------------------------------------- by hand

HALF = 1 / math.log(2)  # a time constant in steps after which a step leaves one half


def test_a_membrane_that_halves_its_gap_in_every_step_fires_rests_and_starts_anew():
    """v: 1/2, 3/4, 7/8 > 0.8: fires; back to 1/8 and held for two steps; then 9/16, 25/32, 57/64 > 0.8."""
    found = run(LIF(HALF * MS, 0.0, v_threshold=0.8, v_reset=0.125, refractory=2 * MS), [1.0] * 8)
    assert [s.v for s, _, _ in found] == pytest.approx([0.5, 0.75, 0.125, 0.125, 0.125, 0.5625, 0.78125, 0.125], rel=1e-14)
    assert spikes(found) == [2, 7]
    assert [s.refractory for s, _, _ in found] == [0, 0, 2, 1, 0, 0, 0, 2]
    assert [activity for _, _, activity in found] == [1.0] * 8  # what arrived


def test_a_reset_by_subtraction_keeps_what_was_above_the_threshold():
    found = run(LIF(HALF * MS, 0.0, v_threshold=0.5, reset="subtract", activity="membrane"), [1.5] * 4)
    assert [s.v for s, _, _ in found] == pytest.approx([0.25, 0.375, 0.4375, 0.46875], rel=1e-14)  # (v + 1.5) / 2 - 0.5
    assert [activity for _, _, activity in found] == pytest.approx([0.75, 0.875, 0.9375, 0.96875], rel=1e-14)  # before the reset
    assert spikes(found) == [0, 1, 2, 3]


def test_forward_euler_steps_by_hand():
    """Steps of a half and a quarter: i = 3/4 i + 1, v = v / 2 + i / 2; 1/2, then 1/4 + 7/8 = 9/8 > 1, then from 0 again 37/32 > 1."""
    found = run(LIF(2 * MS, 4 * MS, v_threshold=1.0, integration="euler"), [1.0] * 3)
    assert [(s.v, s.i) for s, _, _ in found] == [(0.5, 1.0), (0.0, 1.75), (0.0, 2.3125)] and spikes(found) == [1, 2]
    assert [s.v for s, _, _ in run(LI(2 * MS, 4 * MS, "euler"), [1.0, 0.0])] == [0.5, 0.625]
    with pytest.raises(InputError, match=r"A forward Euler step of 0\.003 s is longer than a time constant of 0\.002 s"):
        LIF(2 * MS, integration="euler").discrete(3 * MS)


@pytest.mark.parametrize("kind", [LIF, ExcInhLIF, ALIF])
def test_forward_euler_comes_closer_with_the_step(kind):
    """To first order: halving the step halves the error."""
    errors = []
    for split in (8, 16, 32):
        current = [0.01] + [0.0] * (10 * split - 1)
        euler, exact = (run(kind(integration=how), current, MS / split)[-1][0].v for how in ("euler", "exact"))
        errors.append(abs(euler - exact))
    assert errors[0] > 1e-6 and [a / b for a, b in pairwise(errors)] == pytest.approx([2, 2], rel=0.05)


@pytest.mark.parametrize("kind", [LIF, ExcInhLIF, ConductanceLIF, ALIF])
def test_the_trace_changes_nothing_but_what_rules_see(kind):
    currents = np.random.default_rng(0).uniform(0, 3, 60)
    bare, traced = (run(kind(activity=activity), currents) for activity in ("membrane", "spikes"))
    assert len(spikes(bare)) > 3 and all(out == also for (_, out, _), (_, also, _) in zip(bare, traced))
    trace = 0.0
    for (s, out, _), (t, _, activity) in zip(bare, traced):
        trace = math.exp(-1 / 20) * trace + out
        assert activity == t.trace == pytest.approx(trace, rel=1e-12)
        assert all(getattr(t, name) == getattr(s, name) for name in s._fields) and t._fields[-1] == s._fields[-1]


def test_the_trace_of_spikes_decays_and_each_adds_one():
    found = run(LIF(HALF * MS, 0.0, v_threshold=0.8, activity="spikes", tau_trace=HALF * MS), [2.0, 0.0, 0.0, 2.0])
    assert spikes(found) == [0, 3]
    assert [activity for _, _, activity in found] == pytest.approx([1, 0.5, 0.25, 1.125], rel=1e-14)


def test_a_current_that_rests_on_a_potential_of_its_own():
    found = run(LIF(HALF * MS, 0.0, v_leak=-1.0, v_reset=-1.0, v_threshold=0.5), [0.0, 1.0, 1.0])
    assert [s.v for s, _, _ in found] == pytest.approx([-1.0, -0.5, -0.25], rel=1e-14)


def test_potentials_may_start_anywhere_between_reset_and_threshold():
    neuron = LIF(v_threshold=-50.0, v_reset=-60.0, v_leak=-49.0)
    for scatter, first in ((0.0, -49.0), (1.0, -57.5), (0.5, -53.25)):  # a quarter of the way
        part = lower(discrete(neuron._replace(scatter=scatter), MS), np.float64)
        assert start(part, kernel(Neuron.make)(part, (np.float64(0.25),))).v == pytest.approx(first, rel=1e-15)
    v = on(Network(1, 400, 1, neuron=neuron._replace(scatter=1.0))).state()["neurons.0.v"]
    assert -60 < v.min() < -59.8 and -50.2 < v.max() < -50 and abs(v.mean() + 55) < 4 * 10 / 12**0.5 / 20  # four standard errors


def test_each_spike_raises_an_adaptive_threshold():
    """Threshold 0.4, 0.6 of which half is left a step after: with a current of 1.2 the membrane passes 0.4 + 0.6 * adaptation."""
    neuron = ALIF(HALF * MS, 0.0, beta_adaptation=0.6, tau_adaptation=HALF * MS, v_threshold=0.4)
    found = run(neuron, [1.2] * 5)
    v, b = 0.0, 0.0
    for s, out, _ in found:
        v, b = 0.5 * v + 0.6, 0.5 * b
        fired = v > 0.4 + 0.6 * b
        v, b = 0.0 if fired else v, b + fired
        assert (s.v, s.adaptation, out) == (pytest.approx(v, abs=1e-14), pytest.approx(b, rel=1e-14), fired)
    assert spikes(found) == [0, 2, 4]  # 0.6 > 0.4; 0.6 < 0.7; 0.9 > 0.55; 0.6 < 0.775; 0.9 > 0.5875


def test_adaptation_slows_down():
    found = spikes(run(ALIF(tau_syn=0.0, beta_adaptation=0.05), [1.0] * 1000))
    intervals = np.diff(found)
    assert intervals[0] < intervals[-1] and (np.diff(intervals) >= -1).all()
    assert np.diff(spikes(run(LIF(tau_syn=0.0), [1.0] * 1000))).max() <= intervals[0]


def test_a_readout_integrates_and_leaks():
    found = run(LI(HALF * MS, 0.0), [1.0, 1.0, 0.0])
    assert [out for _, out, _ in found] == pytest.approx([0.5, 0.75, 0.375], rel=1e-14)
    assert [activity for _, _, activity in found] == [1, 1, 0]


def test_excitation_and_inhibition_decay_each_at_its_rate():
    neuron = ExcInhLIF(tau_syn_exc=HALF * MS, tau_syn_inh=2 * HALF * MS, v_threshold=10.0)
    found = run(neuron, [1.0, -2.0, 0.0])
    assert [s.excitation for s, _, _ in found] == pytest.approx([1, 0.5, 0.25], rel=1e-14)
    assert [s.inhibition for s, _, _ in found] == pytest.approx([0, -2, -2 / math.sqrt(2)], rel=1e-14)
    assert [activity for _, _, activity in found] == [1, -2, 0]


def test_equal_synapses_are_one():
    currents = 0.2 + np.random.default_rng(1).standard_normal(300)
    one, two = run(LIF(tau_syn=4e-3), currents), run(ExcInhLIF(tau_syn_exc=4e-3, tau_syn_inh=4e-3), currents)
    assert spikes(one) == spikes(two) and len(spikes(one)) > 3
    np.testing.assert_allclose([s.v for s, _, _ in one], [s.v for s, _, _ in two], atol=1e-12)


def test_conductances_pull_towards_their_potentials():
    """g_exc = 3 for ever: v goes to (3 * 6) / 4 at four times the rate of the leak."""
    neuron = ConductanceLIF(10e-3, tau_syn_exc=1e9, v_threshold=100.0)
    found = run(neuron, [3.0, *[0.0] * 4])
    expected = [4.5 * (1 - math.exp(-4 * 0.1 * n)) for n in range(1, 6)]
    assert [s.v for s, _, _ in found] == pytest.approx(expected, rel=1e-9)
    inhibited = run(neuron._replace(tau_syn_inh=1e9), [-3.0, *[0.0] * 200])
    assert inhibited[-1][0].v == pytest.approx(-1.5, rel=1e-6) and inhibited[-1][0].inhibition == pytest.approx(3.0)


# ---------------------------------------------------------------- against the solutions, and halving the step


@pytest.mark.parametrize("current", [0.31, 0.5, 1.0, 5.0])
def test_the_rate_is_that_of_the_formula(current):
    """The interval is T = tau ln((i - v_reset) / (i - v_threshold)), up to whole steps, and the rest."""
    neuron, step_s = LIF(20e-3, 0.0, v_threshold=0.3, v_reset=-0.1, refractory=2e-3), 0.1e-3
    crossing = 20e-3 * math.log((current + 0.1) / (current - 0.3))
    found = spikes(run(neuron, [current] * 20000, step_s))
    assert set(np.diff(found)) == {math.ceil(crossing / step_s) + 20}
    assert not spikes(run(neuron, [0.299] * 5000, step_s))


@pytest.mark.parametrize(("tau_mem", "tau_syn"), [(20e-3, 5e-3), (5e-3, 20e-3), (10e-3, 10e-3), (10e-3, 10e-3 * (1 + 1e-9))])
def test_below_threshold_the_step_is_exact(tau_mem, tau_syn):
    """After a jump of the current by w: v = w tau_s / (tau_m - tau_s) (exp(-t / tau_m) - exp(-t / tau_s)), w t / tau exp(-t / tau) if equal."""
    for step_s in (4e-3, 1e-3, 0.25e-3):
        for neuron in (LIF(tau_mem, tau_syn, v_threshold=10.0), LI(tau_mem, tau_syn)):
            found = run(neuron, [0.7, *[0.0] * round(40e-3 / step_s)], step_s)
            for n, (s, _, _) in enumerate(found, 1):
                t = n * step_s
                same = abs(tau_mem - tau_syn) < 1e-9
                shape = t / tau_mem * math.exp(-t / tau_mem)
                if not same:
                    shape = tau_syn / (tau_mem - tau_syn) * (math.exp(-t / tau_mem) - math.exp(-t / tau_syn))
                assert s.v == pytest.approx(0.7 * shape, rel=1e-7 if same else 1e-12)


def test_spikes_come_at_most_a_step_late():
    crossing = 20e-3 * math.log(1 / 0.7)
    for step_s in (2e-3, 1e-3, 0.5e-3, 0.25e-3, 0.125e-3):
        late = (spikes(run(LIF(tau_syn=0.0, v_threshold=0.3), [1.0] * 200, step_s))[0] + 1) * step_s - crossing
        assert 0 <= late <= step_s


def test_halving_the_step_halves_the_error_of_a_conductance():
    def end(step_s):
        return run(ConductanceLIF(v_threshold=100.0), [2.0, *[0.0] * (round(8e-3 / step_s) - 1)], step_s)[-1][0].v

    truth = 2 * end(2e-6) - end(4e-6)  # without its term of first order
    errors = [abs(end(step_s) - truth) for step_s in (1e-3, 0.5e-3, 0.25e-3, 0.125e-3)]
    assert all(1.85 < a / b < 2.15 for a, b in zip(errors, errors[1:], strict=False))


def test_float32_follows_float64():
    currents = 0.2 + np.random.default_rng(2).standard_normal(200)
    for neuron in (LIF(), ALIF(), ExcInhLIF(), ConductanceLIF(v_threshold=0.3)):
        single, double = run(neuron, currents, dtype=np.float32), run(neuron, currents)
        assert spikes(single) == spikes(double) and spikes(single)
        np.testing.assert_allclose([s.v for s, _, _ in single], [s.v for s, _, _ in double], atol=1e-5)


# ---------------------------------------------------------------- in a network on a chip

NETWORK = Network(2, 12, 2, neuron=LIF(v_threshold=0.3, refractory=2 * MS), readout=LI(), gain=3.0)
APART = Network(2, 12, 2, neuron=ConductanceLIF(v_threshold=0.3), readout=LI(), gain=3.0)


def drive(steps=30, replicas=1, seed=3, dtype="float64"):
    rng = np.random.default_rng(seed)
    inputs, targets = (1 + rng.standard_normal((replicas, steps, 2))).astype(dtype), np.zeros((replicas, steps, 2), dtype)
    return inputs, targets, np.ones((replicas, steps), bool)


def on(network, chip=None, learning=None, plain=True, dtype="float64"):
    return Simulator(network, chip, 7, learning, dtype=dtype, plain=plain)


def test_excitation_and_inhibition_come_down_lines_of_their_own():
    one = on(Network(2, 12, 2, neuron=ExcInhLIF(v_threshold=0.3), readout=LI(20e-3), gain=3.0))
    inputs = drive()[0][0]
    found = one.run(inputs, record=("x", "h", "v", "excitation", "inhibition", "y"))
    a, r, b = one.weights
    part, x, state = one.parts.neuron, np.zeros(12), [start(one.parts.neuron, Start(0.0))] * 12
    y, i = np.zeros(2), 0.0
    for t, u in enumerate(inputs):
        products = [*(u[:, None] * a), *(x[:, None] * r)]
        exciting, inhibiting = (sum(pick(p, 0) for p in products) for pick in (np.maximum, np.minimum))
        answers = [step(part, Nothing(), s, Arrivals(*arrived)) for s, arrived in zip(state, zip(exciting, inhibiting))]
        state, x = [s for s, _, _ in answers], np.array([out for _, out, _ in answers])
        for name in ("v", "excitation", "inhibition"):
            np.testing.assert_allclose(found[name][t], [getattr(s, name) for s in state], atol=1e-12)
        np.testing.assert_array_equal(found["x"][t], x)
        np.testing.assert_allclose(found["h"][t], exciting + inhibiting, atol=1e-12)
        i = x @ b
        y = math.exp(-1 / 20) * y + (1 - math.exp(-1 / 20)) * i
        np.testing.assert_allclose(found["y"][t], y, atol=1e-12)
    assert 10 < found["x"].sum() < 300


@pytest.mark.parametrize(
    ("network", "chip", "rule", "batch", "dtype"),
    [
        (
            NETWORK._replace(neuron=NETWORK.neuron._replace(activity="spikes"), wiring=Sparse(0.4, 1e-3), bias=True),
            load("digital-8bit")._replace(neuron=FixedPointCircuit(12, 2.0)),
            Perturbation("anp", 0.1, 0.1, carry=0.5),
            2,
            "float32",
        ),
        (APART, load("analog-noisy")._replace(neuron=AnalogCircuit(limit=4.0)), Perturbation("np", 1e-3, 1e-3), 2, "float64"),
    ],
    ids=["lif, digital, sparse and late, batch", "conductances, analog, batch"],
)
def test_plain_and_compiled_runs_have_the_same_bits(network, chip, rule, batch, dtype):
    data = drive(6, batch, dtype=dtype)
    plain, fast = (on(network, chip, rule.learning(), plain, dtype) for plain in (True, False))
    start = [w.copy() for w in plain.weights]
    for _ in range(2):
        np.testing.assert_equal(fast.learn(*data), plain.learn(*data))
    np.testing.assert_equal(fast.state(), plain.state())
    assert any((w != w0).any() for w, w0 in zip(plain.weights, start, strict=True))
    traced = {"trace": Probe()} if network.neuron.activity == "spikes" else {}
    record = {"spikes": Probe(), "v": Probe([3, 1], 2), "h": Probe(), "y": Probe()} | traced
    longer = drive(30, batch, dtype=dtype)
    expected = plain.evaluate(*longer, record=record)
    np.testing.assert_equal(fast.evaluate(*longer, record=record), expected)
    assert len(expected.records["spikes"].step) > 3


def test_who_fired_is_listed_among_many():
    """More neurons than are looked at together."""
    found = on(Network(2, 300, 2, neuron=LIF(v_threshold=0.3), readout=LI(), gain=3.0)).run(drive()[0][0], record=("spikes", "x"))
    step, neuron = np.nonzero(found["x"])
    np.testing.assert_array_equal(found["spikes"].step, step)
    np.testing.assert_array_equal(found["spikes"].neuron, neuron)
    assert len({*neuron[step == step[len(step) // 2]] // 128}) == 3


def test_what_a_pass_takes_over_from_its_base_is_listed_too():
    """With carry 0.5 a spike of one pass alone becomes half a spike of the perturbed one, which the next step must meet."""
    seen = {}
    one = on(NETWORK, Chip(noise=Gaussian(0.5)), Perturbation("anp", 0.0, 0.0, carry=0.5).learning())
    runner = one._runner
    one._runner = lambda course, kinds: seen.update(net=course.net) or runner(course, kinds)
    halves = 0
    for steps in range(5, 15):
        one.learn(*drive(steps))
        (group,) = seen["net"].hidden
        for q in range(2):
            fired = group.fired.which[q, 0, : group.fired.n[q, 0]]
            np.testing.assert_array_equal(fired, np.flatnonzero(group.out[q, 0]))
        halves += np.count_nonzero(group.out[1, 0] == 0.5)
    assert halves > 0


def test_registers_hold_potentials_but_neither_counters_nor_spikes():
    """A rest of 40 steps in a circuit that ends at 1: potentials lie on its levels, what it fires is 1 though its highest level is 127/128."""
    network = NETWORK._replace(neuron=LIF(v_threshold=0.3, refractory=40 * MS))
    one = on(network, Chip(neuron=FixedPointCircuit(8, 1.0)))
    outcome = one.evaluate(*drive(100), record=("x", "v", "refractory", "spikes"))
    x, v, left = (outcome.records[name][0] for name in ("x", "v", "refractory"))
    assert set(np.unique(x)) == {0, 1} and left.max() == 40 and set(np.diff(np.flatnonzero(x[:, x.sum(0).argmax()]))) <= set(range(41, 100))
    np.testing.assert_array_equal(v * 128, np.round(v * 128))
    hidden, readout = (outcome.saturation["neuron"][place] for place in ("hidden", "readout"))
    assert hidden[1] == 100 * 12 * 3 and readout[1] == 100 * 2 * 4  # current, v, i; current, v, i, output


def test_a_spike_passes_no_dac_and_a_slow_leak_is_no_slow_reset():
    chip = load("digital-8bit")._replace(neuron=AnalogCircuit(0.0, 0.0, 0.3, limit=100.0))
    one = on(NETWORK, chip)
    outcome = one.evaluate(*drive(60), record=("x", "v"))
    x, v = outcome.records["x"][0], outcome.records["v"][0]
    assert x.sum() > 10 and (v[x == 1] == 0.0).all()
    assert set(outcome.saturation["dac"]) == {"input to hidden"}
    pace, leak = one.state()["circuits.0.pace"], math.exp(-1 / 20)
    resting = NETWORK._replace(neuron=LIF(v_threshold=9.0, tau_syn=0.0))
    found = on(resting, chip).run(np.ones((3, 2)), record=("v", "h"))
    np.testing.assert_allclose(found["v"][1] - found["v"][0], pace * (1 - leak) * (found["h"][1] - found["v"][0]), rtol=1e-9)


def test_state_is_counted_in_bits():
    """Two words, a counter of 16 bits and a spike a neuron, and a word for the trace if rules look at that; two words and a number as wide as
    the DAC for the readout."""
    for activity, words in (("current", 2), ("membrane", 2), ("spikes", 3)):
        network = NETWORK._replace(neuron=NETWORK.neuron._replace(activity=activity))
        assert memory_bits(network, load("digital-8bit"), Gradient("bptt"))["state"] == 12 * (words * 32 + 16 + 1) + 2 * (2 * 32 + 8)
