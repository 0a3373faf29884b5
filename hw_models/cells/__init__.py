"""What a memory does to one number, one kind a file."""

from hw_models.cells.analog import Analog
from hw_models.cells.fixed_point import FixedPoint
from hw_models.cells.ideal import Ideal

ALL_CELLS = {"ideal": Ideal, "fixed-point": FixedPoint, "analog": Analog}

__all__ = ["ALL_CELLS", "Analog", "FixedPoint", "Ideal"]
