"""What a memory does to one number, one kind a file."""

from hw_models.cells.analog import Analog
from hw_models.cells.fixed_point import FixedPoint
from hw_models.cells.fixed_sign import FixedSign
from hw_models.cells.floating_point import FloatingPoint
from hw_models.cells.ideal import Ideal
from hw_models.cells.pulsed_linear import ConstantStep, LinearStep, SoftBounds, SoftBoundsReference
from hw_models.cells.pulsed_shaped import ExponentialStep, PiecewiseStep, PowerStep
from hw_models.cells.single_step import SingleStep

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
}

__all__ = [
    "ALL_CELLS",
    "Analog",
    "ConstantStep",
    "ExponentialStep",
    "FixedPoint",
    "FixedSign",
    "FloatingPoint",
    "Ideal",
    "LinearStep",
    "PiecewiseStep",
    "PowerStep",
    "SingleStep",
    "SoftBounds",
    "SoftBoundsReference",
]
