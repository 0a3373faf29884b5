"""The usual case: one replica, a clean and a perturbed pass. Four rows of synapses learn and are read at a time."""

import numpy as np

from hw_models.protocols import is_linear
from neurosim.jit import as_number, at, chosen, constant, inline, kernel, nonzero, passage, plus, put, row
from neurosim.loop.moving import (
    ENOUGH,
    SLICE,
    coincide,
    find_flagged,
    likely,
    list_row,
    may_move,
    says_its_chance,
    takes_trains,
    write_all,
    write_flagged,
    write_listed,
)
from neurosim.loop.rows import ROWS, draw_read, draw_write, full_scale, gather, position, read, several, swallows, write
from neurosim.protocols import Nothing, Rule, is_product
from neurosim.random import draws, fold, halves

trace, change, settle = kernel(Rule.trace), kernel(Rule.change), kernel(Rule.settle)
draw_settle = draws["settle"]
remembers = constant(lambda rule: bool(rule.Register._fields))


@inline
def left_to_chance(rule, w, r, pre, a, reward, key, j, i, one):
    u, v = halves(fold(key, j))
    return settle(rule, w, change(rule, w, r, pre, a, reward), draw_settle(rule, u, v, i, one))


@inline
def as_asked(rule, w, r, pre, a, reward, key, j, i, one):
    return change(rule, w, r, pre, a, reward)


changed = chosen(lambda rule: hasattr(rule, "settle"), left_to_chance, as_asked)


@inline
def synapse(cell, rule, held, r, pre, a, reward, scale, share, now, u_read, u_write, k_rule, j, i, one):
    """One synapse learns and is read: what it holds, its register, what the array sees, whether it was asked, and the pulses it got."""
    r = trace(rule, r, pre, a)
    d = changed(rule, scale * read(cell, held, u_read), r, pre, a, reward, k_rule, j, i, one) * share
    written, hit = write(cell, held, d, now, u_write)
    return written, r, read(cell, written, u_read), nonzero(d), hit


@inline
def learn_four(
    cell, rule, tile, planes, registers, scale, j, of, before, a, reward, now, z, clean, noisy, k_read, k_write, k_rule, counts, one,
):  # fmt: skip
    """Four rows of synapses learn and are read into the sums of two passes in one loop: each weight passes through the processor once.

    Places: rows of cells are 0 to 3, their registers 4 to 7, the signals 8, the two sums 9 and 10.
    """
    c0, c1, c2, c3 = row(planes, j), row(planes, j + 1), row(planes, j + 2), row(planes, j + 3)
    r0, r1, r2, r3 = row(registers, j), row(registers, j + 1), row(registers, j + 2), row(registers, j + 3)
    p0, p1, p2, p3 = before[j], before[j + 1], before[j + 2], before[j + 3]
    x0, x1, x2, x3 = z[0, 0, j], z[0, 0, j + 1], z[0, 0, j + 2], z[0, 0, j + 3]
    y0, y1, y2, y3 = z[1, 0, j], z[1, 0, j + 1], z[1, 0, j + 2], z[1, 0, j + 3]
    f0, f1, f2, f3 = position(j, of, one), position(j + 1, of, one), position(j + 2, of, one), position(j + 3, of, one)
    u0, v0 = halves(fold(k_read, j))
    u1, v1 = halves(fold(k_read, j + 1))
    u2, v2 = halves(fold(k_read, j + 2))
    u3, v3 = halves(fold(k_read, j + 3))
    s0, t0 = halves(fold(k_write, j))
    s1, t1 = halves(fold(k_write, j + 1))
    s2, t2 = halves(fold(k_write, j + 2))
    s3, t3 = halves(fold(k_write, j + 3))
    scale = full_scale(cell, scale, one)
    share, asked, moved, pulses = as_number(1, one) / scale, np.int32(0), np.int32(0), np.int32(0)
    for i in range(a.shape[0]):
        own = at(a, i, 8)
        held, r, w0, a0, h0 = synapse(
            cell, rule, at(c0, i, 0), at(r0, i, 4), p0, own, reward, scale, share, now,
            draw_read(cell, u0, v0, i, one), draw_write(cell, s0, t0, i, one), k_rule, j, i, one,
        )  # fmt: skip
        put(c0, i, held, 0)
        put(r0, i, r, 4)
        held, r, w1, a1, h1 = synapse(
            cell, rule, at(c1, i, 1), at(r1, i, 5), p1, own, reward, scale, share, now,
            draw_read(cell, u1, v1, i, one), draw_write(cell, s1, t1, i, one), k_rule, j + 1, i, one,
        )  # fmt: skip
        put(c1, i, held, 1)
        put(r1, i, r, 5)
        held, r, w2, a2, h2 = synapse(
            cell, rule, at(c2, i, 2), at(r2, i, 6), p2, own, reward, scale, share, now,
            draw_read(cell, u2, v2, i, one), draw_write(cell, s2, t2, i, one), k_rule, j + 2, i, one,
        )  # fmt: skip
        put(c2, i, held, 2)
        put(r2, i, r, 6)
        held, r, w3, a3, h3 = synapse(
            cell, rule, at(c3, i, 3), at(r3, i, 7), p3, own, reward, scale, share, now,
            draw_read(cell, u3, v3, i, one), draw_write(cell, s3, t3, i, one), k_rule, j + 3, i, one,
        )  # fmt: skip
        put(c3, i, held, 3)
        put(r3, i, r, 7)
        h = plus(plus(at(clean, i, 9), gather(tile, w0, x0, f0)), gather(tile, w1, x1, f1))
        put(clean, i, plus(plus(h, gather(tile, w2, x2, f2)), gather(tile, w3, x3, f3)), 9)
        h = plus(plus(at(noisy, i, 10), gather(tile, w0, y0, f0)), gather(tile, w1, y1, f1))
        put(noisy, i, plus(plus(h, gather(tile, w2, y2, f2)), gather(tile, w3, y3, f3)), 10)
        if swallows(cell):
            asked = np.int32(asked + np.int32(a0 + a1 + a2 + a3))
            moved = np.int32(moved + np.int32(nonzero(h0) + nonzero(h1) + nonzero(h2) + nonzero(h3)))
        if several(cell):
            pulses = np.int32(pulses + np.int32(np.int32(h0) + np.int32(h1) + np.int32(h2) + np.int32(h3)))
    counts[0] += asked
    counts[1] += asked - moved
    counts[2] += pulses


@inline
def learn_each(
    cell, rule, tile, planes, registers, scale, first, end, of, before, a, reward, now, z, clean, noisy, k_read, k_write, k_rule, scratch, moving, counts, one,
):  # fmt: skip
    """Rows learn and are read, four at a time."""
    for j in range(first, end, ROWS):
        learn_four(
            cell, rule, tile, planes, registers, scale, j, of, before, a, reward, now, z, clean, noisy, k_read, k_write, k_rule, counts, one,
        )  # fmt: skip


# ---------------------------------------------------------------- cells that state their chance


@inline
def wish(cell, rule, held, r, pre, a, reward, scale, share, u_read, k_rule, j, i, one):
    """A synapse's register one step later, and the change that it asks of its cell."""
    r = trace(rule, r, pre, a)
    return r, changed(rule, scale * read(cell, held, u_read), r, pre, a, reward, k_rule, j, i, one) * share


@inline
def flag_four(cell, c0, c1, c2, c3, s0, t0, s1, t1, s2, t2, s3, t3, i, one):
    """Which of four cells of a column may move with these chances, a bit a row."""
    m0, m1 = may_move(cell, c0, s0, t0, i, one), may_move(cell, c1, s1, t1, i, one)
    m2, m3 = may_move(cell, c2, s2, t2, i, one), may_move(cell, c3, s3, t3, i, one)
    return np.int32(m0 | m1 << 1 | m2 << 2 | m3 << 3)


@inline
def four_by_chance(cell, d0, d1, d2, d3, s0, t0, s1, t1, s2, t2, s3, t3, i, one):
    return flag_four(
        cell, likely(cell, d0, one), likely(cell, d1, one), likely(cell, d2, one), likely(cell, d3, one), s0, t0, s1, t1, s2, t2, s3, t3, i, one
    )  # fmt: skip


@inline
def none_yet(cell, d0, d1, d2, d3, s0, t0, s1, t1, s2, t2, s3, t3, i, one):
    return np.int32(0)


@inline
def nothing_later(cell, moving, w0, w1, w2, w3, s0, t0, s1, t1, s2, t2, s3, t3, j, n, one):
    pass


@inline
def flag_where_trains_meet(trains, flags, j, n):
    for i in range(n):
        m0, m1 = coincide(trains, j, i), coincide(trains, j + 1, i)
        m2, m3 = coincide(trains, j + 2, i), coincide(trains, j + 3, i)
        put(flags, i, np.int32(m0 | m1 << 1 | m2 << 2 | m3 << 3), 11)


@inline
def four_by_trains(cell, moving, w0, w1, w2, w3, s0, t0, s1, t1, s2, t2, s3, t3, j, n, one):
    """Flags of four rows: where trains meet, if there are any."""
    flags = moving.flags
    if moving.trains.slots[0] > 0:
        flag_where_trains_meet(moving.trains, flags, j, n)
    else:
        for i in range(n):
            d0, d1, d2, d3 = at(w0, i, 12), at(w1, i, 13), at(w2, i, 14), at(w3, i, 15)
            put(flags, i, four_by_chance(cell, d0, d1, d2, d3, s0, t0, s1, t1, s2, t2, s3, t3, i, one), 11)


flags_at_once = chosen(takes_trains, none_yet, four_by_chance)
flag_later = chosen(takes_trains, four_by_trains, nothing_later)


@inline
def ask_four(
    cell, rule, planes, registers, scale, j, before, a, reward, now, k_read, k_write, k_rule, listed, last, scratch, moving, counts, one
):
    """What four rows ask of their cells, and which of these may move: they join the list of so many. Flags are at place 11."""
    c0, c1, c2, c3 = row(planes, j), row(planes, j + 1), row(planes, j + 2), row(planes, j + 3)
    r0, r1, r2, r3 = row(registers, j), row(registers, j + 1), row(registers, j + 2), row(registers, j + 3)
    p0, p1, p2, p3 = before[j], before[j + 1], before[j + 2], before[j + 3]
    dw, flags = scratch.dw, moving.flags
    w0, w1, w2, w3 = row(dw, 0), row(dw, 1), row(dw, 2), row(dw, 3)
    u0, v0 = halves(fold(k_read, j))
    u1, v1 = halves(fold(k_read, j + 1))
    u2, v2 = halves(fold(k_read, j + 2))
    u3, v3 = halves(fold(k_read, j + 3))
    s0, t0 = halves(fold(k_write, j))
    s1, t1 = halves(fold(k_write, j + 1))
    s2, t2 = halves(fold(k_write, j + 2))
    s3, t3 = halves(fold(k_write, j + 3))
    scale = full_scale(cell, scale, one)
    share, n, asked = as_number(1, one) / scale, a.shape[0], np.int32(0)
    for i in range(n):
        own = at(a, i, 8)
        r, d0 = wish(
            cell, rule, at(c0, i, 0), at(r0, i, 4), p0, own, reward, scale, share,
            draw_read(cell, u0, v0, i, one), k_rule, j, i, one,
        )  # fmt: skip
        put(r0, i, r, 4)
        put(w0, i, d0, 12)
        r, d1 = wish(
            cell, rule, at(c1, i, 1), at(r1, i, 5), p1, own, reward, scale, share,
            draw_read(cell, u1, v1, i, one), k_rule, j + 1, i, one,
        )  # fmt: skip
        put(r1, i, r, 5)
        put(w1, i, d1, 13)
        r, d2 = wish(
            cell, rule, at(c2, i, 2), at(r2, i, 6), p2, own, reward, scale, share,
            draw_read(cell, u2, v2, i, one), k_rule, j + 2, i, one,
        )  # fmt: skip
        put(r2, i, r, 6)
        put(w2, i, d2, 14)
        r, d3 = wish(
            cell, rule, at(c3, i, 3), at(r3, i, 7), p3, own, reward, scale, share,
            draw_read(cell, u3, v3, i, one), k_rule, j + 3, i, one,
        )  # fmt: skip
        put(r3, i, r, 7)
        put(w3, i, d3, 15)
        asked = np.int32(asked + np.int32(nonzero(d0) + nonzero(d1) + nonzero(d2) + nonzero(d3)))
        put(flags, i, flags_at_once(cell, d0, d1, d2, d3, s0, t0, s1, t1, s2, t2, s3, t3, i, one), 11)
    flag_later(cell, moving, w0, w1, w2, w3, s0, t0, s1, t1, s2, t2, s3, t3, j, n, one)
    counts[0] += asked
    counts[1] += asked
    return write_flagged(cell, planes, j, ROWS, dw, 0, n, listed, last, now, k_write, moving, counts, one)


@inline
def write_fours(
    cell, rule, planes, registers, scale, first, end, before, a, reward, now, k_read, k_write, k_rule, scratch, moving, counts, one
):
    """Some rows ask, four at a time, and their cells are written."""
    listed = 0
    for j in range(first, end, ROWS):
        listed = ask_four(
            cell, rule, planes, registers, scale, j, before, a, reward, now, k_read, k_write, k_rule, listed, j + ROWS == end, scratch, moving, counts, one,
        )  # fmt: skip


# ---------------------------------------------------------------- whose changes are products and whose chances are linear


@inline
def meet_or_flag(cell, moving, before, j, n, key, one):
    if moving.trains.slots[0] > 0:
        flag_where_trains_meet(moving.trains, moving.flags, j, n)
    else:
        flag_products(cell, moving, before, j, n, key, one)


@inline
def flag_products(cell, moving, before, j, n, key, one):
    """Which cells of four rows may move, whose chances are products of what comes from below and `odds`."""
    odds, flags = moving.odds, moving.flags
    p0, p1, p2, p3 = abs(before[j]), abs(before[j + 1]), abs(before[j + 2]), abs(before[j + 3])
    s0, t0 = halves(fold(key, j))
    s1, t1 = halves(fold(key, j + 1))
    s2, t2 = halves(fold(key, j + 2))
    s3, t3 = halves(fold(key, j + 3))
    for i in range(n):
        c = at(odds, i, 12)
        put(flags, i, flag_four(cell, c * p0, c * p1, c * p2, c * p3, s0, t0, s1, t1, s2, t2, s3, t3, i, one), 11)


flag_rows = chosen(takes_trains, meet_or_flag, flag_products)


@inline
def write_products(
    cell, rule, planes, registers, scale, first, end, before, a, reward, now, k_read, k_write, k_rule, scratch, moving, counts, one
):
    """As `write_fours`, but what is asked is worked out for the cells that may move alone."""
    n, zero, odds, dw, width, listed, posts, pres = a.shape[0], one - one, moving.odds, scratch.dw, 0, 0, 0, 0
    share = as_number(1, one) / full_scale(cell, scale, one)
    steep = likely(cell, as_number(1, one), one) * (one + one / as_number(8192, one))  # more than what the order of products rounds off
    for i in range(n):
        d = change(rule, zero, Nothing(), as_number(1, one), at(a, i, 8), reward) * share
        put(odds, i, abs(d) * steep, 12)
        posts += nonzero(d)
    for j in range(first, end):
        pres += nonzero(before[j])  # asked is who has both, even if the product is too small for a number
    counts[0] += posts * pres
    counts[1] += posts * pres
    for j in range(first, end, ROWS):
        if width >= 0:  # else the four rows before were written whole: these are too, unasked
            flag_rows(cell, moving, before, j, n, k_write, one)
            width = find_flagged(cell, moving, n)
        if width < 0:
            for r in range(ROWS):
                pre, asks = before[j + r], row(dw, r)
                for i in range(n):
                    put(asks, i, change(rule, zero, Nothing(), pre, at(a, i, 8), reward) * share, 12)
            write_all(cell, planes, j, ROWS, dw, 0, now, k_write, counts, one)
        for r in range(ROWS):
            since, pre = listed, before[j + r]
            if width > 0:
                listed = list_row(moving, r, j + r, width, listed, k_write)
            for m in range(since, listed):
                put(moving.dw, m, change(rule, zero, Nothing(), pre, at(a, at(moving.columns, m, 2), 8), reward) * share, 6)
            if listed >= ENOUGH or j + r + 1 == end:
                write_listed(cell, planes, moving, listed, now, counts, one)
                listed = 0


def proportional(cell, rule):
    """Whether what a rule asks for is a product, and the chance that a cell moves proportional to it."""
    return is_linear(cell) and is_product(rule) and not hasattr(rule, "settle")


write_slice = chosen(proportional, write_products, write_fours)


# ---------------------------------------------------------------- then the sums


@inline
def sum_four(cell, tile, planes, j, of, n, z, clean, noisy, k_read, one):
    """Four rows are read into the sums of two passes."""
    c0, c1, c2, c3 = row(planes, j), row(planes, j + 1), row(planes, j + 2), row(planes, j + 3)
    u0, v0 = halves(fold(k_read, j))
    u1, v1 = halves(fold(k_read, j + 1))
    u2, v2 = halves(fold(k_read, j + 2))
    u3, v3 = halves(fold(k_read, j + 3))
    f0, f1, f2, f3 = position(j, of, one), position(j + 1, of, one), position(j + 2, of, one), position(j + 3, of, one)
    x0, x1, x2, x3 = z[0, 0, j], z[0, 0, j + 1], z[0, 0, j + 2], z[0, 0, j + 3]
    y0, y1, y2, y3 = z[1, 0, j], z[1, 0, j + 1], z[1, 0, j + 2], z[1, 0, j + 3]
    for i in range(n):
        w0 = read(cell, at(c0, i, 0), draw_read(cell, u0, v0, i, one))
        w1 = read(cell, at(c1, i, 1), draw_read(cell, u1, v1, i, one))
        w2 = read(cell, at(c2, i, 2), draw_read(cell, u2, v2, i, one))
        w3 = read(cell, at(c3, i, 3), draw_read(cell, u3, v3, i, one))
        h = plus(plus(at(clean, i, 9), gather(tile, w0, x0, f0)), gather(tile, w1, x1, f1))
        put(clean, i, plus(plus(h, gather(tile, w2, x2, f2)), gather(tile, w3, x3, f3)), 9)
        h = plus(plus(at(noisy, i, 10), gather(tile, w0, y0, f0)), gather(tile, w1, y1, f1))
        put(noisy, i, plus(plus(h, gather(tile, w2, y2, f2)), gather(tile, w3, y3, f3)), 10)


@inline
def learn_by_chance(
    cell, rule, tile, planes, registers, scale, first, end, of, before, a, reward, now, z, clean, noisy, k_read, k_write, k_rule, scratch, moving, counts, one,
):  # fmt: skip
    """Rows learn and are read in three loops: what is asked, and which cells may move; those cells; the sums."""
    write_slice(
        cell, rule, planes, registers, scale, first, end, before, a, reward, now, k_read, k_write, k_rule, scratch, moving, counts, one
    )  # fmt: skip
    for j in range(first, end, ROWS):
        sum_four(cell, tile, planes, j, of, a.shape[0], z, clean, noisy, k_read, one)


learn_rows = chosen(says_its_chance, learn_by_chance, learn_each)


# ---------------------------------------------------------------- as many fours as there are


@passage
def learn_in_fours(rule, parts, p, a, reward, now, k_read, k_write, k_rule, scratch, counts, one):
    """`learn_rows` for as many as there are fours of; returns how many these were."""
    rows = p.z_before.shape[1] // ROWS * ROWS
    registers, before, signals = row(p.registers, 0), row(p.z_before, 0), row(a, 0)
    for k in range(p.sums[0].shape[0]):
        sums = row(p.sums, k)
        clean, noisy = row(row(sums, 0), 0), row(row(sums, 1), 0)
        end = min((k + 1) * p.rows, rows)
        for j in range(k * p.rows, end, SLICE):
            learn_rows(
                parts.cell, rule, parts.tile, p.planes, registers, p.scale, j, min(j + SLICE, end), p.rows, before, signals, reward[0], now, p.z, clean, noisy,
                k_read, k_write, k_rule, scratch, scratch.moving, counts, one,
            )  # fmt: skip
    return rows


@passage
def learn_none(rule, parts, p, a, reward, now, k_read, k_write, k_rule, scratch, counts, one):
    return 0


learn_at_once = chosen(lambda rule: rule.site == "weight", learn_none, learn_in_fours)
