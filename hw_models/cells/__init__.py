"""What a memory does to one number, one kind a file."""

from hw_models.cells.analog import Analog
from hw_models.cells.fixed_point import FixedPoint
from hw_models.cells.ideal import Ideal
from hw_models.cells.pulsed_linear import ConstantStep, LinearStep, SoftBounds, SoftBoundsReference
from hw_models.cells.pulsed_shaped import ExponentialStep, PiecewiseStep, PowerStep

ALL_CELLS = {
    "ideal": Ideal,
    "fixed-point": FixedPoint,
    "analog": Analog,
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
    "Ideal",
    "LinearStep",
    "PiecewiseStep",
    "PowerStep",
    "SoftBounds",
    "SoftBoundsReference",
]
