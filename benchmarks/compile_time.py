"""What the first run of a rule on a chip waits for: compiling its loop, as neurosim links it (`neurosim/jit/linking.py`) and as Numba does by itself.

    python benchmarks/compile_time.py [--turns 2]

Each time is that of a process of its own without kept kernels, to train a network of ten neurons for one epoch of a short series; the two
take turns, and the least of each counts.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

PAIRS = (("danp", "ideal"), ("dnp-over-time", "digital-8bit"), ("anp", "analog-noisy"))


def run(rule: str, chip: str) -> None:
    """Train once, and print the seconds that it took."""
    import time

    import hw_models as hw
    import neurosim as ns

    make = getattr(ns.rules, rule.upper().replace("-", "_"))
    start = time.perf_counter()
    ns.train(ns.Network(1, 10, 1), ns.tasks.MackeyGlass(steps=50), make(), chip=hw.load(chip), epochs=1, seed=1, baselines=False)
    print(json.dumps(time.perf_counter() - start))


def by_numba_itself() -> None:
    """Let Numba optimise every function, and make machine code of it, before another may call it."""
    from numba.core.compiler import Compiler

    from neurosim.jit import linking

    linking.Inner.define_pipelines = Compiler.define_pipelines


def seconds(rule: str, chip: str, alone: bool) -> float:
    with tempfile.TemporaryDirectory() as cache:
        command = [sys.executable, __file__, "--run", rule, chip, *(["--alone"] if alone else [])]
        done = subprocess.run(command, env=os.environ | {"NUMBA_CACHE_DIR": cache}, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--run", nargs=2, metavar=("RULE", "CHIP"), help="run one of them here")
    parser.add_argument("--alone", action="store_true", help="as Numba does by itself")
    options = parser.parse_args()
    if options.alone:
        by_numba_itself()
    if options.run:
        return run(*options.run)
    for rule, chip in PAIRS:
        times = [(seconds(rule, chip, alone=False), seconds(rule, chip, alone=True)) for _ in range(options.turns)]
        linked, alone = map(min, zip(*times, strict=True))
        print(f"{rule} on {chip}: {linked:.1f} s linked, {alone:.1f} s by Numba itself, ratio {linked / alone:.2f}", flush=True)


if __name__ == "__main__":
    main()
