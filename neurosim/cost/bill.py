"""Events times prices: energy and time as intervals, with everything that has no price listed."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from hw_models.events import Event, Phase
from hw_models.parts import InputError
from hw_models.prices import Price, PriceList, named
from neurosim.account import Count
from neurosim.cost.ledger import Ledger
from neurosim.rules.perturbation import WORD

PROJECTION = "No published chip implements node perturbation or its activity-based form: energy, time and area of learning are projections."

NO_TURNS: Mapping[Phase, float] = {}
PARTS = ("low", "typical", "high")


class Interval(NamedTuple):
    """What something costs."""

    low: float
    typical: float
    high: float

    def __add__(self, other):  # type: ignore[override]
        return Interval(*(a + b for a, b in zip(self, other, strict=True)))


NOTHING = Interval(0.0, 0.0, 0.0)


class Line(NamedTuple):
    """One event in one phase."""

    phase: Phase
    event: Event
    count: Count
    price: Price | None
    included: str  #: the price in which this event's lies, if it has none of its own and something happens that has that price
    cost: Interval  #: in J or s


class Bill(NamedTuple):
    """The lines of a ledger with their prices.

    Totals of incremental and of average prices are kept apart, as an average holds idle power that an increment does not.
    """

    lines: list[Line]
    scale: float = 1.0

    @property
    def unpriced(self) -> list[str]:
        """Events that happen and have neither a price nor a place in another's."""
        return [event for event in Event if any(line.event == event and line.price is None and not line.included for line in self.lines)]

    @property
    def kinds(self) -> list[str]:
        """Kinds of prices that the bill uses."""
        return [kind for kind in ("incremental", "average") if any(line.price and line.price.kind == kind for line in self.lines)]

    def total(self, kind: str | None = None, phase: Phase | None = None, event: Event | None = None) -> Interval:
        """Sum over the priced lines of one kind, perhaps of one phase or event; of all kinds only if there is one."""
        if kind is None and len(self.kinds) > 1:
            raise InputError("This bill has incremental and average prices, which cannot be added; ask for the total of one kind.")
        kept = [
            line.cost
            for line in self.lines
            if line.price and kind in (None, line.price.kind) and phase in (None, line.phase) and event in (None, line.event)
        ]
        return sum(kept, start=NOTHING)

    @property
    def whole(self) -> Interval:
        """Sum over all lines, whatever the kind of their price: of times, which have one kind."""
        return sum((line.cost for line in self.lines), start=NOTHING)

    def said(self, unit: str, kind: str | None = None, phase: Phase | None = None) -> str:
        """A total as a person reads it; it says "at least" if something has no price."""
        if not any(line.price and kind in (None, line.price.kind) and phase in (None, line.phase) for line in self.lines):
            return "no price"
        low, typical, high = self.total(kind, phase)
        lacking = any(line.price is None and not line.included and phase in (None, line.phase) for line in self.lines)
        span = f" ({quantity(low, unit)} to {quantity(high, unit)})" if low < high else ""
        return f"{'at least ' if lacking else ''}{quantity(typical, unit)}{span}"

    def table(self) -> dict[str, Any]:
        """The bill as plain values: the total is null if kinds are mixed or nothing has a price."""
        kinds = {kind: self.total(kind)._asdict() for kind in self.kinds}
        return {
            "total": next(iter(kinds.values())) if len(kinds) == 1 else dict.fromkeys(PARTS),
            "at_least": bool(self.unpriced),
            "by_kind": kinds,
            "by_phase": {phase: {kind: self.total(kind, phase)._asdict() for kind in self.kinds} for phase in Phase},
            "by_event": [
                {
                    "phase": line.phase, "event": line.event, "count": line.count._asdict(), "expected": not line.count.exact,
                    "cost": line.cost._asdict() if line.price else None, "included_in": line.included or None,
                    "price": line.price._asdict() if line.price else None,
                }
                for line in self.lines
            ],
            "unpriced": self.unpriced,
            "scaled_by": self.scale,
        }  # fmt: skip


def energy(ledger: Ledger, prices: PriceList, chip, scale: float = 1.0) -> Bill:
    """The energy of what a ledger counts, in J.

    Parameters
    ----------
    ledger : Ledger
    prices : PriceList
    chip : hw_models.Chip
        How many bits its words have, for prices that are per bit.
    scale : float
        Factor on all prices, such as one's own guess for another technology; nothing is scaled unless asked for.
    """
    if not scale > 0:
        raise InputError(f"Prices are scaled by a factor above 0, got {scale!r}.")
    return _bill(ledger, prices.energy, prices.included, chip, scale, 1)


def latency(ledger: Ledger, prices: PriceList, chip, cores: int, in_turn: Mapping[Phase, float] = NO_TURNS, depth: int = 0) -> Bill:
    """The time that what a ledger counts takes, in s, if nothing overlaps but equal cores: one kind of event waits for the other.

    Events without a time are listed. Being on, and the clock, are not events that take time. Messages of a layer follow each other through
    the tree of links, so that its depth is waited for once a layer, and once for each number of the reward, whose bits go side by side:
    such a line counts links in turn.

    Parameters
    ----------
    ledger : Ledger
    prices : PriceList
    chip : hw_models.Chip
    cores : int
        That share the work.
    in_turn : mapping of float
        Products of each phase that must wait for each other, an array that is not full not taking less time for it; of the reward, numbers.
    depth : int
        Links from one end of the network to the other.
    """
    events = Ledger({key: n for key, n in ledger.items() if key[1] not in (Event.SECOND, Event.CYCLE)})
    for phase, event in events:
        if event in (Event.HOP, Event.REWARD_BIT_LINK):
            events[phase, event] = Count.of(in_turn.get(phase, 0) * depth)
    return _bill(events, prices.latency, prices.included, chip, 1.0, cores, in_turn)


def _bill(
    ledger: Ledger,
    prices: dict[Event, Price],
    included: dict[Event, str],
    chip,
    scale: float,
    cores: int,
    in_turn: Mapping[Phase, float] = NO_TURNS,
) -> Bill:
    lines, paid = [], {event for _, event in ledger} & prices.keys()
    for phase, event in sorted(ledger, key=lambda key: (list(Phase).index(key[0]), list(Event).index(key[1]))):
        n, price, cost = ledger[phase, event], prices.get(event), NOTHING
        if price is not None:
            bits = _bits(phase, event, chip) if price.per_bit else 1
            at_once = price.parallel * (cores if price.per == "core" else 1)
            least = in_turn.get(phase, 0) if price.parallel > 1 else 0
            cost = Interval(*(max(a / at_once, least) * b * bits * scale for a, b in zip(n, price.si, strict=True)))
        inside = "" if price else included.get(event, "")
        lines.append(Line(phase, event, n, price, inside if paid & named(inside) else "", cost))
    return Bill(lines, scale)


def _bits(phase: Phase, event: Event, chip) -> int:
    """Width of what an event handles."""
    if event in (Event.WEIGHT_READ, Event.WEIGHT_WRITE):
        return (chip.decorrelation if phase == Phase.DECORRELATION else chip.cell).stored_bits
    if event == Event.ADC:
        return getattr(chip.adc, "bits", WORD)
    if event in (Event.DAC, Event.SPIKE, Event.HOP):
        return getattr(chip.dac, "bits", WORD)
    if event in (Event.STATE_READ, Event.STATE_WRITE) and phase in (Phase.CLEAN, Phase.PERTURBED):
        return getattr(chip.neuron, "bits", WORD)
    return WORD


def quantity(value: float, unit: str) -> str:
    """A number with its unit in powers of a thousand."""
    for factor, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "u"), (1e-9, "n"), (1e-12, "p")):
        if value >= factor:
            return f"{value / factor:.3g} {prefix}{unit}"
    return f"{value / 1e-15:.3g} f{unit}" if value else f"0 {unit}"
