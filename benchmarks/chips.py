"""Every chip of the catalogue, every rule of the family, two tasks: the tables in docs/chips.md, made from runs of this script.

    python benchmarks/chips.py --csv weather.csv [--workers 2] [--minutes 60] [--chips NAME,...] [--rules "danp;anp"]

Test loss after the last epoch, over seeds, at the rates that each rule starts from; none is tuned to a chip. Beside the rules stand the run
of danp in which only the readout learns and a ridge readout of the untrained network on the same chip. Two more columns perturb by what
the devices do anyway: anp with no source but the chip's own noise, and anp with two perturbed passes. Where changes are "accumulated", they
add up in a register of the synapse until they come to a hundredth (`rule.threshold`). The last three columns begin elsewhere: weights
that tbptt found on ideal numbers, programmed into the chip, and those after their readout has learned on it, with and without accumulation.

Every run is a line of docs/chips.jsonl as soon as it ends, so that the script may be stopped and started again: only what is missing is
run. A run that fails is a line too, and is tried again the next time. The runs of a chip that compile to the same code stand together,
one such group a worker. With --minutes no run begins later than that; with 0 only the page is made anew.
"""

import argparse
import functools
import json
import math
import pathlib
import statistics
import time
import traceback
from concurrent.futures import ProcessPoolExecutor, as_completed

import numpy as np

import hw_models as hw
import neurosim as ns
from hw_models.parts import InputError
from neurosim import transfer
from neurosim.experiment import Experiment, Settings, as_learning, make_learner
from neurosim.tasks import PARTS, baselines, ridge
from neurosim.train import train

OWN = "anp, own noise"
RULES = {
    "wp": ns.rules.WP(),
    "np": ns.rules.NP(),
    "anp": ns.rules.ANP(),
    "danp": ns.rules.DANP(),
    "danp, accumulated": ns.rules.DANP(threshold=0.01),
    "readout-only": ns.rules.DANP(lr=0.0),
    "readout-only, accumulated": ns.rules.DANP(lr=0.0, threshold=0.01),
    OWN: ns.rules.ANP(passes="noisy-noisy"),
    "anp, two noisy": ns.rules.ANP(passes="noisy-noisy"),
}
RESERVOIR, NO_NETWORK = "reservoir", "no network"
PROGRAMMED = "tbptt programmed"
THEN = {"then its readout": RULES["readout-only"], "then its readout, accumulated": RULES["readout-only, accumulated"]}
NEVER_BETTER = (RESERVOIR, "readout-only", "readout-only, accumulated")  # than a readout alone
COLUMNS = [*RULES, RESERVOIR, PROGRAMMED, *THEN]
TASKS = {  # title and epochs: about as many steps each
    "mackey-glass-reversed": ("Reversed Mackey-Glass", 12),
    "mackey-glass": ("Forecasting Mackey-Glass", 12),
    "forecast-csv": ("Forecasting the weather", 4),
}
TARGET = {"target": "DryBulbFarenheit", "horizon": 1, "drop": ("DryBulbCelsius", "WetBulbCelsius", "DewPointCelsius")}
KEY = ("task", "rule", "chip", "seed", "hidden", "epochs")

PAGE = """# What learns on which chip

Made by `python benchmarks/chips.py --csv weather.csv`, which keeps every run in `chips.jsonl` beside this page. Each rule runs at the rates
it starts from; none is tuned to a chip. A number is the median of the test loss over the seeds, with its range; `inf` is a run that diverged,
a dash a combination that has not been run. **Bold** is below `readout-only` on the same chip (of rules that accumulate, below
`readout-only, accumulated`) for every seed: there the recurrent weights hold something that the readout alone does not reach. `reservoir` is
a ridge regression on the states of the untrained network. "{own}" has no source of perturbation but the chip's own read noise or random
rounding; "anp, two noisy" compares two perturbed passes.
"{programmed}" are the weights that tbptt found on ideal numbers in as many epochs, programmed into the chip as well as its cells hold them;
"then its readout" goes on from there as `readout-only` does. Where changes are "accumulated", they add up in a register of 16 bits a synapse until
they come to 0.01, and are written in whole multiples of it (`rule.threshold = 0.01`): 13 to 19 steps of reram-es, 9 to 13 of ecram, 4 or 5 of
capacitor, a twentieth of one of reram-hfo2. The cells of pcm, pcm-hermes, reram-cmo, reram-wan and sonos do so by themselves in any
column, until the device can be programmed closer; analog-noisy, odin, reckon and loihi have no room for it.
"""


def task_of(name, csv):
    return ns.tasks.by_name[name](**({"csv": csv, **TARGET} if name == "forecast-csv" else {}))


def experiment(task, dataset, rule, chip, row) -> Experiment:
    width = dataset.train.inputs.shape[2]
    return Experiment(
        task, ns.Network(width, row["hidden"], 1), rule, chip, Settings(epochs=row["epochs"], seed=row["seed"], baselines=False)
    )


def untrained(e: Experiment, dataset) -> float:
    """Test loss of a ridge readout of the untrained network."""
    learner, number = make_learner(e, dataset), np.dtype(e.settings.dtype).type
    series = {part: getattr(dataset, part) for part in PARTS}
    states = {
        part: learner.evaluate(s.inputs.astype(number), s.targets.astype(number), s.counted, record=("x",)).records["x"]
        for part, s in series.items()
    }
    return ridge(states, dataset)[0]["test"]


@functools.lru_cache(maxsize=16)
def found_off_chip(task, csv, seed, hidden, epochs):
    """Weights that tbptt finds on ideal numbers."""
    task = task_of(task, csv)
    width = task.load(seed).train.inputs.shape[2]
    run = train(ns.Network(width, hidden, 1), task, ns.rules.Gradient("tbptt"), "ideal", epochs=epochs, seed=seed, baselines=False)
    return run.learner.weights


def outcome(row, csv) -> dict:
    """What one run gave."""
    task = task_of(row["task"], csv)
    dataset = task.load(row["seed"])
    if row["rule"] == NO_NETWORK:
        return {"losses": {name: losses["test"] for name, losses in baselines(dataset).items()}}
    chip = hw.load(row["chip"])
    if row["rule"] == OWN:
        chip = chip.replace(noise=hw.Silent(sigma=chip.noise.sigma))
    if row["rule"] == RESERVOIR:
        return {"loss": untrained(experiment(task, dataset, RULES["anp"], chip, row), dataset)}
    weights = found_off_chip(row["task"], csv, row["seed"], row["hidden"], row["epochs"]) if row["rule"] in (PROGRAMMED, *THEN) else None
    if row["rule"] == PROGRAMMED:
        there = ns.Simulator(ns.Network(dataset.train.inputs.shape[2], row["hidden"], 1), chip, row["seed"])
        there.program(weights, fit=True)
        return {"loss": transfer.loss(there, dataset)}
    e = experiment(task, dataset, (RULES | THEN)[row["rule"]], chip, row)
    metrics = train(e.network, task, e.rule, chip, weights=weights, fit=weights is not None, **e.settings._asdict()).metrics
    return {"loss": None if metrics["diverged"] else metrics["final_test_loss"], "swallowed": metrics["swallowed_updates"]}


def run_group(rows, csv, path, deadline) -> int:
    """Run what compiles to the same code, one after the other; each result is appended to the file in one write."""
    done = 0
    for row in rows:
        if time.time() > deadline:
            break
        start = time.perf_counter()
        try:
            found = outcome(row, csv)
        except InputError as error:
            found = {"refused": str(error)}
        except Exception as error:  # a bug in one combination must not cost the others
            traceback.print_exc()
            found = {"failed": f"{type(error).__name__}: {error}"}
        line = json.dumps({**row, **found, "wall_s": round(time.perf_counter() - start, 1)})
        with path.open("a") as file:
            file.write(f"\n{line}\n")  # an earlier line may have been cut off
        done += 1
        print(*[row[key] for key in KEY[:4]], *[f"{key} {value}" for key, value in found.items()], sep="  ", flush=True)
    return done


def read(path) -> dict:
    """The last result of each run; lines that were cut off are left out."""
    rows = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        rows[tuple(row[key] for key in KEY)] = row
    return rows


def grouped(rows) -> list[list[dict]]:
    """Rows by what their code is compiled for: the chip, the rule's class and whether the noise source is replaced."""
    groups: dict = {}
    for row in rows:
        rule = None if row["rule"] in (NO_NETWORK, PROGRAMMED) else type(as_learning(RULES.get(row["rule"], RULES["anp"])).rule)
        groups.setdefault((row["chip"], rule, row["rule"] == OWN), []).append(row)
    return list(groups.values())


# ---------------------------------------------------------------- the page


def losses_of(rows) -> list[float]:
    return [float("inf") if row["loss"] is None else row["loss"] for row in rows if "loss" in row]


def number(x) -> str:
    return f"{x:#.3g}".rstrip(".") if 1e-4 <= abs(x) < 1e4 else f"{x:.2g}"


def said(rows, readout, seeds) -> str:
    """A cell of the table: median and range over seeds, or why there is none."""
    if not rows:
        return "-"
    losses = losses_of(rows)
    if not losses:
        return "refused" if "refused" in rows[0] else "failed"
    text = f"{number(statistics.median(losses))} ({number(min(losses))} to {number(max(losses))})" if len(losses) > 1 else number(losses[0])
    pairs = [
        (row["loss"], other["loss"]) for row in rows for other in readout if row["seed"] == other["seed"] and losses_of([row, other])[1:]
    ]
    below = len(pairs) == len(losses) and all(a is not None and (b is None or a < b) for a, b in pairs)
    better = below and rows[0]["rule"] not in NEVER_BETTER
    return (f"**{text}**" if better else text) + (f", {len(losses)} of {len(seeds)} seeds" if len(losses) < len(seeds) else "")


def readout_of(rule) -> str:
    """The run of the same kind in which only the readout learns."""
    return "readout-only, accumulated" if rule.endswith(", accumulated") else "readout-only"


def markdown(header, lines) -> list[str]:
    return [f"| {' | '.join(header)} |", f"|{'---|' * len(header)}", *(f"| {' | '.join(line)} |" for line in lines)]


def findings(columns, chips, at, trivial) -> list[str]:
    """Where each rule learns something: below a linear fit, below what its readout alone learns; and where runs diverge."""
    lines = []
    for rule in columns:
        ran = {chip: losses_of(at(chip, rule)) for chip in chips if losses_of(at(chip, rule))}
        fits = [chip for chip, losses in ran.items() if statistics.median(losses) < trivial["linear"]]
        better = [chip for chip in ran if said(at(chip, rule), at(chip, readout_of(rule)), []).startswith("**")]
        lost = [chip for chip, losses in ran.items() if not all(map(math.isfinite, losses))]
        lines.append([rule, f"{len(fits)} of {len(ran)}", ", ".join(better) or "-", ", ".join(lost) or "-"])
    header = [
        "rule",
        "chips where its median is below a linear fit",
        "chips where every seed is below readout-only",
        "chips where a seed diverges",
    ]
    return ["", *markdown(header, lines)]


def section(task, rows, seeds, hidden) -> list[str]:
    """The tables of one task."""
    columns = [name for name in COLUMNS if any(row["rule"] == name for row in rows)]
    chips = [name for name in ["ideal", *(n for n in hw.catalogue() if n != "ideal")] if any(row["chip"] == name for row in rows)]
    at = lambda chip, rule: [row for row in rows if (row["chip"], row["rule"]) == (chip, rule)]  # noqa: E731
    title, epochs = TASKS[task]
    lines = [f"\n## {title}\n", f"N = {hidden}, {epochs} epochs, seeds {', '.join(map(str, seeds))}.\n"]
    trivial = [row["losses"] for row in rows if "losses" in row]
    if trivial:
        medians = {name: statistics.median(losses[name] for losses in trivial) for name in trivial[0]}
        lines += [f"Without a network: {', '.join(f'{name} {number(loss)}' for name, loss in medians.items())}.\n"]
    lines += markdown(
        ["chip", *columns], [[chip, *(said(at(chip, rule), at(chip, readout_of(rule)), seeds) for rule in columns)] for chip in chips]
    )
    if trivial:
        lines += findings(columns, chips, at, medians)
    learned = [name for name in columns if name in (*RULES, *THEN)]
    shares = {(c, r): statistics.median(row["swallowed"] for row in at(c, r) if "swallowed" in row) for c in chips for r in learned
              if any("swallowed" in row for row in at(c, r))}  # fmt: skip
    swallowing = [chip for chip in chips if any(shares.get((chip, rule), 0) > 0 for rule in learned)]
    if swallowing:
        share = lambda chip, rule: f"{shares[chip, rule]:.1%}" if (chip, rule) in shares else "-"  # noqa: E731
        lines += ["\nShare of the changes asked for that the cells swallowed (median); chips that are not named swallowed none:\n"]
        lines += markdown(["chip", *learned], [[chip, *(share(chip, rule) for rule in learned)] for chip in swallowing])
    for why in ("refused", "failed"):
        reasons: dict[str, list[str]] = {}
        for row in rows:
            if why in row:
                reasons.setdefault(row[why], []).append(f"{row['rule']} on {row['chip']}")
        lines += [f"\n{why.capitalize()}:\n"] * bool(reasons)
        lines += [f"- {'; '.join(dict.fromkeys(where))}: {reason}" for reason, where in reasons.items()]
    return lines


def page(rows, tasks, seeds, hidden) -> str:
    chosen = [row for row in rows if (row["hidden"], row["epochs"]) == (hidden, TASKS[row["task"]][1]) and row["seed"] in seeds]
    lines = PAGE.format(own=OWN, programmed=PROGRAMMED).splitlines()
    for task in tasks:
        of_task = [row for row in chosen if row["task"] == task]
        lines += section(task, of_task, seeds, hidden) if of_task else []
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tasks", default="mackey-glass-reversed,forecast-csv", help=f"of {', '.join(TASKS)}")
    parser.add_argument("--rules", default=";".join(COLUMNS), help="separated by semicolons")
    parser.add_argument("--chips", default=",".join(hw.catalogue()))
    parser.add_argument("--seeds", default="42,101,300,482,708")
    parser.add_argument("--hidden", type=int, default=100)
    parser.add_argument("--csv", help="hourly weather records, for forecast-csv")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--minutes", type=float, help="begin no run later than this")
    parser.add_argument("--out", default="docs/chips")
    options = parser.parse_args()
    kept = pathlib.Path(f"{options.out}.jsonl")
    tasks, rules, chips = options.tasks.split(","), options.rules.split(";"), options.chips.split(",")
    seeds = [int(seed) for seed in options.seeds.split(",")]
    for name, known in [(tasks, TASKS), (rules, COLUMNS), (chips, hw.catalogue())]:
        if set(name) - set(known):
            parser.error(f"unknown: {', '.join(sorted(set(name) - set(known)))}; known: {', '.join(known)}")
    how = lambda task: {"hidden": options.hidden, "epochs": TASKS[task][1]}  # noqa: E731
    wanted = [{"task": task, "rule": NO_NETWORK, "chip": "", "seed": seed, **how(task)} for task in tasks for seed in seeds]
    wanted += [
        {"task": task, "rule": rule, "chip": chip, "seed": seed, **how(task)}
        for chip in chips for rule in rules for task in tasks for seed in seeds
    ]  # fmt: skip
    before = read(kept)
    missing = [row for row in wanted if "failed" in before.get(tuple(row[key] for key in KEY), {"failed": ""})]
    minutes = options.minutes if options.minutes is not None else float("inf")
    if minutes > 0 and options.csv is None and any(row["task"] == "forecast-csv" for row in missing):
        parser.error("forecast-csv needs --csv with the weather records; or leave the task out with --tasks mackey-glass-reversed")
    deadline, done = time.time() + 60 * minutes, 0
    if minutes > 0:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with ProcessPoolExecutor(options.workers) as pool:
            for future in as_completed([pool.submit(run_group, rows, options.csv, kept, deadline) for rows in grouped(missing)]):
                done += future.result()
    made = page(list(read(kept).values()), [task for task in TASKS if task in tasks], seeds, options.hidden)
    pathlib.Path(f"{options.out}.md").write_text(made)
    print(f"{done} of {len(missing)} missing runs done; the page is {options.out}.md")


if __name__ == "__main__":
    main()
