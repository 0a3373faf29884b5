"""What a comparison with Brian2 gives: differences, spike trains, and what is said of them."""

from typing import Any, NamedTuple

import numpy as np

from neurosim.brian.coincidence import coincidence, van_rossum
from neurosim.simulator import Simulator

VARIABLES = {"h": "current", "x": "output", "v": "membrane"}
SAME = 1e-9  # the most by which learned weights may differ, relative to the largest if that is above 1


class Case(NamedTuple):
    """What is compared: a network with its weights, computed in float64 without hardware."""

    name: str
    simulator: Simulator  #: with a learning rule, if that can be compared
    inputs: np.ndarray  #: (step, input)
    lesson: tuple[np.ndarray, np.ndarray, np.ndarray]  #: inputs, targets and which steps count
    rule: str
    refusal: str = ""  #: why learning cannot be compared


class Difference(NamedTuple):
    """How far one quantity differs, step by step."""

    largest: np.ndarray  #: (step,)
    mean: np.ndarray  #: (step,)
    judged: np.ndarray  #: (step,) the neuron closest to what is allowed, or the length of all differences
    allowed: np.ndarray  #: (step,) how large that may be by rounding alone
    agrees: bool

    def table(self) -> dict[str, Any]:
        tightest = int(np.argmax(share(self.judged, self.allowed)))
        return {
            "largest": self.largest.max(), "mean": self.mean.mean(), "tightest_step": tightest, "judged": self.judged[tightest],
            "allowed": self.allowed[tightest], "agrees": self.agrees,
        }  # fmt: skip


class Trains(NamedTuple):
    """The spikes of one population in both simulators."""

    ours: np.ndarray  #: (step, neuron) of 0 and 1
    theirs: np.ndarray
    first: int | None  #: step in which they differ first; none if they are the same, spike for spike
    explained: bool | None  #: whether neurons that differ then were within rounding of their threshold; none if others differed before
    step_s: float

    def table(self) -> dict[str, Any]:
        """How alike they are: means over neurons of the coincidence factor (2 ms) and of van Rossum's distance (10 ms)."""
        ours, theirs, seconds = self.ours, self.theirs, len(self.ours) * self.step_s
        pairs = list(zip(ours.T, theirs.T, strict=True))
        alike = [coincidence(a, b, self.step_s) for a, b in pairs]
        return {
            "spikes": int(ours.sum()), "spikes_brian2": int(theirs.sum()), "equal": self.first is None, "first_difference": self.first,
            "explained": self.explained, "rate_Hz": ours.mean(axis=0).mean() / self.step_s, "rate_brian2_Hz": theirs.mean(axis=0).mean() / self.step_s,
            "coincidence": float(np.nanmean(alike)) if np.isfinite(alike).any() else None,
            "van_rossum": float(np.mean([van_rossum(a, b, self.step_s) for a, b in pairs])), "seconds": seconds,
        }  # fmt: skip

    def said(self, name: str) -> str:
        """A sentence."""
        t = self.table()
        how = "the same, spike for spike" if t["equal"] else f"different from step {self.first} on"
        whys = {
            True: ", where rounding decides",
            False: ", which rounding does not explain",
            None: ", which may follow from what differs elsewhere",
        }
        why = "" if t["equal"] else whys[self.explained]
        alike = "-" if t["coincidence"] is None else f"{t['coincidence']:.3g}"
        return (
            f"Spikes of {name}: {t['spikes']} and {t['spikes_brian2']}, {how}{why}; {t['rate_Hz']:.3g} and {t['rate_brian2_Hz']:.3g} Hz, "
            f"coincidence {alike}, van Rossum distance {t['van_rossum']:.3g}."
        )


class Report(NamedTuple):
    """What came out of a comparison."""

    case: Case
    brian2: str  #: its version
    device: str
    gains: list[float]  #: recurrent gain of each layer
    trajectory: dict[str, Difference]  #: each simulator by itself from the first step on, by ``population.variable``
    steps: dict[str, Difference]  #: Brian2 from our state in every step; only where a recurrent gain is above 1
    learned: dict[str, float] = {}  #: largest difference of learned weights, by ``source_to_target``
    limit: float = SAME  #: what that may be
    trains: dict[str, Trains] = {}  #: of populations that send spikes; membranes are then compared until the first that differs
    lesson: dict[str, Difference] = {}  #: of spiking neurons while they learn, in both passes, until the first spike that differs
    taught: dict[str, Trains] = {}  #: and their spikes

    @property
    def agrees(self) -> bool:
        differences = *(self.steps or self.trajectory).values(), *self.lesson.values()
        explained = all(t.explained is not False for t in (*self.trains.values(), *self.taught.values()))
        return explained and all(d.agrees for d in differences) and all(off <= self.limit for off in self.learned.values())

    @property
    def judgement(self) -> str:
        """What is judged, in a sentence or a few."""
        if self.trains:
            taught = [trains.said(f"{name}, while learning") for name, trains in self.taught.items()]
            return "\n".join([*(trains.said(name) for name, trains in self.trains.items()), *taught])
        gains = f"Recurrent gain {', '.join(f'{gain:.3g}' for gain in self.gains)}"
        if self.steps:
            return (
                f"{gains}: above 1 rounding alone can part two simulators, so that steps are judged one by one, each from one common state."
            )
        return f"{gains}: at most 1, so that differences add up and no more; whole trajectories are judged."

    @property
    def verdict(self) -> str:
        """What came out, in a sentence."""
        if not self.agrees:
            return "The two disagree by more than rounding explains."
        return f"The two agree: rounding explains all that differs{' and both learn the same' if self.learned else ''}."

    def lines(self) -> list[tuple[str, ...]]:
        """A row for each quantity: what, largest and mean difference, what is judged, what is allowed, verdict."""
        rows = []
        for how, differences in (("", self.trajectory), (", step by step", self.steps), (", while learning", self.lesson)):
            for name, d in differences.items():
                population, _, v = name.partition(".")
                off = d.table()
                judged = (
                    [f"{off['judged']:.2g}", f"{off['allowed']:.2g}", _said(d.agrees)]
                    if how or not self.steps
                    else ["-", "-", "not judged"]
                )
                rows.append((f"{VARIABLES[v]} of {population}{how}", f"{off['largest']:.2g}", f"{off['mean']:.2g}", *judged))
        for name, off in self.learned.items():
            what = f"weights {name} after {len(self.case.lesson[0])} steps of {self.case.rule}"
            rows.append((what, f"{off:.2g}", "", f"{off:.2g}", f"{self.limit:.2g}", _said(off <= self.limit)))
        return rows

    def table(self) -> dict[str, Any]:
        """Plain values, ready for JSON. Where steps are judged, trajectories are not: their verdict is null."""
        case, network = self.case, self.case.simulator.network
        trajectory = {name: d.table() for name, d in self.trajectory.items()}
        if self.steps:
            trajectory = {name: {**d, "judged": None, "allowed": None, "agrees": None} for name, d in trajectory.items()}
        learning = {
            "rule": case.rule, "steps": len(case.lesson[0]) if self.learned else 0, "largest": self.learned, "allowed": self.limit,
            "trajectory": {name: d.table() for name, d in self.lesson.items()}, "spikes": {name: t.table() for name, t in self.taught.items()},
        }  # fmt: skip
        return {
            "name": case.name, "sizes": [network.inputs, *network.layers, network.outputs], "brian2": self.brian2, "device": self.device,
            "steps": len(case.inputs), "recurrent_gain": self.gains, "trajectory": trajectory, "spikes": {name: t.table() for name, t in self.trains.items()},
            "step_by_step": {name: d.table() for name, d in self.steps.items()}, "learning": {**learning, "not_compared": case.refusal},
            "agrees": self.agrees,
        }  # fmt: skip


def _said(agrees: bool) -> str:
    return "agrees" if agrees else "DIFFERS"


def share(judged, limit):
    """What part of what is allowed is used; nothing of nothing is none."""
    return np.divide(judged, limit, out=np.where(judged > 0, np.inf, 0.0), where=limit > 0)
