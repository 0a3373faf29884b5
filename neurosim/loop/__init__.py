"""The compiled loop: one sequence of a network on a chip, step by step. `sequence.py` is the file to read first."""

from neurosim.loop.ageing import grow_older
from neurosim.loop.place import look, place, place_cells
from neurosim.loop.records import Asked, Count, Decorrelator, Group, Moving, Parts, Plan, Prediction, Projection, Record, Scratch, Tally
from neurosim.loop.sequence import sequence
from neurosim.loop.synapses import MANY, ROWS, VECTOR

__all__ = [
    "MANY", "ROWS", "VECTOR", "Asked", "Count", "Decorrelator", "Group", "Moving", "Parts", "Plan", "Prediction", "Projection", "Record",
    "Scratch", "Tally", "grow_older", "look", "place", "place_cells", "sequence",
]  # fmt: skip
