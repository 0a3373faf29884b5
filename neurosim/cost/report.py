"""Estimates side by side, as a person reads them."""

from collections.abc import Iterable

from hw_models.events import Phase
from neurosim.account import Count
from neurosim.cost.bill import quantity
from neurosim.cost.estimate import Estimate


def side_by_side(estimates: list[Estimate]) -> Iterable[tuple[str, ...]]:
    """Rows of a table with a column for each estimate; what none of them has is left out."""
    for title, said in _rows():
        row = [said(e) for e in estimates]
        if any(row):
            yield title, *(text or "-" for text in row)


def lines(estimate: Estimate) -> Iterable[tuple[str, str, str, str, str, str]]:
    """Rows of one estimate, line by line: phase, event, how often, energy, its share of all of its kind, and where the price comes from."""
    for line in estimate.energy.lines:
        n = line.count
        often = f"{n.typical:,.6g}" if n.exact else f"{n.typical:,.6g} expected ({n.low:,.6g} to {n.high:,.6g})"
        low, typical, high = (quantity(value, "J") for value in line.cost)
        whole = estimate.energy.total(line.price.kind).typical if line.price else 0.0
        share = f"{line.cost.typical / whole:.1%}" if whole else ""
        if line.price:
            cost, origin = f"{typical} ({low} to {high})" if low != high else typical, f"{line.price.kind}; {line.price.source}"
        else:
            cost, origin = ("", f"included in {line.included}") if line.included else ("no price", "")
        yield line.phase, line.event, often, cost, share, origin


def remarks(estimates: list[Estimate]) -> Iterable[str]:
    """Sentences that must stand below."""
    yield from dict.fromkeys(text for e in estimates for text in e.caveats)
    if any(not line.count.exact for e in estimates if not e.counted for line in e.energy.lines):
        yield (
            f"Writes and pulses depend on data: a cell is assumed to get {estimates[0].work.moves:g} each time it is asked to change (--moves); "
            "intervals reach from none to all that is possible."
        )
    if any(e.account.spikes and not e.counted for e in estimates):
        yield (
            f"Spikes depend on data: a neuron is assumed to send {estimates[0].work.rate:g} in a step (--rate); intervals reach from none to one "
            "in every step and pass."
        )
    if any(len(e.energy.kinds) > 1 for e in estimates):
        yield "Average prices hold idle power and incremental ones do not, so that the two are never added."
    scales = {e.energy.scale for e in estimates} - {1.0}
    if scales:
        yield f"Prices are scaled by {', '.join(f'{scale:g}' for scale in scales)}, as asked for; no source says so."


def _rows():
    for kind in ("incremental", "average"):
        yield f"energy at {kind} prices", lambda e, kind=kind: e.energy.said("J", kind) if kind in e.energy.kinds else ""
        for phase in Phase:
            yield f"  {phase}", lambda e, kind=kind, phase=phase: _phase(e, kind, phase)
        yield "  one clean pass", lambda e, kind=kind: _clean_pass(e, kind)
        yield "  average power", lambda e, kind=kind: _power(e, kind)
    yield "energy", lambda e: "" if e.energy.kinds else "no price"
    yield "  without a price", lambda e: " ".join(e.energy.unpriced)
    yield "time, nothing overlapping", lambda e: e.latency.said("s") if e.latency.kinds else "not known"
    yield "simulated time", lambda e: quantity(e.seconds, "s")
    yield "memory", lambda e: _bytes(e.placement.bits)
    for name in ("weights", "wiring", "state", "passes", "learning", "reward", "random"):
        yield f"  {name}", lambda e, name=name: "" if name == "wiring" and not e.memory[name] else _bytes(e.memory[name])
    yield "  a synapse", lambda e: f"{e.placement.bits_per_synapse} bit"
    yield "  a neuron", lambda e: f"{e.placement.bits_per_neuron:.4g} bit"
    yield "  a core", lambda e: _bytes(e.placement.bits_per_core)
    yield "  the chip has for weights", lambda e: _bytes(e.placement.available_bits) if e.placement.available_bits else ""
    yield "cores", lambda e: f"{e.placement.cores}, for {e.placement.limit}" if e.placement.limit else "not known"
    yield "chips", lambda e: str(e.placement.chips) if e.placement.limit else ""
    yield "tiles of the array", lambda e: str(e.placement.tiles) if e.placement.tiles else ""
    yield "links a message goes over", lambda e: f"{e.placement.links}, {e.placement.depth} in turn" if e.placement.links else ""
    yield "area of these cores", lambda e: _area(e.placement)
    yield "not on the chip", lambda e: "; ".join(e.placement.unmet)
    yield "writes a cell and epoch", lambda e: _writes(e)
    yield "cells", lambda e: e.endurance.said(e.epochs)
    yield "prices", lambda e: e.prices.name


def _phase(e: Estimate, kind: str, phase: Phase) -> str:
    said = e.energy.said("J", kind, phase)
    return "" if said == "no price" else said


def _clean_pass(e: Estimate, kind: str) -> str:
    """What a step of the network that does not learn takes, without being on."""
    passes, said = Count.of(e.account.clean).typical, _phase(e, kind, Phase.CLEAN)
    return _lacking(said) + quantity(e.energy.total(kind, Phase.CLEAN).typical / passes, "J") if said and passes else ""


def _power(e: Estimate, kind: str) -> str:
    """On average, over its steps, or over its work where that takes longer."""
    on = max(e.seconds, e.latency.whole.typical)
    return _lacking(e.energy.said("J", kind)) + quantity(e.energy.total(kind).typical / on, "W") if kind in e.energy.kinds and on else ""


def _lacking(said: str) -> str:
    """What stands before a number that is made of another, in which something may have no price."""
    return "at least " if said.startswith("at least ") else ""


def _area(place) -> str:
    if place.area_mm2 or not place.parts_mm2:
        return f"{place.area_mm2:.3g} mm2" if place.area_mm2 else ""
    total = sum(typical for _, typical, _ in place.parts_mm2.values())
    return f"at least {total:.3g} mm2: {' '.join(place.parts_mm2)}"


def _writes(e: Estimate) -> str:
    low, typical, high = e.endurance.writes_per_epoch
    return f"{typical:,.4g}" + (f" ({low:,.4g} to {high:,.4g})" if low < high else "") + (f", {e.endurance.array}" if e.counted else "")


def _bytes(bits: float) -> str:
    return f"{bits:.4g} bit" if bits < 8192 else f"{bits / 8192:.4g} KiB" if bits < 8192 * 1024 else f"{bits / 8192 / 1024:.4g} MiB"
