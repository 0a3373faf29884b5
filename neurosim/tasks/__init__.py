"""Tasks: what is to be learned, as arrays. Nothing here knows the simulator."""

from neurosim.tasks.arrays import Arrays
from neurosim.tasks.baselines import baselines, ridge
from neurosim.tasks.copy_memory import CopyMemory
from neurosim.tasks.dataset import PARTS, Dataset, Series, check, mean_squared_error, share_right
from neurosim.tasks.digits import Digits
from neurosim.tasks.forecast_csv import ForecastCSV
from neurosim.tasks.mackey_glass import MackeyGlass, MackeyGlassReversed

#: Tasks that a table of options describes; `Arrays` holds data of its own and is made in Python only.
ALL_TASKS = (MackeyGlass, MackeyGlassReversed, CopyMemory, ForecastCSV, Digits)

by_name = {task.name: task for task in ALL_TASKS}

__all__ = [
    "ALL_TASKS",
    "PARTS",
    "Arrays",
    "CopyMemory",
    "Dataset",
    "Digits",
    "ForecastCSV",
    "MackeyGlass",
    "MackeyGlassReversed",
    "Series",
    "baselines",
    "by_name",
    "check",
    "mean_squared_error",
    "ridge",
    "share_right",
]
