"""What short sequences cost beside one long one: learned in one call, batch after batch in the same memory, and in a call each.

python benchmarks/short_sequences.py [--hidden 100] [--steps 8] [--sequences 250] [--turns 5]
"""

import argparse
import time

import numpy as np

from neurosim import rules
from neurosim.network import Network
from neurosim.simulator import Simulator


def seconds(function) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--hidden", type=int, default=100)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--sequences", type=int, default=250)
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    simulator = Simulator(Network(8, options.hidden, 10), None, 1, rules.DANP(lr=1e-5, readout_lr=1e-3).learning())
    simulator.prepare()
    rng, shape = np.random.default_rng(0), (options.sequences, options.steps)
    inputs, targets = (0.2 * rng.standard_normal((*shape, width)).astype(np.float32) for width in (8, 10))
    counted = np.ones(shape, bool)
    long = [part.reshape(1, -1, *part.shape[2:]) for part in (inputs, targets, counted)]

    def a_call_each():
        for k in range(options.sequences):
            simulator.learn(inputs[k : k + 1], targets[k : k + 1], counted[k : k + 1])

    ways = {
        "as one long sequence": lambda: simulator.learn(*long),
        "in one call": lambda: simulator.learn(inputs, targets, counted, batch=1),
        "in a call each": a_call_each,
    }
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(options.turns):  # in turn, so that all meet the same machine
        best = {name: min(best[name], seconds(way)) for name, way in ways.items()}
    for name, time_s in best.items():
        print(f"{options.sequences} sequences of {options.steps} steps, {name}: {time_s / options.sequences * 1e6:.0f} us a sequence")


if __name__ == "__main__":
    main()
