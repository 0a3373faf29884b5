"""How well the rules learn: the tables and pictures of docs/learning.md, made from runs of this script.

    python benchmarks/learning/study.py --untuned [--tasks mackey-glass] [--rules "danp;readout-only"] [--hidden 500]
    python benchmarks/learning/study.py [--tasks ...] [--rules ...] [--chips ...] [--hidden 100] [--csv weather.csv] [--minutes 60]
    python benchmarks/learning/study.py --tasks cue-accumulation,delayed-match,mackey-glass-in-spikes,digits-in-spikes --out docs/spiking
    python benchmarks/learning/study.py --untuned --tasks mackey-glass --hidden 100 --rules "danp;dnp;dwp" --out small

With --untuned, every rule runs at the rates it starts from. Otherwise all are tuned with the same budget by the same tuner: it tries what a
rule starts from and settings drawn from a scrambled Sobol sequence over the ranges below, and thins them out. All run for a quarter of the
epochs, the best of them for half, the best of those and what the rule starts from for all, judged by the mean of their last validation
losses over more and more seeds.
It does so for each task and chip with 100 neurons, and for Mackey-Glass on the ideal chip with 500 again. In a larger network it chooses, by
one whole run each, among the best three of the largest that was tuned so and what the rule starts from. On spikes it has a smaller budget
(`FEW`). Then the winner runs from five other seeds; test losses are looked at only then. Every run is a line of OUT.jsonl as soon as it is
done (of the tuner's runs, the last validation loss), and what stands there is not run again: an interrupted study goes on where it stopped,
and a finished one only makes its tables and pictures anew. With --minutes no run begins later than that, and the page shows what is
complete.
"""

import argparse
import functools
import json
import math
import os
import pathlib
import platform
import statistics
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")  # runs go side by side
import numpy as np
from scipy.stats import qmc

import hw_models as hw
import neurosim as ns
from hw_models.parts import InputError
from neurosim import transfer
from neurosim.train import train

SEEDS = (42, 101, 300, 482, 708)
TUNING = (1, 2, 3)  # seeds of the tuner
STAGES = ((32, 4, 1), (8, 2, 2), (3, 1, 3))  # settings, what the epochs are divided by, seeds: as much as 25 to 28 full runs
FEW = ((4, 3, 1),)  # little more than one full run
LARGER = ((3, 1, 1),)  # of networks larger than those it tunes in full


def log(low, high):
    """A range in which every factor is as likely."""
    return lambda q: float(f"{low * (high / low) ** q:.3g}")


def one_of(*values):
    return lambda q: values[int(q * len(values))]


def below_one(low, high):
    """One less a number of a log range."""
    return lambda q: round(1 - log(low, high)(q), 4)


class Entry(NamedTuple):
    """A rule and what the tuner may choose; "anneal" is a setting of the run. It learns for a part of a task's epochs if it needs no more, or on a
    chip into which what another rule found on the ideal one is programmed."""

    make: Any
    space: dict[str, Any]
    part: int = 1
    after: str = ""


NODE = {"lr": log(1e-6, 1e-2), "readout_lr": log(1e-4, 0.3), "carry": below_one(0.02, 1.0)}
ACTIVITY = {"lr": log(1e-5, 3e-2), "readout_lr": log(1e-3, 1.0), "carry": below_one(0.02, 1.0)}
WEIGHT = {"lr": log(1e-11, 1e-6), "readout_lr": log(1e-5, 1e-2), "carry": below_one(0.02, 1.0)}
MATRIX = {"decorrelation_lr": log(3e-4, 3e-2)}
STEPS_BACK = {
    "lr": log(1e-6, 3e-4), "readout_lr": log(1e-3, 1.0), "interval": one_of(10, 20, 40), "momentum": one_of(0.9, 0.97, 0.99),
}  # fmt: skip


def over_time(space: Mapping[str, Any] = MATRIX, make: Any = ns.rules.DNP_OVER_TIME, **fixed: Any) -> Entry:
    return Entry(lambda **o: make(**fixed | o), STEPS_BACK | dict(space))


RULES = {
    "wp": Entry(ns.rules.WP, WEIGHT),
    "np": Entry(ns.rules.NP, NODE),
    "anp": Entry(ns.rules.ANP, ACTIVITY),
    "dwp": Entry(ns.rules.DWP, WEIGHT | MATRIX),
    "dnp": Entry(ns.rules.DNP, NODE | MATRIX),
    "danp": Entry(ns.rules.DANP, ACTIVITY | MATRIX),
    "danp, running norm": Entry(lambda **o: ns.rules.DANP(norm="running", **o), ACTIVITY | MATRIX),
    "danp, bounded norm": Entry(lambda **o: ns.rules.DANP(norm="bounded", average=0.1, **o), ACTIVITY | MATRIX),
    "danp, 4 samples": Entry(lambda **o: ns.rules.DANP(samples=4, **o), ACTIVITY | MATRIX),
    "danp, 16 samples": Entry(lambda **o: ns.rules.DANP(samples=16, **o), ACTIVITY | MATRIX),
    "np over time": over_time({}, ns.rules.NP_OVER_TIME),
    "dnp over time": over_time(),
    "dnp over time, 4 samples": over_time(samples=4),
    "dnp over time, 64 samples": over_time(samples=64),
    "dnp over time, 1 sample": over_time(samples=1),
    "dnp over time, without signs": over_time(MATRIX | {"lr": log(1e-4, 1.0)}, sign=False, lr=0.03),
    "dnp at once with signs": over_time(MATRIX | {"interval": one_of(1), "carry": below_one(0.02, 1.0)}, interval=1, carry=0.9),
    "dnp over time, norm over the layer": over_time(norm="layer"),
    "danp over time, norm over the layer": over_time(make=ns.rules.DANP_OVER_TIME, norm="layer"),
    "readout-only": Entry(lambda **o: ns.rules.DANP(lr=0.0, **o), {"readout_lr": log(1e-3, 1.0)} | MATRIX),
    "readout-only, after tbptt": Entry(
        lambda **o: ns.rules.DANP(lr=0.0, **o), {"readout_lr": log(1e-3, 1.0), "decorrelation_lr": log(1e-4, 3e-2)}, after="tbptt"
    ),
    "danp, after tbptt": Entry(
        lambda **o: ns.rules.DANP(**o), ACTIVITY | {"lr": log(1e-6, 3e-3), "decorrelation_lr": log(1e-4, 3e-2)}, after="tbptt"
    ),
    "one-step gradient": Entry(lambda **o: ns.rules.Gradient("tbptt", k=1, **o), {"lr": log(1e-5, 1e-2)}),
    "tbptt": Entry(
        lambda **o: ns.rules.Gradient("tbptt", **o), {"lr": log(1e-5, 1e-2), "k": one_of(10, 50, 100), "anneal": one_of(0.03, 1.0)}
    ),
    "eprop": Entry(lambda **o: ns.rules.Gradient("eprop", **o), {"lr": log(1e-5, 1e-2), "k": one_of(1, 10, 50)}),
    "rflo": Entry(lambda **o: ns.rules.Gradient("rflo", **o), {"lr": log(1e-5, 1e-2), "k": one_of(1, 10, 50)}),
}
REFERENCES = ("one-step gradient", "tbptt", "eprop", "rflo")  # not local, run on the ideal chip
PROGRAMMED = "tbptt"  # whose weights are programmed into the other chips as they are
WEATHER = {"target": "DryBulbFarenheit", "horizon": 1, "drop": ("DryBulbCelsius", "WetBulbCelsius", "DewPointCelsius")}


class Work(NamedTuple):
    """A task, for how long it is learned, and by what."""

    make: Any
    epochs: int
    title: str
    batch: int = 1
    network: dict[str, Any] = {}
    chip: dict[str, Any] = {}
    rules: dict[str, Entry] = RULES
    stages: tuple[tuple[int, int, int], ...] = STAGES
    largest: int = 100  # network tuned in full on ideal numbers; on other chips 100


def on_spikes(window: int, part: int, **activity: Any) -> dict[str, Entry]:
    """Rules for spiking networks; gradients in windows of so many steps and for a part of the epochs.

    What a spike changes it changes later, so that perturbation needs a trace; and it changes nothing or much, so that activity perturbation
    divides by a running power.
    """
    activity = {"norm": "running"} | activity
    node = activity | {"lr": 1e-3, "readout_lr": 0.01}
    del node["norm"]
    since = {"trace": one_of(0.5, 0.8, 0.95), "carry": below_one(0.02, 0.5)}
    space, node_space = ({"lr": log(1e-4, 0.1), "readout_lr": log(low, high)} | since for low, high in ((1e-3, 1.0), (1e-4, 0.1)))
    gradient = {"lr": log(3e-4, 3e-2), "surrogate": one_of(0.3, 1.0)}
    whole = {"k": window, "lr": 5e-3}
    return {
        "anp": Entry(lambda **o: ns.rules.ANP(**activity | o), space),
        "anp, 16 samples": Entry(lambda **o: ns.rules.ANP(**activity | {"samples": 16, "lr": max(activity["lr"], 0.01)} | o), space),
        "danp": Entry(lambda **o: ns.rules.DANP(**activity | o), space | MATRIX),
        "dnp": Entry(lambda **o: ns.rules.DNP(**node | o), node_space | MATRIX),
        "readout-only": Entry(lambda **o: ns.rules.ANP(**activity | {"lr": 0.0} | o), {"readout_lr": space["readout_lr"]} | since),
        "tbptt": Entry(lambda **o: ns.rules.Gradient("tbptt", **whole | o), gradient, part),
        "eprop": Entry(lambda **o: ns.rules.Gradient("eprop", eligibility="factorised", **whole | o), gradient, part),
    }


def spiking(readout_s: float, **adapts) -> dict[str, Any]:
    """Neurons with a threshold that remembers, and a readout of its own time constant, which starts small."""
    neuron = ns.neurons.ALIF(tau_syn=0.0, refractory=STEP, **adapts)
    return {"neuron": neuron, "readout": ns.neurons.LI(tau_mem=readout_s), "readout_gain": 0.3}


STEP = 5e-3
ON_SPIKES = {"chip": {"step_s": STEP, "noise__sigma": 0.03}, "stages": FEW}
TRIALS = {"step_s": STEP, "sequences": 200, "delay": 0.1, "recall": 0.1}
TASKS = {
    "mackey-glass": Work(ns.tasks.by_name["mackey-glass"], 12, "Forecasting Mackey-Glass, 15 steps ahead", largest=500),
    "mackey-glass-reversed": Work(ns.tasks.by_name["mackey-glass-reversed"], 12, "Recalling Mackey-Glass, the published arrangement", largest=500),
    "mackey-glass-driven": Work(
        ns.tasks.by_name["mackey-glass"], 12, "Forecasting Mackey-Glass with an input gain of 8", network={"input_gain": 8.0}, largest=500
    ),
    "mackey-glass-small": Work(ns.tasks.by_name["mackey-glass"], 3, "Forecasting Mackey-Glass, as the tests tune it", stages=FEW),
    "copy-memory": Work(ns.tasks.by_name["copy-memory"], 12, "Copying memory, strings of 100 symbols"),
    "forecast-csv": Work(ns.tasks.by_name["forecast-csv"], 6, "Forecasting the weather, one hour ahead"),
    "digits": Work(ns.tasks.by_name["digits"], 12, "Handwritten digits, row by row"),
    "cue-accumulation": Work(
        lambda: ns.tasks.CueAccumulation(cues=3, **TRIALS), 12, "Cue accumulation, three cues, asked 0.15 s after the last", 5,
        spiking(50e-3, tau_adaptation=1.0, beta_adaptation=0.15) | {"gain": 2.0}, rules=on_spikes(1000, 2, lr=1e-3, readout_lr=0.2, trace=0.9, carry=0.95),
        **ON_SPIKES,
    ),
    "delayed-match": Work(
        lambda: ns.tasks.DelayedMatch(**TRIALS), 12, "Delayed match to sample, two stimuli, 0.1 s between them", 5,
        spiking(50e-3, tau_adaptation=1.0, beta_adaptation=0.6) | {"gain": 1.5}, rules=on_spikes(1000, 2, lr=0.01, readout_lr=0.1, trace=0.95, carry=0.98), **ON_SPIKES,
    ),
    "mackey-glass-in-spikes": Work(
        ns.tasks.by_name["mackey-glass"], 8, "Forecasting Mackey-Glass, 15 steps ahead, through an LI readout", 1,
        spiking(20e-3, tau_adaptation=0.1, beta_adaptation=0.03) | {"gain": 2.0}, rules=on_spikes(50, 1, lr=0.03, readout_lr=0.1, trace=0.8, carry=0.9), **ON_SPIKES,
    ),
    "digits-in-spikes": Work(
        lambda: ns.tasks.Digits(repeat=4, code="rate"), 8, "Handwritten digits, row by row, in spikes whose rate is the brightness", 2,
        spiking(20e-3, tau_adaptation=0.1, beta_adaptation=0.03) | {"gain": 2.0}, rules=on_spikes(32, 1, lr=3e-3, readout_lr=0.03, trace=0.8, carry=0.9), **ON_SPIKES,
    ),
}  # fmt: skip


def task_of(name, csv):
    return TASKS[name].make(**({"csv": csv} | WEATHER if name == "forecast-csv" else {}))


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
def found_off_chip(task, csv, hidden, seed, rule, told):
    """Weights of a network after another rule has trained it on ideal numbers, with options given as JSON."""
    asked = job(task, rule, json.loads(told), "ideal", hidden, epochs_of(task, rule), seed)
    return trained(asked, csv, baselines=False).learner.weights


def trained(asked, csv, **further):
    """The run that is asked for."""
    work, task, options = TASKS[asked["task"]], task_of(asked["task"], csv), dict(asked["options"])
    entry, data = work.rules[asked["rule"]], task.load(asked["seed"]).train
    network = ns.Network(data.inputs.shape[2], asked["hidden"], data.targets.shape[2], **work.network)
    if entry.after:
        begun = json.dumps(options.pop(entry.after), sort_keys=True)
        further |= {"weights": found_off_chip(asked["task"], csv, asked["hidden"], asked["seed"], entry.after, begun), "fit": True}
    if "anneal" in options:
        further["anneal"] = options.pop("anneal")
    rule, chip = entry.make(**options), hw.load(asked["chip"]).replace(**work.chip)
    return train(network, task, rule, chip, epochs=asked["epochs"], batch=work.batch, seed=asked["seed"], **further)


def done(job) -> dict[str, Any] | None:
    """One run, as what it was asked and what it gave; nothing if it is too late to begin."""
    asked, csv, deadline = job
    if time.time() > deadline:
        return None
    start, work, elsewhere = time.perf_counter(), TASKS[asked["task"]], None
    if asked["rule"] in REFERENCES and asked["chip"] != "ideal":
        elsewhere = Elsewhere(hw.load(asked["chip"]).replace(**work.chip))
    with_baselines = asked["rule"] == "readout-only" and asked["seed"] in SEEDS  # once for each network
    try:
        run = trained(asked | ({"chip": "ideal"} if elsewhere else {}), csv, on_epoch=elsewhere, baselines=with_baselines)
    except InputError as error:
        return asked | {"refused": str(error), "diverged": True, "validation_loss": [], "test_loss": []}
    m = run.metrics | (elsewhere.losses if elsewhere else {})
    kept = {key: m[key] for key in ("train_loss", "validation_loss", "test_loss", "diverged", "swallowed_updates", "steps")}
    kept |= {"test_accuracy": m["test_accuracy"]} if "neuron" in work.network and "test_accuracy" in m else {}
    bill = {key: (m["cost"][key] or {}).get("typical") for key in ("latency_s", "energy_J")}
    losses = {name: loss["test"] for name, loss in run.baselines.items() if name != "readout-only"}
    seconds = round(time.perf_counter() - start, 2)
    if asked["seed"] in TUNING:  # all that the tuner looks at
        return asked | {"diverged": m["diverged"], "validation_loss": m["validation_loss"][-1:], "seconds": seconds}
    machine = f"{platform.machine()}, Python {platform.python_version()}, NumPy {np.__version__}"
    return asked | kept | bill | {"baselines": losses, "seconds": seconds, "machine": machine}


def final(row, part) -> float:
    """The loss after the last epoch; infinite for a run that diverged."""
    return float("inf") if row["diverged"] or not row[f"{part}_loss"] else row[f"{part}_loss"][-1]


ASKED = ("task", "rule", "options", "chip", "hidden", "epochs", "seed")


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
            for row in self.pool.map(done, missing.values()) if missing else ():
                if row is not None:
                    file.write(json.dumps(row) + "\n")
                    file.flush()
                    self.rows[self.key(row)] = row
        if any(key not in self.rows for key in missing):
            raise TooLate
        return [self.rows[self.key(job)] for job in asked]


def settings(space, count) -> list[dict[str, Any]]:
    """What the tuner tries first, the rule's own defaults among it: the same for every task, chip and size."""
    points = qmc.Sobol(len(space), rng=np.random.default_rng(0)).random(2 ** math.ceil(math.log2(count)))[1:count]
    return [{}] + [{name: choose(q) for (name, choose), q in zip(space.items(), point, strict=True)} for point in points]


def epochs_of(task, rule) -> int:
    return TASKS[task].epochs // TASKS[task].rules[rule].part


def begun(runs, task, rule, hidden) -> dict[str, Any]:
    """What a rule that begins after another one is told: the settings of that one, as tuned on ideal numbers."""
    first = TASKS[task].rules[rule].after
    return {first: ranked(runs, task, first, "ideal", hidden)[0]} if first else {}


def ranked(runs, task, rule, chip, hidden) -> list[dict[str, Any]]:
    """The settings that were not thinned out, the one with the lowest validation loss first."""
    work, epochs = TASKS[task], epochs_of(task, rule)
    tried, stages = settings(work.rules[rule].space, work.stages[0][0]), work.stages
    largest = work.largest if chip == "ideal" else 100
    if hidden > largest:
        tried, stages = ranked(runs, task, rule, chip, largest), LARGER
    told = begun(runs, task, rule, hidden)
    for count, part, seeds in stages:
        start = [{}] if part == 1 and {} not in tried[:count] else []  # short runs never rule out what a rule starts from
        tried = tried[:count] + start
        rows = runs.of(
            [job(task, rule, options | told, chip, hidden, epochs // part, seed) for options in tried for seed in TUNING[:seeds]]
        )
        means = [sum(final(row, "validation") for row in rows[k * seeds : (k + 1) * seeds]) for k in range(len(tried))]
        tried = [tried[k] for k in sorted(range(len(tried)), key=means.__getitem__)]
    return tried


def job(task, rule, options, chip, hidden, epochs, seed) -> dict[str, Any]:
    return dict(zip(ASKED, (task, rule, options, chip, hidden, epochs, seed), strict=True))


def untuned(rule) -> list[dict[str, Any]]:
    """The rule as it comes; a reference gradient also without the falling rates that help the others."""
    return [{}, {"anneal": 1.0}] if rule in REFERENCES else [{}]


def study(runs, places, tune, say=print) -> list[list[dict[str, Any]]]:
    """Run every place (task, size, chip, rule), tuned or not, as long as there is time; the rows of each, over seeds."""
    found = []
    for task, hidden, chip, rule in places:
        entry, at_home = TASKS[task].rules.get(rule), "ideal" if rule in REFERENCES else chip
        if entry is None or (chip != at_home and (rule != PROGRAMMED or not tune)) or (entry.after and (chip == "ideal" or not tune)):
            continue
        for options in [None] if tune else untuned(rule):
            try:
                options = ranked(runs, task, rule, at_home, hidden)[0] | begun(runs, task, rule, hidden) if tune else options
                rows = runs.of([job(task, rule, options, chip, hidden, epochs_of(task, rule), seed) for seed in SEEDS])
            except TooLate:
                continue
            found.append(rows)
            say(f"{task} N={hidden} {chip} {rule}: {told(rows)} {options}", flush=True)
    return found


def complete(path, tune) -> list[list[dict[str, Any]]]:
    """What the file of runs has in full."""
    runs = Runs(path)
    seen = {(row["task"], row["hidden"], row["chip"], row["rule"]) for row in runs.rows.values()}
    chips = ["ideal", *(name for name in hw.catalogue() if name != "ideal")]
    order = [(t, n, c, r) for t in TASKS for n in sorted({n for _, n, _, _ in seen}) for c in chips for r in TASKS[t].rules]
    return study(runs, [place for place in order if place in seen], tune, say=lambda *said, **how: None)


def median(rows, part="test") -> float:
    return statistics.median(final(row, part) for row in rows)


def told(rows) -> str:
    """Median over seeds and its range; of a task in spikes with classes also of the share of right answers."""
    losses = [final(row, "test") for row in rows]
    shares = [row["test_accuracy"] for row in rows if "test_accuracy" in row]
    right = f"; {statistics.median(shares):.1%} right ({min(shares):.1%} to {max(shares):.1%})" if shares else ""
    return f"{median(rows):.5f} ({min(losses):.5f} to {max(losses):.5f}){right}"


# ---------------------------------------------------------------- tables and pictures


def label(rows) -> str:
    """The rule, and whether a reference ran at a constant rate."""
    return rows[0]["rule"] + (", constant rate" if rows[0]["options"] == {"anneal": 1.0} else "")


def columns(found):
    """The networks and chips of the study, in order: size, then chip."""
    return list(dict.fromkeys((rows[0]["hidden"], rows[0]["chip"]) for rows in found))


def baselines(found, hidden, chip):
    """Test losses of what a rule has to beat: medians over seeds."""
    rows = next((rows for rows in found if (rows[0]["rule"], rows[0]["hidden"], rows[0]["chip"]) == ("readout-only", hidden, chip)), [])
    names = dict.fromkeys(name for row in rows for name in row.get("baselines", {}))
    return {name: statistics.median(row["baselines"][name] for row in rows) for name in names}


def table(found) -> str:
    """Median test loss and range over seeds, rules down, networks and chips across."""
    across = columns(found)
    lines = [f"| rule | {' | '.join(f'N = {n}, {chip}' for n, chip in across)} |", f"|---|{'---|' * len(across)}"]
    cell = {(label(rows), rows[0]["hidden"], rows[0]["chip"]): told(rows) for rows in found}
    for rule in dict.fromkeys(label(rows) for rows in found):
        lines.append(f"| {rule} | {' | '.join(cell.get((rule, *place), '-') for place in across)} |")
    under = [baselines(found, *place) for place in across]
    for name in dict.fromkeys(name for losses in under for name in losses):
        each = " | ".join(f"{losses[name]:.5f}" if name in losses else "-" for losses in under)
        lines.append(f"| *{name}* | {each} |")
    return "\n".join(lines)


def choices(found) -> str:
    """What the tuner chose."""
    lines = ["| task | rule | network | settings |", "|---|---|---|---|"]
    for rows in found:
        first = rows[0]
        told = {name: value for name, value in first["options"].items() if name not in RULES}  # of another rule it stands in its own line
        options = ", ".join(f"{name} {value:g}" for name, value in told.items()) or "as it comes"
        lines.append(f"| {first['task']} | {first['rule']} | N = {first['hidden']}, {first['chip']} | {options} |")
    return "\n".join(lines)


def claim(found) -> str:
    """How many times the loss of the best perturbation rule the others have, on the ideal chip."""
    activity = {rows[0]["rule"] for rows in found if "anp" in rows[0]["rule"] and "over time" not in rows[0]["rule"]}
    sets = {"best anp": activity, "best np": ("np", "dnp"), "best wp": ("wp", "dwp"), "readout-only": ("readout-only",)}
    sets |= {rule: (rule,) for rule in REFERENCES}
    lines = [f"| task | N | best | its loss | {' | '.join(sets)} | reservoir |", f"|---|---|---|---|{'---|' * (len(sets) + 1)}"]
    for task, hidden in dict.fromkeys((rows[0]["task"], rows[0]["hidden"]) for rows in found):
        here = [rows for rows in found if (rows[0]["task"], rows[0]["hidden"], rows[0]["chip"]) == (task, hidden, "ideal")]
        loss = {rows[0]["rule"]: median(rows) for rows in here}
        best = min((rule for rule in loss if rule not in (*REFERENCES, "readout-only")), key=loss.__getitem__, default=None)
        if best is None:
            continue
        others = [min((loss[rule] for rule in rules if rule in loss), default=None) for rules in sets.values()]
        others.append(baselines(here, hidden, "ideal").get("reservoir"))
        told = " | ".join("-" if other is None else f"{other / loss[best]:.2f}" for other in others)
        lines.append(f"| {task} | {hidden} | {best} | {loss[best]:.5f} | {told} |")
    return "\n".join(lines)


def chips(found) -> str:
    """What learning on a chip comes to beside training on ideal numbers: losses, and how many times that of tbptt there the best rule has."""
    lines = [
        "| task | N | chip | tbptt on ideal | tbptt programmed | then its readout | best from scratch | its loss | / tbptt on ideal | readout-only | reservoir |",
        f"|{'---|' * 11}",
    ]
    loss = {(rows[0]["task"], *at(rows), rows[0]["rule"]): median(rows) for rows in found}
    for task, hidden, chip in dict.fromkeys((rows[0]["task"], *at(rows)) for rows in found if rows[0]["chip"] != "ideal"):
        here = {rule: x for (*place, rule), x in loss.items() if place == [task, hidden, chip]}
        learned = {rule: x for rule, x in here.items() if rule not in (*REFERENCES, "readout-only") and not TASKS[task].rules[rule].after}
        best = min(learned, key=learned.__getitem__, default="-")
        ideal, own = loss.get((task, hidden, "ideal", PROGRAMMED)), learned.get(best)
        under = baselines([rows for rows in found if rows[0]["task"] == task], hidden, chip)
        told = [ideal, here.get(PROGRAMMED), here.get("readout-only, after tbptt"), best, own, own / ideal if own and ideal else None]
        told += [here.get("readout-only"), under.get("reservoir")]
        cells = [x if isinstance(x, str) else "-" if x is None else f"{x:.2f}" if k == 5 else f"{x:.5f}" for k, x in enumerate(told)]
        lines.append(f"| {task} | {hidden} | {chip} | {' | '.join(cells)} |")
    return "\n".join(lines)


#: How a rule is drawn: a colour a method, its decorrelated form darker; references, openly not local, in black.
STYLES = {
    "wp": ("#97cf9b", "-"), "dwp": ("#2e7d32", "-"), "np": ("#90bfe8", "-"), "dnp": ("#1a5fa8", "-"), "anp": ("#f2a19a", "-"),
    "danp": ("#c62828", "-"), "danp, running norm": ("#8e24aa", "-"), "danp, 4 samples": ("#f57c00", "-"),
    "danp, 16 samples": ("#795548", "-"),
    "danp, bounded norm": ("#8e24aa", "--"), "np over time": ("#26a69a", "-"), "dnp over time": ("#00838f", "-"), "dnp over time, 64 samples": ("#006064", "--"),
    "dnp over time, 4 samples": ("#80cbc4", "-"),
    "dnp over time, norm over the layer": ("#00838f", "--"),
    "anp, 16 samples": ("#795548", "-"), "readout-only": ("#8a8a8a", "-"),
    "readout-only, after tbptt": ("#8a8a8a", "--"), "danp, after tbptt": ("#c62828", "--"),
    "one-step gradient": ("black", ":"), "tbptt": ("black", "-"), "eprop": ("black", "--"), "rflo": ("black", "-."),
}  # fmt: skip


#: What takes a rule apart to see what it needs: in the tables alone.
TAKEN_APART = ("dnp over time, 1 sample", "dnp over time, without signs", "dnp at once with signs", "danp over time, norm over the layer")


def draw(found, path, against="epochs") -> None:
    """Median test loss as training goes on, a panel for each network and chip; against epochs, or the time that the chip would have taken.

    Beside each curve's end stands the range over seeds of the loss after the last epoch.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    found = [rows for rows in found if rows[0]["rule"] not in TAKEN_APART]
    across = [place for place in columns(found) if against == "epochs" or any(clock(rows) for rows in found if at(rows) == place)]
    if not across:
        return
    shown = [rows for rows in found if at(rows) in across]
    reached = [loss for rows in shown for row in rows for loss in row["test_loss"] if np.isfinite(loss)]
    given = [loss for place in across for loss in baselines(found, *place).values()]
    first = [statistics.median((row["test_loss"] or [np.inf])[0] for row in rows) for rows in shown]
    bottom, top = 0.8 * min([*reached, *given]), 1.3 * max([*filter(np.isfinite, first), *given])
    wide, high = min(len(across), 3), math.ceil(len(across) / 3)
    figure, panels = plt.subplots(
        high, wide, figsize=(1.5 + 5.2 * wide, 0.9 + 4.2 * high), sharey=True, squeeze=False, layout="constrained"
    )
    for spare in panels.flat[len(across) :]:
        spare.remove()
    for panel, place in zip(panels.flat, across, strict=False):
        here = [rows for rows in found if at(rows) == place and (against == "epochs" or clock(rows))]
        lengths = [rows[0]["epochs"] * (1.0 if against == "epochs" else clock(rows) / rows[0]["epochs"]) for rows in here]
        for k, (rows, length) in enumerate(zip(here, lengths, strict=True)):
            curves = [row["test_loss"] + [np.inf] * (row["epochs"] - len(row["test_loss"])) for row in rows]
            middle, ends = np.median(curves, axis=0), [curve[-1] for curve in curves]
            colour, line = STYLES[rows[0]["rule"]]
            panel.plot(
                np.arange(1, len(middle) + 1) * length / len(middle), middle, color=colour, linestyle=line, label=rows[0]["rule"],
                marker="." if len(middle) < 3 else "",
            )  # fmt: skip
            beside = max(lengths) * (1.03 + 0.025 * k) if against == "epochs" else length * 1.06
            panel.plot([beside] * 2, [min(ends), min(max(ends), 1e9)], color=colour, linestyle=line, linewidth=1.2)
            panel.plot([beside], [middle[-1]], color=colour, marker="_", markersize=5)
        losses = baselines(found, *place)
        panel.set(yscale="log", ylim=(bottom, top), title=f"N = {place[0]}, {place[1]}")
        if against == "epochs":
            panel.set_xticks(np.arange(0, max(lengths) + 1, max(round(max(lengths) / 6), 1)))
        panel.set_xlabel("epoch" if against == "epochs" else "time on the chip (s, projection)")
        written = 0.0
        for name, loss in sorted(losses.items(), key=lambda item: item[1]):
            panel.axhline(loss, color="0.6", linewidth=0.8, linestyle=(0, (1, 3)))
            written = max(np.log(loss / bottom) / np.log(top / bottom), written + 0.035)  # one above the other
            panel.text(1.01, written, name, fontsize=7, color="0.4", va="center", ha="left", transform=panel.transAxes)
        if against != "epochs" and max(lengths) > 5 * min(lengths):
            panel.set_xscale("log")
    for leftmost in panels[:, 0]:
        leftmost.set_ylabel("test loss, median over seeds")
    handles = {label: line for panel in panels.flat for line, label in zip(*panel.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=5, fontsize=8, frameon=False)
    figure.savefig(path, dpi=90)
    plt.close(figure)


def at(rows):
    return rows[0]["hidden"], rows[0]["chip"]


def clock(rows):
    """Seconds that the chip would have taken for all epochs, if its catalogue says enough to tell."""
    return rows[0].get("latency_s")


def sections(path) -> dict[str, str]:
    """The tables of the page by the names of their marks."""
    as_it_comes, best = complete(path, tune=False), complete(path, tune=True)
    together = Counter((rows[0]["task"], *at(rows)) for rows in as_it_comes)  # one rule alone has nothing to be compared with
    as_it_comes = [rows for rows in as_it_comes if together[rows[0]["task"], *at(rows)] > 1]
    made = {"claim": claim(best), "chips": chips(best), "choices": choices(best)}
    places = {(rows[0]["task"], *at(rows)) for rows in as_it_comes}
    as_it_comes += [  # beside the defaults of the others, node and weight perturbation at their best
        [row | {"rule": f"{row['rule']}, tuned"} for row in rows]
        for rows in best
        if rows[0]["rule"] in ("wp", "np", "dwp", "dnp") and (rows[0]["task"], *at(rows)) in places and rows[0]["options"]
    ]
    for task, work in TASKS.items():
        for kind, found in (("untuned", as_it_comes), ("tuned", best)):
            rows = [rows for rows in found if rows[0]["task"] == task]
            if rows:
                parts = {rule: epochs_of(task, rule) for rule, entry in work.rules.items() if entry.part > 1}
                fewer = f" ({' and '.join(parts)} {min(parts.values())})" if parts else ""
                made[f"{kind} {task}"] = f"{work.title}; {work.epochs} epochs{fewer}.\n\n{table(rows)}"
    return made


def write(out) -> None:
    """Put tables between the marks of the page and pictures beside it."""
    path, page = (pathlib.Path(f"{out}.{kind}") for kind in ("jsonl", "md"))
    text = page.read_text()
    for mark, made in sections(path).items():
        start, end = f"<!-- {mark} -->\n", f"<!-- end {mark} -->\n"
        if start not in text or end not in text:
            if mark.startswith("untuned"):
                continue  # the tuner may choose what a rule comes with; a page shows that apart where it wants to
            print(f"{page} has no marks for {mark!r}; put {start.strip()} and {end.strip()} where the table belongs.")
            continue
        before, rest = text.split(start, 1)
        text = f"{before}{start}{made}\n{end}{rest.split(end, 1)[1]}"
    page.write_text(text)
    for task in TASKS:
        rows = [rows for rows in complete(path, tune=True) if rows[0]["task"] == task]
        for against in ("epochs", "time") if rows else ():
            draw(rows, pathlib.Path(f"{out}-{task}-{against}.png"), against)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--untuned", action="store_true", help="every rule at the rates it starts from")
    parser.add_argument("--tasks", default="mackey-glass,mackey-glass-driven,mackey-glass-reversed", help=f"of {', '.join(TASKS)}")
    known_rules = list(dict.fromkeys(rule for work in TASKS.values() for rule in work.rules))
    parser.add_argument("--rules", default=";".join(known_rules), help="separated by semicolons")
    parser.add_argument("--chips", default="ideal")
    parser.add_argument("--hidden", default="100")
    parser.add_argument("--csv", help="hourly weather records, for forecast-csv")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no run later than this")
    parser.add_argument("--out", default="docs/learning")
    options = parser.parse_args()
    tasks, rules, chips = options.tasks.split(","), options.rules.split(";"), options.chips.split(",")
    for given, known in ((tasks, TASKS), (rules, known_rules), (chips, hw.catalogue())):
        if set(given) - set(known):
            parser.error(f"unknown: {', '.join(sorted(set(given) - set(known)))}; known: {', '.join(known)}")
    if "forecast-csv" in tasks and options.csv is None and options.minutes > 0:
        parser.error("forecast-csv needs --csv with the weather records")
    places = [(t, int(n), c, r) for n in options.hidden.split(",") for t in tasks for c in chips for r in rules]
    if options.minutes > 0:
        with ProcessPoolExecutor(options.workers) as pool:
            runs = Runs(pathlib.Path(f"{options.out}.jsonl"), options.csv, pool, time.time() + 60 * options.minutes)
            study(runs, places, not options.untuned)
    write(options.out)


if __name__ == "__main__":
    main()
