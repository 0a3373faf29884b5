"""What exchangeable parts cost: the loop's sweep with each built-in cell against a kernel written by hand for the same work.

    python benchmarks/cells.py [--size 500] [--json FILE]

Both update every synapse of an N x N array, write it through its cell with the random numbers that this takes, and read it into the
column sums of two passes, on one core; the two run in turn, and the best of many turns counts.
"""

import argparse
import json
import time

import hand_written
import numpy as np

import hw_models as hw
from neurosim import jit, rules
from neurosim.loop.synapses import WRITE, sweep
from neurosim.network import Network
from neurosim.simulator import Simulator

REPEAT = 20


def swept(parts, rule, plan, p, a, reward, key, scratch, counts, one, repeat):
    for step in range(repeat):
        sweep(parts, rule, plan, p, WRITE, 2, a, reward, 0, key, step + 1, one, scratch, counts, one)


def by_hand(kernel, repeat, *args):
    for _ in range(repeat):
        kernel(*args)


def arguments(cell, size):
    """The arguments with which the simulator would call its loop for one recurrent layer on a chip with this cell."""
    captured = {}
    simulator = Simulator(Network(1, size, 1), hw.Chip(cell=cell), 1, rules.NP(normalise=False).learning())
    simulator._go = lambda function, kinds, *args: captured.update(args=args)
    simulator.learn(np.zeros((1, 1, 1), np.float32), np.zeros((1, 1, 1), np.float32), np.ones((1, 1), bool))
    parts, plan, net = captured["args"][:3]
    scratch, record, one = captured["args"][-3:]
    rng, p = np.random.default_rng(0), net.projections[1]
    scratch.arrived[...] = 1
    p.z[...] = rng.standard_normal(p.z.shape)
    p.z_before[...], net.hidden[0].a[...], scratch.reward[...] = p.z[0], rng.standard_normal(net.hidden[0].a.shape), 1e-3
    return parts, plan, p, net.hidden[0].a, scratch, record, one


def compare(name, size=500, turns=30) -> dict[str, float]:
    """Microseconds of one sweep, through parts and by hand, and their ratio."""
    parts, plan, p, a, scratch, record, one = arguments(hw.ALL_CELLS[name](), size)
    ours = jit.compiled(swept, *map(type, parts))
    planes = tuple(plane.copy() for plane in p.planes)
    z, sums, seen = np.ascontiguousarray(p.z[:, 0]), np.zeros((2, size), np.float32), np.zeros((4, size), np.float32)
    rate = np.float32(1e-3)
    hand = (hand_written.KERNELS[name], REPEAT, planes, a[0], p.z_before[0], rate, rate, z, sums, seen, np.uint32(7))
    mine = (parts, parts.rule, plan, p, a, scratch.reward, np.uint64(7), scratch, record.counts, one, REPEAT)
    best = {"parts": np.inf, "by hand": np.inf}
    ours(*mine)
    by_hand(*hand)
    for _ in range(turns):
        start = time.perf_counter()
        ours(*mine)
        middle = time.perf_counter()
        by_hand(*hand)
        best["parts"] = min(best["parts"], (middle - start) / REPEAT * 1e6)
        best["by hand"] = min(best["by hand"], (time.perf_counter() - middle) / REPEAT * 1e6)
    return {"parts_us": best["parts"], "by_hand_us": best["by hand"], "ratio": best["parts"] / best["by hand"]}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=500)
    parser.add_argument("--json")
    options = parser.parse_args()
    results = {name: compare(name, options.size) for name in hand_written.KERNELS}
    for name, result in results.items():
        print(f"{name:12s} parts {result['parts_us']:7.1f} us   by hand {result['by_hand_us']:7.1f} us   ratio {result['ratio']:.2f}")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=2)
