"""The tuner, the same for every rule, and what it makes of a file of runs."""

import math
from typing import Any

import numpy as np
from plan import LARGER, LARGEST, PROGRAMMED, REFERENCES, SEEDS, TASKS, TUNING, epochs_of, job
from runs import Runs, TooLate, final, median_and_range
from scipy.stats import qmc

import hw_models as hw


def settings(space, count) -> list[dict[str, Any]]:
    """What the tuner tries first, the rule's own defaults among it: the same for every task, chip and size."""
    points = qmc.Sobol(len(space), rng=np.random.default_rng(0)).random(2 ** math.ceil(math.log2(count)))[1:count]
    return [{}] + [{name: choose(q) for (name, choose), q in zip(space.items(), point, strict=True)} for point in points]


def begun(runs, task, rule, hidden) -> dict[str, Any]:
    """What a rule that begins after another one is told: the settings of that one, as tuned on ideal numbers."""
    first = TASKS[task].rules[rule].after
    return {first: ranked(runs, task, first, "ideal", hidden)[0]} if first else {}


def ranked(runs, task, rule, chip, hidden) -> list[dict[str, Any]]:
    """The settings that were not thinned out, the one with the lowest validation loss first."""
    work, epochs = TASKS[task], epochs_of(task, rule)
    tried, stages = settings(work.rules[rule].space, work.stages[0][0]), work.stages
    largest = work.largest if chip == "ideal" else LARGEST
    if hidden > largest:
        tried, stages = ranked(runs, task, rule, chip, largest), LARGER
    first = begun(runs, task, rule, hidden)
    for count, part, seeds in stages:
        start = [{}] if part == 1 and {} not in tried[:count] else []  # short runs never rule out what a rule starts from
        tried = tried[:count] + start
        rows = runs.of(
            [job(task, rule, options | first, chip, hidden, epochs // part, seed) for options in tried for seed in TUNING[:seeds]]
        )
        means = [sum(final(row, "validation") for row in rows[k * seeds : (k + 1) * seeds]) for k in range(len(tried))]
        tried = [tried[k] for k in sorted(range(len(tried)), key=means.__getitem__)]
    return tried


def untuned(rule) -> list[dict[str, Any]]:
    """The rule as it comes; a reference gradient also without the falling rates that help the others."""
    return [{}, {"anneal": 1.0}] if rule in REFERENCES else [{}]


def has_room(entry, chip) -> bool:
    """Whether the neurons of a chip can keep what those of a perturbation rule keep over an interval."""
    rule, room = entry.rule({}), hw.load(chip).memory.room("neuron")
    return room is None or not hasattr(rule, "learning") or sum(rule.learning().kept.values()) <= room


def left_out(task, hidden, chip, rule, tune) -> str:
    """Why something is not part of the study; empty if it is."""
    entry, elsewhere = TASKS[task].rules.get(rule), chip != "ideal"
    if entry is None:
        return "this task has other rules"
    if entry.only and (task, hidden, chip) not in entry.only:
        return f"takes another rule apart, which is done on {' and '.join(f'{t} N={n} {c}' for t, n, c in entry.only)} alone"
    if elsewhere and not has_room(entry, chip):
        return "neurons of that chip have no room for what they keep over an interval"
    if "threshold" in entry.space and not elsewhere:
        return "ideal numbers take every change as it comes"
    if rule in REFERENCES and elsewhere and (rule != PROGRAMMED or not tune):
        return f"references run on the ideal chip; what {PROGRAMMED} finds there, once it is tuned, is programmed into others"
    return f"begins with what {entry.after} found on the ideal chip, once that is tuned" if entry.after and not (elsewhere and tune) else ""


def study(runs, places, tune, seeds=SEEDS, say=print) -> list[list[dict[str, Any]]]:
    """Run every place (task, size, chip, rule), tuned or not, as long as there is time; the rows of each, over seeds."""
    found = []
    for task, hidden, chip, rule in places:
        at_home = "ideal" if rule in REFERENCES else chip
        if why := left_out(task, hidden, chip, rule, tune):
            say(f"{task} N={hidden} {chip} {rule}: left out: {why}", flush=True)
            continue
        for options in [None] if tune else untuned(rule):
            try:
                options = ranked(runs, task, rule, at_home, hidden)[0] | begun(runs, task, rule, hidden) if tune else options
                for where in dict.fromkeys((at_home, chip)):
                    rows = runs.of([job(task, rule, options, where, hidden, epochs_of(task, rule), seed) for seed in seeds])
            except TooLate:
                say(f"{task} N={hidden} {chip} {rule}: not run in full", flush=True)
                continue
            found.append(rows)
            say(f"{task} N={hidden} {chip} {rule}: {median_and_range(rows)} {options}", flush=True)
    return found


def complete(path, tune, seeds=SEEDS) -> list[list[dict[str, Any]]]:
    """What the file of runs has in full."""
    runs = Runs(path)
    seen = {(row["task"], row["hidden"], row["chip"], row["rule"]) for row in runs.rows.values()}
    chips = ["ideal", *(name for name in hw.catalogue() if name != "ideal")]
    order = [(t, n, c, r) for t in TASKS for n in sorted({n for _, n, _, _ in seen}) for c in chips for r in TASKS[t].rules]
    return study(runs, [place for place in order if place in seen], tune, seeds, say=lambda *said, **how: None)
