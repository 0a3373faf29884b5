"""Sparse projections: one row of cells, a cell a wire; and rows that a spike arrives at."""

from hw_models.tile import Sum
from neurosim import random
from neurosim.jit import as_number, at, chosen, constant, fill, inline, nonzero, passage, plus, put, row
from neurosim.loop.fours import changed, remembers, trace
from neurosim.loop.moving import due, held
from neurosim.loop.records import TRACE, WRITE
from neurosim.loop.rows import draw_read, draw_write, full_scale, gather, position, read, several, swallows, write
from neurosim.random import fold, halves, stream

exact = constant(lambda part: getattr(part, "exact", False))


@inline
def arrivals(p, q, b):
    """Rows that a spike arrives at in this step."""
    landing = p.flight.landing[0]
    return p.flight.which[landing, q, b][: p.flight.n[landing, q, b]]


@passage
def learn_wires(parts, rule, plan, p, what, a, reward, arrived, first, now, key, step, counts, one):
    """Every wire applies the previous step's broadcast to its cell, or puts its change aside."""
    waits, each = p.waiting.shape[0] > 0, one / as_number(p.z_before.shape[0], one)
    share = one / p.scale if waits else one / (p.scale * as_number(p.z_before.shape[0], one))
    cells, k_rule = row(p.planes, 0), stream(key, random.RULE, p.number, step)
    u, v = halves(fold(stream(key, random.READ, p.number, step), 0))
    s, t = halves(fold(stream(key, random.WRITE, p.number, step), 0))
    before, after = halves(fold(stream(key, random.BEFORE, p.number, step), 0)), halves(fold(stream(key, random.AFTER, p.number, step), 0))
    for j in range(p.z_before.shape[1]):
        for k in range(p.wires.start[j], p.wires.start[j + 1]):
            i, dw = p.wires.post[k], one - one
            w = p.scale * read(parts.cell, at(cells, k), draw_read(parts.cell, u, v, k, one))
            for lane in range(a.shape[0]):
                traces, pre = row(row(p.registers, lane), 0), p.z_before[lane // plan.lanes, j]
                r = trace(rule, at(traces, k), pre, a[lane, i])
                put(traces, k, r)
                own = fold(fold(k_rule, first + lane // plan.lanes), lane % plan.lanes)
                dw += arrived[lane] * changed(rule, w, r, pre, a[lane, i], reward[lane], own, 0, k, one)
            if what == WRITE and waits:
                p.waiting[0, k] += dw * each
            if what == WRITE and plan.at_once:
                if waits:
                    dw = due(p.waiting[0, k], plan.threshold, one)
                    if not plan.verify:
                        p.waiting[0, k] -= dw
                    elif dw != 0:
                        p.waiting[0, k] += p.scale * read(parts.cell, at(cells, k), draw_read(parts.cell, before[0], before[1], k, one))
                    if not swallows(parts.cell):
                        counts[0] += nonzero(dw)
                d = dw * share
                written, hit = write(parts.cell, at(cells, k), d, now, draw_write(parts.cell, s, t, k, one))
                put(cells, k, written)
                if waits and plan.verify and dw != 0:
                    there = p.scale * read(parts.cell, at(cells, k), draw_read(parts.cell, after[0], after[1], k, one))
                    p.waiting[0, k] = held(parts.cell, p.waiting[0, k] - there, there, p.scale)
                if swallows(parts.cell):
                    counts[0] += nonzero(d)
                    counts[1] += nonzero(d) - nonzero(hit)
                if several(parts.cell):
                    counts[2] += int(hit)


@inline
def straight(parts, p):
    """Whether wires add to currents at once: nothing else would become of their sums."""
    return exact(parts.tile) and exact(parts.adc) and p.wires.start.shape[0] > 0 and p.reference[0].shape[1] == 0


@inline
def sums_or_currents(tile, parts, p, q, b, currents):
    return Sum(row(row(currents, q), b)) if straight(parts, p) else row(row(row(p.sums, 0), q), b)  # pyright: ignore[reportArgumentType]: an array


@inline
def sums_alone(tile, parts, p, q, b, currents):
    return row(row(row(p.sums, 0), q), b)


lead_to = chosen(lambda tile: getattr(tile, "exact", False), sums_or_currents, sums_alone)


@inline
def read_wires(parts, p, q, b, j, scale, sums, u, v, one):
    """Add what the wires of a row carry, times a scale, to what they lead to."""
    cells, x = row(p.planes, 0), p.z[q, b, j]
    n_post, place = sums[0].shape[0] // p.lines, position(j, p.rows, one)
    for k in range(p.wires.start[j], p.wires.start[j + 1]):
        w, i = scale * read(parts.cell, at(cells, k), draw_read(parts.cell, u, v, k, one)), p.wires.post[k]
        line = i + n_post if p.lines > 1 and w * x < 0 else i
        put(sums, line, plus(at(sums, line), gather(parts.tile, w, x, place)))


@passage
def sweep_wires(parts, rule, plan, p, what, passes, a, reward, arrived, currents, first, key, step, now, scratch, counts, one):
    """`sweep` for a sparse projection: only wires from rows that sent something are read."""
    scale = as_number(1, one)
    if straight(parts, p):
        scale = full_scale(parts.cell, p.scale, one)
    else:
        fill(p.sums, one - one)
    if what == WRITE or (what == TRACE and remembers(rule)):
        learn_wires(parts, rule, plan, p, what, a, reward, arrived, first, now, key, step, counts, one)
    u, v = halves(fold(stream(key, random.READ, p.number, step), 0))
    for q in range(passes):
        for b in range(p.z.shape[1]):
            sums = lead_to(parts.tile, parts, p, q, b, currents)
            if p.events:
                for j in arrivals(p, q, b):
                    read_wires(parts, p, q, b, j, scale, sums, u, v, one)
            else:
                for j in range(p.z.shape[2]):
                    if p.z[q, b, j] != 0:
                        read_wires(parts, p, q, b, j, scale, sums, u, v, one)
