"""Neuron circuits and converters that differ from line to line, in a network on a chip, and what saturated there; by hand."""

import numpy as np
import pytest

import neurosim as ns
from hw_models.chip import Chip, load
from hw_models.circuit import AnalogCircuit, FixedPointCircuit
from hw_models.converters import Quantiser
from hw_models.parts import InputError
from hw_models.testing import as_numbers
from hw_models.tile import Crossbar
from neurosim.bptt import GradientLearner
from neurosim.network import Network
from neurosim.neurons import Leaky, Linear, ReLU
from neurosim.rules import ANP, Gradient, Perturbation
from neurosim.simulator import Simulator
from neurosim.tasks import MackeyGlass

SEED = 5


def on(chip, network, learning=None):
    return Simulator(network, chip, SEED, learning, dtype="float64", plain=True)


def seen(simulator, inputs):
    """Currents, activity and outputs of one sequence, and what saturated."""
    steps = len(inputs)
    zeros, counted = np.zeros((1, steps, simulator.network.outputs)), np.ones((1, steps), bool)
    outcome = simulator.evaluate(inputs[None], zeros, counted, record=("h", "x", "y"))
    return {name: values[0] for name, values in outcome.records.items()}, outcome.saturation


def inputs(steps, width=1):
    return 2.0 * np.random.default_rng(2).standard_normal((steps, width))


def test_an_analog_neuron_with_a_leak_by_hand():
    network, circuit, rate = Network(1, 6, 1, neuron=Leaky(0.5)), AnalogCircuit(0.2, 0.3, 0.2, limit=0.6), 0.5
    one = on(Chip(neuron=circuit), network)
    found, saturation = seen(one, inputs(20))
    gain, offset, pace = (one.state()[f"circuits.0.{name}"] for name in ("gain", "offset", "pace"))
    assert len({*gain, *offset, *pace}) == 18  # each neuron is another
    v, beyond = np.zeros(6), 0
    for h, x in zip(found["h"], found["x"], strict=True):
        i = gain * h + offset
        change = rate * (np.clip(i, -0.6, 0.6) - v)
        sent, after = np.tanh(v + change), v + pace * change
        beyond += sum((np.abs(values) > 0.6).sum() for values in (i, sent, after))
        v = np.clip(after, -0.6, 0.6)
        np.testing.assert_allclose(x, np.clip(sent, -0.6, 0.6), rtol=1e-12, atol=1e-15)
    assert saturation["neuron"]["hidden"] == (beyond, 20 * 6 * 3) and beyond > 10


def test_a_digital_neuron_by_hand():
    network = Network(1, 6, 2, neuron=ReLU())
    one = on(Chip(neuron=FixedPointCircuit(4, 0.25)), network)
    found, saturation = seen(one, inputs(20))
    hold = lambda x: np.clip(np.floor(32 * x + 0.5) / 32, -1 / 4, 7 / 32)  # noqa: E731
    np.testing.assert_array_equal(found["x"], hold(np.maximum(hold(found["h"]), 0)))
    sums = found["x"] @ one.weights[2]
    np.testing.assert_array_equal(found["y"], hold(sums))
    beyond = lambda x: int(((x > 15 / 64) | (x < -17 / 64)).sum())  # noqa: E731
    assert saturation == {"neuron": {"hidden": (beyond(found["h"]), 20 * 6 * 2), "readout": (beyond(sums), 20 * 2 * 2)}}
    assert saturation["neuron"]["hidden"][0] > 10  # what a register held stays in range on the way out


def test_a_circuit_of_many_bits_and_one_without_mismatch_are_almost_ideal():
    network = Network(1, 6, 1, neuron=Leaky(0.4))
    ideal, _ = seen(on(Chip(), network), inputs(10))
    for circuit, error in ((FixedPointCircuit(24, 16.0), 1e-4), (AnalogCircuit(0.0, 0.0, 0.0, limit=100.0), 1e-12)):
        found, saturation = seen(on(Chip(neuron=circuit), network), inputs(10))
        for name in ("h", "x", "y"):
            np.testing.assert_allclose(found[name], ideal[name], atol=error)
        assert saturation["neuron"] == {"hidden": (0, 180), "readout": (0, 20)}


def test_every_row_has_its_dac_and_every_column_of_a_tile_its_adc():
    network, wide = Network(1, 70, 1, neuron=Linear()), Quantiser(8, 4.0, gain_spread=0.1, offset_spread=0.02)
    coarse = Quantiser(6, 0.25, gain_spread=0.2, offset_spread=0.1)
    one = on(Chip(tile=Crossbar(read_noise=0.0, rows=64), dac=wide, adc=coarse), network)
    state, w = one.state(), one.weights
    assert state["dacs.1.gain"].shape == (70,) and state["adcs.1.gain"].shape == (2, 70) and state["adcs.2.gain"].shape == (2, 1)
    for name in ("dacs.1.gain", "dacs.1.offset", "adcs.1.gain", "adcs.1.offset"):
        assert len(np.unique(state[name])) == state[name].size  # no two are alike
    u = inputs(3)
    found, saturation = seen(one, u)

    def through(part, name, x):
        made, x = as_numbers(part), state[f"{name}.gain"] * x + state[f"{name}.offset"]
        return np.vectorize(lambda value: made.convert(value, (0.5,)))(x), int(np.vectorize(made.clips)(x).sum())

    sent, beyond_rows, beyond_sums = np.zeros(70), 0, 0
    for t in range(3):
        z, _ = through(wide, "dacs.0", u[t])
        below, _ = through(coarse, "adcs.0", (z @ w[0])[None])
        z, n = through(wide, "dacs.1", sent)
        beyond_rows += n
        sums, n = through(coarse, "adcs.1", np.array([z[:64] @ w[1][:64], z[64:] @ w[1][64:]]))
        beyond_sums += n
        np.testing.assert_allclose(found["h"][t], below.sum(0) + sums.sum(0), atol=1e-12)
        sent = found["x"][t]
    assert saturation["dac"]["hidden to hidden"] == (beyond_rows, 3 * 70)
    assert saturation["adc"]["hidden to hidden"] == (beyond_sums, 3 * 2 * 70) and beyond_sums > 10


def test_other_seeds_make_other_lines_and_equal_ones_the_same():
    chip = Chip(dac=Quantiser(gain_spread=0.1), adc=Quantiser(limit=8.0, offset_spread=0.1), neuron=AnalogCircuit())
    same, again, other = (Simulator(Network(2, 5, 3), chip, seed, plain=True).state() for seed in (1, 1, 2))
    for name in ("dacs.0.gain", "adcs.1.offset", "circuits.0.gain", "circuits.1.pace"):
        np.testing.assert_array_equal(same[name], again[name])
        assert not np.array_equal(same[name], other[name])
    assert not np.array_equal(same["dacs.1.gain"], same["adcs.1.gain"][0])


def test_what_saturates_is_counted_over_passes_replicas_and_layers():
    """Inputs of 3 through a DAC that ends at 1: every one is cut off, in both passes of both sequences."""
    network = Network(2, (3, 4), 1)
    one = on(Chip(dac=Quantiser(8, 1.0)), network, ANP().learning())
    outcome = one.learn(np.full((2, 5, 2), 3.0), np.zeros((2, 5, 1)), np.ones((2, 5), bool))
    assert set(outcome.saturation) == {"dac"}
    dac = outcome.saturation["dac"]
    assert dac["input to hidden-1"] == (40, 5 * 2 * 2 * 2)
    assert {name: of for name, (_, of) in dac.items()} == {
        "input to hidden-1": 40, "hidden-1 to hidden-1": 60, "hidden-1 to hidden-2": 60, "hidden-2 to hidden-2": 80,
        "hidden-2 to readout": 80,
    }  # fmt: skip


def test_an_ideal_chip_has_nothing_to_saturate():
    one = on(Chip(), Network(1, 3, 1))
    assert seen(one, 1e6 * inputs(4))[1] == {}
    assert not [name for name in one.state() if name.startswith(("dacs", "adcs", "circuits"))]


def test_a_run_reports_what_saturated_and_warns(uncompiled):
    """On a chip whose DAC ends far below the activity most of it is cut off; with a wide one nothing is."""
    task, network = MackeyGlass(steps=40, validation_steps=20), Network(1, 4, 1)
    runs = {}
    for limit in (0.01, 100.0):
        chip = load("ideal").replace(dac=Quantiser(8, limit))
        runs[limit] = ns.train(network, task, Perturbation("anp", 0.0, 0.0), chip=chip, epochs=2, baselines=False)
    shares = runs[0.01].metrics["saturation"]["dac"]
    assert set(shares) == {"input to hidden", "hidden to hidden", "hidden to readout"} and 0.5 < shares["input to hidden"] <= 1
    assert runs[0.01].saturation["dac"]["hidden to hidden"][1] == 2 * 40 * 2 * 4  # epochs, steps, passes, neurons
    (warning,) = runs[0.01].warnings
    assert warning.startswith("chip.dac saturated while learning (") and "% at input to hidden" in warning and "chip.dac.limit" in warning
    assert runs[100.0].warnings == [] and set(runs[100.0].metrics["saturation"]["dac"].values()) == {0.0}


def test_reference_gradients_know_no_circuit():
    with pytest.raises(InputError, match=r"chip\.neuron of ideal is FixedPointCircuit"):
        GradientLearner(Network(1, 3, 1), Gradient(), chip=Chip(neuron=FixedPointCircuit()))
