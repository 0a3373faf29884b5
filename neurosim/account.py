"""What a run did, counted while it ran, in rounds: `neurosim.cost` makes events of them, and foretells them without a run."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Count(NamedTuple):
    """How often something happens: exactly, if all three are equal, else an expectation between bounds."""

    low: float
    typical: float
    high: float

    @property
    def exact(self) -> bool:
        return self.low == self.high

    @classmethod
    def of(cls, n: "Rounds") -> "Count":
        """A plain number as a count."""
        return n if isinstance(n, cls) else cls(n, n, n)

    def by(self, n: float) -> "Count":
        """So many times."""
        return Count(self.low * n, self.typical * n, self.high * n)

    def less(self, other: "Count") -> "Count":
        """Without those that another counts among them, each bound by itself."""
        return Count(*(a - b for a, b in zip(self, other, strict=True)))


Rounds = Any  #: a whole number in the account of a run, a `Count` in a forecast


class Writes(NamedTuple):
    """Writes to the cells of one array."""

    visited: Rounds = 0  #: cells that were asked for a change, also for one of zero
    asked: Rounds = 0  #: changes other than zero, of cells that can swallow them; of others they are not counted
    swallowed: Rounds = 0  #: of these, how many changed nothing
    hits: Rounds = 0  #: words that changed, or pulses given to devices; every cell visited, if it can swallow nothing


class Account(NamedTuple):
    """How often a run did what. In a round, everything concerned does the same thing once, for one replica; a step is that of all replicas."""

    steps: Rounds = 0  #: steps, all passes and replicas side by side
    clean: Rounds = 0  #: rounds: a pass through the network without a perturbation
    perturbed: Rounds = 0  #: rounds: a pass with one
    compared: Rounds = 0  #: rounds: a pass judged by its loss
    sent: Rounds = 0  #: numbers given to the reward wire
    arrived: Rounds = 0  #: numbers that it delivered
    heard: Rounds = 0  #: rounds: every neuron concerned forms its signal from one comparison
    decorrelated: Rounds = 0  #: steps in which the matrices of a decorrelating rule learned
    traced: Rounds = 0  #: rounds: synapses take in what they learn from
    changed: Rounds = 0  #: rounds: synapses make a change of it
    learned: Rounds = 0  #: steps in which they did, for all replicas together
    written: Rounds = 0  #: times that all cells were asked for a change
    windows: Rounds = 0  #: rounds: a reference gradient looked back over a window
    writes: Mapping[str, Writes] = {}  #: by array: projections, and the matrices of a decorrelating rule

    def plus(self, other: "Account") -> "Account":
        """Two runs as one."""
        writes = dict(self.writes)
        for place, more in other.writes.items():
            writes[place] = Writes(*(a + b for a, b in zip(writes.get(place, Writes()), more, strict=True)))
        return Account._make([*(a + b for a, b in zip(self[:-1], other[:-1], strict=True)), writes])

    def table(self) -> dict[str, Any]:
        """The account as plain values, for JSON."""
        plain = lambda record: {name: n._asdict() if isinstance(n, Count) else n for name, n in record._asdict().items()}  # noqa: E731
        return {**plain(self._replace(writes={})), "writes": {place: plain(found) for place, found in self.writes.items()}}

    @classmethod
    def read(cls, table: Mapping[str, Any]) -> "Account":
        """The account of a run that `table` gave."""
        return cls(**{**table, "writes": {place: Writes(**found) for place, found in table["writes"].items()}})

    def by(self, n: float) -> "Account":
        """So many times, as counts."""
        writes = {place: Writes(*(Count.of(value).by(n) for value in found)) for place, found in self.writes.items()}
        return Account._make([*(Count.of(value).by(n) for value in self[:-1]), writes])
