"""What it takes to count: one training step of the loop as it is, and of the same loop without a line that counts.

    python benchmarks/counting.py [--hidden 500] [--turns 100] [--json docs/counting.json] [--page docs/cost.md]

The second loop is a copy of the packages from whose source every line that adds to a count is cut out, so that the compiler drops what
only led there. Each has a process of its own; the two learn the same in turns, on whichever core is free, and the best of many turns counts.
Both must give the same weights. `--page` writes the table between the marks of this script in a page.
"""

import argparse
import ast
import hashlib
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile
import time

import numba

TREE = pathlib.Path(__file__).resolve().parent.parent
#: chip, rule, and sequences side by side
CASES = [("ideal", "anp", 1), ("ideal", "danp", 1), ("ecram", "anp", 1), ("digital-8bit", "anp", 1), ("digital-8bit", "anp", 4)]
#: arrays of the loop that are counted in; `n` is that of a part's `loop.records.Count`
COUNTS = {"counts", "spikes", "hits", "n"}
SECONDS = 0.1  # of one turn
PROCESSES = 5  # pairs of them, one after the other; the best turn of all counts


class Uncounted(ast.NodeTransformer):
    """Cuts out what adds to a count, and what is put aside to be counted."""

    def __init__(self):
        self.cut = []

    def visit_AugAssign(self, node):
        return self._without(node) if isinstance(node.target, ast.Subscript) and _name(node.target.value) in COUNTS else node

    def visit_Expr(self, node):
        call = node.value
        name = _name(call.func) if isinstance(call, ast.Call) else ""
        return self._without(node) if name == "tell" or (name == "put" and _name(call.args[0]) in COUNTS) else node

    def _without(self, node):
        self.cut.append(ast.unparse(node))
        return ast.copy_location(ast.Pass(), node)


def _name(node) -> str:
    return getattr(node, "attr", getattr(node, "id", ""))


def copied(folder: pathlib.Path, uncounted: bool) -> list[str]:
    """A copy of both packages, perhaps one that does not count; the lines that were cut out."""
    cut = []
    for path in [path for name in ("neurosim", "hw_models") for path in (TREE / name).rglob("*") if path.suffix in (".py", ".toml")]:
        text = path.read_text("utf-8")
        if uncounted and path.parent.name == "loop" and path.suffix == ".py":
            change = Uncounted()
            text = ast.unparse(ast.fix_missing_locations(change.visit(ast.parse(text))))
            cut += [f"{path.name}: {line}" for line in change.cut]
        target = folder / path.relative_to(TREE)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
    return cut


def work(chip, rule, batch, hidden) -> None:
    """One process: learn for as many steps as each line asks for, and say how long it took."""
    import numpy as np

    import hw_models as hw
    from neurosim import rules
    from neurosim.network import Network
    from neurosim.simulator import Simulator

    learning = getattr(rules, rule.upper())(lr=1e-5, readout_lr=1e-4).learning()
    simulator, rng = Simulator(Network(1, hidden, 1), hw.load(chip), 1, learning), np.random.default_rng(0)
    simulator.prepare(batch)
    for line in sys.stdin:
        steps = int(line)
        inputs, targets = (0.2 * rng.standard_normal((batch, steps, 1)).astype(np.float32) for _ in range(2))
        start = time.thread_time()  # what other processes take of this core is left out
        outcome = simulator.learn(inputs, targets, np.ones((batch, steps), bool))
        took = time.thread_time() - start
        asked = outcome.asked + sum(writes.hits for writes in outcome.account.writes.values())
        weights = hashlib.sha256(b"".join(w.tobytes() for w in simulator.weights)).hexdigest()
        print(json.dumps([took / max(steps, 1), outcome.steps, asked, weights]), flush=True)


class Worker:
    """A process that learns when it is told to."""

    def __init__(self, folder, chip, rule, batch, hidden):
        environment = {**os.environ, "PYTHONPATH": str(folder), "NUMBA_CACHE_DIR": str(folder / "cache")}
        command = [sys.executable, __file__, "--work", chip, rule, str(batch), "--hidden", str(hidden)]
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def learn(self, steps):
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def compare(folders, chip, rule, batch, hidden, turns) -> dict[str, float]:
    """Microseconds of a step with and without counting, and their ratio; where its memory happens to lie makes a process 5 % faster or slower."""
    best, steps = dict.fromkeys(folders, float("inf")), None
    for _ in range(PROCESSES):
        workers = {name: Worker(folder, chip, rule, batch, hidden) for name, folder in folders.items()}
        first = {name: worker.learn(20)[0] for name, worker in workers.items()}
        steps = steps or max(int(SECONDS / min(first.values())), 20)
        for _ in range(turns // PROCESSES):
            found = {name: worker.learn(steps) for name, worker in workers.items()}
            best = {name: min(best[name], found[name][0] * 1e6) for name in workers}
            counted, uncounted = (found[name] for name in folders)
            assert counted[3] == uncounted[3], "the two do not learn the same"
            assert counted[1] == steps and uncounted[1:3] == [0, 0], "one counts nothing, or the other something"
        for worker in workers.values():
            worker.process.stdin.close()
            worker.process.wait()
    counting, without = best.values()
    return {"counting_us": counting, "without_us": without, "ratio": counting / without}


def table(results) -> str:
    lines = ["| chip, rule | counting, us a step | without | ratio |", "|---|---|---|---|"]
    for name, found in results["cases"].items():
        lines.append(f"| {name} | {found['counting_us']:.1f} | {found['without_us']:.1f} | {found['ratio']:.3f} |")
    return "\n".join(lines)


def written(page: str, results) -> str:
    """The page with the table between its marks."""
    marks = "<!-- benchmarks/counting.py -->", "<!-- end -->"
    said = f"{marks[0]}\nN = {results['hidden']}, {results['made']}:\n\n{table(results)}\n{marks[1]}"
    return re.sub(re.escape(marks[0]) + ".*?" + re.escape(marks[1]), lambda _: said, page, flags=re.DOTALL)


def main(options) -> None:
    made = f"{platform.machine()}, Python {platform.python_version()}, Numba {numba.__version__}, best of {options.turns} turns"
    results = {"hidden": options.hidden, "made": made, "cases": {}}
    if options.json and options.json.exists():
        results["cases"] = json.loads(options.json.read_text("utf-8"))["cases"]
    with tempfile.TemporaryDirectory() as place:
        folders = {"counting": pathlib.Path(place) / "counting", "without": pathlib.Path(place) / "without"}
        cut = [copied(folder, name == "without") for name, folder in folders.items()][1]
        print(f"{len(cut)} lines cut out:", *cut, sep="\n  ", flush=True)
        for chip, rule, batch in CASES:
            name = f"{chip}, {rule}" + (f", {batch} sequences" if batch > 1 else "")
            if options.only in name:
                found = results["cases"][name] = compare(folders, chip, rule, batch, options.hidden, options.turns)
                print(f"{name:30s} {' '.join(f'{key} {value:.3f}' for key, value in found.items())}", flush=True)
                if options.json:
                    options.json.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    if options.page:
        options.page.write_text(written(options.page.read_text("utf-8"), results), "utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hidden", type=int, default=500)
    parser.add_argument("--turns", type=int, default=100)
    parser.add_argument("--only", default="", help="cases whose name holds this; the file keeps what it has of the others")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--page", type=pathlib.Path)
    parser.add_argument("--work", nargs=3, metavar=("CHIP", "RULE", "BATCH"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        chip, rule, batch = options.work
        work(chip, rule, int(batch), options.hidden)
    else:
        main(options)
