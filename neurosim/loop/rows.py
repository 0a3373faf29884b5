"""Rows of cells: they are written, read, and added to the sums of their columns."""

import numpy as np

from hw_models.protocols import Cell, Tile
from neurosim import random
from neurosim.jit import (
    as_number,
    at,
    chosen,
    constant,
    flat,
    in_every_form,
    in_first_form,
    inline,
    kernel,
    nonzero,
    passage,
    plus,
    put,
    put_back,
    row,
    take_out,
)
from neurosim.random import draws, fold, halves, stream, whole

read, write, chance, gather = kernel(Cell.read), kernel(Cell.write), kernel(Cell.chance), kernel(Tile.gather)
draw_read, draw_write = draws["read"], draws["write"]
ROWS = 4  #: rows of weights that a sweep reads before it sums them
MANY = 64  #: or so many, if they are short, as a readout's are
SLICE = 32  #: rows that ask before those of their cells that may move are written
GRID = 2**23  #: numbers that `uniform` can be
VECTOR, ENOUGH = 8, 64  #: cells that are written at once; listed cells that are enough to be written before all rows have asked


def says_its_chance(cell):
    return getattr(cell, "chance", None) is not None  # None in a class that is derived from one which says it


def is_cheap(cell):
    return getattr(cell, "cheap", False)


def takes_trains(cell):
    return getattr(cell, "slots", None) is not None and says_its_chance(cell)


swallows = constant(lambda cell: getattr(cell, "swallows", True))
decides = constant(
    lambda cell: getattr(cell, "draws", {}).get("write", "u")[:1] == "u"
)  # the first number of a write; else its chance is 0 or 1
cheap = constant(is_cheap)
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
        d = at(asks, i, 1) * share
        s, hit = write(cell, at(cells, i, 0), d, now, draw_write(cell, u, v, i, one))
        put(cells, i, s, 0)
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


@inline
def may_move(cell, chance_times_grid, u, v, i, one):
    """1 if the first number that `write` is given in this column lets the cell move, or if its chance is not a number.

    The chance is told in steps of the grid on which `uniform` lies, and compared with the lower end of the step: a few cells too many are asked.
    """
    return np.int32(not (whole(u, v, i, 0, one) if decides(cell) else as_number(0, one)) >= chance_times_grid)


@inline
def likely(cell, dw, one):
    """The chance of a change in steps of the grid."""
    return chance(cell, dw) * as_number(GRID, one)


@inline
def at_least(cell, numbers, least):
    return (max(numbers[0], least),) + numbers[1:]  # the compiler cannot unpack it


@inline
def as_drawn(cell, numbers, least):
    return numbers


@inline
def told(cell, least):
    return in_first_form(cell, least)


@inline
def not_told(cell, least):
    return cell


first_at_least = chosen(takes_trains, at_least, as_drawn)
as_told = chosen(takes_trains, told, not_told)  # rounding what `ask_for_coincidences` asks for


@in_every_form
def write_dense(cell, moving, count, now, least, one):
    """Write cells that stand side by side: whole vectors, so that some which follow the last one are written for nothing."""
    dw, columns, cells, hits, low, high = moving.dw, moving.columns, moving.cells, moving.hits, moving.low, moving.high
    for m in range((count + VECTOR - 1) // VECTOR * VECTOR):
        numbers = first_at_least(cell, draw_write(cell, at(low, m, 4), at(high, m, 5), at(columns, m, 2), one), least)
        s, hit = write(cell, at(cells, m, 0), at(dw, m, 1), now, numbers)
        put(cells, m, s, 0)
        put(hits, m, hit, 3)


@inline
def coincide(trains, j, i):
    """1 if row j and column i pulse in the same slot."""
    return np.int32((at(trains.rows, j, 4) & at(trains.columns, i, 13)) != 0)


@inline
def ask_for_coincidences(cell, moving, count, one):
    """Ask the listed cells for as many pulses as there are slots in which their row and their column pulse, and half of one to be safe."""
    trains, half = moving.trains, as_number(1, one) / as_number(2, one)
    if trains.slots[0] == 0:
        return
    for m in range(count):
        n = ones(at(trains.rows, at(moving.lines, m, 1), 2) & at(trains.columns, at(moving.columns, m, 3), 4))
        steps, d = (as_number(n, one) + half) * cell.step, at(moving.dw, m, 0)
        sign = as_number(nonzero(d > 0), one) - as_number(nonzero(d < 0), one)  # a branch would be guessed wrong half of the time
        put(moving.dw, m, steps * sign, 0)


@inline
def ones(word):
    """How many bits of 32 are set."""
    pairs = np.uint32(word) - (np.uint32(word) >> np.uint32(1) & np.uint32(0x55555555))
    fours = np.uint32(pairs & np.uint32(0x33333333)) + np.uint32(pairs >> np.uint32(2) & np.uint32(0x33333333))
    eights = np.uint32(fours + np.uint32(fours >> np.uint32(4))) & np.uint32(0x0F0F0F0F)
    sixteens = np.uint32(eights + np.uint32(eights >> np.uint32(8)))
    return np.int32(np.uint32(sixteens + np.uint32(sixteens >> np.uint32(16))) & np.uint32(0x3F))


@inline
def ask_as_it_is(cell, moving, count, one):
    pass


@inline
def at_least_one(cell, moving, one):
    return one if moving.trains.slots[0] > 0 else one - one


@inline
def any_number(cell, moving, one):
    return one - one


ask_in_pulses = chosen(takes_trains, ask_for_coincidences, ask_as_it_is)
fewest = chosen(takes_trains, at_least_one, any_number)


@inline
def write_listed(cell, planes, moving, count, now, counts, one):
    """Fetch the listed cells, write them side by side in one loop, and put them back where they stand."""
    lines, columns, cells, hits = moving.lines, moving.columns, moving.cells, moving.hits
    there, n, moved, pulses = flat(planes), planes[0].shape[1], 0, 0
    for m in range(count):
        take_out(cells, m, at(there, int(at(lines, m)) * n + int(at(columns, m)), 1), 0)
    ask_in_pulses(cell, moving, count, one)
    write_dense(as_told(cell, fewest(cell, moving, one)), moving, count, now, fewest(cell, moving, one), one)
    for m in range(count):
        put_back(there, int(at(lines, m)) * n + int(at(columns, m)), at(cells, m, 0), 1)
    for m in range(count):
        hit = at(hits, m)
        moved += nonzero(hit)
        pulses += int(hit)
    counts[1] -= moved
    counts[2] += pulses


@inline
def find_flagged(cell, moving, n):
    """List the columns in which some cell of four rows may move; returns how many these are, or -1 if it takes less time to write all cells.

    Eight columns in which none moves are passed at a look; among others, the list grows without a branch, which would be guessed wrong.
    """
    flags, words, blocks, flagged = moving.flags, moving.words, moving.blocks, moving.flagged
    some, width, blocks_in_all = 0, 0, (n + VECTOR - 1) // VECTOR
    for i in range(n, blocks_in_all * VECTOR):
        flags[i] = 0
    for k in range(blocks_in_all):
        blocks[some] = k
        some += at(words, k) != 0
    if cheap(cell) and 4 * some > 3 * blocks_in_all:
        return -1
    for b in range(some):
        start = int(at(blocks, b)) * VECTOR
        for c in range(VECTOR):
            flagged[width] = start + c
            width += at(flags, start + c) != 0
    return width


@inline
def list_row(moving, r, j, width, count, key):
    """Add the cells of row j that may move, the r-th of those with flags, to a list of so many; returns how many are listed then."""
    flags, columns, flagged, since = moving.flags, moving.columns, moving.flagged, count
    low, high = halves(fold(key, j))
    for m in range(width):
        i = at(flagged, m)
        columns[count] = i
        count += int(at(flags, i) >> r) & 1
    moving.lines[since:count] = j
    moving.low[since:count] = low
    moving.high[since:count] = high
    return count


@inline
def write_rows_whole(cell, planes, j, rows, dw, first, now, key, counts, one):
    """Write some rows of cells where they stand; row r of those from j is asked for ``dw[first + r]``."""
    for r in range(rows):
        _, moved, pulses = write_row(cell, row(planes, j + r), row(dw, first + r), one, now, fold(key, j + r), one)
        counts[1] -= moved
        counts[2] += pulses


@inline
def never(cell, planes, j, rows, dw, first, now, key, counts, one):
    pass


write_all = chosen(is_cheap, write_rows_whole, never)


@inline
def write_flagged(cell, planes, j, rows, dw, first, n, listed, last, now, key, moving, counts, one):
    """Add the cells of up to four rows that may move to a list of so many, and write them if they are enough or the last ones; returns how many wait.

    Row r of the rows from j is asked for ``dw[first + r]``.
    """
    width = find_flagged(cell, moving, n)
    if width < 0:
        write_all(cell, planes, j, rows, dw, first, now, key, counts, one)
    for r in range(rows):
        since, asks = listed, row(dw, first + r)
        if width > 0:
            listed = list_row(moving, r, j + r, width, listed, key)
        for m in range(since, listed):
            put(moving.dw, m, at(asks, at(moving.columns, m, 2), 1), 0)
        if listed >= ENOUGH or (last and r == rows - 1):
            write_listed(cell, planes, moving, listed, now, counts, one)
            listed = 0
    return listed


@inline
def flag_by_chance(cell, moving, j, r, dw, u, v, n, one):
    for i in range(n):
        moving.flags[i] |= may_move(cell, likely(cell, dw[i], one), u, v, i, one) << r


@inline
def flag_by_trains(cell, moving, j, r, dw, u, v, n, one):
    if moving.trains.slots[0] > 0:
        for i in range(n):
            moving.flags[i] |= coincide(moving.trains, j, i) << r
    else:
        flag_by_chance(cell, moving, j, r, dw, u, v, n, one)


flag_row = chosen(takes_trains, flag_by_trains, flag_by_chance)


@passage
def write_by_chance(cell, planes, j0, rows, dw, share, now, key, moving, counts, one):
    """`write_each`, but asking the cells that may move."""
    n, flags, listed = planes[0].shape[1], moving.flags, 0
    for first in range(0, rows, ROWS):
        four, asked = min(ROWS, rows - first), np.int32(0)
        flags[:n] = 0
        for r in range(four):
            asks = row(dw, first + r)
            u, v = halves(fold(key, j0 + first + r))
            for i in range(n):
                asks[i] *= share
                asked = np.int32(asked + nonzero(asks[i]))
            flag_row(cell, moving, j0 + first + r, r, asks, u, v, n, one)
        counts[0] += asked
        counts[1] += asked
        last = first + four == rows
        listed = write_flagged(cell, planes, j0 + first, four, dw, first, n, listed, last, now, key, moving, counts, one)


write_rows = chosen(says_its_chance, write_by_chance, write_each)


@passage
def write_totals(parts, p, now, key, step, moving, counts, one):
    """Write the changes put aside during a sequence."""
    k_write, share = stream(key, random.WRITE, p.number, step), one / (p.scale * as_number(p.z_before.shape[0], one))
    write_rows(parts.cell, p.planes, 0, p.total.shape[0], p.total, share, now, k_write, moving, counts, one)
    p.total[:] = one - one


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
