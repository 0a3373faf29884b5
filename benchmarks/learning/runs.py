"""Runs: each is a line of a file, and what stands there is not run again."""

import functools
import json
import pathlib
import platform
import statistics
import subprocess
import time
from concurrent.futures import as_completed
from typing import Any

import numpy as np
from plan import ASKED, FRESH, REFERENCES, SEEDS, TASKS, TUNING, epochs_of, job, task_of

import hw_models as hw
import neurosim as ns
from hw_models.parts import InputError
from neurosim import transfer
from neurosim.train import train

HERE = pathlib.Path(__file__).parent


def commit() -> str:
    """The commit of the source, if that is known, and whether it has been edited since."""
    try:
        asked = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"], cwd=HERE, capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return asked.stdout.strip()


CODE = commit()  # that the runs of this process are made by


class Elsewhere:
    """What the weights of a run come to, after every epoch, when they are programmed into the cells of another chip."""

    def __init__(self, chip):
        self.chip, self.losses = chip, {"validation_loss": [], "test_loss": []}

    def __call__(self, run):
        there = ns.Simulator(run.experiment.network, self.chip, run.experiment.settings.seed)
        there.program(run.learner.weights, fit=True)
        for part in ("validation", "test"):
            self.losses[f"{part}_loss"].append(transfer.loss(there, run.dataset, part))


@functools.lru_cache(maxsize=16)
def found_off_chip(task, csv, hidden, seed, rule, options):
    """Weights of a network after another rule has trained it on ideal numbers, with options given as JSON."""
    run = trained(job(task, rule, json.loads(options), "ideal", hidden, epochs_of(task, rule), seed), csv, baselines=False)
    if run.metrics["diverged"]:
        raise InputError(f"{rule} diverged on ideal numbers, so that there is nothing to begin with.")
    return run.learner.weights


def trained(asked, csv, **further):
    """The run that is asked for."""
    work, task, options = TASKS[asked["task"]], task_of(asked["task"], csv), dict(asked["options"])
    entry, data = work.rules[asked["rule"]], task.load(asked["seed"]).train
    network = ns.Network(data.inputs.shape[2], asked["hidden"], data.targets.shape[2], **work.network)
    if entry.after:
        first = json.dumps(options.pop(entry.after), sort_keys=True)
        further |= {"weights": found_off_chip(asked["task"], csv, asked["hidden"], asked["seed"], entry.after, first), "fit": True}
    if "anneal" in options:
        further["anneal"] = options.pop("anneal")
    sigma = options.pop("sigma", entry.sigma)
    louder = {} if sigma is None else {"noise__sigma": sigma}
    rule, chip = entry.rule(options), hw.load(asked["chip"]).replace(**work.chip | louder)
    return train(network, task, rule, chip, epochs=asked["epochs"], batch=work.batch, seed=asked["seed"], **further)


def done(wanted) -> dict[str, Any] | None:
    """One run, as what it was asked and what it gave; nothing if it is too late to begin."""
    asked, csv, deadline = wanted
    if time.time() > deadline:
        return None
    start, work, elsewhere = time.perf_counter(), TASKS[asked["task"]], None
    if asked["rule"] in REFERENCES and asked["chip"] != "ideal":
        elsewhere = Elsewhere(hw.load(asked["chip"]).replace(**work.chip))
    with_baselines = asked["rule"] == "readout-only" and asked["seed"] in (*SEEDS, *FRESH)  # once for each network
    try:
        run = trained(asked | ({"chip": "ideal"} if elsewhere else {}), csv, on_epoch=elsewhere, baselines=with_baselines)
    except InputError as error:
        return asked | {"refused": str(error), "diverged": True, "validation_loss": [], "test_loss": []}
    m = run.metrics | (elsewhere.losses if elsewhere else {})
    kept = {key: m[key] for key in ("train_loss", "validation_loss", "test_loss", "diverged", "swallowed_updates", "steps")}
    # what a chip that is only programmed would have taken, and how often it is right, is not known
    kept |= {"test_accuracy": m["test_accuracy"]} if "neuron" in work.network and "test_accuracy" in m and not elsewhere else {}
    bill = {key: None if elsewhere else (m["cost"][key] or {}).get("typical") for key in ("latency_s", "energy_J")}
    losses = {name: loss["test"] for name, loss in run.baselines.items() if name != "readout-only"}
    seconds = round(time.perf_counter() - start, 2)
    if asked["seed"] in TUNING:  # all that the tuner looks at
        return asked | {"diverged": m["diverged"], "validation_loss": m["validation_loss"][-1:], "seconds": seconds}
    machine = f"{platform.machine()}, Python {platform.python_version()}, NumPy {np.__version__}"
    return asked | kept | bill | {"baselines": losses, "seconds": seconds, "machine": machine, "code": CODE}


def stopped(row, part) -> float:
    """The loss after the epoch with the lowest validation loss: what is kept where the best weights are."""
    losses = row["validation_loss"]
    return row[f"{part}_loss"][int(np.nanargmin(losses))] if losses and np.isfinite(losses).any() else float("inf")


def final(row, part) -> float:
    """The loss after the last epoch; infinite for a run that diverged."""
    return float("inf") if row["diverged"] or not row[f"{part}_loss"] else row[f"{part}_loss"][-1]


class TooLate(Exception):
    """There is no time left for runs that are missing."""


class Runs:
    """The file of runs: what it lacks is run, what it has is not."""

    def __init__(self, path, csv=None, pool=None, deadline=0.0):
        self.path, self.csv, self.pool, self.deadline = path, csv, pool, deadline
        rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        self.rows = {self.key(row): row for row in rows}

    def key(self, row) -> str:
        return json.dumps([row[name] for name in ASKED], sort_keys=True)

    def of(self, asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The rows of what is asked for.

        Raises
        ------
        TooLate
            If some are missing and the deadline has passed.
        """
        missing = {self.key(job): (job, self.csv, self.deadline) for job in asked if self.key(job) not in self.rows}
        if missing and self.pool is None:
            raise TooLate
        with self.path.open("a") as file:
            for ended in as_completed([self.pool.submit(done, wanted) for wanted in missing.values()]) if missing else ():
                if (row := ended.result()) is not None:
                    file.write(json.dumps(row) + "\n")
                    file.flush()
                    self.rows[self.key(row)] = row
        if any(key not in self.rows for key in missing):
            raise TooLate
        return [self.rows[self.key(job)] for job in asked]


def median(rows, part="test") -> float:
    return statistics.median(final(row, part) for row in rows)


def median_and_range(rows) -> str:
    """Median over seeds and its range; of a task in spikes with classes also of the share of right answers."""
    losses = [final(row, "test") for row in rows]
    shares = [row["test_accuracy"] for row in rows if "test_accuracy" in row]
    right = f"; {statistics.median(shares):.1%} right ({min(shares):.1%} to {max(shares):.1%})" if shares else ""
    return f"{median(rows):.5f} ({min(losses):.5f} to {max(losses):.5f}){right}"
