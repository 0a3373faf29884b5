"""The chip: what memories, arrays, converters, noise sources and the reward wire do. Plain Python and NumPy, no simulator."""

from hw_models.cells import (
    ALL_CELLS,
    PCM,
    Analog,
    FixedPoint,
    FixedSign,
    FloatingPoint,
    HfOxReRAM,
    Ideal,
    SingleStep,
    Sonos,
    Table,
    WanReRAM,
    from_table,
)
from hw_models.chip import Chip, catalogue, load
from hw_models.converters import ALL_CONVERTERS, Exact, Quantiser
from hw_models.memory import ALL_MEMORIES, Limited, Unlimited
from hw_models.noise import ALL_NOISES, Bernoulli, Gaussian, Recorded, Silent, SumOfBytes, Telegraph, Uniform
from hw_models.parts import Bits, InputError, Range
from hw_models.protocols import Nothing
from hw_models.reward import ALL_WIRES, DigitalWire, ExactWire
from hw_models.scalars import scalar, sigmoid, tanh
from hw_models.tile import ALL_TILES, Adder, Crossbar, WiredCrossbar

__all__ = [
    "ALL_CELLS",
    "ALL_CONVERTERS",
    "ALL_MEMORIES",
    "ALL_NOISES",
    "ALL_TILES",
    "ALL_WIRES",
    "PCM",
    "Adder",
    "Analog",
    "Bernoulli",
    "Bits",
    "Chip",
    "Crossbar",
    "DigitalWire",
    "Exact",
    "ExactWire",
    "FixedPoint",
    "FixedSign",
    "FloatingPoint",
    "Gaussian",
    "HfOxReRAM",
    "Ideal",
    "InputError",
    "Limited",
    "Nothing",
    "Quantiser",
    "Range",
    "Recorded",
    "Silent",
    "SingleStep",
    "Sonos",
    "SumOfBytes",
    "Table",
    "Telegraph",
    "Uniform",
    "Unlimited",
    "WanReRAM",
    "WiredCrossbar",
    "catalogue",
    "from_table",
    "load",
    "scalar",
    "sigmoid",
    "tanh",
]
