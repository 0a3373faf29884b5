"""What a memory does to one number, one kind a file."""

from hw_models.cells.analog import Analog
from hw_models.cells.fixed_point import FixedPoint
from hw_models.cells.fixed_sign import FixedSign
from hw_models.cells.floating_point import FloatingPoint
from hw_models.cells.ideal import Ideal
from hw_models.cells.pcm import PCM
from hw_models.cells.pulsed_linear import ConstantStep, LinearStep, SoftBounds, SoftBoundsReference
from hw_models.cells.pulsed_pair import OneSidedPair
from hw_models.cells.pulsed_shaped import ExponentialStep, PiecewiseStep, PowerStep
from hw_models.cells.reram import HfOxReRAM, WanReRAM
from hw_models.cells.single_step import SingleStep
from hw_models.cells.sonos import Sonos
from hw_models.cells.table import Table, from_table

ALL_CELLS = {
    "ideal": Ideal,
    "fixed-point": FixedPoint,
    "analog": Analog,
    "floating-point": FloatingPoint,
    "single-step": SingleStep,
    "fixed-sign": FixedSign,
    "constant-step": ConstantStep,
    "linear-step": LinearStep,
    "soft-bounds": SoftBounds,
    "soft-bounds-reference": SoftBoundsReference,
    "exponential-step": ExponentialStep,
    "power-step": PowerStep,
    "piecewise-step": PiecewiseStep,
    "one-sided-pair": OneSidedPair,
    "pcm": PCM,
    "reram-wan": WanReRAM,
    "reram-hfox": HfOxReRAM,
    "sonos": Sonos,
    "table": Table,
}

__all__ = [
    "ALL_CELLS",
    "PCM",
    "Analog",
    "ConstantStep",
    "ExponentialStep",
    "FixedPoint",
    "FixedSign",
    "FloatingPoint",
    "HfOxReRAM",
    "Ideal",
    "LinearStep",
    "OneSidedPair",
    "PiecewiseStep",
    "PowerStep",
    "SingleStep",
    "SoftBounds",
    "SoftBoundsReference",
    "Sonos",
    "Table",
    "WanReRAM",
    "from_table",
]
