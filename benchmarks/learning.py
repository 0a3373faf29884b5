"""How well the rules learn: the table in docs/learning.md, made from runs of this script.

    python benchmarks/learning.py [--task mackey-glass] [--only danp,...] [--seeds 42,101,300,482,708] [--hidden 500] [--epochs 12]

Forecasting Mackey-Glass on the ideal chip: each rule at the rates below, beside the same run with only the readout learning,
truncated back-propagation through time, and the trivial baselines. --search prints the validation loss of seed 42 for several rates of
node and weight perturbation. Results are kept in a JSON file as they come, so that an interrupted run goes on where it stopped.
"""

import argparse
import json
import pathlib
import platform
import statistics
import time
from concurrent.futures import ProcessPoolExecutor

import numba
import numpy as np

import hw_models as hw
import neurosim as ns
from neurosim.train import train, with_rates

RULES = {
    "danp": ns.rules.DANP(),
    "readout-only": with_rates(ns.rules.DANP(), 0.0, 1.0),
    "anp": ns.rules.ANP(),
    "dnp": ns.rules.DNP(),
    "dwp": ns.rules.DWP(),
    "tbptt k=50": ns.rules.Gradient("tbptt", lr=1e-4, k=50),
    "tbptt k=50 constant rate": ns.rules.Gradient("tbptt", lr=1e-4, k=50),
    "tbptt k=100": ns.rules.Gradient("tbptt", lr=1e-4, k=100),
}
SEARCH = {  # (lr, readout_lr, carry); weight perturbation, whose steps are slow, for a quarter of the epochs
    "dnp": [
        (1e-3, 3e-3, 0.5), (1e-4, 3e-3, 0.9), (1e-4, 5e-3, 0.0), (1e-5, 1e-2, 0.5), (1e-4, 1e-2, 0.5), (1e-4, 1e-2, 0.0), (1e-4, 3e-2, 0.5),
    ],
    "dwp": [(1e-9, 1e-4, 0.9), (1e-9, 3e-4, 0.5), (1e-8, 3e-4, 0.5), (1e-9, 3e-4, 0.0), (1e-9, 1e-3, 0.5), (1e-9, 1e-3, 0.0)],
}  # fmt: skip


def one(job) -> dict:
    name, rule, task, seed, hidden, epochs = job
    start, constant = time.perf_counter(), {"anneal": 1.0} if "constant" in name else {}
    run = train(
        ns.Network(1, hidden, 1), ns.tasks.by_name[task](), rule, hw.load("ideal"), epochs=epochs, seed=seed, baselines=False, **constant
    )
    m = run.metrics
    kept = {key: m[key] for key in ("final_test_loss", "test_loss_at_best", "validation_loss", "test_loss", "diverged", "steps_per_s")}
    return {
        "rule": name,
        "task": task,
        "seed": seed,
        "hidden": hidden,
        "epochs": epochs,
        "minutes": (time.perf_counter() - start) / 60,
        **kept,
    }


def search(options) -> None:
    for name, grid in SEARCH.items():
        jobs = [
            (
                f"{name} lr={h:g} readout_lr={r:g} carry={c:g}",
                RULES[name]._replace(lr=h, readout_lr=r, carry=c),
                options.task,
                42,
                options.hidden,
                options.epochs if name == "dnp" else options.epochs // 4,
            )
            for h, r, c in grid
        ]
        with ProcessPoolExecutor(options.workers) as pool:
            for row in pool.map(one, jobs):
                last = row["validation_loss"][-1] if row["validation_loss"] else float("inf")
                print(f"{row['rule']:40s} validation {last:.6f}{'  diverged' if row['diverged'] else ''}", flush=True)


def table(rows, task) -> str:
    lines = ["| rule | median test loss | from | to | per seed |", "|---|---|---|---|---|"]
    for name in dict.fromkeys(row["rule"] for row in rows):
        losses = [
            row["final_test_loss"] if row["final_test_loss"] is not None else float("inf")
            for row in rows
            if row["rule"] == name and row["task"] == task
        ]
        if losses:
            each = ", ".join(f"{loss:.5f}" for loss in losses)
            lines.append(f"| {name} | {statistics.median(losses):.5f} | {min(losses):.5f} | {max(losses):.5f} | {each} |")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="42,101,300,482,708")
    parser.add_argument("--hidden", type=int, default=500)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--only", default=",".join(RULES))
    parser.add_argument("--task", default="mackey-glass")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--search", action="store_true")
    parser.add_argument("--out", default="docs/learning")
    options = parser.parse_args()
    if options.search:
        search(options)
        raise SystemExit
    path = pathlib.Path(f"{options.out}.json")
    rows = json.loads(path.read_text()) if path.exists() else []
    done = {(row["rule"], row["task"], row["seed"], row["hidden"], row["epochs"]) for row in rows}
    seeds = [int(seed) for seed in options.seeds.split(",")]
    wanted = [(n, RULES[n], options.task, s, options.hidden, options.epochs) for n in options.only.split(",") for s in seeds]
    jobs = [job for job in wanted if (job[0], *job[2:]) not in done]
    with ProcessPoolExecutor(options.workers) as pool:
        for row in pool.map(one, jobs):
            rows.append(row)
            path.write_text(json.dumps(rows, indent=1))
            print(f"{row['rule']} seed {row['seed']}: {row['final_test_loss']} in {row['minutes']:.1f} min", flush=True)
    page = pathlib.Path(f"{options.out}.md")
    before, rest = page.read_text().split(f"<!-- {options.task} -->\n", 1)
    after = rest.split("<!-- end -->\n", 1)[1]
    machine = f"{platform.machine()}, Python {platform.python_version()}, NumPy {np.__version__}, Numba {numba.__version__}"
    made = f"N = {options.hidden}, {options.epochs} epochs, seeds {options.seeds}; test loss after the last epoch. Made on {machine}."
    page.write_text(f"{before}<!-- {options.task} -->\n{made}\n\n{table(rows, options.task)}\n<!-- end -->\n{after}")
    print(table(rows, options.task))
