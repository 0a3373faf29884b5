"""What happens once: cells, columns and neurons come out of the factory, and weights are programmed."""

from hw_models.protocols import Cell, Tile
from neurosim import random
from neurosim.jit import kernel, put, row
from neurosim.loop.synapses import read_rows
from neurosim.protocols import Neuron
from neurosim.random import draws, fold, halves

make_cell, program, make_column, make_neuron = kernel(Cell.make), kernel(Cell.program), kernel(Tile.make), kernel(Neuron.make)
draw_make, draw_program = draws["make"], draws["program"]


def place_cells(cell, planes, weights, key, now, one):
    """Make every cell of a plane and program its initial weight, given in units of full scale."""
    k_make, k_program = fold(key, random.MAKE), fold(key, random.PROGRAM)
    for j in range(weights.shape[0]):
        cells, w = row(planes, j), weights[j]
        u, v = halves(fold(k_make, j))
        s, t = halves(fold(k_program, j))
        for i in range(w.shape[0]):
            made = make_cell(cell, draw_make(cell, u, v, i, one))
            put(cells, i, program(cell, made, w[i], now, draw_program(cell, s, t, i, one)))


def place_columns(tile, columns, n, key, one):
    """Make the columns of an array."""
    u, v = halves(fold(key, random.COLUMN))
    for i in range(n):
        put(columns, i, make_column(tile, draw_make(tile, u, v, i, one)))


def place_neurons(neuron, params, n, key, one):
    """Make the neurons of a population, mismatch included."""
    u, v = halves(fold(key, random.NEURON))
    for i in range(n):
        put(params, i, make_neuron(neuron, draw_make(neuron, u, v, i, one)))


def look(cell, planes, out, key, one):
    """One read of every cell, in units of full scale."""
    read_rows(cell, planes, 0, out.shape[0], out, key, one)
