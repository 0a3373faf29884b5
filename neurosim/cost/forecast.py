"""What a training will do, from a closed formula: the account that the loop would bring back, without running it."""

import math
from typing import Any, NamedTuple

from neurosim.account import Account, Carried, Count, Writes
from neurosim.cost.ledger import Ledger, events, is_device
from neurosim.rules import Gradient, Learning
from neurosim.wiring import late


class Workload(NamedTuple):
    """What is run on the chip, as far as counts follow from it.

    Parameters
    ----------
    steps : int
        Length of a sequence.
    batch : int
        Sequences side by side.
    sequences : int
        Sequences altogether; one batch of them if 0.
    counted : float
        Steps of a sequence in which the loss counts, on average; all of them if negative.
    rewarded : float
        Steps of a batch in which it counts in any of its sequences, on average; as `counted` if negative.
    moves : float
        Writes, or pulses, that a cell really gets each time it is asked for a change. It depends on data: a run measures it.
    rate : float
        Spikes that a neuron sends in a step, if it spikes. It depends on data: a run measures it.
    links : int
        Links of the tree over which a message reaches every core of the network.
    chips : int
        Chips that are on.
    clock_hz : float
        Frequency of their clock; 0 has none.
    seed : int
        That sparse wiring is drawn from.
    """

    steps: int
    batch: int = 1
    sequences: int = 0
    counted: float = -1
    rewarded: float = -1
    moves: float = 1.0
    rate: float = 1.0
    links: int = 0
    chips: int = 1
    clock_hz: float = 0.0
    seed: int = 0

    @property
    def batches(self) -> int:
        """How often a batch is run."""
        return math.ceil(self.sequences / self.batch) if self.sequences else 1


def forecast(network, chip, learning: Learning | Gradient | None, work: Workload) -> Account:
    """The account of a workload, each number a `Count`: exact, or with bounds where it depends on data.

    Parameters
    ----------
    network : Network
    chip : hw_models.Chip
    learning : Learning, Gradient or None
        None runs the network without learning.
    work : Workload
    """
    steps, sequences, batches = work.steps, work.sequences or work.batch, work.batches
    counted = work.counted if 0 <= work.counted <= steps else steps
    rewarded = min(work.rewarded, steps) if work.rewarded >= 0 else counted
    found: dict[str, Any] = {"steps": batches * steps, "clean": sequences * steps}
    if isinstance(learning, Gradient):
        window = steps if learning.method == "bptt" else min(learning.k, steps)
        windows, fewest = math.ceil(steps / window), math.ceil(rewarded / window)  # the steps that count may be the last
        updates = Count(fewest, fewest, windows if rewarded == steps else min(windows, math.ceil(rewarded)))
        found |= {"compared": sequences * counted, "windows": sequences * windows, "written": updates.by(batches)}
    elif learning is not None:
        noisy = len(learning.passes) if getattr(type(chip.noise), "silent", False) else sum(learning.passes)
        told, numbers = _told(chip, learning, steps, rewarded, work.batch), learning.samples * sequences
        found |= {
            "clean": sequences * steps * (len(learning.passes) - noisy), "perturbed": sequences * steps * noisy,
            "compared": numbers * counted, "sent": numbers * (counted if learning.every_step else 1),
            "arrived": _in_time(chip, learning, steps, counted, getattr(chip.wire, "lost", 0.0)).by(numbers),
            "heard": numbers * steps, "begun": _begun(steps, learning.interval).by(batches),
            "ended": _ended(told, steps, learning.interval).by(batches),
            "decorrelated": batches * steps if learning.decorrelation_lr > 0 else 0, "traced": sequences * steps,
            "changed": told.by(sequences), "learned": told.by(batches), "written": told.by(batches) if learning.at_once else batches,
        }  # fmt: skip
    account = Account(**found).by(1)
    account = account._replace(spikes=_spikes(network, chip, learning, account, work))
    return account._replace(writes=_writes(network, chip, learning, account, work)) if learning is not None else account


def count(network, chip, learning: Learning | Gradient | None, work: Workload) -> Ledger:
    """Events of a workload: what its forecast is on the device."""
    return events(network, chip, learning, forecast(network, chip, learning, work), work.links, work.chips, work.clock_hz, work.seed)


def _told(chip, learning: Learning, steps: int, rewarded: float, batch: int) -> Count:
    """Steps of a sequence in which a reward arrives: not in those in which every number of a batch is lost."""
    return _in_time(chip, learning, steps, rewarded, getattr(chip.wire, "lost", 0.0) ** (batch * learning.samples))


def _begun(steps: int, interval: int) -> Count:
    """Perturbations of hidden neurons in a sequence, the first in any step of its first interval."""
    return Count(max(steps // interval, 1), max(steps / interval, 1), math.ceil(steps / interval)) if steps else Count(0, 0, 0)


def _ended(told: Count, steps: int, interval: int) -> Count:
    """Intervals in which a reward arrives, of so many steps in which one does: before the first, together in few of them, or one in each."""
    if interval == 1:
        return told
    begun, missed = _begun(steps, interval), max(1 - told.typical / max(steps, 1), 0) ** interval
    before = min(interval, steps) - 1  # steps in which no one may have been perturbed yet
    low, high = begun.low if told.low >= steps else max(told.low - before, 0) / interval, min(told.high, begun.high)
    return Count(low, min(max(low, (1 - missed) * begun.typical), high), high)


def _in_time(chip, learning: Learning, steps: int, sent: float, lost: float) -> Count:
    """Of what is sent in the steps of a sequence, how much arrives before its end and is not lost."""
    least = most = 1.0
    if learning.every_step:
        delay = getattr(chip.wire, "delay", 0)
        # what is sent in the last steps comes too late; whether these steps count is known only if all do
        least, most = max(sent - delay, 0), min(sent, max(steps - delay, 0))
    return Count(0 if lost else least, (1 - lost) * most, most)


def _spikes(network, chip, learning, account: Account, work: Workload) -> dict[str, Carried]:
    """Spikes that projections carry: none to one a neuron, pass and step in which it could have arrived."""
    decorrelated = isinstance(learning, Learning) and learning.decorrelation_lr > 0
    spiking = network.spiking(decorrelated, learning.raw_recurrence if isinstance(learning, Learning) else True)
    passes, found = [n.high // max(work.steps, 1) for n in (account.clean, account.perturbed)], {}
    for k, (pre, _) in enumerate(network.shapes()):
        if spiking[k]:
            arriving = max(work.steps - (1 + late(network.wiring, chip.step_s)) * (k % 2), 0)
            most = [n * arriving * each for each in (pre, network.synapses(work.seed)[k]) for n in passes]
            found[network.projections[k]] = Carried(*(Count(0, min(work.rate, 1.0) * n, n) for n in most))
    return found


def _writes(network, chip, learning, account: Account, work: Workload) -> dict[str, Writes]:
    """Writes to every array: whether a cell moves depends on data."""
    sizes, inside = zip(network.projections, network.synapses(work.seed), strict=True), 2 * len(network.layers)
    seldom = isinstance(learning, Learning) and learning.at_once
    below = account.written.by(0) if getattr(learning, "learns", "all") == "readout" else account.written
    times = [account.ended if seldom else below] * inside + [account.written]
    waits = isinstance(learning, Learning) and learning.threshold > 0
    found = {name: _asked(chip.cell, each.by(n), work.moves, waits) for (name, n), each in zip(sizes, times, strict=True)}
    if account.decorrelated.high:
        names = [*network.populations[: len(network.layers)], "input"]  # the readout has no matrix
        for name, n in zip(names, learning.decorrelated(network)):
            found[f"matrix of {name}"] = _asked(chip.decorrelation, account.decorrelated.by(n * n), work.moves)
    return found


def _asked(cell, visited: Count, moves: float, waits: bool = False) -> Writes:
    """Writes where all cells are asked so often; if changes wait for a threshold, as often as they move, or never, or each time."""
    asked = Count(0, min(moves, 1) * visited.typical, visited.high) if waits else visited
    if not getattr(type(cell), "swallows", True):
        return Writes(asked, hits=asked)
    most = getattr(cell, "most_pulses", 1) if is_device(cell) else 1
    return Writes(asked, hits=Count(0, min(moves, most) * visited.typical, most * visited.high))
