"""Rows of cells: they are written, read, and added to the sums of their columns."""

import numpy as np

from hw_models.protocols import Cell, Tile
from neurosim.jit import (
    as_number,
    at,
    constant,
    inline,
    kernel,
    nonzero,
    passage,
    plus,
    put,
    row,
)
from neurosim.random import draws, fold, halves

read, write, gather = kernel(Cell.read), kernel(Cell.write), kernel(Tile.gather)
draw_read, draw_write = draws["read"], draws["write"]
ROWS = 4  #: rows of weights that a sweep reads before it sums them
MANY = 64  #: or so many, if they are short, as a readout's are


swallows = constant(lambda cell: getattr(cell, "swallows", True))
several = constant(lambda cell: hasattr(cell, "most_pulses"))  # one write may be several pulses
unscaled = constant(lambda cell: not (cell.bounded or getattr(cell, "ages", False)))


@inline
def full_scale(cell, scale, one):
    """The weight of a full-scale cell: the compiler knows it to be 1, and drops products with it, of cells without bounds and without drift."""
    return as_number(1, one) if unscaled(cell) else scale


# ---------------------------------------------------------------- writing


@inline
def write_row(cell, cells, asks, share, now, key, one):
    """Ask every cell of a row for its change, a share of what stands there; returns how many were asked and moved, and the pulses."""
    asked, moved, pulses = np.int32(0), np.int32(0), np.int32(0)
    u, v = halves(key)
    for i in range(cells[0].shape[0]):
        d = at(asks, i) * share
        s, hit = write(cell, at(cells, i), d, now, draw_write(cell, u, v, i, one))
        put(cells, i, s)
        if swallows(cell):
            asked = np.int32(asked + nonzero(d))
            moved = np.int32(moved + nonzero(hit))
        if several(cell):
            pulses = np.int32(pulses + np.int32(hit))
    return asked, moved, pulses


@passage
def write_each(cell, planes, j0, rows, dw, share, now, key, moving, counts, one):
    """Ask every cell of some rows for its change, a share of dw."""
    for k in range(rows):
        asked, moved, pulses = write_row(cell, row(planes, j0 + k), row(dw, k), share, now, fold(key, j0 + k), one)
        counts[0] += asked
        counts[1] += asked - moved
        counts[2] += pulses


# ---------------------------------------------------------------- reading and adding up


@passage
def read_four(cell, planes, j, seen, k_read, one):
    """What the array sees of four rows of cells; places as in `learn_four`, the rows seen are 12 to 15."""
    c0, c1, c2, c3 = row(planes, j), row(planes, j + 1), row(planes, j + 2), row(planes, j + 3)
    w0, w1, w2, w3 = row(seen, 0), row(seen, 1), row(seen, 2), row(seen, 3)
    u0, v0 = halves(fold(k_read, j))
    u1, v1 = halves(fold(k_read, j + 1))
    u2, v2 = halves(fold(k_read, j + 2))
    u3, v3 = halves(fold(k_read, j + 3))
    for i in range(c0[0].shape[0]):
        put(w0, i, read(cell, at(c0, i, 0), draw_read(cell, u0, v0, i, one)), 12)
        put(w1, i, read(cell, at(c1, i, 1), draw_read(cell, u1, v1, i, one)), 13)
        put(w2, i, read(cell, at(c2, i, 2), draw_read(cell, u2, v2, i, one)), 14)
        put(w3, i, read(cell, at(c3, i, 3), draw_read(cell, u3, v3, i, one)), 15)


@passage
def read_rows(cell, planes, j0, rows, seen, k_read, one):
    """What the array sees of some rows of cells."""
    if rows == ROWS and j0 % ROWS == 0:
        read_four(cell, planes, j0, seen, k_read, one)
        return
    for k in range(rows):
        cells, visible = row(planes, j0 + k), row(seen, k)
        u, v = halves(fold(k_read, j0 + k))
        for i in range(cells[0].shape[0]):
            visible[i] = read(cell, at(cells, i), draw_read(cell, u, v, i, one))


@inline
def position(j, of, one):
    """Where a row lies on its tile of so many rows: above 0, and 1 for the last."""
    return as_number(j % of + 1, one) / as_number(of, one)


@passage
def gather_rows(tile, w, rows, n_post, z, j, of, sums, one):
    """Add rows of weights times their inputs to a column's sums, row after row; four at a time the sums are fetched once."""
    if rows == ROWS:
        w0, w1, w2, w3 = row(w, 0), row(w, 1), row(w, 2), row(w, 3)
        x0, x1, x2, x3 = z[j], z[j + 1], z[j + 2], z[j + 3]
        f0, f1, f2, f3 = position(j, of, one), position(j + 1, of, one), position(j + 2, of, one), position(j + 3, of, one)
        for i in range(n_post):
            first = plus(plus(at(sums, i), gather(tile, w0[i], x0, f0)), gather(tile, w1[i], x1, f1))
            put(sums, i, plus(plus(first, gather(tile, w2[i], x2, f2)), gather(tile, w3[i], x3, f3)))
    else:
        for k in range(rows):
            wk, x, f = row(w, k), z[j + k], position(j + k, of, one)
            for i in range(n_post):
                put(sums, i, plus(at(sums, i), gather(tile, wk[i], x, f)))


@passage
def gather_apart(tile, w, rows, n_post, z, j, of, sums, one):
    """As `gather_rows`, but products below zero go down lines of their own, behind the others."""
    for k in range(rows):
        wk, x, f = row(w, k), z[j + k], position(j + k, of, one)
        for i in range(n_post):
            line = i + n_post if wk[i] * x < 0 else i
            put(sums, line, plus(at(sums, line), gather(tile, wk[i], x, f)))
