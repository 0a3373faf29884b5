"""The loop: every pass in lock step, one broadcast, one local change of each weight, one sweep over the weights a step.

This is plain Python; `jit.compiled` runs the same source compiled, and both give the same bits. In one step, layer by layer:

1. `sweep`: each synapse applies the *previous* step's broadcast to its cell and is read into the sums of every pass, so that a
   weight is touched once a step;
2. `fire`: the column's sums pass the tile and the ADC, meet the perturbation, and the neuron answers;
3. `decorrelate`: where asked for, what the next weights see is D x, and D learns (a declared layer operation);
4. `broadcast`: the loss change of each replica goes over the reward wire; then `listen`: each neuron forms its local signal.

Axes: pass q, replica b (a batch: copies of the network that share the weights), pre j, post i. Weights are stored pre-major.
"""

from typing import Any, NamedTuple

import numpy as np

from hw_models.protocols import Cell, Converter, Noise, Tile, Wire
from hw_models.tile import Adder, Sum
from neurosim import random
from neurosim.jit import at, chosen, constant, dot, fill, inline, kernel, passage, plus, put, row, twin
from neurosim.protocols import Extra, Loss, Neuron, Nothing, Own, Rule
from neurosim.random import fold, halves

write, read, age = kernel(Cell.write), kernel(Cell.read), kernel(Cell.age)
gather, finish, convert = kernel(Tile.gather), kernel(Tile.finish), kernel(Converter.convert)
next_noise, send = kernel(Noise.next), kernel(Wire.send)
make_cell, program, make_column = kernel(Cell.make), kernel(Cell.program), kernel(Tile.make)
make_noise, make_wire = kernel(Noise.make), kernel(Wire.make)
make_neuron, start, neuron_step = kernel(Neuron.make), kernel(Neuron.start), kernel(Neuron.step)
signal, trace, change = kernel(Rule.signal), kernel(Rule.trace), kernel(Rule.change)
loss_value, loss_change = kernel(Loss.value), kernel(Loss.change)
draw = random.draws
draw_write, draw_read, draw_age, draw_finish = draw["write"], draw["read"], draw["age"], draw["finish"]
draw_convert, draw_next, draw_send, draw_make, draw_program = draw["convert"], draw["next"], draw["send"], draw["make"], draw["program"]

swallows = constant(lambda cell: getattr(cell, "swallows", True))

ROWS, MANY = 4, 64  # rows of weights that a sweep reads before it sums them; many if they are short, as a readout's are
READ, TRACE, WRITE = 0, 1, 2  # what a step does to the synapses: only read, advance traces, apply a broadcast


class Parts(NamedTuple):
    """The parts that the loop calls, with numbers of the run's float type."""

    cell: Any
    decorrelation_cell: Any  #: the cells that hold D
    tile: Any
    dac: Any
    adc: Any
    noise: Any
    wire: Any
    neuron: Any
    readout_neuron: Any
    rule: Any
    readout_rule: Any  #: of the same class as `rule`, with rates of its own
    loss: Any


class Projection(NamedTuple):
    """The weights from one population to another, and what a synapse remembers."""

    planes: Any  #: Cell.State of (pre, post) arrays
    registers: Any  #: Rule.Register of (replica, pre, post) arrays
    columns: Any  #: Tile.Column of (post,) arrays
    sums: Any  #: Tile.Sums of (pass, replica, post) arrays
    z: np.ndarray  #: (pass, replica, pre) what the weights see in this step
    z_before: np.ndarray  #: (replica, pre) what they saw in the step before, first pass
    total: np.ndarray  #: (pre, post) changes that wait for the end of the sequence; (0, 0) if they are written at once
    scale: Any  #: weight of a full-scale cell
    number: int  #: its place among the random streams


class Group(NamedTuple):
    """One population of neurons."""

    params: Any  #: Neuron.Params of (neuron,) arrays
    state: Any  #: Neuron.State of (pass, replica, neuron) arrays
    noise: Any  #: Noise.State of (pass, replica, neuron) arrays
    memory: Any  #: Rule.Memory of (replica, neuron) arrays
    current: np.ndarray  #: (pass, replica, neuron)
    activity: np.ndarray  #: (pass, replica, neuron) what rules see the difference of
    out: np.ndarray  #: (pass, replica, neuron)
    xi: np.ndarray  #: (replica, neuron) perturbation of the last pass, less that of the first
    a: np.ndarray  #: (replica, neuron) the neuron's local signal in the last step
    energy: np.ndarray  #: (replica,) sum of the squared inputs
    number: int


class Decorrelator(NamedTuple):
    """The matrix D of one population, pre-major, in cells of its own."""

    planes: Any  #: Cell.State of (n, n) arrays, row k holding D[:, k]; (0, 0) where nothing is decorrelated
    hat: np.ndarray  #: (pass, replica, n): D x, or x itself where nothing is decorrelated
    before: np.ndarray  #: (replica, n): D x of the step before, first pass
    scale: Any
    rate: Any
    number: int


class Plan(NamedTuple):
    """What kind of run this is."""

    learn: bool
    noisy: np.ndarray  #: (pass,) bool: this pass is perturbed
    every_step: bool  #: the loss change is sent every step, else summed and sent at the end of the sequence
    at_once: bool  #: weights are written when the reward comes, else changes are summed and written at the end of the sequence
    perturb_readout: bool  #: the readout is given a perturbation too, else it only sees what the layers below make of theirs
    raw_recurrence: bool  #: recurrent weights see x although the next layer sees D x
    layer_energy: bool
    input_energy: bool
    sigma: Any  #: standard deviation of the perturbation that rules correlate with: of a difference, if the first pass is perturbed too
    step_s: Any  #: simulated seconds a step takes


class Scratch(NamedTuple):
    """Work space; it carries nothing from one step to the next except `reward`."""

    dw: np.ndarray  #: (MANY, longest post) what rows of synapses ask for
    seen: np.ndarray  #: (MANY, longest post) rows as read
    shaken: np.ndarray  #: (MANY, longest post) rows as read, perturbed
    own: np.ndarray  #: (MANY, longest post) each synapse's own perturbation
    source: np.ndarray  #: (pass, replica, input)
    value: np.ndarray  #: (replica,) loss change since the last broadcast
    reward: np.ndarray  #: (replica,) what the wire delivered
    arrived: np.ndarray  #: (replica,) 1 where it delivered something, 0 where not


class Record(NamedTuple):
    """Where results go; an array without steps is not recorded."""

    x: np.ndarray  #: (replica, step, neurons of all hidden layers)
    h: np.ndarray  #: (replica, step, neurons of all hidden layers): currents
    y: np.ndarray  #: (replica, step, output)
    loss: np.ndarray  #: (replica,) float64: loss of the first pass summed over counted steps
    counts: np.ndarray  #: int64: changes asked for, changes swallowed by the cell, steps done, 1 if the loss was not finite


@passage
def stream(key, purpose, number, step):
    """The key of one purpose, one population or projection, one step."""
    return fold(fold(fold(key, purpose), number), step)


@passage
def as_number(count, one):
    """A count in the run's float type."""
    total = one - one
    for _ in range(count):
        total += one
    return total


@passage
def copy(source, target):
    """Copy a row; an array assignment would bring in NumPy's shape errors and twelve seconds of compiling."""
    for i in range(target.shape[0]):
        target[i] = source[i]


@passage
def write_row(cell, cells, dw, share, now, key, j, counts, one):
    """Ask every cell of a row for its change."""
    u, v = halves(fold(key, j))
    zero, asked, swallowed = one - one, np.int32(0), np.int32(0)
    for i in range(dw.shape[0]):
        d = dw[i] * share
        s, hit = write(cell, at(cells, i), d, now, draw_write(cell, u, v, i, one))
        put(cells, i, s)
        if swallows(cell):
            asked = np.int32(asked + np.int32(d != zero))
            swallowed = np.int32(swallowed + np.int32((d != zero) & (hit == zero)))
    counts[0] += asked
    counts[1] += swallowed


@passage
def weight_noise(noise, noisy, key, replica, j, out, one):
    """Perturbation of one row of weights: that of the last pass, less that of the first if the first is perturbed too."""
    out[:] = one - one
    for q in range(noisy.shape[0]):
        if noisy[q]:
            sign = one if q > 0 else -one
            u, v = halves(fold(fold(fold(key, q), replica), j))
            for i in range(out.shape[0]):
                _, xi = next_noise(noise, Nothing(), draw_next(noise, u, v, i, one))
                out[i] += sign * xi


@passage
def own_noise(rule, parts, plan, scratch, rows, n_post, key, replica, j0, one):
    """If weights are perturbed, a synapse learns from its own perturbation over the variance: draw those of some rows."""
    for k in range(rows):
        own = scratch.own[k][:n_post]
        weight_noise(parts.noise, plan.noisy, key, replica, j0 + k, own, one)
        for i in range(n_post):
            own[i] /= plan.sigma * plan.sigma


@passage
def no_noise(rule, parts, plan, scratch, rows, n_post, key, replica, j0, one):
    pass


@inline
def synapse_side(rule, own, a, pre, one):
    return own, one


@inline
def neuron_side(rule, own, a, pre, one):
    return a, pre


@passage
def shake(rule, parts, scratch, rows, n_post, key, q, replica, j, one):
    """Rows of weights as a perturbed pass sees them."""
    for k in range(rows):
        u, v = halves(fold(fold(fold(key, q), replica), j + k))
        source, target = scratch.seen[k], scratch.shaken[k]
        for i in range(n_post):
            _, xi = next_noise(parts.noise, Nothing(), draw_next(parts.noise, u, v, i, one))
            target[i] = source[i] + xi
    return scratch.shaken


@passage
def keep(rule, parts, scratch, rows, n_post, key, q, replica, j, one):
    return scratch.seen


draw_own = chosen(lambda rule: rule.site == "weight", own_noise, no_noise)
sides = chosen(lambda rule: rule.site == "weight", synapse_side, neuron_side)  # what a synapse learns from: (signal, pre)
rows_of_pass = chosen(lambda rule: rule.site == "weight", shake, keep)


@passage
def read_rows(cell, planes, j0, rows, seen, k_read, one):
    """What the array sees of some rows of cells."""
    for k in range(rows):
        cells, visible = row(planes, j0 + k), seen[k]
        u, v = halves(fold(k_read, j0 + k))
        for i in range(cells[0].shape[0]):
            visible[i] = read(cell, at(cells, i), draw_read(cell, u, v, i, one))


@passage
def ask_rows(cell, rule, p, j0, rows, registers, before, a, reward, arrived, scratch, k_read, one):
    """Advance the traces of some rows of synapses and add up what they ask for."""
    for k in range(rows):
        j = j0 + k
        cells, traces, dw = row(p.planes, j), row(registers, j), scratch.dw[k]
        own, pre = sides(rule, scratch.own[k], a, before[j], one)
        u, v = halves(fold(k_read, j))
        for i in range(cells[0].shape[0]):
            r = trace(rule, at(traces, i), pre, own[i])
            put(traces, i, r)
            dw[i] += arrived * change(rule, p.scale * read(cell, at(cells, i), draw_read(cell, u, v, i, one)), r, pre, own[i], reward)


@passage
def learn_rows(cell, rule, p, j0, rows, registers, before, a, reward, scratch, now, k_read, k_write, counts, one):
    """`ask_rows`, `write_row` and `read_rows` in one for a single replica: each weight passes through the processor once."""
    zero, share = one - one, one / p.scale
    for k in range(rows):
        j, asked, swallowed = j0 + k, np.int32(0), np.int32(0)
        cells, traces, seen = row(p.planes, j), row(registers, j), scratch.seen[k]
        own, pre = sides(rule, scratch.own[k], a, before[j], one)
        u, v = halves(fold(k_read, j))
        s, t = halves(fold(k_write, j))
        for i in range(cells[0].shape[0]):
            held, drawn = at(cells, i), draw_read(cell, u, v, i, one)
            r = trace(rule, at(traces, i), pre, own[i])
            put(traces, i, r)
            d = change(rule, p.scale * read(cell, held, drawn), r, pre, own[i], reward) * share
            written, hit = write(cell, held, d, now, draw_write(cell, s, t, i, one))
            put(cells, i, written)
            seen[i] = read(cell, written, drawn)
            if swallows(cell):
                asked = np.int32(asked + np.int32(d != zero))
                swallowed = np.int32(swallowed + np.int32((d != zero) & (hit == zero)))
        counts[0] += asked
        counts[1] += swallowed


@passage
def write_totals(parts, p, now, key, step, counts, one):
    """Write the changes put aside during a sequence."""
    for j in range(p.total.shape[0]):
        write_row(
            parts.cell,
            row(p.planes, j),
            p.total[j],
            one / (p.scale * as_number(p.z_before.shape[0], one)),
            now,
            stream(key, random.WRITE, p.number, step),
            j,
            counts,
            one,
        )
    p.total[:] = one - one


@passage
def gather_rows(tile, w, rows, n_post, z, j, sums, one):
    """Add rows of weights times their inputs to a column's sums, row after row; four at a time the sums are fetched once."""
    if rows == ROWS:
        w0, w1, w2, w3 = w[0], w[1], w[2], w[3]
        x0, x1, x2, x3 = z[j], z[j + 1], z[j + 2], z[j + 3]
        for i in range(n_post):
            first = plus(plus(at(sums, i), gather(tile, w0[i], x0, one)), gather(tile, w1[i], x1, one))
            put(sums, i, plus(plus(first, gather(tile, w2[i], x2, one)), gather(tile, w3[i], x3, one)))
    else:
        for k in range(rows):
            wk, x = w[k], z[j + k]
            for i in range(n_post):
                put(sums, i, plus(at(sums, i), gather(tile, wk[i], x, one)))


@passage
def sweep(parts, rule, plan, p, what, passes, a, reward, first, key, step, now, scratch, counts, one):
    """Apply the previous step's broadcast to a projection and read it into the sums of every pass, a few rows after the other."""
    replicas, n_pre = p.z_before.shape
    n_post, writing = a.shape[1], what == WRITE and plan.at_once
    at_one_go, share = writing and replicas == 1, one / (p.scale * as_number(replicas, one))  # a batch asks for the mean of its changes
    k_noise, k_before = stream(key, random.WEIGHT_NOISE, p.number, step), stream(key, random.WEIGHT_NOISE, p.number, step - 1)
    k_read, k_write = stream(key, random.READ, p.number, step), stream(key, random.WRITE, p.number, step)
    fill(p.sums, one - one)
    block = ROWS if n_post > MANY else MANY
    for j0 in range(0, n_pre, block):
        rows = min(block, n_pre - j0)
        if at_one_go:
            draw_own(rule, parts, plan, scratch, rows, n_post, k_before, first, j0, one)
            learn_rows(
                parts.cell,
                rule,
                p,
                j0,
                rows,
                row(p.registers, 0),
                p.z_before[0],
                a[0],
                reward[0],
                scratch,
                now,
                k_read,
                k_write,
                counts,
                one,
            )
        elif what > READ:
            scratch.dw[:] = one - one
            for b in range(replicas):
                draw_own(rule, parts, plan, scratch, rows, n_post, k_before, first + b, j0, one)
                ask_rows(
                    parts.cell,
                    rule,
                    p,
                    j0,
                    rows,
                    row(p.registers, b),
                    p.z_before[b],
                    a[b],
                    reward[b],
                    scratch.arrived[b],
                    scratch,
                    k_read,
                    one,
                )
            for k in range(rows):
                dw = scratch.dw[k][:n_post]
                if writing:
                    write_row(parts.cell, row(p.planes, j0 + k), dw, share, now, k_write, j0 + k, counts, one)
                elif what == WRITE:
                    total = p.total[j0 + k]
                    for i in range(n_post):
                        total[i] += dw[i]
        if not at_one_go:
            read_rows(parts.cell, p.planes, j0, rows, scratch.seen, k_read, one)
        for q in range(passes):
            for b in range(replicas):
                w = scratch.seen
                if plan.noisy[q]:
                    w = rows_of_pass(rule, parts, scratch, rows, n_post, k_noise, q, first + b, j0, one)
                gather_rows(parts.tile, w, rows, n_post, p.z[q, b], j0, row(row(p.sums, q), b), one)


@passage
def load(parts, plan, p, source, energy, first, key, step, one):
    """Bring what a population sends through the DAC to the rows of a projection."""
    passes, replicas, n_pre = p.z.shape
    for b in range(replicas):
        copy(p.z[0, b], p.z_before[b])
    k = stream(key, random.DAC, p.number, step)
    for q in range(passes):
        for b in range(replicas):
            u, v = halves(fold(fold(k, q), first + b))
            x, z = source[q, b], p.z[q, b]
            for j in range(n_pre):
                z[j] = convert(parts.dac, x[j], draw_convert(parts.dac, u, v, j, one))
    if plan.input_energy:
        for b in range(replicas):
            energy[b] += dot(p.z[0, b], p.z[0, b])


@passage
def collect(parts, p, currents, first, key, step, one):
    """Add a projection's column sums, through tile and ADC, to the currents of its population."""
    passes, replicas, n_post = currents.shape
    k_tile, k_adc = stream(key, random.TILE, p.number, step), stream(key, random.ADC, p.number, step)
    for q in range(passes):
        for b in range(replicas):
            u, v = halves(fold(fold(k_tile, q), first + b))
            s, t = halves(fold(fold(k_adc, q), first + b))
            sums, current = row(row(p.sums, q), b), currents[q, b]
            for i in range(n_post):
                h = finish(parts.tile, at(p.columns, i), at(sums, i), draw_finish(parts.tile, u, v, i, one))
                current[i] += p.scale * convert(parts.adc, h, draw_convert(parts.adc, s, t, i, one))


@passage
def shake_currents(rule, parts, plan, group, first, key, step, one):
    """Add the perturbation to the currents of the perturbed passes and keep what each neuron was given."""
    passes, replicas, n = group.current.shape
    k = stream(key, random.NOISE, group.number, step)
    group.xi[:] = one - one
    for q in range(passes):
        if plan.noisy[q]:
            sign = one if q > 0 else -one
            for b in range(replicas):
                u, v = halves(fold(fold(k, q), first + b))
                state, current, given = row(row(group.noise, q), b), group.current[q, b], group.xi[b]
                for i in range(n):
                    s, xi = next_noise(parts.noise, at(state, i), draw_next(parts.noise, u, v, i, one))
                    put(state, i, s)
                    current[i] += xi
                    given[i] += sign * xi


@passage
def leave_currents(rule, parts, plan, group, first, key, step, one):
    pass


perturb = chosen(lambda rule: rule.site == "current", shake_currents, leave_currents)


@passage
def fire(neuron, group):
    """Each neuron answers to its current."""
    passes, replicas, n = group.current.shape
    for q in range(passes):
        for b in range(replicas):
            state, current, activity, out = row(row(group.state, q), b), group.current[q, b], group.activity[q, b], group.out[q, b]
            for i in range(n):
                s, out[i], activity[i] = neuron_step(neuron, at(group.params, i), at(state, i), current[i])
                put(state, i, s)


@passage
def decorrelate(parts, plan, d, x, first, key, step, now, scratch, counts, one):
    """What the next weights see is D x; D <- D - rate (y y' D - diag(y**2) D) with y = D x of the step before, averaged over replicas.

    The product y' D reads a transpose: a declared layer operation, not local. Source: Ahmad, Schrader, van Gerven 2023, "Constrained
    Parameter Inference as a Principle for Learning", TMLR, https://openreview.net/forum?id=CUDdbTT1QC.
    """
    passes, replicas, n = d.hat.shape
    k_write, k_read = stream(key, random.WRITE, d.number, step), stream(key, random.READ, d.number, step)
    cell, zero, mean = parts.decorrelation_cell, one - one, one / as_number(replicas, one)
    for b in range(replicas):
        copy(d.hat[0, b], d.before[b])
    d.hat[:] = zero
    for k0 in range(0, n, ROWS):
        rows = min(ROWS, n - k0)
        read_rows(cell, d.planes, k0, rows, scratch.seen, k_read, one)
        if plan.learn:
            scratch.dw[:ROWS] = zero
            for k in range(rows):
                seen, dw = scratch.seen[k][:n], scratch.dw[k]
                for b in range(replicas):
                    y = d.before[b]
                    pull = d.rate * dot(seen, y)
                    for i in range(n):
                        dw[i] -= y[i] * (pull - d.rate * y[i] * seen[i])
            for k in range(rows):
                write_row(cell, row(d.planes, k0 + k), scratch.dw[k][:n], mean, now, k_write, k0 + k, counts, one)
            read_rows(cell, d.planes, k0, rows, scratch.seen, k_read, one)
        for q in range(passes):
            for b in range(replicas):
                gather_rows(Adder(), scratch.seen, rows, n, x[q, b], k0, Sum(d.hat[q, b]), one)
    if d.scale != one:
        for q in range(passes):
            for b in range(replicas):
                for i in range(n):
                    d.hat[q, b, i] *= d.scale


@passage
def listen(rule, plan, group, sigma, one):
    """Each neuron turns what it knows of itself into its local signal."""
    replicas, n = group.a.shape
    last, zero = group.activity.shape[0] - 1, one - one
    for b in range(replicas):
        size, energy = as_number(n, one), zero
        noisy, clean, out = group.activity[last, b], group.activity[0, b], group.out[0, b]
        if plan.layer_energy:
            for i in range(n):
                energy += (noisy[i] - clean[i]) * (noisy[i] - clean[i])
        extra = Extra(energy, size, group.energy[b])
        memory, xi, a = row(group.memory, b), group.xi[b], group.a[b]
        for i in range(n):
            m, a[i] = signal(rule, at(memory, i), Own(xi[i], noisy[i] - clean[i], out[i], sigma), extra)
            put(memory, i, m)


@passage
def broadcast(parts, plan, wires, group, targets, counted, t, first, key, step, scratch, record, one):
    """Account the loss, and send each replica's loss change over the wire if it is time. Returns what the next step does to the synapses."""
    passes, replicas, n = group.out.shape
    last, valid, zero, final = passes - 1, False, one - one, t == targets.shape[1] - 1
    k = stream(key, random.SEND, 0, step)
    for b in range(replicas):
        target, counts = targets[b, t], counted[b, t]
        if counts:
            clean, noisy, loss, value = group.out[0, b], group.out[last, b], zero, zero
            for i in range(n):
                loss += loss_value(parts.loss, clean[i], target[i])
                value += loss_change(parts.loss, clean[i], noisy[i] - clean[i], target[i])
            record.loss[b] += loss
            if not np.isfinite(loss + value):
                record.counts[3] = 1
            scratch.value[b] += value
        scratch.reward[b] = scratch.arrived[b] = zero
        if plan.learn and (counts if plan.every_step else final):
            u, v = halves(fold(k, first + b))
            s, received, arrived = send(parts.wire, at(wires, b), -scratch.value[b], draw_send(parts.wire, u, v, 0, one))
            put(wires, b, s)
            scratch.value[b] = zero
            if arrived:
                scratch.reward[b], scratch.arrived[b] = received, one
                valid = True
    return WRITE if valid else TRACE


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


@passage
def age_network(parts, projections, decorrelators, plan, clock, key, one):
    """Cells age at ticks, each a hundredth of the elapsed time: drift in every read would cost twenty times the step."""
    step, aged = clock[0], clock[1]
    if step > aged and step * 100 >= aged * 101:
        then, now = seconds(aged, plan.step_s), seconds(step, plan.step_s)
        for k in range(len(projections)):
            pass_time(parts.cell, projections[k].planes, then, now, stream(key, random.AGE, projections[k].number, step), one)
        for k in range(len(decorrelators)):
            d = decorrelators[k]
            pass_time(parts.decorrelation_cell, d.planes, then, now, stream(key, random.AGE, d.number, step), one)
        clock[1] = step


@twin(lambda step, step_s: np.float32(step) * step_s, lambda step, step_s: np.float64(step) * step_s)
def seconds(step, step_s):
    """Simulated time in the run's float type."""
    return type(step_s)(step) * step_s


@passage
def arrays_of(group):
    return group.current, group.energy, group.a


@passage
def show(values, kept, t, offset):
    """Record the first pass of a population, if it is asked for."""
    if kept.shape[1] > 0:
        for b in range(kept.shape[0]):
            copy(values[0, b], kept[b, t, offset : offset + values.shape[2]])


@passage
def begin(parts, neuron, group, first, key, step, one):
    """Bring a population to the start of a sequence."""
    passes, replicas, n = group.out.shape
    k, zero = stream(key, random.NOISE_STATE, group.number, step), one - one
    for q in range(passes):
        for b in range(replicas):
            u, v = halves(fold(fold(k, q), first + b))
            state, noise = row(row(group.state, q), b), row(row(group.noise, q), b)
            for i in range(n):
                put(state, i, start(neuron, at(group.params, i)))
                put(noise, i, make_noise(parts.noise, draw_make(parts.noise, u, v, i, one)))
    group.out[:] = group.activity[:] = group.current[:] = zero
    group.a[:] = zero


def sequence(
    parts, plan, hidden, readout, projections, decorrelators, wires, inputs, targets, counted, first, key, clock, scratch, record, one
):
    """Run one sequence for every replica; learn on the way if the plan says so.

    `projections` holds, layer by layer, the weights from below and the recurrent ones, then those of the readout. `key` is the root of
    all random numbers, `first` the number of the first replica, `clock` the steps done so far and the step at which cells last aged.
    """
    replicas, steps = inputs.shape[:2]
    layers, passes = len(hidden), plan.noisy.shape[0]
    what, zero = READ, one - one
    rules = (parts.rule, parts.readout_rule)
    for layer in range(layers):
        begin(parts, parts.neuron, hidden[layer], first, key, clock[0], one)
        decorrelators[layer].hat[:] = zero
    begin(parts, parts.readout_neuron, readout, first, key, clock[0], one)
    for k in range(len(projections)):
        fill(projections[k].registers, zero)
    for b in range(replicas):
        u, v = halves(fold(stream(key, random.WIRE, 0, clock[0]), first + b))
        put(wires, b, make_wire(parts.wire, draw_make(parts.wire, u, v, 0, one)))
    scratch.value[:] = scratch.reward[:] = scratch.arrived[:] = zero
    for t in range(steps + 1):
        # the last broadcast has no step to ride on: one more turn, in which weights learn and nothing is read
        step, reading = clock[0], t < steps
        if not (reading or plan.learn):
            break
        now = seconds(step, plan.step_s)
        if reading:
            if plan.learn:  # a test happens at one moment and leaves the devices alone
                age_network(parts, projections, decorrelators, plan, clock, key, one)
            for q in range(passes):
                for b in range(replicas):
                    copy(inputs[b, t], scratch.source[q, b])
        offset = 0
        for k in range(len(projections)):
            layer, p = k // 2, projections[k]
            top = layer == layers
            current, energy, a = (readout.current, readout.energy, readout.a) if top else arrays_of(hidden[layer])
            if reading:
                if k % 2 == 0:
                    current[:] = energy[:] = zero
                    source = scratch.source if layer == 0 else decorrelators[layer - 1].hat
                else:
                    source = hidden[layer].out if plan.raw_recurrence else decorrelators[layer].hat
                load(parts, plan, p, source, energy, first, key, step, one)
            else:
                for b in range(replicas):
                    copy(p.z[0, b], p.z_before[b])
            sweep(
                parts,
                rules[int(top)],
                plan,
                p,
                what,
                passes * int(reading),
                a,
                scratch.reward,
                first,
                key,
                step,
                now,
                scratch,
                record.counts,
                one,
            )
            if not reading:
                continue
            collect(parts, p, current, first, key, step, one)
            if k % 2 == 1:
                group, d = hidden[layer], decorrelators[layer]
                perturb(parts.rule, parts, plan, group, first, key, step, one)
                fire(parts.neuron, group)
                if d.planes[0].shape[0] > 0:
                    decorrelate(parts, plan, d, group.out, first, key, step, now, scratch, record.counts, one)
                show(group.out, record.x, t, offset)
                show(group.current, record.h, t, offset)
                offset += group.out.shape[2]
        if reading:
            if plan.perturb_readout:
                perturb(parts.readout_rule, parts, plan, readout, first, key, step, one)
            fire(parts.readout_neuron, readout)
            show(readout.out, record.y, t, 0)
            what = broadcast(parts, plan, wires, readout, targets, counted, t, first, key, step, scratch, record, one)
            clock[0] += 1
            record.counts[2] += 1
            if record.counts[3] > 0:
                break
            if plan.learn:
                for layer in range(layers):
                    listen(parts.rule, plan, hidden[layer], plan.sigma, one)
                listen(parts.readout_rule, plan, readout, plan.sigma, one)
            else:
                what = READ
    if plan.learn and not plan.at_once:
        for k in range(len(projections)):
            write_totals(parts, projections[k], seconds(clock[0], plan.step_s), key, clock[0], record.counts, one)


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
