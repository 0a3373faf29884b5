"""How long memory cells last under the writes of learning."""

from typing import NamedTuple

from hw_models.prices import PriceList
from neurosim.account import Account, Count
from neurosim.cost.bill import Interval

YEAR = 365.25 * 24 * 3600.0


class Endurance(NamedTuple):
    """Writes a cell gets, and how long it lasts; low to high is bad to good for a life and few to many for writes."""

    writes_per_epoch: Count  #: of one cell, on average over those of the array that is written most
    array: str  #: which that is
    epochs: Interval | None  #: until a cell of average use has had as many writes as it survives; None if no limit is known
    years: Interval | None  #: the same if it learns without a pause in simulated time

    def said(self, epochs: int) -> str:
        """For a person: when cells die in a training of so many epochs, else for how many years of learning they last."""
        if self.epochs is None or self.years is None:
            return "no limit known"
        span = f"({_life(self.years.low)} to {_life(self.years.high)} of learning without a pause)"
        if self.epochs.typical < epochs:
            return f"dies in epoch {int(self.epochs.typical) + 1} {span}"
        if self.epochs.low < epochs:
            return f"lasts, but a weak device dies in epoch {int(self.epochs.low) + 1} {span}"
        return f"lasts {span}"


def endurance(network, account: Account, epochs: int, prices: PriceList, seconds: float, seed: int = 0) -> Endurance:
    """Life of the cells that hold the weights.

    Parameters
    ----------
    network : Network
    account : Account
        Of a training.
    epochs : int
        That it took.
    prices : PriceList
        Its `endurance`.
    seconds : float, s
        Simulated time of an epoch.
    seed : int
        That sparse wiring is drawn from.
    """
    sizes = dict(zip(network.projections, network.synapses(seed), strict=True))
    of_cell = {
        name: Count.of(account.writes[name].hits).by(1 / size / max(epochs, 1))
        for name, size in sizes.items()
        if size and name in account.writes
    }
    array = max(of_cell, key=lambda name: of_cell[name].typical, default="")
    writes = of_cell.get(array, Count(0, 0, 0))
    if prices.endurance is None or not writes.high:
        return Endurance(writes, array, None, None)
    low, typical, high = prices.endurance.si
    fewest = writes.low or writes.typical  # no life is endless because writes may be skipped
    left = Interval(low / writes.high, typical / (writes.typical or writes.high), high / (fewest or writes.high))
    return Endurance(writes, array, left, Interval(*(n * seconds / YEAR for n in left)))


def _life(years: float) -> str:
    for unit, size in (("years", 1.0), ("days", 365.25), ("hours", 365.25 * 24), ("minutes", 365.25 * 24 * 60)):
        if years * size >= 1:
            return f"{years * size:.3g} {unit}"
    return f"{years * YEAR:.3g} seconds"
