"""What happens once: cells, columns, converters and neurons come out of the factory, and weights are programmed."""

from hw_models.protocols import Cell
from neurosim import random
from neurosim.jit import kernel, put, row
from neurosim.loop.rows import read_rows
from neurosim.random import draws, fold, halves

make, program = kernel(Cell.make), kernel(Cell.program)  # whatever comes out of a factory is made alike
draw_make, draw_program = draws["make"], draws["program"]


def place_cells(cell, planes, weights, key, now, one):
    """Make every cell of a plane and program its initial weight, given in units of full scale."""
    k_make, k_program = fold(key, random.MAKE), fold(key, random.PROGRAM)
    for j in range(weights.shape[0]):
        cells, w = row(planes, j), weights[j]
        u, v = halves(fold(k_make, j))
        s, t = halves(fold(k_program, j))
        for i in range(w.shape[0]):
            made = make(cell, draw_make(cell, u, v, i, one))
            put(cells, i, program(cell, made, w[i], now, draw_program(cell, s, t, i, one)))


def place(part, params, key, one):
    """Make the constants of a line of neurons, columns or converters, mismatch included."""
    u, v = halves(key)
    for i in range(params[0].shape[0]):
        put(params, i, make(part, draw_make(part, u, v, i, one)))


def look(cell, planes, out, key, one):
    """One read of every cell, in units of full scale."""
    read_rows(cell, planes, 0, out.shape[0], out, key, one)
