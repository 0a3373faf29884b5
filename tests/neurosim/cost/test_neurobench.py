"""NeuroBench's metrics, against a walk through every weight and step."""

import importlib.util
import pathlib

import numpy as np
import pytest

from hw_models.chip import Chip, load
from neurosim.cost import Workload, count, neurobench
from neurosim.cost.neurobench import learning_metrics, matrices
from neurosim.memory import memory_bits
from neurosim.network import Network
from neurosim.neurons import ReLU
from neurosim.rules import NP
from neurosim.simulator import Simulator
from neurosim.wiring import Dense, Sparse

BENCHMARK = pathlib.Path(__file__).resolve().parents[3] / "benchmarks" / "against_neurobench.py"
NETWORK = Network(2, (3, 4), 1, neuron=ReLU())


def walked(network, weights, inputs):
    """Operations of every weight at every step, in plain loops; a projection's inputs of one step, over all sequences, are ACs if ternary."""
    count, steps, _ = inputs.shape
    effective, binary = {}, {}
    zeros = total = 0
    for s in range(count):
        x = [np.zeros(n) for n in network.layers]
        for t in range(steps):
            below = inputs[s, t]
            seen = []
            for k in range(len(network.layers)):
                seen += [below, x[k]]
                x[k] = np.maximum(below @ weights[2 * k] + x[k] @ weights[2 * k + 1], 0)
                below = x[k]
                zeros, total = zeros + int((x[k] == 0).sum()), total + x[k].size
            seen.append(below)
            for p, (z, w) in enumerate(zip(seen, weights)):
                n = sum(1 for j in range(w.shape[0]) for i in range(w.shape[1]) if z[j] != 0 and w[j, i] != 0)
                effective[t, p] = effective.get((t, p), 0) + n
                binary[t, p] = binary.get((t, p), True) and all(value in (-1, 0, 1) for value in z)
    acs = sum(n for key, n in effective.items() if binary[key])
    return sum(effective.values()) - acs, acs, zeros / total


def test_metrics_of_a_rectifying_network():
    simulator = Simulator(NETWORK, Chip(), 3, dtype="float64", plain=True)
    weights = simulator.weights
    weights[1][0, :] = 0.0
    simulator.program(weights)
    rng = np.random.default_rng(2)
    inputs = rng.choice([-1.0, 0.0, 1.0], (2, 5, 2))
    found = neurobench(simulator, inputs)
    macs, acs, sparsity = walked(NETWORK, simulator.weights, inputs)
    synapses = 2 * 3 + 3 * 3 + 3 * 4 + 4 * 4 + 4 * 1
    assert found["SynapticOperations"] == {"Effective_MACs": macs / 2, "Effective_ACs": acs / 2, "Dense": 5 * synapses}
    assert acs > 0 and macs > 0
    assert found["ActivationSparsity"] == pytest.approx(sparsity) and 0 < sparsity < 1
    assert found["ConnectionSparsity"] == 3 / synapses
    assert found["ParameterCount"] == synapses
    assert found["Footprint"] == (synapses * 32 + 8 * 32) / 8  # weights, and what eight neurons send


@pytest.fixture(scope="module")
def benchmark():
    spec = importlib.util.spec_from_file_location("against_neurobench", BENCHMARK)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_metrics_are_what_neurobench_printed_of_the_same_network(benchmark):
    """What neurobench 2.3.0 printed with torch 2.14.1 in `benchmarks/against_neurobench.py`; it rounds connection sparsity to four digits."""
    assert neurobench(*benchmark.example()) == {
        "Footprint": 244,
        "ParameterCount": 54,
        "ConnectionSparsity": pytest.approx(0.2407, abs=5e-5),
        "ActivationSparsity": pytest.approx(0.5158730158730159),
        "SynapticOperations": {"Effective_MACs": pytest.approx(93.66666666666667), "Effective_ACs": 21.0, "Dense": 378.0},
    }


@pytest.mark.filterwarnings("default")  # those of its own and of what it brings along
@pytest.mark.parametrize("wiring", [Dense(), Sparse(0.5)], ids=["dense", "sparse"])
def test_neurobench_itself_says_the_same_of_the_same_network(benchmark, wiring):
    pytest.importorskip("neurobench", reason='NeuroBench is not installed; it is the extra "neurobench"')
    simulator, inputs = benchmark.example(benchmark.NETWORK._replace(wiring=wiring))
    ours, theirs = neurobench(simulator, inputs), benchmark.theirs(matrices(simulator), inputs)
    assert 0 < ours["ActivationSparsity"] < 1 and ours["SynapticOperations"]["Effective_ACs"] > 0
    absent = sum(pre * post for pre, post in benchmark.NETWORK.shapes()) - ours["ParameterCount"]  # PyTorch stores zeros for them
    assert absent == theirs["ParameterCount"] - ours["ParameterCount"] and (absent > 0) == wiring.sparse
    assert ours["ConnectionSparsity"] == pytest.approx(theirs["ConnectionSparsity"], abs=5e-5)  # which it rounds to four digits
    assert ours["ActivationSparsity"] == pytest.approx(theirs["ActivationSparsity"])
    assert ours["SynapticOperations"] == pytest.approx(theirs["SynapticOperations"])
    if not wiring.sparse:
        assert ours["Footprint"] == theirs["Footprint"]


def test_metrics_of_learning():
    network, chip, learning = Network(1, 4, 1), load("digital-8bit"), NP().learning()
    found = learning_metrics(count(network, chip, learning, Workload(10)), memory_bits(network, chip, learning))
    assert found["LearningSynapticOperations"] == 10 * 24  # the second pass
    assert found["WeightUpdates"] == 10 * 24
    # what the noisy pass takes: 9 rounded inputs and 5 perturbations of one bit; and a rounding of every weight
    assert found["RandomBits"] == 10 * (9 * 16 + 5 + 24 * 16)
    assert found["GaussianSamples"] == 0
    assert found["LearningFootprint"] == (5 * 8 + 5 * 32 + 32 + 128) / 8  # second pass, signals, reward, generator
