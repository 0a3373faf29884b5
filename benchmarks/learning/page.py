"""What is said of the runs: tables between the marks of a page, and pictures beside it."""

import math
import pathlib
import statistics
from collections import Counter

import numpy as np
from plan import CHIPS, FRESH, PROGRAMMED, REFERENCES, RULES, SIZES, TASKS, epochs_of
from runs import Runs, final, median, median_and_range, stopped
from scipy.stats import binom, binomtest
from tuner import complete, left_out


def label(rows) -> str:
    """The rule, whether a reference ran at a constant rate, and whether what it found elsewhere is only programmed."""
    rule, options, chip = (rows[0][key] for key in ("rule", "options", "chip"))
    if rule in REFERENCES and chip != "ideal":
        return f"{rule}, programmed"
    return rule + (", constant rate" if options == {"anneal": 1.0} else "")


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
    cell = {(label(rows), rows[0]["hidden"], rows[0]["chip"]): median_and_range(rows) for rows in found}
    for rule in dict.fromkeys(label(rows) for rows in found):
        lines.append(f"| {rule} | {' | '.join(cell.get((rule, *place), '-') for place in across)} |")
    under = [baselines(found, *place) for place in across]
    for name in dict.fromkeys(name for losses in under for name in losses):
        each = " | ".join(f"{losses[name]:.5f}" if name in losses else "-" for losses in under)
        lines.append(f"| *{name}* | {each} |")
    return "\n".join(lines)


def middle(values) -> tuple[float, float, float]:
    """The median, and between what it lies with a confidence of at least 95 %, whatever the distribution: two of the values themselves."""
    values, n = np.sort(values), len(values)
    rank = max(int(binom.ppf(0.025, n, 0.5)), 1)  # fewer than so many lie below the true median with a chance of 2.5 % at most
    return float(np.median(values)), float(values[rank - 1]), float(values[n - rank])


def ends(rows, of=final) -> np.ndarray:
    """Test loss after the last epoch, or the best one, seed by seed."""
    return np.array([of(row, "test") for row in rows])


def again(found) -> str:
    """What the tuner chose, from fresh seeds: after the last epoch, and where it is stopped by validation; and the last beside tbptt from the same
    seed: ratio, on how many of them it is below, and the chance of that if neither were better."""
    lines = [
        f"| task | rule | test loss, median (95 %) | worst | stopped: median | worst | times {PROGRAMMED}, median (95 %) | below {PROGRAMMED} | p |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    measure = {(rows[0]["task"], *at(rows)): ends(rows) for rows in found if rows[0]["rule"] == PROGRAMMED}
    for task, hidden, chip in dict.fromkeys((rows[0]["task"], *at(rows)) for rows in found):
        here = [rows for rows in found if (rows[0]["task"], *at(rows)) == (task, hidden, chip)]
        losses, base = {label(rows): ends(rows) for rows in here}, measure.get((task, hidden, "ideal"))
        best = {label(rows): ends(rows, stopped) for rows in here if all(len(row["test_loss"]) == row["epochs"] for row in rows)}
        if readout := next((rows for rows in here if rows[0]["rule"] == "readout-only"), None):
            losses["*reservoir*"] = np.array([row.get("baselines", {}).get("reservoir", np.nan) for row in readout])
        for rule, each in losses.items():
            cells = ["{:.5f} ({:.5f} to {:.5f})".format(*middle(each)), f"{max(each):.5f}", "-", "-", "-", "-", "-"]
            if rule in best:
                cells[2:4] = [f"{np.median(best[rule]):.5f}", f"{max(best[rule]):.5f}"]
            if base is not None and rule != PROGRAMMED:
                below, above = int(np.sum(each < base)), int(np.sum(each > base))
                ratio = np.divide(each, base, out=np.ones_like(each), where=each != base)  # of two that diverged, 1
                chance = binomtest(below, below + above).pvalue if below + above else 1.0
                cells[4:] = ["{:.2f} ({:.2f} to {:.2f})".format(*middle(ratio)), f"{below} of {len(each)}", f"{chance:.2g}"]
            lines.append(f"| {task}, N = {hidden}, {chip} | {rule} | {' | '.join(cells)} |")
    return "\n".join(lines)


def choices(found) -> str:
    """What the tuner chose."""
    lines = ["| task | rule | network | settings |", "|---|---|---|---|"]
    for first in (rows[0] for rows in found if label(rows) == rows[0]["rule"]):  # what is programmed was chosen elsewhere
        own = {name: value for name, value in first["options"].items() if name not in RULES}  # of another rule it stands in its own line
        options = ", ".join(f"{name} {value:g}" for name, value in own.items()) or "as it comes"
        lines.append(f"| {first['task']} | {first['rule']} | N = {first['hidden']}, {first['chip']} | {options} |")
    return "\n".join(lines)


def coverage(found, path) -> str:
    """How many rules of each place have been run in full, of how many, and what all runs took."""
    lines = [f"| task | N | {' | '.join(CHIPS)} |", f"|---|---|{'---|' * len(CHIPS)}"]
    have = Counter((rows[0]["task"], *at(rows)) for rows in found)
    for task in dict.fromkeys(rows[0]["task"] for rows in found):
        for n in SIZES:
            wanted = [sum(not left_out(task, n, chip, rule, True) for rule in TASKS[task].rules) for chip in CHIPS]
            lines.append(f"| {task} | {n} | {' | '.join(f'{have[task, n, c]} of {k}' for c, k in zip(CHIPS, wanted, strict=True))} |")
    rows = Runs(path).rows.values()
    hours = sum(row.get("seconds", 0.0) for row in rows) / 3600
    return "\n".join([f"{len(rows):,} runs, the tuner's among them; {hours:.0f} hours of one core's time.", "", *lines])


def best_of(found, among=None) -> str | None:
    """The rule with the lowest validation loss, among some or the perturbation rules that learn from scratch; a page's losses are test losses."""
    loss = {
        rows[0]["rule"]: median(rows, "validation") for rows in found if (from_scratch(rows) if among is None else rows[0]["rule"] in among)
    }
    return min(loss, key=loss.__getitem__, default=None)


def from_scratch(rows) -> bool:
    """Whether a perturbation rule learned more than the readout, from the network's own weights and for as long as the others."""
    rule, entry = rows[0]["rule"], TASKS[rows[0]["task"]].rules[rows[0]["rule"]]
    return rule not in REFERENCES and not rule.startswith("readout-only") and not entry.after and entry.times <= 1


def claim(found) -> str:
    """How many times the loss of the best perturbation rule the others have, on the ideal chip."""
    activity = {rows[0]["rule"] for rows in found if from_scratch(rows) and "anp" in rows[0]["rule"] and "over time" not in rows[0]["rule"]}
    sets = {"best anp": activity, "best np": ("np", "dnp"), "best wp": ("wp", "dwp"), "readout-only": ("readout-only",)}
    sets |= {rule: (rule,) for rule in REFERENCES}
    lines = [f"| task | N | best | its loss | {' | '.join(sets)} | reservoir |", f"|---|---|---|---|{'---|' * (len(sets) + 1)}"]
    for task, hidden in dict.fromkeys((rows[0]["task"], rows[0]["hidden"]) for rows in found):
        here = [rows for rows in found if (rows[0]["task"], *at(rows)) == (task, hidden, "ideal")]
        loss, best = {rows[0]["rule"]: median(rows) for rows in here}, best_of(here)
        if best is None:
            continue
        others = [loss.get(best_of(here, rules)) for rules in sets.values()]
        others.append(baselines(here, hidden, "ideal").get("reservoir"))
        ratios = " | ".join("-" if other is None else f"{other / loss[best]:.2f}" for other in others)
        lines.append(f"| {task} | {hidden} | {best} | {loss[best]:.5f} | {ratios} |")
    return "\n".join(lines)


def chips(found) -> str:
    """What learning on a chip comes to beside training on ideal numbers: losses, and how many times that of tbptt there the best rule has."""
    ways = ("", ", accumulated", ", verified")
    across = [
        "tbptt on ideal",
        "tbptt programmed",
        *(f"{readout}{how}" for readout in ("then its readout", "readout-only") for how in ways),
    ]
    across += ["reservoir", "best from scratch", "its loss", "/ tbptt on ideal"]
    lines = [f"| task | N | chip | {' | '.join(across)} |", f"|{'---|' * (3 + len(across))}"]
    for task, hidden, chip in dict.fromkeys((rows[0]["task"], *at(rows)) for rows in found if rows[0]["chip"] != "ideal"):
        of_task = [rows for rows in found if rows[0]["task"] == task]
        here = [rows for rows in of_task if at(rows) == (hidden, chip)]
        loss, best = {rows[0]["rule"]: median(rows) for rows in here}, best_of(here)
        ideal = next((median(rows) for rows in of_task if at(rows) == (hidden, "ideal") and rows[0]["rule"] == PROGRAMMED), None)
        learned = [f"readout-only{after}{how}" for after in (f", after {PROGRAMMED}", "") for how in ways]
        losses = [ideal, *map(loss.get, (PROGRAMMED, *learned))]
        losses += [baselines(here, hidden, chip).get("reservoir")]
        cells = ["-" if x is None else f"{x:.5f}" for x in losses]
        cells += [best, f"{loss[best]:.5f}", f"{loss[best] / ideal:.2f}" if ideal else "-"] if best else ["-"] * 3
        lines.append(f"| {task} | {hidden} | {chip} | {' | '.join(cells)} |")
    return "\n".join(lines)


#: How a rule is drawn: a colour a method, its decorrelated form darker; references, openly not local, in black. What takes another one apart, or
#: learns longer, stands in the tables alone.
STYLES = {
    "wp": ("#97cf9b", "-"), "dwp": ("#2e7d32", "-"), "np": ("#90bfe8", "-"), "dnp": ("#1a5fa8", "-"), "anp": ("#f2a19a", "-"),
    "danp": ("#c62828", "-"), "danp, running norm": ("#8e24aa", "-"), "danp, 4 samples": ("#f57c00", "-"),
    "danp, 16 samples": ("#795548", "-"),
    "np over time": ("#26a69a", "-"), "dnp over time": ("#00838f", "-"), "dnp over time, 64 samples": ("#006064", "--"),
    "anp, 16 samples": ("#795548", "-"), "readout-only": ("#8a8a8a", "-"),
    "readout-only, after tbptt": ("#8a8a8a", "--"), "danp, after tbptt": ("#c62828", "--"),
    "readout-only, accumulated": ("#8a8a8a", ":"), "danp, accumulated": ("#c62828", ":"), "dnp over time, accumulated": ("#00838f", ":"),
    "dnp over time, pairs, verified": ("#ad1457", ":"),
    "danp, verified": ("#c62828", (0, (1, 3))), "readout-only, verified": ("#616161", ":"), "readout-only, after tbptt, verified": ("#616161", "-."),
    "readout-only, after tbptt, accumulated": ("#8a8a8a", "-."), "danp, after tbptt, accumulated": ("#c62828", "-."),
    "one-step gradient": ("black", ":"), "tbptt": ("black", "-"), "readout by gradient": ("0.35", ":"), "eprop": ("black", "--"), "rflo": ("black", "-."),
}  # fmt: skip


def draw(found, path, against="epochs") -> None:
    """Median test loss as training goes on, a panel for each network and chip; against epochs, or the time that the chip would have taken.

    Beside each curve's end stands the range over seeds of the loss after the last epoch.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    found = [rows for rows in found if rows[0]["rule"] in STYLES]
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
                np.arange(1, len(middle) + 1) * length / len(middle), middle, color=colour, linestyle=line, label=label(rows),
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
    handles = {name: line for panel in panels.flat for line, name in zip(*panel.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=2 * wide - wide // 3, fontsize=8, frameon=False)
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
    together = Counter((rows[0]["task"], *at(rows)) for rows in as_it_comes)  # beside what was tuned, one rule alone tells nothing
    as_it_comes = [rows for rows in as_it_comes if not best or together[rows[0]["task"], *at(rows)] > 1]
    made = {"claim": claim(best), "choices": choices(best), "coverage": coverage(best, path)} if best else {}
    if fresh := complete(path, tune=True, seeds=FRESH):
        made["again"] = again(fresh)
    if any(rows[0]["chip"] != "ideal" for rows in best):
        made["chips"] = chips(best)
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
                others = {rule: epochs_of(task, rule) for rule, entry in work.rules.items() if entry.times < 1}
                fewer = f" ({' and '.join(others)} {min(others.values())})" if others else ""
                made[f"{kind} {task}"] = f"{work.title}; {work.epochs} epochs{fewer}.\n\n{table(rows)}"
    return made


def write(out) -> None:
    """Put tables between the marks of the page, which is begun if there is none, and pictures beside it."""
    path, page = (pathlib.Path(f"{out}.{kind}") for kind in ("jsonl", "md"))
    text, new = (page.read_text(), False) if page.exists() else ("", True)
    for mark, made in sections(path).items():
        start, end = f"<!-- {mark} -->\n", f"<!-- end {mark} -->\n"
        text += f"{start}{end}\n" if new else ""
        if start not in text or end not in text:
            if mark.startswith(("untuned", "coverage")):
                continue  # which a page shows where it wants to
            print(f"{page} has no marks for {mark!r}; put {start.strip()} and {end.strip()} where the table belongs.")
            continue
        before, rest = text.split(start, 1)
        text = f"{before}{start}{made}\n{end}{rest.split(end, 1)[1]}"
    page.write_text(text)
    found = complete(path, tune=True)
    for task in TASKS:
        rows = [rows for rows in found if rows[0]["task"] == task]
        for against in ("epochs", "time") if rows else ():
            draw(rows, pathlib.Path(f"{out}-{task}-{against}.png"), against)
