"""Figures for people and papers; matplotlib without its global state."""

from collections.abc import Iterable

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import LogLocator, MaxNLocator, MultipleLocator, NullFormatter

from hw_models.events import Event, Phase
from neurosim import memory
from neurosim.experiment import rule_name

# Okabe and Ito's palette, which colour-blind people can tell apart too (https://jfly.uni-koeln.de/color/).
BLUE, SKY, GREEN, ORANGE, GREY = "#0072B2", "#56B4E9", "#009E73", "#D55E00", "#777777"
DEVICES = (BLUE, GREEN, ORANGE, SKY)
CURVES = {"train": {"color": SKY, "lw": 1.2}, "validation": {"color": GREEN, "lw": 1.2, "ls": "--"}, "test": {"color": BLUE, "lw": 1.8}}
SMALL = 8  # points
#: What each baseline is, in words a reader needs no glossary for.
BASELINES = {
    "persistence": "nothing changes",
    "mean": "mean of the targets",
    "linear": "linear fit",
    "reservoir": "before learning + ridge readout",
    "readout-only": "only the readout learns",
    "random": "random outputs",
    "untrained": "before learning",
}


def learning_curve(run, compared=None) -> Figure:
    """Losses over epochs beside the baselines, on a logarithmic axis; a dot is the epoch that is kept, if that is not the last.

    Parameters
    ----------
    run : Run
    compared : Run, optional
        The same run on another chip; its test loss is drawn too.
    """
    figure = Figure(figsize=(6.4, 4.0), dpi=200, layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08))
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    labels = []
    for part, style in CURVES.items():
        labels += _curve(axes, run, part, part, style)
    if compared is not None:
        there = f"test, on {compared.experiment.chip.name}"
        labels += _curve(axes, compared, "test", there, {"color": ORANGE, "lw": 1.8})
    for name, losses in run.baselines.items():
        if _drawable(losses["test"]):
            axes.axhline(losses["test"], color=GREY, lw=0.8, zorder=1)
            labels.append((losses["test"], BASELINES.get(name, name), GREY))
    last = max(len(run.epochs), len(compared.epochs) if compared else 0, 2)
    axes.set(xlim=(1, last), xlabel="epoch", ylabel=f"loss ({run.dataset.unit})")
    if labels:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_locator(MultipleLocator(1) if last <= 12 else MaxNLocator(integer=True))
    axes.spines[["top", "right"]].set_visible(False)
    e = run.experiment
    axes.set_title(f"{e.task.name}: {rule_name(e.rule)} on {e.chip.name}{' (diverged)' if run.diverged else ''}", loc="left", fontsize=10)
    _label_right_end(figure, axes, labels)
    return figure


def over_seeds(losses, what: str, title: str) -> Figure:
    """What each of several settings came to, a row each: every seed a point, their median a line across; said in words of those that diverged.

    Parameters
    ----------
    losses : dict of lists of float
        By setting, one for each seed; not finite where it diverged.
    what : str
        What the axis shows.
    title : str
    """
    figure = Figure(figsize=(6.4, 1.3 + 0.27 * len(losses)), dpi=200, layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08))
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for row, of_seeds in enumerate(losses.values()):
        drawn = [loss for loss in of_seeds if _drawable(loss)]
        axes.plot(drawn, [row] * len(drawn), "o", ms=4, mew=0, color=SKY, alpha=0.7)
        middle = np.median(of_seeds) if of_seeds else np.inf
        if _drawable(middle):
            axes.plot([middle], [row], "|", ms=11, mew=1.8, color=BLUE)
        if len(drawn) < len(of_seeds):
            diverged = f"{len(of_seeds) - len(drawn)} of {len(of_seeds)} diverged"
            axes.annotate(diverged, (1.02, row), xycoords=("axes fraction", "data"), fontsize=SMALL, color=ORANGE, va="center")
    axes.set_yticks(range(len(losses)), list(losses), fontsize=SMALL, parse_math=False)
    axes.set(ylim=(len(losses) - 0.5, -0.5), xlabel=what)
    if any(_drawable(loss) for of_seeds in losses.values() for loss in of_seeds):
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.grid(axis="y", color=GREY, lw=0.3, alpha=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(title, loc="left", fontsize=10)
    return figure


def fitted_pulses(fit) -> Figure:
    """Conductances measured beside those of the fitted cell, a colour a device, and what the fit leaves of them.

    Parameters
    ----------
    fit : hw_models.fit.Fit
    """
    figure = Figure(figsize=(6.4, 5.0), dpi=200, layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08))
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    colors = {device: DEVICES[k % len(DEVICES)] for k, device in enumerate(dict.fromkeys(c.trace.device for c in fit.courses))}
    low, high = fit.full_scale
    micro = lambda w: (low + (w + 1.0) * 0.5 * (high - low)) * 1e6  # noqa: E731
    for k, (trace, fitted, residual) in enumerate(fit.courses):
        color = colors[trace.device]
        above.plot(trace.pulse, micro(trace.w), ".", ms=2.5, color=color, alpha=0.5, label=None if k else "measured")
        above.plot(trace.pulse, micro(fitted), color="black", lw=0.8, label=None if k else "fitted, from each first read on")
        below.plot(trace.pulse[1:], residual, ".", ms=2, color=color, alpha=0.5)
    below.axhline(0.0, color=GREY, lw=0.8)
    above.set(ylabel="conductance (µS)")
    above.legend(frameon=False, fontsize=SMALL, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2)
    below.set(xlabel="pulse", ylabel="read less what\nwas expected (share)")
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
    above.set_title(f"{fit.kind} fitted to {fit.source}: {len(colors)} device{'s' if len(colors) > 1 else ''}", loc="left", fontsize=10)
    return figure


def tabulated_states(fit) -> Figure:
    """What comes out of a cell made from a table, with its spread, over the state asked for.

    Parameters
    ----------
    fit : hw_models.fit.Fit
    """
    figure = Figure(figsize=(6.4, 4.0), dpi=200, layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08))
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    states, means, spreads = (
        [value for name, value in fit.cell._asdict().items() if name.startswith(column)] for column in ("state_", "mean_", "spread_")
    )
    axes.plot([-1.0, 1.0], [-1.0, 1.0], color=GREY, lw=0.8)
    axes.errorbar(states, means, spreads, color=BLUE, lw=1.2, marker="o", ms=3, capsize=2)
    axes.set(xlabel="weight asked for", ylabel="weight that comes out, ± one standard deviation")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(f"table of {fit.source}", loc="left", fontsize=10)
    return figure


def validation(report) -> Figure:
    """How far two simulators part, over time, beside what rounding explains; their spikes; and the weights that they learn.

    Parameters
    ----------
    report : neurosim.brian.Report
    """
    panels = [("each by itself", report.trajectory, not report.steps), ("step by step, from one common state", report.steps, True)]
    panels = [panel for panel in [*panels, ("while learning", report.lesson, True)] if panel[1]]
    rasters = {**report.trains, **{f"{name}, while learning": trains for name, trains in report.taught.items()}}
    heights = [2.6] * len(panels) + [2.0] * len(rasters) + [2.6] * bool(report.learned)
    figure = Figure(figsize=(6.4, 0.6 + sum(heights)), dpi=200, layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08))
    FigureCanvasAgg(figure)
    all_axes = list(figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0])
    drawn = lambda values: np.where(values > 0, values, np.nan)  # noqa: E731
    for axes, (how, differences, judged) in zip(all_axes, panels):
        shown = {name.partition(".")[0]: d for name, d in differences.items() if not name.endswith(".h")}
        for (name, d), color in zip(shown.items(), HUES * len(shown)):
            axes.plot(drawn(d.judged if judged else d.largest), ".", ms=2, color=color, label=name)
            if judged:
                axes.plot(drawn(d.allowed), color=color, lw=1.2)
        axes.set(yscale="log", xlabel="step", ylabel=f"difference of {'membranes' if report.trains else 'outputs'}")
        axes.set_title(f"{how}{'; lines: what rounding explains' if judged else ''}", loc="left", fontsize=SMALL)
        axes.legend(fontsize=SMALL, frameon=False, loc="upper left", bbox_to_anchor=(1, 1), borderaxespad=0.2)
    for axes, (name, trains) in zip(all_axes[len(panels) :], rasters.items()):
        for spikes, marker, size, color, whose in ((trains.ours, "|", 6, BLUE, "neurosim"), (trains.theirs, ".", 2, ORANGE, "Brian2")):
            axes.plot(*np.nonzero(spikes), marker, ms=size, mew=0.8, color=color, label=whose)
        if trains.first is not None:
            axes.axvline(trains.first, color=GREY, lw=1.0, label="first difference")
        axes.set(xlim=(-0.5, len(trains.ours) - 0.5), ylim=(-0.5, trains.ours.shape[1] - 0.5), xlabel="step", ylabel="neuron")
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        same = "the same in both" if trains.first is None else f"different from step {trains.first} on"
        axes.set_title(f"spikes of {name}: {same}", loc="left", fontsize=SMALL)
        axes.legend(fontsize=SMALL, frameon=False, loc="upper left", bbox_to_anchor=(1, 1), borderaxespad=0.2)
    if report.learned:
        axes, what = all_axes[-1], f"after {len(report.case.lesson[0])} steps of {report.case.rule}"
        rows = np.arange(len(report.learned))
        axes.plot(drawn(np.array(list(report.learned.values()))), rows, "o", ms=5, color=BLUE)
        axes.set_yticks(rows, list(report.learned))
        axes.set_ylim(-0.5, len(rows) - 0.5)
        axes.axvline(report.limit, color=ORANGE, lw=1.2)
        axes.invert_yaxis()
        axes.set(xscale="log", xlabel=f"largest difference of weights {what}; no dot: none; line: allowed")
    for axes in all_axes:
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"{report.case.name}: neurosim and Brian2 {report.brian2} on {report.device}", x=0.01, ha="left", fontsize=10)
    return figure


def _curve(axes, run, part, label, style) -> list[tuple[float, str, str]]:
    """Draw one curve, with a dot where a run has its end before the last epoch; its label, if it has an end to stand at."""
    losses = np.array([loss if _drawable(loss) else np.nan for loss in (getattr(epoch, part) for epoch in run.epochs)])
    dot = {"marker": "o", "ms": 3, "markevery": [run.kept - 1]} if len(losses) == 1 or run.kept < len(losses) else {}
    axes.plot(np.arange(1, len(losses) + 1), losses, zorder=3, **dot, **style)
    finite = losses[np.isfinite(losses)]
    return [(float(finite[-1]), label, style["color"])] if finite.size else []


def _drawable(loss: float) -> bool:
    return bool(np.isfinite(loss)) and loss > 0


def _label_right_end(figure, axes, labels) -> None:
    """Write each label beside the right end of its line, moved as little as it takes not to touch the next."""
    low, high = axes.get_ylim()
    height = axes.get_position().height * figure.get_figheight() * 72  # points
    at = [np.log(value / low) / np.log(high / low) for value, _, _ in labels]
    placed = spread(at, 1.25 * SMALL / height)
    for (_, text, color), y, true in zip(labels, placed, at, strict=True):
        axes.annotate(
            text, (1.0, true), (1.06, y), xycoords="axes fraction", va="center", color=color, fontsize=SMALL,
            arrowprops={"arrowstyle": "-", "color": color, "lw": 0.6, "shrinkA": 1, "shrinkB": 0}, annotation_clip=False,
        )  # fmt: skip


def spread(wanted: Iterable[float], gap: float) -> list[float]:
    """Positions at least a gap apart, in the same order and close to those wanted: neighbours that touch share their middle."""
    wanted = list(wanted)
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    blocks: list[list[int]] = []
    middle = lambda block: sum(wanted[i] for i in block) / len(block)  # noqa: E731
    for i in order:
        blocks.append([i])
        while len(blocks) > 1 and middle(blocks[-1]) - middle(blocks[-2]) < gap * (len(blocks[-1]) + len(blocks[-2])) / 2:
            last = blocks.pop()
            blocks[-1] += last
    placed = [0.0] * len(wanted)
    for block in blocks:
        for rank, i in enumerate(block):
            placed[i] = middle(block) + gap * (rank - (len(block) - 1) / 2)
    return placed


HUES = (BLUE, ORANGE, GREEN, SKY, "#CC79A7", "#E69F00", "#882255", GREY)


def cost_by(estimates, what: str) -> Figure:
    """Typical energy of each phase, or of each event, as bars from the least to the most that it may be; one panel a kind of price.

    Parameters
    ----------
    estimates : list of neurosim.cost.Estimate
    what : "phase" or "event"
    """
    shown: dict[str, list] = {}
    for kind in ("incremental", "average"):
        of_kind = [(e, HUES[k % len(HUES)], "///" * (k // len(HUES))) for k, e in enumerate(estimates) if kind in e.energy.kinds]
        lines = [line for e, *_ in of_kind for line in e.energy.lines if line.price and line.price.kind == kind and line.cost.high]
        if lines:
            found = {getattr(line, what) for line in lines}
            shown[kind] = [of_kind, [name for name in {"phase": Phase, "event": Event}[what] if name in found]]
    rows = [len(names) * (len(of_kind) + 1) + 4 for of_kind, names in shown.values()] or [10]
    figure = Figure(figsize=(7.2, 0.6 + 0.17 * sum(rows)), dpi=200, layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08))
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(rows), 1, squeeze=False, gridspec_kw={"height_ratios": rows})[:, 0]
    for axes, (kind, (of_kind, names)) in zip(panels, shown.items()):
        _bars(axes, kind, of_kind, names, what)
    if not shown:
        panels[0].set_axis_off()
        panels[0].text(0.5, 0.5, "nothing here has a price", ha="center", va="center", color=GREY)
    for text in dict.fromkeys(text for e in estimates for text in e.caveats):
        figure.supxlabel(text, fontsize=SMALL - 1, color=GREY)
    return figure


def _bars(axes, kind, of_kind, names, what) -> None:
    """One panel: a group of bars for each name, on a logarithmic axis of at least two decades."""
    apart, ends = len(of_kind) + 1, []
    for k, (e, color, hatch) in enumerate(of_kind):
        costs = [(i * apart + k, e.energy.total(kind, **{what: name})) for i, name in enumerate(names)]
        costs = [(y, cost) for y, cost in costs if cost.typical > 0]
        span = [[cost.typical - cost.low for _, cost in costs], [cost.high - cost.typical for _, cost in costs]]
        axes.barh(
            [y for y, _ in costs], [cost.typical for _, cost in costs], 0.85, xerr=span, color=color, hatch=hatch, error_kw={"lw": 0.8},
            label=f"{e.rule} on {e.chip}{' (at least)' if e.energy.unpriced else ''}",
        )  # fmt: skip
        ends += [value for _, cost in costs for value in (cost.low or cost.typical, cost.high)]
    axes.set_yticks([i * apart + (apart - 2) / 2 for i in range(len(names))], names)
    axes.invert_yaxis()
    low, high = (min(ends), max(ends)) if ends else (1.0, 1.0)
    axes.set(xscale="log", xlim=(min(low / 3, high / 100), high * 3), xlabel=f"energy of the training (J), {kind} prices")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=SMALL, frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)


def memory_over_steps(network, chip, seed: int = 0) -> Figure:
    """Memory that learning takes beyond the weights and one pass, by rule, over the length of a sequence; a dot where bptt overtakes."""
    steps = np.unique(np.geomspace(1, 1e5, 41).astype(int))
    found = [memory.memory_over_steps(network, chip, int(n), seed) for n in steps]
    figure = Figure(figsize=(6.4, 4.2), dpi=200, layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08))
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    labels = []
    for k, name in enumerate(found[0]):
        values, color = [row[name] / 8192 for row in found], HUES[k % len(HUES)]
        axes.plot(steps, values, color=color, lw=1.8)
        labels.append((values[-1], name, color))
    for k, (name, at) in enumerate(memory.crossings(network, chip, seed).items()):
        if steps[0] < at <= steps[-1]:
            axes.plot(at, memory.memory_over_steps(network, chip, at, seed)[name] / 8192, "o", color=HUES[k % len(HUES)], ms=5)
    axes.set(xscale="log", yscale="log", xlim=(1, steps[-1]), xlabel="steps of a sequence", ylabel="memory beyond weights (KiB)")
    axes.spines[["top", "right"]].set_visible(False)
    sizes = "-".join(map(str, (network.inputs, *network.layers, network.outputs)))
    axes.set_title(f"a network of {sizes} neurons on {chip.name}", loc="left", fontsize=10)
    _label_right_end(figure, axes, labels)
    return figure
