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

    def minus(self, other: "Count") -> "Count":
        """Less another number, wherever between its bounds either is."""
        return Count(self.low - other.high, self.typical - other.typical, self.high - other.low)


Rounds = Any  #: a whole number in the account of a run, a `Count` in a forecast


class Writes(NamedTuple):
    """Writes to the cells of one array."""

    visited: Rounds = 0  #: cells that were asked for a change, also for one of zero
    asked: Rounds = 0  #: changes other than zero, of cells that can swallow them; of others they are not counted
    swallowed: Rounds = 0  #: of these, how many changed nothing
    hits: Rounds = 0  #: words that changed, or pulses given to devices; every cell visited, if it can swallow nothing


class Carried(NamedTuple):
    """Spikes that a projection carried, of all rounds."""

    clean: Rounds = 0  #: in passes without a perturbation
    perturbed: Rounds = 0  #: and with one
    clean_synapses: Rounds = 0  #: synapses that they met, each those of its row
    perturbed_synapses: Rounds = 0


class Account(NamedTuple):
    """How often a run did what. In a round, everything concerned does the same thing once, for one replica; a step is that of all replicas."""

    steps: Rounds = 0  #: steps, all passes and replicas side by side
    clean: Rounds = 0  #: rounds: a pass through the network without a perturbation
    perturbed: Rounds = 0  #: rounds: a pass with one
    compared: Rounds = 0  #: rounds: a pass judged by its loss
    sent: Rounds = 0  #: numbers given to the reward wire
    arrived: Rounds = 0  #: numbers that it delivered
    heard: Rounds = 0  #: rounds: every neuron concerned hears of one comparison, and those of the readout form a signal
    begun: Rounds = 0  #: steps in which hidden neurons were perturbed and formed the signals that they keep until the next such step
    ended: Rounds = 0  #: of the intervals between these, how many ended with a change of their synapses, for all replicas together
    decorrelated: Rounds = 0  #: steps in which the matrices of a decorrelating rule learned
    traced: Rounds = 0  #: rounds: synapses of the readout take in what they learn from
    changed: Rounds = 0  #: rounds: they make a change of it
    learned: Rounds = 0  #: steps in which they did, for all replicas together
    written: Rounds = 0  #: times that all their cells were asked for a change
    windows: Rounds = 0  #: rounds: a reference gradient looked back over a window
    writes: Mapping[str, Writes] = {}  #: by array: projections, and the matrices of a decorrelating rule
    spikes: Mapping[str, Carried] = {}  #: by projection, of those that carry spikes

    def plus(self, other: "Account") -> "Account":
        """Two runs as one."""
        numbers = (a + b for a, b in zip(self[:-2], other[:-2], strict=True))
        return Account._make([*numbers, _sums(Writes(), self.writes, other.writes), _sums(Carried(), self.spikes, other.spikes)])

    def table(self) -> dict[str, Any]:
        """The account as plain values, for JSON."""
        writes, spikes = ({place: found._asdict() for place, found in by_place.items()} for by_place in self[-2:])
        return {**self._asdict(), "writes": writes, "spikes": spikes}

    @classmethod
    def read(cls, table: Mapping[str, Any]) -> "Account":
        """The account of a run that `table` gave; a `KeyError` if one of an older version counted less."""
        of_places = {"writes": Writes, "spikes": Carried}
        found = {name: {place: _filled(kind, row) for place, row in table[name].items()} for name, kind in of_places.items()}
        return _filled(cls, {**table, **found})

    def by(self, n: float) -> "Account":
        """So many times, as counts."""
        times = lambda numbers: [Count.of(value).by(n) for value in numbers]  # noqa: E731
        by_place = [{place: type(found)(*times(found)) for place, found in each.items()} for each in self[-2:]]
        return Account._make([*times(self[:-2]), *by_place])


def _filled(kind, table: Mapping[str, Any]):
    return kind(*(table[name] for name in kind._fields))


def _sums(nothing, one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Two tables of records as one."""
    pairs = {place: (one.get(place, nothing), other.get(place, nothing)) for place in {**one, **other}}
    return {place: type(nothing)(*(a + b for a, b in zip(*pair, strict=True))) for place, pair in pairs.items()}
