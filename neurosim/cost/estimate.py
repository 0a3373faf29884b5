"""The whole bill of one training, run or not: counts, energy, time, memory, room, endurance."""

from typing import Any, NamedTuple

import numpy as np

from hw_models.events import Event, Phase
from hw_models.prices import PriceList, prices_of
from neurosim.account import Account, Count
from neurosim.cost.bill import PROJECTION, Bill, energy, latency, quantity
from neurosim.cost.endurance import Endurance, endurance
from neurosim.cost.forecast import Workload, forecast
from neurosim.cost.ledger import Ledger, events
from neurosim.cost.neurobench import learning_metrics
from neurosim.cost.placement import Placement, placement
from neurosim.memory import memory_bits
from neurosim.rules import Gradient, Learning
from neurosim.tasks.dataset import Series

ONE_LINK = "The network takes more than one chip; a link between chips is priced as one within a chip."


class Estimate(NamedTuple):
    """What a training costs on a chip, by forecast or as a run counted it."""

    rule: str
    chip: str
    prices: PriceList
    work: Workload  #: of one epoch
    counted: bool  #: in a run, else foretold
    epochs: int
    seconds: float  #: simulated time of all epochs
    account: Account  #: of all epochs, like what follows
    ledger: Ledger
    energy: Bill
    latency: Bill
    memory: dict[str, int]
    placement: Placement
    endurance: Endurance
    learning: dict[str, Any]  #: metrics of learning, per sequence
    caveats: list[str]

    def table(self) -> dict[str, Any]:
        """The estimate as plain values, for JSON."""
        energy_table, latency_table = self.energy.table(), self.latency.table()
        return {
            "rule": self.rule, "chip": self.chip, "prices": self.prices.name, "epochs": self.epochs,
            "counted": self.counted, "workload": self.work._asdict(),
            "energy_J": energy_table.pop("total"),
            "latency_s": latency_table.pop("total"), **energy_table, "latency": latency_table,
            "memory_bits": self.memory, "placement": self.placement._asdict(),
            "endurance": {
                "writes_per_epoch": self.endurance.writes_per_epoch._asdict(),
                "array": self.endurance.array,
                "epochs": self.endurance.epochs._asdict() if self.endurance.epochs else None,
                "years": self.endurance.years._asdict() if self.endurance.years else None,
            },
            "learning_metrics": self.learning, "account": self.account.table() if self.counted else None, "caveats": self.caveats,
        }  # fmt: skip


def epoch_of(series: Series, batch: int, moves: float = 1.0) -> Workload:
    """One epoch of learning a task's training part.

    Parameters
    ----------
    series : neurosim.tasks.dataset.Series
    batch : int, sequences
    moves : float
        As in `Workload`.
    """
    counted = series.cut(batch).counted
    sequences, steps = counted.shape
    together = [counted[first : first + batch].any(axis=0).sum() for first in range(0, sequences, batch)]
    return Workload(steps, batch, sequences, float(counted.sum() / sequences), float(np.mean(together)), moves)


def estimate(
    network, chip, learning: Learning | Gradient, work: Workload, epochs: int = 1, prices: PriceList | None = None, scale: float = 1.0,
    account: Account | None = None,
) -> Estimate:  # fmt: skip
    """What it costs to train a network on a chip.

    Parameters
    ----------
    network : Network
    chip : hw_models.Chip
    learning : Learning or Gradient
    work : Workload
        Of one epoch; its links, chips and clock are set here.
    epochs : int
    prices : PriceList, optional
        The one that names the chip if not given.
    scale : float
        Factor on all prices of energy.
    account : Account, optional
        What a run of so many epochs counted; without it, the epochs are foretold.
    """
    prices = prices_of(chip) if prices is None else prices
    place = placement(network, chip, learning, prices, work.batch, work.steps, work.seed)
    work = work._replace(links=place.links, chips=place.chips, clock_hz=prices.clock_hz)
    counted = account is not None
    account = account if account is not None else forecast(network, chip, learning, work).by(epochs)
    ledger = events(network, chip, learning, account, work.links, work.chips, work.clock_hz, work.seed)
    memory = memory_bits(network, chip, learning, work.batch, work.steps, work.seed)
    clean, perturbed = (Count.of(n).typical * (len(network.layers) + 1) for n in (account.clean, account.perturbed))
    # products that wait for each other: those of each layer for the one below, and one pass for the other; every number of the reward
    in_turn = {Phase.CLEAN: clean, Phase.PERTURBED: perturbed, Phase.REWARD: Count.of(account.sent).typical}
    in_turn[Phase.UPDATE] = clean if isinstance(learning, Gradient) else 0
    busy = latency(ledger, prices, chip, place.cores, in_turn, place.depth)
    seconds = Count.of(account.steps).typical * chip.step_s
    ledger, takes = on_for(ledger, busy, work.chips, work.clock_hz), busy.whole.typical
    late = (
        f"The work takes {quantity(takes, 's')} on {chip.name} and its steps of {quantity(chip.step_s, 's')} (chip.step_s) {quantity(seconds, 's')}: it cannot keep up "
        "with them, and is on for as long as it works."
    )
    return Estimate(
        learning.name, chip.name, prices, work, counted, epochs, seconds, account, ledger, energy(ledger, prices, chip, scale), busy,
        memory, place, endurance(network, account, epochs, prices, max(seconds, takes) / max(epochs, 1), work.seed),
        learning_metrics(ledger.times(1 / (max(epochs, 1) * (work.sequences or work.batch))), memory),
        [PROJECTION] + [ONE_LINK] * (place.chips > 1) + [late] * (takes > seconds),
    )  # fmt: skip


def on_for(ledger: Ledger, busy: Bill, chips: int, clock_hz: float) -> Ledger:
    """The ledger of a chip that is on for as long as its work takes, where that is longer than its steps."""
    found = Ledger(ledger)
    for event, each in ((Event.SECOND, chips), (Event.CYCLE, chips * clock_hz)):
        if (Phase.IDLE, event) in found:
            steps, work = found[Phase.IDLE, event], Count(*busy.whole).by(each)
            found[Phase.IDLE, event] = Count(*(max(a, b) for a, b in zip(steps, work, strict=True)))
    return found
