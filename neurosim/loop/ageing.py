"""Simulated time, and what it does to cells."""

from hw_models.protocols import Cell
from neurosim import random
from neurosim.jit import as_number, at, chosen, kernel, passage, put, row
from neurosim.random import draws, fold, halves, stream

age = kernel(Cell.age)
draw_age = draws["age"]


@passage
def age_all(cell, planes, then, now, key, one):
    """Let simulated time pass for every cell of a plane."""
    for j in range(planes[0].shape[0]):
        cells = row(planes, j)
        u, v = halves(fold(key, j))
        for i in range(planes[0].shape[1]):
            put(cells, i, age(cell, at(cells, i), then, now, draw_age(cell, u, v, i, one)))


@passage
def stay(cell, planes, then, now, key, one):
    pass


pass_time = chosen(lambda cell: getattr(cell, "ages", False), age_all, stay)


def grow_older(cell, planes, then, now, key, one):
    """Let simulated time pass for one plane of cells, outside a sequence."""
    pass_time(cell, planes, then, now, key, one)


@passage
def age_network(parts, projections, decorrelators, plan, clock, key, one):
    """Cells age at ticks, each a hundredth of the elapsed time: drift in every read would cost twenty times the step."""
    step, aged = clock[0], clock[1]
    if step > aged and step * 100 >= aged * 101:
        then, now = seconds(aged, plan.step_s), seconds(step, plan.step_s)
        for k in range(len(projections)):
            p = projections[k]
            pass_time(parts.cell, p.planes, then, now, stream(key, random.AGE, p.number, step), one)
            pass_time(parts.cell, p.reference, then, now, stream(key, random.REFERENCE_AGE, p.number, step), one)
        for k in range(len(decorrelators)):
            d = decorrelators[k]
            pass_time(parts.decorrelation_cell, d.planes, then, now, stream(key, random.AGE, d.number, step), one)
        clock[1] = step


@passage
def seconds(step, step_s):
    """Simulated time in the run's float type."""
    return as_number(step, step_s) * step_s
