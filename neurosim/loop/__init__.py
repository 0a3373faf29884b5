"""The compiled loop: one sequence of a network on a chip, step by step. `sequence.py` is the file to read first."""

from neurosim.loop.ageing import grow_older
from neurosim.loop.neurons import held_fields, listen
from neurosim.loop.place import look, place, place_cells
from neurosim.loop.records import (
    COUNTS,
    Asked,
    Count,
    Course,
    Decorrelator,
    Events,
    Fired,
    Flight,
    Group,
    Moving,
    Net,
    Parts,
    Plan,
    Prediction,
    Projection,
    Record,
    Scratch,
    Tally,
    View,
)  # fmt: skip
from neurosim.loop.sequence import sequence, turn
from neurosim.loop.synapses import MANY, ROWS, VECTOR, WRITE, sweep

__all__ = [
    "COUNTS", "MANY", "ROWS", "VECTOR", "WRITE", "Asked", "Count", "Course", "Decorrelator", "Events", "Fired", "Flight", "Group", "Moving", "Net", "Parts", "Plan",
    "Prediction", "Projection", "Record", "Scratch", "Tally", "View", "grow_older", "held_fields", "listen", "look", "place", "place_cells", "sequence", "sweep", "turn",
]  # fmt: skip
