"""One sweep over a projection's weights: each applies the previous step's broadcast and is read into the sums of every pass."""

import numpy as np

from hw_models.protocols import Cell, Noise, Tile
from neurosim import random
from neurosim.jit import (
    as_number,
    at,
    chosen,
    constant,
    fill,
    in_every_form,
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
from neurosim.protocols import Nothing, Rule
from neurosim.random import draws, fold, halves, stream, uniform

write, read, chance = kernel(Cell.write), kernel(Cell.read), kernel(Cell.chance)
gather = kernel(Tile.gather)
next_noise = kernel(Noise.next)
trace, change, perturb = kernel(Rule.trace), kernel(Rule.change), kernel(Rule.perturb)
draw_write, draw_read, draw_next = draws["write"], draws["read"], draws["next"]


def says_its_chance(cell):
    return getattr(cell, "chance", None) is not None  # None in a class that is derived from one which says it


swallows = constant(lambda cell: getattr(cell, "swallows", True))
decides = constant(
    lambda cell: getattr(cell, "draws", {}).get("write", "u")[:1] == "u"
)  # the first number of a write; else its chance is 0 or 1
several = constant(lambda cell: hasattr(cell, "most_pulses"))  # one write may be several pulses
remembers = constant(lambda rule: bool(rule.Register._fields))
at_weights = constant(lambda rule: rule.site == "weight")


@inline
def concerns(plan, layer, q):
    """Whether a pass is there for this layer."""
    return not plan.by_layer or layer == q - 1


ROWS, MANY, VECTOR = 4, 64, 8  # rows of weights that a sweep reads before it sums them; many if they are short, as a readout's are
READ, TRACE, WRITE = 0, 1, 2  # what a step does to the synapses: only read, advance traces, apply a broadcast


# ---------------------------------------------------------------- the usual case: one replica, a clean and a perturbed pass


@inline
def synapse(cell, rule, held, r, pre, a, reward, scale, share, now, u_read, u_write, one):
    """One synapse learns and is read: what it holds, its register, what the array sees, whether it was asked, and the pulses it got."""
    r = trace(rule, r, pre, a)
    d = change(rule, scale * read(cell, held, u_read), r, pre, a, reward) * share
    written, hit = write(cell, held, d, now, u_write)
    return written, r, read(cell, written, u_read), nonzero(d), hit


@inline
def learn_each(
    cell, rule, tile, planes, registers, scale, j, of, before, a, reward, now, z, clean, noisy, k_read, k_write, scratch, moving, counts, one,
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
    share, asked, moved, pulses = one / scale, np.int32(0), np.int32(0), np.int32(0)
    for i in range(a.shape[0]):
        own = at(a, i, 8)
        held, r, w0, a0, h0 = synapse(
            cell, rule, at(c0, i, 0), at(r0, i, 4), p0, own, reward, scale, share, now,
            draw_read(cell, u0, v0, i, one), draw_write(cell, s0, t0, i, one), one,
        )  # fmt: skip
        put(c0, i, held, 0)
        put(r0, i, r, 4)
        held, r, w1, a1, h1 = synapse(
            cell, rule, at(c1, i, 1), at(r1, i, 5), p1, own, reward, scale, share, now,
            draw_read(cell, u1, v1, i, one), draw_write(cell, s1, t1, i, one), one,
        )  # fmt: skip
        put(c1, i, held, 1)
        put(r1, i, r, 5)
        held, r, w2, a2, h2 = synapse(
            cell, rule, at(c2, i, 2), at(r2, i, 6), p2, own, reward, scale, share, now,
            draw_read(cell, u2, v2, i, one), draw_write(cell, s2, t2, i, one), one,
        )  # fmt: skip
        put(c2, i, held, 2)
        put(r2, i, r, 6)
        held, r, w3, a3, h3 = synapse(
            cell, rule, at(c3, i, 3), at(r3, i, 7), p3, own, reward, scale, share, now,
            draw_read(cell, u3, v3, i, one), draw_write(cell, s3, t3, i, one), one,
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


# ---------------------------------------------------------------- cells that state their chance


@inline
def wish(cell, rule, held, r, pre, a, reward, scale, share, u_read):
    """A synapse's register one step later, and the change that it asks of its cell."""
    r = trace(rule, r, pre, a)
    return r, change(rule, scale * read(cell, held, u_read), r, pre, a, reward) * share


@inline
def may_move(cell, dw, u, v, i, one):
    """1 if the first number that `write` is given in this column lets the cell move, or if its chance is not a number."""
    return np.int32(not (uniform(u, v, i, 0, one) if decides(cell) else as_number(0, one)) >= chance(cell, dw))


@inline
def learn_by_chance(
    cell, rule, tile, planes, registers, scale, j, of, before, a, reward, now, z, clean, noisy, k_read, k_write, scratch, moving, counts, one,
):  # fmt: skip
    """`learn_each` in three loops: what is asked, and which cells may move; those cells; the sums. Flags are at place 11."""
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
    share, n, asked = one / scale, a.shape[0], np.int32(0)
    for i in range(n):
        own = at(a, i, 8)
        r, d0 = wish(cell, rule, at(c0, i, 0), at(r0, i, 4), p0, own, reward, scale, share, draw_read(cell, u0, v0, i, one))
        put(r0, i, r, 4)
        put(w0, i, d0, 12)
        r, d1 = wish(cell, rule, at(c1, i, 1), at(r1, i, 5), p1, own, reward, scale, share, draw_read(cell, u1, v1, i, one))
        put(r1, i, r, 5)
        put(w1, i, d1, 13)
        r, d2 = wish(cell, rule, at(c2, i, 2), at(r2, i, 6), p2, own, reward, scale, share, draw_read(cell, u2, v2, i, one))
        put(r2, i, r, 6)
        put(w2, i, d2, 14)
        r, d3 = wish(cell, rule, at(c3, i, 3), at(r3, i, 7), p3, own, reward, scale, share, draw_read(cell, u3, v3, i, one))
        put(r3, i, r, 7)
        put(w3, i, d3, 15)
        asked = np.int32(asked + np.int32(nonzero(d0) + nonzero(d1) + nonzero(d2) + nonzero(d3)))
        m0, m1 = may_move(cell, d0, s0, t0, i, one), may_move(cell, d1, s1, t1, i, one)
        m2, m3 = may_move(cell, d2, s2, t2, i, one), may_move(cell, d3, s3, t3, i, one)
        put(flags, i, np.int32(m0 | m1 << 1 | m2 << 2 | m3 << 3), 11)
    moved, pulses = write_flagged(cell, planes, j, ROWS, dw, 0, n, now, k_write, moving, one)
    counts[0] += asked
    counts[1] += asked - moved
    counts[2] += pulses
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


learn_four = chosen(says_its_chance, learn_by_chance, learn_each)


@in_every_form
def write_dense(cell, moving, count, now, u, v, one):
    """Write cells of one row that stand side by side: whole vectors, so that some which follow the last one are written for nothing."""
    dw, columns, cells, hits = moving.dw, moving.columns, moving.cells, moving.hits
    for m in range((count + VECTOR - 1) // VECTOR * VECTOR):
        s, hit = write(cell, at(cells, m, 0), at(dw, m, 1), now, draw_write(cell, u, v, at(columns, m, 2), one))
        put(cells, m, s, 0)
        put(hits, m, hit, 3)


@inline
def write_flagged(cell, planes, j, rows, dw, first, n, now, key, moving, one):
    """Write the cells of up to four rows that may move, those of a row in one loop, side by side; returns how many moved, and the pulses.

    Row r of the rows from j is asked for ``dw[first + r]``. Eight columns in which no cell moves are passed at a look; among others, lists
    grow without a branch: it would be guessed wrong at every cell that moves.
    """
    flags, words, blocks, columns, cells, hits = moving.flags, moving.words, moving.blocks, moving.columns, moving.cells, moving.hits
    moved, pulses, some, whole = 0, 0, 0, (n + VECTOR - 1) // VECTOR
    for i in range(n, whole * VECTOR):
        flags[i] = 0
    for k in range(whole):
        blocks[some] = k
        some += (at(words, 4 * k) | at(words, 4 * k + 1) | at(words, 4 * k + 2) | at(words, 4 * k + 3)) != 0
    if some == 0:
        return moved, pulses
    for r in range(rows):
        count = 0
        for b in range(some):
            start = int(at(blocks, b)) * VECTOR
            for c in range(VECTOR):
                columns[count] = start + c
                count += (at(flags, start + c) >> r) & 1
        if count > 0:
            there, d = row(planes, j + r), row(dw, first + r)
            u, v = halves(fold(key, j + r))
            for m in range(count):
                i = at(columns, m)
                take_out(cells, m, at(there, i, 1), 0)
                put(moving.dw, m, at(d, i, 2), 3)
            write_dense(cell, moving, count, now, u, v, one)
            for m in range(count):
                hit = at(hits, m)
                put_back(there, at(columns, m), at(cells, m, 0), 1)
                moved += nonzero(hit)
                pulses += int(hit)
    return moved, pulses


# ---------------------------------------------------------------- as many fours as there are


@passage
def learn_in_fours(rule, parts, p, a, reward, now, k_read, k_write, scratch, counts, one):
    """`learn_four` for as many rows as it can; returns how many these were."""
    rows = p.z_before.shape[1] // ROWS * ROWS
    registers, before, signals = row(p.registers, 0), row(p.z_before, 0), row(a, 0)
    for k in range(p.sums[0].shape[0]):
        sums = row(p.sums, k)
        clean, noisy = row(row(sums, 0), 0), row(row(sums, 1), 0)
        for j in range(k * p.rows, min((k + 1) * p.rows, rows), ROWS):
            learn_four(
                parts.cell, rule, parts.tile, p.planes, registers, p.scale, j, p.rows, before, signals, reward[0], now, p.z, clean, noisy,
                k_read, k_write, scratch, scratch.moving, counts, one,
            )  # fmt: skip
    return rows


@passage
def learn_none(rule, parts, p, a, reward, now, k_read, k_write, scratch, counts, one):
    return 0


learn_at_once = chosen(lambda rule: rule.site == "weight", learn_none, learn_in_fours)


# ---------------------------------------------------------------- every case: any number of rows, replicas and passes


@passage
def write_each(cell, planes, j0, rows, dw, share, now, key, moving, counts, one):
    """Ask every cell of some rows for its change, a share of dw."""
    asked, moved, pulses = np.int32(0), np.int32(0), np.int32(0)
    for k in range(rows):
        cells, asks = row(planes, j0 + k), row(dw, k)
        u, v = halves(fold(key, j0 + k))
        for i in range(cells[0].shape[0]):
            d = asks[i] * share
            s, hit = write(cell, at(cells, i), d, now, draw_write(cell, u, v, i, one))
            put(cells, i, s)
            if swallows(cell):
                asked = np.int32(asked + nonzero(d))
                moved = np.int32(moved + nonzero(hit))
            if several(cell):
                pulses = np.int32(pulses + np.int32(hit))
    counts[0] += asked
    counts[1] += asked - moved
    counts[2] += pulses


@passage
def write_by_chance(cell, planes, j0, rows, dw, share, now, key, moving, counts, one):
    """`write_each`, but asking the cells that may move."""
    n, flags = planes[0].shape[1], moving.flags
    for first in range(0, rows, ROWS):
        four, asked = min(ROWS, rows - first), np.int32(0)
        flags[:n] = 0
        for r in range(four):
            asks = row(dw, first + r)
            u, v = halves(fold(key, j0 + first + r))
            for i in range(n):
                asks[i] *= share
                asked = np.int32(asked + nonzero(asks[i]))
                flags[i] |= may_move(cell, asks[i], u, v, i, one) << r
        moved, pulses = write_flagged(cell, planes, j0 + first, four, dw, first, n, now, key, moving, one)
        counts[0] += asked
        counts[1] += asked - moved
        counts[2] += pulses


write_rows = chosen(says_its_chance, write_by_chance, write_each)


@passage
def add_noise(parts, plan, key, q, replica, j, by, out, one):
    """Add so many times what one pass is given as perturbation of one row of weights."""
    mirrored = plan.antithetic and plan.sends[q]
    u, v = halves(fold(fold(fold(key, plan.base[q] if mirrored else q), replica), j))
    for i in range(out.shape[0]):
        _, xi = next_noise(parts.noise, Nothing(), draw_next(parts.noise, u, v, i, one))
        out[i] += (-by if mirrored else by) * xi


@passage
def own_noise(rule, parts, plan, p, scratch, rows, n_post, key, b, lane, replica, j0, one):
    """If weights are perturbed, a synapse learns from its own perturbation over the variance: that of each pass which is compared,
    less that of its base, times what a neuron would hear of it."""
    variance = plan.sigma * plan.sigma
    for k in range(rows):
        own = scratch.own[k][:n_post]
        own[:] = one - one
        for q in range(plan.sends.shape[0]):
            if plan.sends[q] and plan.lane[q] == lane and concerns(plan, p.number // 2, q):
                base = plan.base[q]
                if base != q and plan.noisy[base]:
                    add_noise(parts, plan, key, base, replica, j0 + k, -scratch.heard[q, b], own, one)
                add_noise(parts, plan, key, q, replica, j0 + k, scratch.heard[q, b], own, one)
        for i in range(n_post):
            own[i] /= variance


@passage
def no_noise(rule, parts, plan, p, scratch, rows, n_post, key, b, lane, replica, j0, one):
    pass


@inline
def synapse_side(rule, own, a, pre, one):
    return own, one


@inline
def neuron_side(rule, own, a, pre, one):
    return a, pre


@inline
def shaped(rule, r, xi, variance):
    return variance * perturb(rule, r, xi / variance)


@inline
def as_given(rule, r, xi, variance):
    return xi


moved_by = chosen(lambda rule: hasattr(rule, "perturb"), shaped, as_given)


@passage
def shake(rule, parts, plan, p, scratch, rows, n_post, key, q, b, replica, j, one):
    """Rows of weights as a perturbed pass sees them."""
    if not concerns(plan, p.number // 2, q):
        return scratch.seen
    registers, variance = row(p.registers, b * plan.lanes + plan.lane[q]), plan.sigma * plan.sigma
    for k in range(rows):
        source, target, held = scratch.seen[k], scratch.shaken[k][:n_post], row(registers, j + k)
        target[:] = one - one
        add_noise(parts, plan, key, q, replica, j + k, one, target, one)
        for i in range(n_post):
            target[i] = source[i] + moved_by(rule, at(held, i), target[i], variance)
    return scratch.shaken


@passage
def keep(rule, parts, plan, p, scratch, rows, n_post, key, q, b, replica, j, one):
    return scratch.seen


draw_own = chosen(lambda rule: rule.site == "weight", own_noise, no_noise)
sides = chosen(lambda rule: rule.site == "weight", synapse_side, neuron_side)  # what a synapse learns from: (signal, pre)
rows_of_pass = chosen(lambda rule: rule.site == "weight", shake, keep)


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


@passage
def ask_rows(cell, rule, planes, scale, j0, rows, registers, before, a, reward, arrived, scratch, k_read, one):
    """Advance the traces of some rows of synapses and add up what they ask for."""
    for k in range(rows):
        j = j0 + k
        cells, traces, dw = row(planes, j), row(registers, j), row(scratch.dw, k)
        own, pre = sides(rule, row(scratch.own, k), a, before[j], one)
        u, v = halves(fold(k_read, j))
        for i in range(cells[0].shape[0]):
            r = trace(rule, at(traces, i), pre, own[i])
            put(traces, i, r)
            dw[i] += arrived * change(rule, scale * read(cell, at(cells, i), draw_read(cell, u, v, i, one)), r, pre, own[i], reward)


@passage
def write_totals(parts, p, now, key, step, moving, counts, one):
    """Write the changes put aside during a sequence."""
    k_write, share = stream(key, random.WRITE, p.number, step), one / (p.scale * as_number(p.z_before.shape[0], one))
    write_rows(parts.cell, p.planes, 0, p.total.shape[0], p.total, share, now, k_write, moving, counts, one)
    p.total[:] = one - one


@passage
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


@inline
def arrivals(p, q, b):
    """Rows that a spike arrives at in this step."""
    landing = p.flight.landing[0]
    return p.flight.which[landing, q, b][: p.flight.n[landing, q, b]]


@passage
def read_event(parts, p, q, b, j, n_post, k_read, scratch, one):
    read_rows(parts.cell, p.planes, j, 1, scratch.seen, k_read, one)
    sums = row(row(row(p.sums, j // p.rows), q), b)
    if p.lines == 1:
        gather_rows(parts.tile, scratch.seen, 1, n_post, p.z[q, b], j, p.rows, sums, one)
    else:
        gather_apart(parts.tile, scratch.seen, 1, n_post, p.z[q, b], j, p.rows, sums, one)


@passage
def read_events(parts, p, passes, n_post, k_read, scratch, one):
    """Read only the rows that a spike arrives at, and that of a bias; the others would add nothing to any sum."""
    for q in range(passes):
        for b in range(p.z.shape[1]):
            for j in arrivals(p, q, b):
                read_event(parts, p, q, b, j, n_post, k_read, scratch, one)
            for j in range(p.flight.which.shape[3], p.z.shape[2]):
                read_event(parts, p, q, b, j, n_post, k_read, scratch, one)


@passage
def sweep(parts, rule, plan, p, what, passes, a, reward, first, key, step, now, scratch, counts, one):
    """Apply the previous step's broadcast to a projection and read it into the sums of every pass, a few rows after the other."""
    replicas, n_pre = p.z_before.shape
    n_post, writing = a.shape[1], what == WRITE and plan.at_once
    share = one / (p.scale * as_number(replicas, one))  # a batch asks for the mean of its changes
    k_noise, k_before = stream(key, random.WEIGHT_NOISE, p.number, step), stream(key, random.WEIGHT_NOISE, p.number, step - 1)
    k_read, k_write = stream(key, random.READ, p.number, step), stream(key, random.WRITE, p.number, step)
    fill(p.sums, one - one)
    if p.events and not at_weights(rule) and (what == READ or (what == TRACE and not remembers(rule))):
        read_events(parts, p, passes, n_post, k_read, scratch, one)
        return
    done, block = 0, ROWS if n_post > MANY else MANY
    if writing and replicas == 1 and passes == 2 and p.lines == 1:
        done = learn_at_once(rule, parts, p, a, reward, now, k_read, k_write, scratch, counts, one)
    for j0 in range(done, n_pre, block):
        rows = min(block, n_pre - j0)
        if what == WRITE or (what == TRACE and remembers(rule)):
            scratch.dw[:rows] = one - one
            for lane in range(a.shape[0]):
                b = lane // plan.lanes
                draw_own(rule, parts, plan, p, scratch, rows, n_post, k_before, b, lane % plan.lanes, first + b, j0, one)
                ask_rows(
                    parts.cell, rule, p.planes, p.scale, j0, rows, row(p.registers, lane), p.z_before[b], a[lane], reward[lane],
                    scratch.arrived[lane], scratch, k_read, one,
                )  # fmt: skip
            if writing:
                write_rows(parts.cell, p.planes, j0, rows, scratch.dw, share, now, k_write, scratch.moving, counts, one)
            elif what == WRITE:
                for k in range(rows):
                    total, dw = p.total[j0 + k], scratch.dw[k]
                    for i in range(n_post):
                        total[i] += dw[i]
        read_rows(parts.cell, p.planes, j0, rows, scratch.seen, k_read, one)
        for q in range(passes):
            for b in range(replicas):
                w = scratch.seen
                if plan.noisy[q]:
                    w = rows_of_pass(rule, parts, plan, p, scratch, rows, n_post, k_noise, q, b, first + b, j0, one)
                sums = row(row(row(p.sums, j0 // p.rows), q), b)
                if p.lines == 1:
                    gather_rows(parts.tile, w, rows, n_post, p.z[q, b], j0, p.rows, sums, one)
                else:
                    gather_apart(parts.tile, w, rows, n_post, p.z[q, b], j0, p.rows, sums, one)


# ---------------------------------------------------------------- sparse projections: one row of cells, a cell a wire


@passage
def learn_wires(parts, rule, plan, p, what, a, reward, now, k_read, k_write, scratch, counts, one):
    """Every wire applies the previous step's broadcast to its cell, or puts its change aside."""
    share = one / (p.scale * as_number(p.z_before.shape[0], one))
    cells, (u, v), (s, t) = row(p.planes, 0), halves(fold(k_read, 0)), halves(fold(k_write, 0))
    for j in range(p.z_before.shape[1]):
        for k in range(p.wires.start[j], p.wires.start[j + 1]):
            i, dw = p.wires.post[k], one - one
            w = p.scale * read(parts.cell, at(cells, k), draw_read(parts.cell, u, v, k, one))
            for lane in range(a.shape[0]):
                traces, pre = row(row(p.registers, lane), 0), p.z_before[lane // plan.lanes, j]
                r = trace(rule, at(traces, k), pre, a[lane, i])
                put(traces, k, r)
                dw += scratch.arrived[lane] * change(rule, w, r, pre, a[lane, i], reward[lane])
            if what == WRITE and plan.at_once:
                d = dw * share
                written, hit = write(parts.cell, at(cells, k), d, now, draw_write(parts.cell, s, t, k, one))
                put(cells, k, written)
                if swallows(parts.cell):
                    counts[0] += nonzero(d)
                    counts[1] += nonzero(d) - nonzero(hit)
                if several(parts.cell):
                    counts[2] += int(hit)
            elif what == WRITE:
                p.total[0, k] += dw


@inline
def read_wires(parts, p, q, b, j, u, v, one):
    """Add what the wires of a row carry to the sums that they lead to."""
    cells, sums, x = row(p.planes, 0), row(row(row(p.sums, 0), q), b), p.z[q, b, j]
    n_post, place = sums[0].shape[0] // p.lines, position(j, p.rows, one)
    for k in range(p.wires.start[j], p.wires.start[j + 1]):
        w, i = read(parts.cell, at(cells, k), draw_read(parts.cell, u, v, k, one)), p.wires.post[k]
        line = i + n_post if p.lines > 1 and w * x < 0 else i
        put(sums, line, plus(at(sums, line), gather(parts.tile, w, x, place)))


@passage
def sweep_wires(parts, rule, plan, p, what, passes, a, reward, first, key, step, now, scratch, counts, one):
    """`sweep` for a sparse projection: only wires from rows that sent something are read."""
    k_read, k_write = stream(key, random.READ, p.number, step), stream(key, random.WRITE, p.number, step)
    fill(p.sums, one - one)
    if what == WRITE or (what == TRACE and remembers(rule)):
        learn_wires(parts, rule, plan, p, what, a, reward, now, k_read, k_write, scratch, counts, one)
    u, v = halves(fold(k_read, 0))
    for q in range(passes):
        for b in range(p.z.shape[1]):
            if p.events:
                for j in arrivals(p, q, b):
                    read_wires(parts, p, q, b, j, u, v, one)
            else:
                for j in range(p.z.shape[2]):
                    if p.z[q, b, j] != 0:
                        read_wires(parts, p, q, b, j, u, v, one)


@passage
def sweep_either(wiring, parts, rule, plan, p, what, passes, a, reward, first, key, step, now, scratch, counts, one):
    if p.wires.start.shape[0] > 0:
        sweep_wires(parts, rule, plan, p, what, passes, a, reward, first, key, step, now, scratch, counts, one)
    else:
        sweep(parts, rule, plan, p, what, passes, a, reward, first, key, step, now, scratch, counts, one)


@inline
def sweep_dense(wiring, parts, rule, plan, p, what, passes, a, reward, first, key, step, now, scratch, counts, one):
    sweep(parts, rule, plan, p, what, passes, a, reward, first, key, step, now, scratch, counts, one)


pass_on = chosen(lambda wiring: wiring.sparse, sweep_either, sweep_dense)
