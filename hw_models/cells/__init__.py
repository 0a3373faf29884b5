"""What a memory does to one number, one kind a file."""

from hw_models.cells.analog import Analog
from hw_models.cells.fixed_point import FixedPoint
from hw_models.cells.ideal import Ideal
from hw_models.cells.pcm import PCM
from hw_models.cells.reram import HfOxReRAM, WanReRAM
from hw_models.cells.sonos import Sonos
from hw_models.cells.table import Table, from_table

ALL_CELLS = {
    "ideal": Ideal,
    "fixed-point": FixedPoint,
    "analog": Analog,
    "pcm": PCM,
    "reram-wan": WanReRAM,
    "reram-hfox": HfOxReRAM,
    "sonos": Sonos,
    "table": Table,
}

__all__ = ["ALL_CELLS", "PCM", "Analog", "FixedPoint", "HfOxReRAM", "Ideal", "Sonos", "Table", "WanReRAM", "from_table"]
