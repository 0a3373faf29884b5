"""How well the rules learn: the tables and pictures of docs/learning.md, made from runs of this script.

    python benchmarks/learning/study.py --untuned [--tasks mackey-glass] [--rules "danp;readout-only"] [--hidden 500]
    python benchmarks/learning/study.py [--tasks ...] [--rules ...] [--chips ...] [--hidden 100] [--csv weather.csv] [--minutes 60]
    python benchmarks/learning/study.py --fresh --chips ideal --hidden 100 [--tasks ...] [--rules ...]
    python benchmarks/learning/study.py --tasks cue-accumulation,delayed-match,mackey-glass-in-spikes,digits-in-spikes --out docs/spiking
    python benchmarks/learning/study.py --untuned --tasks mackey-glass --hidden 100 --rules "danp;dnp;dwp" --out small

With --untuned, every rule runs at the rates it starts from. Otherwise all are tuned with the same budget by the same tuner: it tries what a
rule starts from and settings drawn from a scrambled Sobol sequence over the ranges of `plan.py`, and thins them out. All run for a quarter of the
epochs, the best of them for half, the best of those and what the rule starts from for all, judged by the mean of their last validation
losses over more and more seeds.
It does so for each task and chip with 100 neurons, and for Mackey-Glass on the ideal chip with 500 again. In a larger network it chooses, by
one whole run each, among the best three of the largest that was tuned so and what the rule starts from. On spikes it has a smaller budget
(`FEW`). Then the winner runs from five other seeds; test losses are looked at only then. With --fresh it runs from twenty more, by which no rule,
range or default was ever chosen. What tbptt found on the ideal chip is programmed into
the others, where the rules "after tbptt" begin with it. Every run is a line of OUT.jsonl as soon as it is
done (of the tuner's runs, the last validation loss), and what stands there is not run again: an interrupted study goes on where it stopped,
and a finished one only makes its tables and pictures anew. With --minutes no run begins later than that, and the page shows what is
complete.

What is studied stands in `plan.py`, a run in `runs.py`, the tuner in `tuner.py`, tables and pictures in `page.py`.
"""

import argparse
import os
import pathlib
import time
from concurrent.futures import ProcessPoolExecutor

os.environ.setdefault("OMP_NUM_THREADS", "1")  # runs go side by side
import page
from plan import CHIPS, FRESH, SEEDS, SIZES, STUDIED, TASKS
from runs import Runs
from tuner import study

import hw_models as hw


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--untuned", action="store_true", help="every rule at the rates it starts from")
    parser.add_argument("--fresh", action="store_true", help="what the tuner chose once more, from twenty other seeds")
    parser.add_argument("--tasks", default=",".join(STUDIED), help=f"of {', '.join(TASKS)}")
    known_rules = list(dict.fromkeys(rule for work in TASKS.values() for rule in work.rules))
    parser.add_argument("--rules", default=";".join(known_rules), help="separated by semicolons")
    parser.add_argument("--chips", default=",".join(CHIPS))
    parser.add_argument("--hidden", default=",".join(map(str, SIZES)))
    parser.add_argument("--csv", help="hourly weather records, for forecast-csv")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no run later than this")
    parser.add_argument("--out", default="docs/learning")
    options = parser.parse_args()
    tasks, rules, chips = options.tasks.split(","), options.rules.split(";"), options.chips.split(",")
    for given, known in ((tasks, TASKS), (rules, known_rules), (chips, hw.catalogue())):
        if set(given) - set(known):
            parser.error(f"unknown: {'; '.join(sorted(set(given) - set(known)))}; known: {'; '.join(known)}")
    if "forecast-csv" in tasks and options.csv is None and options.minutes > 0:
        parser.error("forecast-csv needs --csv with the weather records")
    places = [(t, int(n), c, r) for n in options.hidden.split(",") for t in tasks for c in chips for r in rules]
    if options.minutes > 0:
        with ProcessPoolExecutor(options.workers) as pool:
            runs = Runs(pathlib.Path(f"{options.out}.jsonl"), options.csv, pool, time.time() + 60 * options.minutes)
            study(runs, places, not options.untuned, FRESH if options.fresh else SEEDS)
    page.write(options.out)


if __name__ == "__main__":
    main()
