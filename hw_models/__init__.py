"""The chip: what memories, arrays, converters, noise sources and the reward wire do. Plain Python and NumPy, no simulator."""

from hw_models.cells import (
    ALL_CELLS,
    Analog,
    ConstantStep,
    ExponentialStep,
    FixedPoint,
    Ideal,
    LinearStep,
    PiecewiseStep,
    PowerStep,
    SoftBounds,
    SoftBoundsReference,
)
from hw_models.chip import Chip, catalogue, load
from hw_models.converters import ALL_CONVERTERS, Exact, Quantiser
from hw_models.memory import ALL_MEMORIES, Limited, Unlimited
from hw_models.noise import ALL_NOISES, Bernoulli, Gaussian, Uniform
from hw_models.parts import Bits, InputError, Range
from hw_models.presets import PRESETS
from hw_models.protocols import Nothing
from hw_models.reward import ALL_WIRES, DigitalWire, ExactWire
from hw_models.scalars import exp, scalar, sigmoid, tanh
from hw_models.tile import ALL_TILES, Adder, Crossbar

__all__ = [
    "ALL_CELLS",
    "ALL_CONVERTERS",
    "ALL_MEMORIES",
    "ALL_NOISES",
    "ALL_TILES",
    "ALL_WIRES",
    "PRESETS",
    "Adder",
    "Analog",
    "Bernoulli",
    "Bits",
    "Chip",
    "ConstantStep",
    "Crossbar",
    "DigitalWire",
    "Exact",
    "ExactWire",
    "ExponentialStep",
    "FixedPoint",
    "Gaussian",
    "Ideal",
    "InputError",
    "Limited",
    "LinearStep",
    "Nothing",
    "PiecewiseStep",
    "PowerStep",
    "Quantiser",
    "Range",
    "SoftBounds",
    "SoftBoundsReference",
    "Uniform",
    "Unlimited",
    "catalogue",
    "exp",
    "load",
    "scalar",
    "sigmoid",
    "tanh",
]
