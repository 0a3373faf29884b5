"""Local memory that a chip has for learning, beside its weights."""

from typing import Annotated, NamedTuple

from hw_models.parts import Range


class Unlimited(NamedTuple):
    """Whatever a rule asks for is there."""

    def room(self, place: str) -> int | None:
        return None


class Limited(NamedTuple):
    """A fixed number of bits in every synapse and every neuron.

    Parameters
    ----------
    synapse_bits : int, bit
        Registers of one synapse, its weight not counted.
    neuron_bits : int, bit
        Registers of one neuron, its state not counted.
    """

    synapse_bits: Annotated[int, Range("bit", 0)] = 16
    neuron_bits: Annotated[int, Range("bit", 0)] = 64

    def room(self, place: str) -> int | None:
        return self.synapse_bits if place == "synapse" else self.neuron_bits


ALL_MEMORIES = {"unlimited": Unlimited, "limited": Limited}
