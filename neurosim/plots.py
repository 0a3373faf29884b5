"""Figures for people and papers; matplotlib without its global state."""

from collections.abc import Iterable

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import LogLocator, MaxNLocator, MultipleLocator, NullFormatter

from neurosim.train import rule_name

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
    "reservoir": "untrained + ridge readout",
    "readout-only": "only the readout learns",
}


def learning_curve(run, compared=None) -> Figure:
    """Losses over epochs beside the baselines, on a logarithmic axis.

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
        labels += _curve(axes, [getattr(epoch, part) for epoch in run.epochs], part, style)
    if compared is not None:
        there = f"test, on {compared.experiment.chip.name}"
        labels += _curve(axes, [epoch.test for epoch in compared.epochs], there, {"color": ORANGE, "lw": 1.8})
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
    above.legend(frameon=False, fontsize=SMALL)
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


def _curve(axes, losses, label, style) -> list[tuple[float, str, str]]:
    """Draw one curve; its label, if it has an end to stand at."""
    losses = np.array([loss if _drawable(loss) else np.nan for loss in losses])
    axes.plot(np.arange(1, len(losses) + 1), losses, marker="o" if len(losses) == 1 else None, ms=3, zorder=3, **style)
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
