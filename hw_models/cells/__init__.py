"""What a memory does to one number, one kind a file."""

from hw_models.cells.analog import Analog
from hw_models.cells.fixed_point import FixedPoint
from hw_models.cells.fixed_sign import FixedSign
from hw_models.cells.floating_point import FloatingPoint
from hw_models.cells.ideal import Ideal
from hw_models.cells.single_step import SingleStep

ALL_CELLS = {
    "ideal": Ideal,
    "fixed-point": FixedPoint,
    "analog": Analog,
    "floating-point": FloatingPoint,
    "single-step": SingleStep,
    "fixed-sign": FixedSign,
}

__all__ = ["ALL_CELLS", "Analog", "FixedPoint", "FixedSign", "FloatingPoint", "Ideal", "SingleStep"]
