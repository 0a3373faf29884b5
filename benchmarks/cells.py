"""What exchangeable parts cost: the loop's sweep with each built-in cell against a kernel written by hand for the same work.

    python benchmarks/cells.py [--sizes 500,1000] [--json docs/cells.json] [--page docs/cells.md]

Both update every synapse of an N x N array by node perturbation, write it through its cell with the random numbers that this takes, and
read it into the column sums of two passes, on one core. What is asked of a cell is a product of two standard normal numbers, times 1e-6 of
full scale, at which hardly a cell of few levels moves, or times 0.05, at which nearly all do and memories that are programmed anew look at
a deadband of that size; its sign alternates from sweep to sweep. The two run in turn, and the best of many turns counts.
"""

import argparse
import json
import pathlib
import platform
import time

import hand_written
import numba
import numpy as np

import hw_models as hw
from neurosim import jit, loop, random, rules
from neurosim.jit import fill
from neurosim.loop.fours import learn_in_fours
from neurosim.loop.trains import send
from neurosim.network import Network
from neurosim.random import stream
from neurosim.simulator import Simulator

CHANGES = {"small": 1e-6, "large": 0.05}
SECONDS = 2e-3  # of one turn, so that a call costs little of it
PAGE = """# Parts against hand-written kernels

Made by `python benchmarks/cells.py --json docs/cells.json --page docs/cells.md`: one sweep of the loop with each built-in cell against a
kernel written by hand for that device alone (`benchmarks/hand_written.py`). An N x N array is asked for a rank-one update, written with the
random numbers that the device needs, and read into the sums of two passes. The arithmetic of logarithms, exponentials and normal numbers is
the same. A small change is a product of two normal numbers times 1e-6 of full scale, a large one times 0.05.

Microseconds of processor time a sweep, through parts / by hand = ratio, the best of many turns. A test asks for a ratio of at most 1.3 at
N = 1000 for either change, and another one holds the two to the same changes of every field of a cell. A cell that is missing here has not
been timed yet. {made}.

{table}
"""


def through_parts(parts, rule, p, a, reward, key, scratch, counts, one, repeat):
    for step in range(repeat):
        fill(p.sums, one - one)
        k_read, k_write = stream(key, random.READ, p.number, step), stream(key, random.WRITE, p.number, step)
        k_rule, k_trains = stream(key, random.RULE, p.number, step), stream(key, random.TRAINS, p.number, step)
        send(parts.cell, rule, scratch.moving.trains, p.scale, p.z_before[0], a[0], reward[0], k_trains, one)
        learn_in_fours(rule, parts, p, a, reward, one, k_read, k_write, k_rule, scratch, counts, one)
        reward[0] = -reward[0]


@hand_written.jit
def by_hand(kernel, cells, a, pre, rate, now, z, clean, noisy, scratch, key, repeat):
    for step in range(repeat):
        kernel(cells, a, pre, rate, now, z, clean, noisy, scratch, np.uint32(key + np.uint32(step)))
        rate = -rate


def arguments(cell, size):
    """The arguments with which the simulator would call its loop for one recurrent layer on a chip with this cell."""
    captured = {}
    simulator = Simulator(Network(1, size, 1), hw.Chip(cell=cell), 1, rules.NP(normalise=False).learning())
    simulator._runner = lambda course, kinds: lambda start, end: captured.update(course=course)
    simulator.learn(np.zeros((1, 1, 1), np.float32), np.zeros((1, 1, 1), np.float32), np.ones((1, 1), bool))
    course = captured["course"]
    parts, scratch, rng = course.parts, course.scratch, np.random.default_rng(0)
    p, a = course.net.projections[1], course.net.hidden[0].a
    scratch.arrived[...] = 1
    p.z[...] = rng.standard_normal(p.z.shape)
    p.z_before[...], a[...] = p.z[0], rng.standard_normal(a.shape)
    return parts, p, a, scratch, course.record, course.one


def both(name, size, change):
    """A sweep through parts and one by hand over the same array, each a function of how many times; and what they work on."""
    if name not in hand_written.KERNELS:
        raise LookupError(
            f'The cell "{name}" has no kernel to be measured against; write one for it and name it in KERNELS of benchmarks/hand_written.py.'
        )
    parts, p, a, scratch, record, one = arguments(hw.ALL_CELLS[name](), size)
    scratch.reward[...] = change * p.scale / parts.rule.lr
    fields, kernel = hand_written.KERNELS[name]
    cells, z, sums = (
        np.stack([getattr(p.planes, field) for field in fields], axis=1),
        np.ascontiguousarray(p.z[:, 0]),
        np.zeros((2, size), np.float32),
    )
    rate, mine, key = np.float32(change), hand_written.scratch_of(len(fields), size), np.uint32(7)
    ours = (parts, parts.rule, p, a, scratch.reward, np.uint64(7), scratch, record.counts, one)
    hand = (kernel, cells, a[0], p.z_before[0], rate, one, z, sums[0], sums[1], mine, key)
    return ours, hand


def compare(name, size=500, change="small", turns=30) -> dict[str, float]:
    """Microseconds of one sweep, through parts and by hand, and their ratio."""
    ours, hand = both(name, size, CHANGES[change])
    placed = [jit.Placed(arg) if isinstance(arg, (loop.Projection, loop.Scratch)) else arg for arg in ours]
    sides = {"parts_us": (jit.compiled(through_parts, *map(type, ours[0])), placed), "by_hand_us": (by_hand, hand)}
    best, repeat = dict.fromkeys(sides, np.inf), dict.fromkeys(sides, 2)
    for turn in range(turns + 2):
        for side, (function, args) in sides.items():
            start = time.thread_time()  # what other processes take of this core is left out
            function(*args, repeat[side])
            took = (time.thread_time() - start) / repeat[side]
            if turn == 1:
                repeat[side] = min(max(round(SECONDS / took), 2), 40)
            elif turn > 1:
                best[side] = min(best[side], took * 1e6)
    return {**best, "ratio": best["parts_us"] / best["by_hand_us"]}


def table(results) -> str:
    columns = list(next(iter(results.values())))
    lines = ["| cell | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, row in results.items():
        said = [f"{row[key]['parts_us']:.0f} / {row[key]['by_hand_us']:.0f} = {row[key]['ratio']:.2f}" for key in columns]
        lines.append(f"| {name} | {' | '.join(said)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", default=",".join(hw.ALL_CELLS), help="those to time; the file keeps what it has of the others")
    parser.add_argument("--sizes", default="500,1000")
    parser.add_argument("--turns", type=int, default=30)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--page", type=pathlib.Path)
    options = parser.parse_args()
    results = json.loads(options.json.read_text()) if options.json and options.json.exists() else {}
    for name in filter(None, options.cells.split(",")):
        results[name] = {}
        for size in map(int, options.sizes.split(",")):
            for change in CHANGES:
                found = results[name][f"N = {size}, {change}"] = compare(name, size, change, options.turns)
                print(f"{name:22s} {size:5d} {change:6s} {' '.join(f'{key} {value:.2f}' for key, value in found.items())}", flush=True)
        if options.json:
            options.json.write_text(json.dumps(results, indent=1) + "\n")
    if options.page:
        made = f"{platform.machine()}, Python {platform.python_version()}, Numba {numba.__version__}, NumPy {np.__version__}"
        ordered = {name: results[name] for name in hw.ALL_CELLS if name in results}
        options.page.write_text(PAGE.format(made=made, table=table(ordered)))
