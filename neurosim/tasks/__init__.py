"""Tasks: what is to be learned, as arrays. Nothing here knows the simulator."""

from neurosim.tasks.arrays import Arrays
from neurosim.tasks.baselines import baselines, ridge
from neurosim.tasks.copy_memory import CopyMemory
from neurosim.tasks.cue_accumulation import CueAccumulation
from neurosim.tasks.dataset import PARTS, Dataset, Series, check, mean_squared_error, share_right
from neurosim.tasks.delayed_match import DelayedMatch
from neurosim.tasks.digits import Digits
from neurosim.tasks.environment import Environment, Gym, World
from neurosim.tasks.forecast_csv import ForecastCSV
from neurosim.tasks.mackey_glass import MackeyGlass, MackeyGlassReversed

#: Tasks that a table of options describes; `Arrays` holds data of its own and is made in Python only.
ALL_TASKS = (MackeyGlass, MackeyGlassReversed, CopyMemory, ForecastCSV, Digits, CueAccumulation, DelayedMatch)

by_name = {task.name: task for task in ALL_TASKS} | {"gym": Gym}


def widths(loaded: Dataset | World) -> tuple[int, int]:
    """How many inputs and outputs a network needs for what a task has loaded."""
    if isinstance(loaded, World):
        return loaded.inputs, loaded.outputs
    return loaded.train.inputs.shape[2], loaded.train.targets.shape[2]


__all__ = [
    "ALL_TASKS",
    "PARTS",
    "Arrays",
    "CopyMemory",
    "CueAccumulation",
    "Dataset",
    "DelayedMatch",
    "Digits",
    "Environment",
    "ForecastCSV",
    "Gym",
    "MackeyGlass",
    "MackeyGlassReversed",
    "Series",
    "World",
    "baselines",
    "by_name",
    "check",
    "mean_squared_error",
    "ridge",
    "share_right",
    "widths",
]
