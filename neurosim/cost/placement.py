"""How many cores a network needs on a chip, and what limits it."""

import math
from typing import NamedTuple

from hw_models.events import Event
from hw_models.parts import bits
from hw_models.prices import PriceList
from neurosim.memory import memory_bits
from neurosim.rules import Gradient, Learning
from neurosim.rules.perturbation import WORD


class Placement(NamedTuple):
    """Where a network fits; a number that no source gives is None."""

    cores: int  #: that the network needs; 1 if nothing is known of the chip's cores
    chips: int
    limit: str  #: what asks for the most cores
    by_limit: dict[str, int]  #: cores that each resource asks for
    tiles: int  #: pieces of an array of the chip's tile, if it has one
    bits_per_synapse: int  #: its weight and registers
    bits_per_neuron: float  #: state of all passes, memories and signal
    bits_per_core: float
    bits: int  #: everything
    available_bits: int | None  #: weight memory of so many chips
    unmet: list[str]  #: what a rule asks of each synapse or neuron beyond what is there
    links: int  #: of the tree over which a message reaches every core
    depth: int  #: links from one end of it to the other
    area_mm2: float | None  #: of these cores, all of them, if a source gives that of one
    parts_mm2: dict[Event, tuple[float, ...]]  #: else of their converters and routers, where sources give one: low, typical, high


def placement(
    network, chip, learning: Learning | Gradient | None, prices: PriceList, batch: int = 1, steps: int = 1, seed: int = 0
) -> Placement:
    """Cores, chips and memory of a network on a chip.

    Weights, the registers of their synapses and the lists of sparse wiring take weight memory; every pass and replica is a neuron of its
    own; an array is cut into pieces of a core's rows and columns, in which what sparse wiring leaves out stays empty. Cores are filled by
    one resource at a time, without regard to which neurons stand together. Their routers stand in the smallest square that holds them, and
    a message enters at a corner.

    Parameters
    ----------
    network : Network
    chip : hw_models.Chip
    learning : Learning, Gradient or None
    prices : hw_models.prices.PriceList
        Its `capacity`.
    batch : int
        Sequences side by side.
    steps : int
        Length of a sequence: what back-propagation through time must remember.
    seed : int
        That sparse wiring is drawn from.
    """
    has, local = prices.capacity, learning if isinstance(learning, Learning) else None
    synapses = sum(network.synapses(seed))
    neurons = sum(network.layers) + network.outputs
    passes = len(local.passes) if local else 1
    register, once = (sum(bits(local.rule.Register).values()) * local.lanes, sum(local.waiting.values())) if local else (0, 0)
    inside, top = (sum(bits(rule.Memory).values()) for rule in (local.rule, local.readout_rule)) if local else (0, 0)
    memory = (inside * sum(network.layers) + top * network.outputs) / neurons
    counted = memory_bits(network, chip, learning or Gradient("bptt"), batch, steps, seed)
    if learning is None:
        counted |= {"learning": 0}
    matrices = sum(n * n for n in local.decorrelated(network)) if local else 0
    wanted: dict[str, int] = {}
    weight_bits = (
        synapses * (chip.cell.stored_bits + register * batch + once) + matrices * chip.decorrelation.stored_bits + counted["wiring"]
    )
    if has.core_weight_bits:
        wanted["weight memory"] = math.ceil(weight_bits / has.core_weight_bits)
    if has.core_neurons:
        wanted["neurons"] = math.ceil(neurons * passes * batch / has.core_neurons)
    if has.core_rows and has.core_columns:
        wanted["arrays"] = sum(math.ceil(pre / has.core_rows) * math.ceil(post / has.core_columns) for pre, post in network.shapes())
    cores = max(wanted.values(), default=1)
    chips = math.ceil(cores / has.cores) if has.cores else 1
    rows = getattr(chip.tile, "rows", 0)
    unmet = []
    for place, need in (("synapse", register + once), ("neuron", max(inside, top))):
        room = chip.memory.room(place)
        if room is not None and need > room:
            unmet.append(f"{need} bits in every {place}, where there are {room}")
    if isinstance(learning, Gradient):
        unmet.append(f"{counted['learning']} bits of history, gradients and moments")
    total = sum(counted.values())
    routers = math.ceil(cores / has.router_cores)
    side = math.ceil(routers**0.5)
    there = {Event.ADC: cores * has.core_converters, Event.DAC: cores * has.core_rows, Event.HOP: routers if routers > 1 else 0}
    parts = {} if has.core_mm2 else {event: there.get(event, 0) for event in prices.area}
    return Placement(
        cores, chips, max(wanted, key=wanted.__getitem__) if wanted else "", wanted,
        sum(math.ceil(pre / rows) for pre, _ in network.shapes()) if rows else 0,
        chip.cell.stored_bits + register,
        (counted["state"] + counted["passes"]) / neurons + (memory + WORD if local else 0) * batch,
        total / cores, total, has.core_weight_bits * has.cores * chips or None, unmet, routers - 1, side + math.ceil(routers / side) - 2, has.core_mm2 * cores or None,
        {event: tuple(n * value for value in prices.area[event].si) for event, n in parts.items() if n},
    )  # fmt: skip
