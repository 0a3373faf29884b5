"""What happens at the rows and columns of an array: numbers come in through the DAC, and sums leave through the ADC."""

import numpy as np

from hw_models.protocols import Converter, Tile
from neurosim import random
from neurosim.jit import at, chosen, copy, dot, inline, kernel, nonzero, passage, plus, row
from neurosim.loop.rows import draw_read, gather, position, read
from neurosim.random import draws, fold, halves, stream

finish, convert = kernel(Tile.finish), kernel(Converter.convert)
enter, clips = kernel(Converter.enter), kernel(Converter.clips)  # a circuit's are called alike
draw_finish, draw_convert = draws["finish"], draws["convert"]


# ---------------------------------------------------------------- what converters and circuits may leave out


@inline
def skewed(part, p, x):
    return enter(part, p, x)


@inline
def as_it_is(part, p, x):
    return x


@inline
def one_if_clipped(part, x):
    return nonzero(clips(part, x))


@inline
def none_clipped(part, x):
    return np.int32(0)


@inline
def add_up(part, count, beyond):
    count.n[0] += beyond


@inline
def add_nothing(part, count, beyond):
    pass


entered = chosen(lambda part: hasattr(part, "enter"), skewed, as_it_is)
clipped = chosen(lambda part: hasattr(part, "clips"), one_if_clipped, none_clipped)
account = chosen(lambda part: hasattr(part, "clips"), add_up, add_nothing)


# ---------------------------------------------------------------- rows and columns


@inline
def fan_out(p, j):
    """Synapses in a row of a projection."""
    return p.wires.start[j + 1] - p.wires.start[j] if p.wires.start.shape[0] > 0 else p.planes[0].shape[1]


@passage
def launch(p, plan, source, fired):
    """Spikes set off, and those that set off `delay` steps ago arrive: the numbers of the rows that sent none stay zero."""
    slots, passes, replicas = p.flight.n.shape
    leaving = p.flight.landing[0]
    landing = leaving + 1 if leaving + 1 < slots else 0
    p.flight.landing[0] = landing
    for q in range(passes):
        for b in range(replicas):
            z, out, gone = p.z[q, b], source[q, b], p.flight.which[leaving, q, b]
            for k in range(p.flight.n[leaving, q, b]):  # what had arrived in the step before
                z[gone[k]] = 0
            sent, now = p.flight.sent[leaving, q, b], fired.which[q, b]
            for k in range(fired.n[q, b]):
                gone[k], sent[k] = now[k], out[now[k]]
            p.flight.n[leaving, q, b] = fired.n[q, b]
            there, came, phase = p.flight.which[landing, q, b], p.flight.sent[landing, q, b], int(plan.noisy[q])
            n, met = p.flight.n[landing, q, b], 0
            for k in range(n):
                z[there[k]] = came[k]
                met += fan_out(p, there[k])
            p.spikes[phase] += n
            p.spikes[2 + phase] += met


@passage
def keep(plan, p):
    """What the weights saw in the step before is what they will learn from."""
    if plan.learn:
        for b in range(p.z.shape[1]):
            copy(p.z[0, b], p.z_before[b])


@passage
def load(parts, plan, p, source, fired, energy, first, key, step, one):
    """Bring what a population sends through the DAC to the rows of a projection; spikes and the 1 of a bias pass none."""
    passes, replicas = p.z.shape[:2]
    if p.events:
        launch(p, plan, source, fired)
    k = stream(key, random.DAC, p.number, step)
    for q in range(passes * int(not p.events)):
        for b in range(replicas):
            u, v = halves(fold(fold(k, q), first + b))
            x, z, beyond = source[q, b], p.z[q, b], np.int32(0)
            for j in range(x.shape[0]):
                value = entered(parts.dac, at(p.dac, j), x[j])
                beyond = np.int32(beyond + clipped(parts.dac, value))
                z[j] = convert(parts.dac, value, draw_convert(parts.dac, u, v, j, one))
            account(parts.dac, p.clipped, beyond)
    if plan.input_energy:
        for b in range(replicas):
            energy[b] += dot(p.z[0, b], p.z[0, b])


@passage
def referred(parts, p, q, b, k, key_read, key, one):
    """What the reference column of a tile, one that never learns, makes of the inputs; nothing, if there is none."""
    if p.reference[0].shape[1] == 0:
        return one - one
    z, j0 = p.z[q, b], k * p.rows
    u, v = halves(key)
    sums = gather(parts.tile, read_reference(parts.cell, p.reference, j0, key_read, one), z[j0], position(j0, p.rows, one))
    for j in range(j0 + 1, min(j0 + p.rows, z.shape[0])):
        sums = plus(sums, gather(parts.tile, read_reference(parts.cell, p.reference, j, key_read, one), z[j], position(j, p.rows, one)))
    return finish(parts.tile, at(p.columns, p.planes[0].shape[1]), sums, draw_finish(parts.tile, u, v, 0, one))


@inline
def read_reference(cell, reference, j, key, one):
    u, v = halves(fold(key, j))
    return read(cell, at(row(reference, j), 0), draw_read(cell, u, v, 0, one))


@passage
def collect(parts, p, currents, first, key, step, one):
    """Add a projection's column sums, of each tile through its own ADC, to the currents of its population."""
    passes, replicas, n_post = currents.shape
    k_tile, k_adc = stream(key, random.TILE, p.number, step), stream(key, random.ADC, p.number, step)
    k_read, k_reference = stream(key, random.REFERENCE_READ, p.number, step), stream(key, random.REFERENCE_TILE, p.number, step)
    share, back = one / p.reach, p.scale * p.reach
    for q in range(passes):
        for b in range(replicas):
            for k in range(p.sums[0].shape[0]):
                u, v = halves(fold(fold(fold(k_tile, q), first + b), k))
                s, t = halves(fold(fold(fold(k_adc, q), first + b), k))
                zero_at = referred(parts, p, q, b, k, k_read, fold(fold(fold(k_reference, q), first + b), k), one)
                sums, current, lines, beyond = row(row(row(p.sums, k), q), b), currents[q, b], row(p.adc, k), np.int32(0)
                for i in range(n_post):
                    h = finish(parts.tile, at(p.columns, i), at(sums, i), draw_finish(parts.tile, u, v, i, one))
                    h = entered(parts.adc, at(lines, i), (h - zero_at) * share)
                    beyond = np.int32(beyond + clipped(parts.adc, h))
                    current[i] += back * convert(parts.adc, h, draw_convert(parts.adc, s, t, i, one))
                account(parts.adc, p.clipped_sums, beyond)
