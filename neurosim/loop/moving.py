"""Cells that move: those that may are listed by their chance, written side by side, and put back."""

import numpy as np

from hw_models.protocols import Cell
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
    put,
    put_back,
    row,
    take_out,
)
from neurosim.loop.rows import MANY, ROWS, draw_read, draw_write, read, several, swallows, write, write_each, write_row
from neurosim.random import GRID, fold, halves, stream, whole

chance = kernel(Cell.chance)
SLICE = 32  #: rows that ask before those of their cells that may move are written
VECTOR, ENOUGH = 8, 64  #: cells that are written at once; listed cells that are enough to be written before all rows have asked


def says_its_chance(cell):
    """Whether a cell's class states the chance of its write; what it inherits holds as long as `write` is that one."""
    for cls in cell.__mro__:
        if "chance" in vars(cls):
            return cls.chance is not None
        if "write" in vars(cls):
            return False
    return False


def is_cheap(cell):
    return getattr(cell, "cheap", False)


def takes_trains(cell):
    return getattr(cell, "slots", None) is not None and says_its_chance(cell)


# the first number of a write decides; else the chance is 0 or 1
decides = constant(lambda cell: getattr(cell, "draws", {}).get("write", "u")[:1] == "u")
cheap = constant(is_cheap)


# ---------------------------------------------------------------- may it?


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


# ---------------------------------------------------------------- those that may are written side by side


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
        s, hit = write(cell, at(cells, m, 0), at(dw, m, 6), now, numbers)
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
        steps, d = (as_number(n, one) + half) * cell.step, at(moving.dw, m, 6)
        sign = as_number(nonzero(d > 0), one) - as_number(nonzero(d < 0), one)  # a branch would be guessed wrong half of the time
        put(moving.dw, m, steps * sign, 6)


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
        take_out(cells, m, at(there, int(at(lines, m)) * n + int(at(columns, m))), 0)
    ask_in_pulses(cell, moving, count, one)
    write_dense(as_told(cell, fewest(cell, moving, one)), moving, count, now, fewest(cell, moving, one), one)
    for m in range(count):
        put_back(there, int(at(lines, m)) * n + int(at(columns, m)), at(cells, m, 0))
    for m in range(count):
        hit = at(hits, m)
        moved += nonzero(hit)
        if several(cell):
            pulses += int(hit)
    counts[1] -= moved
    counts[2] += pulses


# ---------------------------------------------------------------- and listed by their flags


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
            put(moving.dw, m, at(asks, at(moving.columns, m, 2)), 6)
        if listed >= ENOUGH or (last and r == rows - 1):
            write_listed(cell, planes, moving, listed, now, counts, one)
            listed = 0
    return listed


# ---------------------------------------------------------------- rows of changes


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


# ---------------------------------------------------------------- changes that wait

MOST = 2**20  #: multiples of a threshold at a time, so that a sum beyond all numbers stays one


@inline
def due(waiting, threshold, one):
    """What is written of a change that waits: whole multiples of the threshold; all of it if there is none."""
    if threshold > 0:
        multiples = min(np.floor(abs(waiting) / threshold), as_number(MOST, one)) * threshold
        return multiples if waiting > 0 else -multiples
    return waiting


@passage
def put_aside(p, j0, rows, dw, one):
    """Let what some rows are asked for wait; of a batch, the mean, so that the next may be larger or smaller."""
    each = one / as_number(p.z_before.shape[0], one)
    for k in range(rows):
        waiting, asks = p.waiting[j0 + k], dw[k]
        for i in range(waiting.shape[0]):
            waiting[i] += asks[i] * each


@passage
def find_due(cell, p, plan, j0, rows, dw, counts, one):
    """Find what is to be written of what waits in some rows; if what comes of it is not looked at, it waits no more."""
    asked = np.int32(0)
    for k in range(rows):
        waiting, asks = p.waiting[j0 + k], dw[k]
        for i in range(waiting.shape[0]):
            asks[i] = due(waiting[i], plan.threshold, one)
            waiting[i] -= asks[i] if not plan.verify else one - one
            asked = np.int32(asked + nonzero(asks[i]))
    if not swallows(cell):  # else they are counted where they are written
        counts[0] += asked


@inline
def up_to_full_scale(cell, waiting, there, scale):
    """A register asks a cell with bounds for what is left of its full scale at most, or it would have to be undone before the cell comes back."""
    return min(max(waiting, -scale - there), scale - there)


@inline
def of_any_size(cell, waiting, there, scale):
    return waiting


held = chosen(lambda cell: cell.bounded, up_to_full_scale, of_any_size)


@passage
def look(cell, p, j0, rows, dw, after, k_look, one):
    """Look where the cells stand that are asked for something: added to what waits before they are written, and taken from it after."""
    for k in range(rows):
        cells, waiting, asks = row(p.planes, j0 + k), p.waiting[j0 + k], dw[k]
        u, v = halves(fold(k_look, j0 + k))
        for i in range(waiting.shape[0]):
            if asks[i] != 0:
                there = p.scale * read(cell, at(cells, i), draw_read(cell, u, v, i, one))
                waiting[i] = held(cell, waiting[i] - there, there, p.scale) if after else waiting[i] + there


@passage
def write_due(cell, p, plan, j0, rows, dw, now, key, step, scratch, counts, one):
    """Write what is due of what waits in some rows. If it is verified, what each cell has moved is taken from what waits, not what it was asked for."""
    find_due(cell, p, plan, j0, rows, dw, counts, one)
    if plan.verify:
        look(cell, p, j0, rows, dw, False, stream(key, random.BEFORE, p.number, step), one)
    k_write = stream(key, random.WRITE, p.number, step)
    write_rows(cell, p.planes, j0, rows, dw, one / p.scale, now, k_write, scratch.moving, counts, one)
    if plan.verify:
        look(cell, p, j0, rows, dw, True, stream(key, random.AFTER, p.number, step), one)


@passage
def write_waiting(parts, plan, p, now, key, step, scratch, counts, one):
    """Write what has waited for the end of a sequence."""
    dw = scratch.line if p.waiting.shape[0] == 1 else scratch.dw
    for j0 in range(0, p.waiting.shape[0], MANY):
        rows = min(MANY, p.waiting.shape[0] - j0)
        write_due(parts.cell, p, plan, j0, rows, dw, now, key, step, scratch, counts, one)
