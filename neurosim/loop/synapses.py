"""One sweep over a projection's weights: each applies the previous step's broadcast and is read into the sums of every pass."""

from hw_models.protocols import Noise
from neurosim import random
from neurosim.jit import as_number, at, chosen, constant, fill, inline, kernel, passage, plus, put, row
from neurosim.loop.fours import changed, learn_at_once, remembers, trace
from neurosim.loop.moving import put_aside, write_due, write_rows
from neurosim.loop.records import READ, TRACE, WRITE
from neurosim.loop.rows import MANY, ROWS, draw_read, gather, gather_apart, gather_rows, position, read, read_rows
from neurosim.loop.trains import send
from neurosim.loop.wires import arrivals, sweep_wires
from neurosim.protocols import Nothing, Rule
from neurosim.random import draws, fold, halves, stream

next_noise, wander, draw_next = kernel(Noise.next), kernel(Rule.wander), draws["next"]
at_weights = constant(lambda rule: rule.site == "weight")


@inline
def concerns(plan, layer, q):
    """Whether a pass is there for this layer."""
    return not plan.by_layer or layer == q - 1


# ---------------------------------------------------------------- rules that perturb weights


@passage
def give(parts, plan, key, q, replica, j, out, one):
    """Draw what one pass is given as perturbation of one row of weights."""
    mirrored = plan.antithetic and plan.sends[q]
    u, v = halves(fold(fold(fold(key, plan.base[q] if mirrored else q), replica), j))
    for i in range(out.shape[0]):
        _, xi = next_noise(parts.noise, Nothing(), draw_next(parts.noise, u, v, i, one))
        out[i] = -xi if mirrored else xi


@passage
def own_noise(rule, plan, p, scratch, rows, n_post, b, lane, j0, one):
    """If weights are perturbed, a synapse learns from its own perturbation over the variance: that of each pass which is compared,
    less that of its base, times what a neuron would hear of it."""
    variance = plan.sigma * plan.sigma
    for k in range(rows):
        own = scratch.own[k][:n_post]
        own[:] = one - one
        for q in range(plan.sends.shape[0]):
            if plan.sends[q] and plan.lane[q] == lane and concerns(plan, p.number // 2, q):
                base, heard = plan.base[q], scratch.heard[q, b]
                if base != q and plan.noisy[base]:
                    given = p.given[base, b, j0 + k]
                    for i in range(n_post):
                        own[i] -= heard * given[i]
                given = p.given[q, b, j0 + k]
                for i in range(n_post):
                    own[i] += heard * given[i]
        for i in range(n_post):
            own[i] /= variance


@passage
def no_noise(rule, plan, p, scratch, rows, n_post, b, lane, j0, one):
    pass


@inline
def synapse_side(rule, own, a, pre, one):
    return own, one


@inline
def neuron_side(rule, own, a, pre, one):
    return a, pre


@inline
def shaped(rule, r, xi, variance):
    return variance * wander(rule, r, xi / variance)


@inline
def as_given(rule, r, xi, variance):
    return xi


moved_by = chosen(lambda rule: hasattr(rule, "wander"), shaped, as_given)


@passage
def shake(rule, parts, plan, p, scratch, rows, n_post, key, q, b, replica, j, one):
    """Rows of weights as a perturbed pass sees them."""
    if not concerns(plan, p.number // 2, q):
        return scratch.seen
    registers, variance = row(p.registers, b * plan.lanes + plan.lane[q]), plan.sigma * plan.sigma
    for k in range(rows):
        source, target, held, given = scratch.seen[k], scratch.shaken[k], row(registers, j + k), p.given[q, b, j + k]
        give(parts, plan, key, q, replica, j + k, given, one)
        for i in range(n_post):
            target[i] = source[i] + moved_by(rule, at(held, i), given[i], variance)
    return scratch.shaken


@passage
def keep(rule, parts, plan, p, scratch, rows, n_post, key, q, b, replica, j, one):
    return scratch.seen


draw_own = chosen(lambda rule: rule.site == "weight", own_noise, no_noise)
sides = chosen(lambda rule: rule.site == "weight", synapse_side, neuron_side)  # what a synapse learns from: (signal, pre)
rows_of_pass = chosen(lambda rule: rule.site == "weight", shake, keep)


# ---------------------------------------------------------------- any number of rows, replicas and passes


@passage
def ask_rows(cell, rule, planes, scale, j0, rows, registers, before, a, reward, arrived, scratch, k_read, k_rule, one):
    """Advance the traces of some rows of synapses and add up what they ask for."""
    for k in range(rows):
        j = j0 + k
        cells, traces, dw = row(planes, j), row(registers, j), row(scratch.dw, k)
        own, pre = sides(rule, row(scratch.own, k), a, before[j], one)
        u, v = halves(fold(k_read, j))
        for i in range(cells[0].shape[0]):
            r = trace(rule, at(traces, i), pre, own[i])
            put(traces, i, r)
            w = scale * read(cell, at(cells, i), draw_read(cell, u, v, i, one))
            dw[i] += arrived * changed(rule, w, r, pre, own[i], reward, k_rule, j, i, one)


@inline
def read_event(parts, p, q, b, j, n_post, k_read, one):
    """Read one row and add it to the sums, products below zero to lines of their own where there are two of a column."""
    cells, x, place, tile = row(p.planes, j), p.z[q, b, j], position(j, p.rows, one), 0
    u, v = halves(fold(k_read, j))
    if p.sums[0].shape[0] > 1:
        tile = j // p.rows
    sums = row(row(row(p.sums, tile), q), b)
    if p.lines == 1:
        for i in range(n_post):
            w = read(parts.cell, at(cells, i), draw_read(parts.cell, u, v, i, one))
            put(sums, i, plus(at(sums, i), gather(parts.tile, w, x, place)))
    else:
        for i in range(n_post):
            w = read(parts.cell, at(cells, i), draw_read(parts.cell, u, v, i, one))
            line = i + n_post if w * x < 0 else i
            put(sums, line, plus(at(sums, line), gather(parts.tile, w, x, place)))


@passage
def read_events(parts, p, passes, n_post, k_read, one):
    """Read only the rows that a spike arrives at, and that of a bias; the others would add nothing to any sum."""
    for q in range(passes):
        for b in range(p.z.shape[1]):
            for j in arrivals(p, q, b):
                read_event(parts, p, q, b, j, n_post, k_read, one)
            for j in range(p.flight.which.shape[3], p.z.shape[2]):
                read_event(parts, p, q, b, j, n_post, k_read, one)


@passage
def sweep(parts, rule, plan, p, what, passes, a, reward, arrived, first, key, step, now, scratch, counts, one):
    """Apply the previous step's broadcast to a projection and read it into the sums of every pass, a few rows after the other."""
    replicas, n_pre = p.z_before.shape
    n_post, writing, waits = a.shape[1], what == WRITE and plan.at_once, p.waiting.shape[0] > 0
    share = one / (p.scale * as_number(replicas, one))  # a batch asks for the mean of its changes
    k_noise = stream(key, random.WEIGHT_NOISE, p.number, step)
    k_read, k_write = stream(key, random.READ, p.number, step), stream(key, random.WRITE, p.number, step)
    k_rule = stream(key, random.RULE, p.number, step)
    fill(p.sums, one - one)
    if p.events and not at_weights(rule) and (what == READ or (what == TRACE and not remembers(rule))):
        read_events(parts, p, passes, n_post, k_read, one)
        return
    scratch.moving.trains.slots[0] = 0
    if writing and a.shape[0] == 1 and not waits:
        k_trains = stream(key, random.TRAINS, p.number, step)
        send(parts.cell, rule, scratch.moving.trains, p.scale, p.z_before[0], a[0], reward[0], k_trains, one)
    done, block = 0, ROWS if n_post > MANY else MANY
    if writing and replicas == 1 and passes == 2 and p.lines == 1 and not waits:
        done = learn_at_once(rule, parts, p, a, reward, now, k_read, k_write, fold(fold(k_rule, first), 0), scratch, counts, one)
    for j0 in range(done, n_pre, block):
        rows = min(block, n_pre - j0)
        if what == WRITE or (what == TRACE and remembers(rule)):
            scratch.dw[:rows] = one - one
            for lane in range(a.shape[0]):
                b = lane // plan.lanes
                draw_own(rule, plan, p, scratch, rows, n_post, b, lane % plan.lanes, j0, one)
                ask_rows(
                    parts.cell, rule, p.planes, p.scale, j0, rows, row(p.registers, lane), p.z_before[b], a[lane], reward[lane],
                    arrived[lane], scratch, k_read, fold(fold(k_rule, first + b), lane % plan.lanes), one,
                )  # fmt: skip
            if what == WRITE and waits:
                put_aside(p, j0, rows, scratch.dw, one)
            if writing:
                if waits:
                    write_due(parts.cell, p, plan, j0, rows, scratch.dw, now, key, step, scratch, counts, one)
                else:
                    write_rows(parts.cell, p.planes, j0, rows, scratch.dw, share, now, k_write, scratch.moving, counts, one)
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


@passage
def sweep_either(wiring, parts, rule, plan, p, what, passes, a, reward, arrived, currents, first, key, step, now, scratch, counts, one):
    if p.wires.start.shape[0] > 0:
        sweep_wires(parts, rule, plan, p, what, passes, a, reward, arrived, currents, first, key, step, now, scratch, counts, one)
    else:
        sweep(parts, rule, plan, p, what, passes, a, reward, arrived, first, key, step, now, scratch, counts, one)


@inline
def sweep_dense(wiring, parts, rule, plan, p, what, passes, a, reward, arrived, currents, first, key, step, now, scratch, counts, one):
    sweep(parts, rule, plan, p, what, passes, a, reward, arrived, first, key, step, now, scratch, counts, one)


pass_on = chosen(lambda wiring: wiring.sparse, sweep_either, sweep_dense)
