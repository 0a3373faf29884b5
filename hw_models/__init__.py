"""The chip: what memories, arrays, converters, noise sources and the reward wire do. Plain Python and NumPy, no simulator."""

from hw_models.cells import ALL_CELLS, Analog, FixedPoint, Ideal
from hw_models.chip import Chip, catalogue, load
from hw_models.converters import ALL_CONVERTERS, Exact, Quantiser
from hw_models.memory import ALL_MEMORIES, Limited, Unlimited
from hw_models.noise import ALL_NOISES, Bernoulli, Gaussian, Recorded, Silent, SumOfBytes, Telegraph, Uniform
from hw_models.parts import Bits, InputError, Range
from hw_models.protocols import Nothing
from hw_models.reward import ALL_WIRES, DigitalWire, ExactWire
from hw_models.scalars import scalar, sigmoid, tanh
from hw_models.tile import ALL_TILES, Adder, Crossbar

__all__ = [
    "ALL_CELLS",
    "ALL_CONVERTERS",
    "ALL_MEMORIES",
    "ALL_NOISES",
    "ALL_TILES",
    "ALL_WIRES",
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
    "Gaussian",
    "Ideal",
    "InputError",
    "Limited",
    "Nothing",
    "Quantiser",
    "Range",
    "Recorded",
    "Silent",
    "SumOfBytes",
    "Telegraph",
    "Uniform",
    "Unlimited",
    "catalogue",
    "load",
    "scalar",
    "sigmoid",
    "tanh",
]
