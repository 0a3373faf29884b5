"""The compiled loop: one sequence of a network on a chip, step by step. `sequence.py` is the file to read first."""

from neurosim.loop.ageing import grow_older
from neurosim.loop.moving import ENOUGH, VECTOR
from neurosim.loop.neurons import held_fields, listen, perturbations
from neurosim.loop.place import look, place, place_cells
from neurosim.loop.records import (
    COUNTS,
    FAILED,
    WRITE,
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
    Trains,
    View,
    zeros,
)  # fmt: skip
from neurosim.loop.rows import MANY, ROWS
from neurosim.loop.sequence import first_perturbed, sequence
from neurosim.loop.synapses import sweep

__all__ = [
    "COUNTS", "ENOUGH", "FAILED", "MANY", "ROWS", "VECTOR", "WRITE", "Count", "Course", "Decorrelator", "Events", "Fired", "Flight", "Group", "Moving", "Net",
    "Parts", "Plan", "Prediction", "Projection", "Record", "Scratch", "Trains", "View", "first_perturbed", "grow_older", "held_fields", "listen", "look",
    "perturbations", "place", "place_cells", "sequence", "sweep", "zeros",
]  # fmt: skip
