"""Every chip of the catalogue, every rule of the family: the tables in docs/chips.md, made from runs of this script.

    python benchmarks/chips.py [--task mackey-glass-reversed] [--rules danp,anp] [--chips NAME,...] [--csv weather.csv]

Test loss after the last epoch, over seeds, at the rates that each rule starts from; none is tuned to a chip. Beside the rules stands the
run of danp in which only the readout learns. Two more columns perturb by what the devices do anyway: anp with no source but the chip's
own read noise, and anp with two perturbed passes. What a chip or a rule refuses is said in the table. Results are kept in a JSON file as
they come, so that an interrupted run goes on where it stopped.
"""

import argparse
import json
import pathlib
import statistics
from concurrent.futures import ProcessPoolExecutor

import hw_models as hw
import neurosim as ns
from hw_models.noise import ALL_NOISES
from hw_models.parts import InputError
from neurosim.train import train, with_rates

RULES = {
    "wp": ns.rules.WP(),
    "np": ns.rules.NP(),
    "anp": ns.rules.ANP(),
    "danp": ns.rules.DANP(),
    "readout-only": with_rates(ns.rules.DANP(), 0.0, 1.0),
    "anp, own noise": ns.rules.ANP(passes="noisy-noisy"),
    "anp, two noisy": ns.rules.ANP(passes="noisy-noisy"),
}
PAGE = """# What learns on which chip

Made by `python benchmarks/chips.py`, which keeps every run in `chips.json` beside this page. Each rule runs at the rates it starts from;
none is tuned to a chip. A dash is a combination that has not been run.

## Reversed Mackey-Glass

<!-- mackey-glass-reversed -->
<!-- end -->

## Forecasting Mackey-Glass

<!-- mackey-glass -->
<!-- end -->

## Forecasting the weather

<!-- forecast-csv -->
<!-- end -->
"""
TARGET = {"target": "DryBulbFarenheit", "horizon": 1, "drop": ("DryBulbCelsius", "WetBulbCelsius", "DewPointCelsius")}


def one(job) -> dict:
    task, rule, chip, seed, hidden, epochs, csv = job
    made = ns.tasks.by_name[task](**({"csv": csv, **TARGET} if task == "forecast-csv" else {}))
    there = hw.load(chip)
    if rule == "anp, own noise":
        there = there.replace(noise=ALL_NOISES["none"]())
    row = {"task": task, "rule": rule, "chip": chip, "seed": seed, "hidden": hidden, "epochs": epochs}
    try:
        width = made.load(seed).train.inputs.shape[2]
        metrics = train(ns.Network(width, hidden, 1), made, RULES[rule], there, epochs=epochs, seed=seed, baselines=False).metrics
    except InputError as error:
        return {**row, "refused": str(error)}
    return {**row, "loss": None if metrics["diverged"] else metrics["final_test_loss"], "swallowed": metrics["swallowed_updates"]}


def said(rows) -> str:
    """A cell of the table: median and range over seeds, or why there is none."""
    if not rows:
        return "-"
    if "refused" in rows[0]:
        return "refused"
    losses = [float("inf") if row["loss"] is None else row["loss"] for row in rows]
    return f"{statistics.median(losses):.4f} ({min(losses):.4f} to {max(losses):.4f})"


def table(rows, rules) -> str:
    lines = [f"| chip | {' | '.join(rules)} |", f"|---|{'---|' * len(rules)}"]
    for chip in hw.chip.catalogue():
        cells = [said([row for row in rows if (row["chip"], row["rule"]) == (chip, rule)]) for rule in rules]
        if any(cell != "-" for cell in cells):
            lines.append(f"| {chip} | {' | '.join(cells)} |")
    reasons = dict.fromkeys(f"- {row['rule']} on {row['chip']}: {row['refused']}" for row in rows if "refused" in row)
    return "\n".join([*lines, *(["", "Refused:", *reasons] if reasons else [])])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", default="mackey-glass-reversed", choices=["mackey-glass-reversed", "mackey-glass", "forecast-csv"])
    parser.add_argument("--rules", default=";".join(RULES), help="separated by semicolons")
    parser.add_argument("--chips", default=",".join(hw.chip.catalogue()))
    parser.add_argument("--seeds", default="42,101,300,482,708")
    parser.add_argument("--hidden", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--csv", help="hourly weather records, for forecast-csv")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", default="docs/chips")
    options = parser.parse_args()
    path, page = (pathlib.Path(f"{options.out}.{kind}") for kind in ("json", "md"))
    rows = json.loads(path.read_text()) if path.exists() else []
    seeds, rules = [int(seed) for seed in options.seeds.split(",")], options.rules.split(";")
    how = (options.hidden, options.epochs)
    done = {(row["task"], row["rule"], row["chip"], row["seed"], row["hidden"], row["epochs"]) for row in rows}
    # seed after seed of one combination, so that it is compiled once
    wanted = [(options.task, rule, chip, seed, *how, options.csv) for chip in options.chips.split(",") for rule in rules for seed in seeds]
    with ProcessPoolExecutor(options.workers) as pool:
        for row in pool.map(one, [job for job in wanted if job[:6] not in done], chunksize=len(seeds)):
            rows.append(row)
            path.write_text(json.dumps(rows, indent=1))
            print(row["rule"], row["chip"], row["seed"], row.get("loss", row.get("refused")), flush=True)
    chosen = [row for row in rows if row["task"] == options.task and (row["hidden"], row["epochs"]) == how]
    before, rest = (page.read_text() if page.exists() else PAGE).split(f"<!-- {options.task} -->\n", 1)
    after = rest.split("<!-- end -->\n", 1)[1]
    made = f"N = {options.hidden}, {options.epochs} epochs, seeds {options.seeds}: median test loss and its range; `inf` is a run that diverged."
    shown = [rule for rule in RULES if any(row["rule"] == rule for row in chosen)]
    page.write_text(f"{before}<!-- {options.task} -->\n{made}\n\n{table(chosen, shown)}\n<!-- end -->\n{after}")
    print(table(chosen, shown))
