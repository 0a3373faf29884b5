"""One step of a recurrent layer on simulated pulsed devices, ours against IBM's analog hardware kit (aihwkit), on one core, in one run.

    python benchmarks/against_aihwkit.py [--size 500] [--turns 20] [--json FILE] [--page FILE]

Both read an N x N array twice, for a clean and a perturbed pass, and give every device its share of a rank-one update in pulses; the
devices are the kit's fit to a filamentary oxide memory (its ReRamES preset, our chip "reram-es"). The kit's reads convert with the
preset's DAC and ADC; ours are the sweep over the weights alone. The kit writes by stochastic trains that rows and columns share; ours does
so with update "trains", and rounds each device's pulses at random with "pulses", as the chip comes.

What an update costs depends on its size. Two are timed, the same for both: at the learning rate of a new tile, with inputs uniform in
-1..1 and normal errors of 0.01; and at the rate that asks for 0.01 pulses a device on average. Of our digital cells, 8-bit words with
stochastic rounding are timed against ideal numbers. The two of a pair run in turn, and the best turn of each counts, in time of the
processor: waiting for others is left out, what they do to its caches and its shared units is not.
"""

import argparse
import json
import os
import pathlib
import platform
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")  # a thread that waits for work would count as work
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import cells
import numpy as np

import hw_models as hw
from neurosim import jit

KIT = "1.1.0"
REPEAT = 20  # steps a turn
PAGE = """# Against aihwkit

Made by `python benchmarks/against_aihwkit.py --json docs/against_aihwkit.json --page docs/speed.md`: one step of a recurrent layer of
{size} x {size} simulated devices, ours and that of IBM's analog hardware kit, in one process on one core. Two reads, for a clean and a
perturbed pass, and one rank-one update in pulses. What exactly is compared stands at the top of the script.

aihwkit {aihwkit}; {machine}; a load of {load:.1f} processes a core. Microseconds of processor time a step, the best of {turns} turns of {repeat} steps.

| size of the update | rate | pulses asked of a device, mean | `cell.update` | neurosim | aihwkit | aihwkit / neurosim |
|---|---|---|---|---|---|---|
{rows}

With "trains", rows and columns pulse at random and a device moves where both do; the kit's do so too, and balance rows and columns alike,
but it shortens the trains where an update needs fewer slots, so that its lines pulse more often in each. With "pulses", every device
rounds for itself: the mean is the same, the spread smaller.

In the same run, 8-bit words with stochastic rounding take {fixed_point_us:.0f} microseconds a sweep and ideal numbers {ideal_us:.0f}: {ratio:.1f} times.
"""
ERROR = 0.01  # standard deviation of the errors, beside inputs uniform in -1..1
SHARE = 0.01  # pulses a device, on average


def kit(size, x, d, rate=None):
    """The learning rate of a tile of the kit and its step on given input and error vectors: two reads and an update."""
    import torch
    from aihwkit.simulator.presets import ReRamESPreset
    from aihwkit.simulator.tiles.analog import AnalogTile

    torch.set_num_threads(1)
    torch.manual_seed(1)
    tile = AnalogTile(size, size, ReRamESPreset())
    if rate is not None:
        tile.set_learning_rate(rate)
    tile.tile.set_weights_uniform_random(-0.5, 0.5)
    inputs, errors = torch.from_numpy(x[None]), torch.from_numpy(d[None])

    def step():
        tile.tile.forward(inputs, False, False, False, False)
        tile.tile.forward(inputs, False, False, False, False)
        tile.tile.update(inputs, errors, False)

    return tile.get_learning_rate(), step


def sweep(cell, size, asked=None):
    """One of our sweeps of a cell that asks the device in row j, column i for ``asked[0][j] * asked[1][i]`` of full scale."""
    parts, p, a, scratch, record, one = cells.arguments(cell, size)
    scratch.reward[...] = 1e-3
    if asked:
        p.z_before[0, :size], a[0] = asked[0], asked[1] * p.scale
        scratch.reward[...] = 1.0 / parts.rule.lr
    compiled, placed = jit.compiled(cells.through_parts, *map(type, parts)), [jit.Placed(p), jit.Placed(scratch)]  # as in the loop
    return lambda repeat: compiled(parts, parts.rule, placed[0], a, scratch.reward, np.uint64(7), placed[1], record.counts, one, repeat)


def in_turn(one, other, turns):
    """Microseconds of the best turn of two functions that run by turns."""
    best = [np.inf, np.inf]
    for turn in range(turns + 1):
        for k, function in enumerate((one, other)):
            start = time.process_time()
            function()
            if turn:  # the first one compiles, or warms up
                best[k] = min(best[k], (time.process_time() - start) * 1e6)
    return [us / REPEAT for us in best]


def repeated(function):
    def run():
        for _ in range(REPEAT):
            function()

    return run


def against_the_kit(size, turns):
    """Both tools at both sizes of update."""
    cell, rng = hw.load("reram-es").cell, np.random.default_rng(0)
    x, d = rng.uniform(-1.0, 1.0, size).astype(np.float32), (ERROR * rng.standard_normal(size)).astype(np.float32)
    pulses = float(np.abs(np.outer(x, d)).mean()) / cell.step  # that a rate of 1 asks a device for
    found = {}
    for name, given in (("a new tile's rate", None), ("small", SHARE / pulses)):
        rate, theirs = kit(size, x, d, given)
        for update in ("trains", "pulses"):
            ours = sweep(cell._replace(update=update), size, (x, np.float32(-rate) * d))  # the kit subtracts
            us = in_turn(lambda ours=ours: ours(REPEAT), repeated(theirs), turns)
            found[f"{name}, {update}"] = {
                "size": name, "update": update, "rate": rate, "pulses": pulses * rate, "neurosim_us": us[0], "aihwkit_us": us[1], "ratio": us[1] / us[0],
            }  # fmt: skip
    return found


def digital(size, turns):
    words, ideal = sweep(hw.FixedPoint(8, "stochastic"), size), sweep(hw.Ideal(), size)
    us = in_turn(lambda: words(REPEAT), lambda: ideal(REPEAT), turns)
    return {"fixed_point_us": us[0], "ideal_us": us[1], "ratio": us[0] / us[1]}


def page(results):
    """What docs/speed.md says."""
    rows = [
        f"| {r['size']} | {r['rate']:.2g} | {r['pulses']:.3g} | {r['update']} | {r['neurosim_us']:.0f} | {r['aihwkit_us']:.0f} | {r['ratio']:.2f} |"
        for r in results["reram-es"].values()
    ]
    return PAGE.format(rows="\n".join(rows), **results, **results["digital"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=500)
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--page", type=pathlib.Path)
    options = parser.parse_args()
    try:
        import aihwkit
    except ImportError:
        sys.exit(f"This comparison needs aihwkit, which is not installed; pip install aihwkit=={KIT} torch==2.10.0 and run it again.")
    if aihwkit.__version__ != KIT:
        print(f"aihwkit is {aihwkit.__version__}; figures that we quote are of {KIT}.", file=sys.stderr)
    results: dict = {
        "aihwkit": aihwkit.__version__,
        "machine": f"{platform.machine()}, Python {platform.python_version()}, NumPy {np.__version__}",
        "load": os.getloadavg()[0] / (os.cpu_count() or 1),
        "size": options.size,
        "turns": options.turns,
        "repeat": REPEAT,
        "reram-es": against_the_kit(options.size, options.turns),
    }
    results["digital"] = digital(options.size, options.turns)
    for name, r in results["reram-es"].items():
        print(
            f"reram-es, {name} ({r['rate']:.3g}; {r['pulses']:.3g} pulses asked a device): "
            f"neurosim {r['neurosim_us']:.0f} us, aihwkit {r['aihwkit_us']:.0f} us, aihwkit / neurosim {r['ratio']:.2f}"
        )
    r = results["digital"]
    print(f"8-bit stochastic {r['fixed_point_us']:.0f} us, ideal {r['ideal_us']:.0f} us, 8-bit / ideal {r['ratio']:.2f}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")
    if options.page:
        options.page.write_text(page(results))
