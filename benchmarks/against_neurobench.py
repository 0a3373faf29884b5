"""Metrics of one network by NeuroBench's own package and by `neurosim.cost.neurobench`, side by side.

    python benchmarks/against_neurobench.py [--json FILE]

The network has 2 inputs, 6 rectifying recurrent neurons and 1 output; a quarter of its weights is zero, and its inputs are -1, 0 or 1, so
that products of every kind occur. NeuroBench meets it as PyTorch modules, one a projection, that are run step by step. It needs the extra
"neurobench", which brings several gigabytes with PyTorch. Where it is installed, the test suite runs this comparison, and the same with
sparse wiring; elsewhere it holds the numbers that were printed.
"""

import argparse
import json

import numpy as np

from hw_models.chip import Chip
from neurosim.cost import neurobench
from neurosim.cost.neurobench import matrices
from neurosim.network import Network
from neurosim.neurons import ReLU
from neurosim.simulator import Simulator

NETWORK, SEQUENCES, STEPS = Network(2, 6, 1, neuron=ReLU()), 3, 7


def example(network=NETWORK):
    """The network on an ideal chip, and what it is given; of dense wiring nothing is drawn at random."""
    simulator = Simulator(network, Chip(), 1, plain=True)
    weights = []
    for w in simulator.weights:
        n = np.arange(w.size, dtype=float).reshape(w.shape)
        weights.append(np.where(n % 4 == 3, 0.0, np.cos(n)))
    simulator.program(weights)
    n = np.arange(SEQUENCES * STEPS * 2).reshape(SEQUENCES, STEPS, 2)
    return simulator, (n * n) % 3 - 1.0


def theirs(weights, inputs):
    """What NeuroBench says of the same network in PyTorch, its neurons' outputs being buffers."""
    import torch
    from neurobench.benchmarks import Benchmark
    from neurobench.metrics.static import ConnectionSparsity, Footprint, ParameterCount
    from neurobench.metrics.workload import ActivationSparsity, SynapticOperations
    from neurobench.models import TorchModel

    class Recurrent(torch.nn.Module):
        def __init__(self):
            super().__init__()
            for name, w in zip(("below", "recurrent", "readout"), weights, strict=True):
                setattr(self, name, torch.nn.Linear(*w.shape, bias=False))
                getattr(self, name).weight.data = torch.tensor(w.T.copy(), dtype=torch.float32)
            self.rectify = torch.nn.ReLU()
            self.register_buffer("x", torch.zeros(NETWORK.hidden))
            self.register_buffer("y", torch.zeros(NETWORK.outputs))

        def forward(self, batch):
            x, answers = self.x.expand(len(batch), -1), []
            for t in range(batch.shape[1]):
                x = self.rectify(self.below(batch[:, t]) + self.recurrent(x))
                answers.append(self.readout(x))
            return torch.stack(answers, 1)

    data = torch.tensor(inputs, dtype=torch.float32)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(data, torch.zeros(len(data))), batch_size=len(data))
    metrics = [[Footprint, ParameterCount, ConnectionSparsity], [ActivationSparsity, SynapticOperations]]
    with torch.no_grad():
        return Benchmark(TorchModel(Recurrent()), loader, [], [], metrics).run(quiet=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json")
    options = parser.parse_args()
    simulator, inputs = example()
    found = {"neurobench": theirs(matrices(simulator), inputs), "neurosim": neurobench(simulator, inputs)}
    for name in found["neurosim"]:
        print(f"{name}: NeuroBench {found['neurobench'][name]}, neurosim {found['neurosim'][name]}")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(found, file, indent=2)
