"""What neurons do: they are perturbed, answer to their currents as well as their circuits can, and form their signals."""

import numpy as np

from hw_models.parts import fields
from hw_models.protocols import Circuit, Noise
from neurosim import random
from neurosim.jit import as_number, at, chosen, constant, inline, kernel, mix, nonzero, passage, put, row
from neurosim.loop.array import account, clipped, entered
from neurosim.loop.synapses import concerns
from neurosim.protocols import Arrivals, Extra, Neuron, Own, Rule
from neurosim.random import draws, fold, halves, stream

pace, hold = kernel(Circuit.pace), kernel(Circuit.hold)
make_noise, next_noise = kernel(Noise.make), kernel(Noise.next)
start, neuron_step = kernel(Neuron.start), kernel(Neuron.step)
signal = kernel(Rule.signal)
draw_next, draw_make = draws["next"], draws["make"]


def held_fields(neuron):
    """Fields of a state that registers or capacitors hold: all but those that count, which stand behind them."""
    return sum(not field.counts for field in fields(neuron.State).values())


held = constant(held_fields)


@passage
def start_of_each(noise, state, key, q, replica, n, one):
    """Bring the noise sources of a population's neurons to the start of a sequence."""
    u, v = halves(fold(fold(key, q), replica))
    for i in range(n):
        put(state, i, make_noise(noise, draw_make(noise, u, v, i, one)))


@passage
def next_of_each(noise, state, given, key, q, replica, one):
    """What the noise sources of a population's neurons give in one step of one pass."""
    u, v = halves(fold(fold(key, q), replica))
    for i in range(given.shape[0]):
        s, given[i] = next_noise(noise, at(state, i), draw_next(noise, u, v, i, one))
        put(state, i, s)


def perturbations(noise, state, given, number, q, key, start, one):
    """What a population is given, step by step, in one pass of the first replica: the numbers that `perturb` adds to its currents."""
    start_of_each(noise, state, stream(key, random.NOISE_STATE, number, start), q, 0, given.shape[1], one)
    for t in range(given.shape[0]):
        next_of_each(noise, state, given[t], stream(key, random.NOISE, number, start + t), q, 0, one)


goes_on = constant(lambda noise: bool(noise.State._fields))  # also while no one looks


@passage
def shake_currents(rule, parts, plan, group, adds, first, key, step, one):
    """Add the perturbation to the currents of the perturbed passes, if it is time, and keep what each neuron was given."""
    passes, replicas, n = group.out.shape
    if not (adds or goes_on(parts.noise)):
        return
    k = stream(key, random.NOISE, group.number, step)
    for q in range(passes):
        if plan.noisy[q] and concerns(plan, group.number, q):
            for b in range(replicas):
                state, current, given = row(row(group.noise, q), b), group.current[q, b], group.xi[q, b]
                if plan.antithetic and plan.sends[q]:
                    base = group.xi[plan.base[q], b]
                    for i in range(n):
                        given[i] = -base[i]
                else:
                    next_of_each(parts.noise, state, given, k, q, first + b, one)
                if adds:
                    for i in range(n):
                        current[i] += given[i]


@passage
def leave_currents(rule, parts, plan, group, adds, first, key, step, one):
    pass


perturb = chosen(lambda rule: rule.site == "current", shake_currents, leave_currents)


@passage
def settle_numbers(circuit, numbers, saturated):
    """Hold a number of every neuron as its circuit can, and count those beyond its range."""
    beyond = np.int32(0)
    for i in range(numbers.shape[0]):
        beyond = np.int32(beyond + clipped(circuit, numbers[i]))
        numbers[i] = hold(circuit, numbers[i])
    account(circuit, saturated, beyond)


@passage
def leave_numbers(circuit, numbers, saturated):
    pass


@passage
def settle_fields(neuron, circuit, state, saturated):
    for k, numbers in enumerate(state):
        if k < held(neuron):
            settle(circuit, numbers, saturated)


@passage
def no_fields(neuron, circuit, state, saturated):
    pass


@passage
def meet(circuit, mismatch, n, current, met, saturated):
    """The currents as the circuits of n neurons meet them, in memory of their own: what came down the columns stays as it is."""
    for line in range(0, current.shape[0], n):
        for i in range(n):
            met[line + i] = entered(circuit, at(mismatch, i), current[line + i])
    settle(circuit, met, saturated)
    return met


@passage
def meet_all(circuit, mismatch, n, current, met, saturated):
    return current


@inline
def one_line(neuron, current, i):
    return at(current, i, 2)


@inline
def two_lines(neuron, current, i):
    return Arrivals(at(current, i, 2), at(current, current.shape[0] // 2 + i, 5))  # pyright: ignore[reportArgumentType]: numbers


@inline
def clear_line(neuron, lines, i, zero):
    put(lines, i, zero, 2)


@inline
def clear_lines(neuron, lines, i, zero):
    put(lines, i, zero, 2)
    put(lines, lines.shape[0] // 2 + i, zero, 5)


@inline
def changed(circuit, p, before, after):
    return mix(before, after, pace(circuit, p))


@inline
def changed_as_said(circuit, p, before, after):
    return after


@inline
def stays(neuron, circuit, p, before, after, out):
    return moved(circuit, p, before, after)


@inline
def stays_after_a_spike(neuron, circuit, p, before, after, out):
    """A leak may be slow; a reset is one."""
    return after if nonzero(out) else moved(circuit, p, before, after)


@passage
def settle_output(neuron, circuit, out, saturated):
    settle(circuit, out, saturated)


@passage
def settle_no_output(neuron, circuit, out, saturated):
    pass


settle = chosen(lambda circuit: hasattr(circuit, "hold"), settle_numbers, leave_numbers)
settle_state = chosen(lambda neuron: neuron.State._fields, settle_fields, no_fields)
meeting = chosen(lambda circuit: hasattr(circuit, "enter") or hasattr(circuit, "hold"), meet, meet_all)
moved = chosen(lambda circuit: hasattr(circuit, "pace"), changed, changed_as_said)
arrives = chosen(lambda neuron: getattr(neuron, "apart", False), two_lines, one_line)
clear = chosen(lambda neuron: getattr(neuron, "apart", False), clear_lines, clear_line)
left_with = chosen(lambda neuron: getattr(neuron, "spikes", False), stays_after_a_spike, stays)
settle_out = chosen(lambda neuron: getattr(neuron, "spikes", False), settle_no_output, settle_output)


@inline
def note_activity(rule, activity, i, seen):
    put(activity, i, seen, 2)


@inline
def leave_activity(rule, activity, i, seen):
    pass


noted = chosen(lambda rule: getattr(rule, "listens", True), note_activity, leave_activity)


@inline
def one_that_fired(neuron, x):
    return nonzero(x)


@inline
def no_one(neuron, x):
    return np.int32(0)


@inline
def list_those_that_fired(neuron, out, which, start, end, count):
    for i in range(start, end):
        if out[i] != 0:
            which[count] = i
            count += 1
    return count


@inline
def list_none(neuron, out, which, start, end, count):
    return count


spiked = chosen(lambda neuron: getattr(neuron, "spikes", False), one_that_fired, no_one)
take_down = chosen(lambda neuron: getattr(neuron, "spikes", False), list_those_that_fired, list_none)

BLOCK = 64  # neurons that answer before it is looked which of them fired; mostly there is none


@inline
def answer(circuit, neuron, rule, group, state, current, lines, activity, out, i, zero):
    """One neuron answers to its current, and its lines are cleared for the next step; 1 if it sent a spike.

    Places: the state is 0, what is sent 1, the activity 2 and so the currents, which may have been met in the same memory; constants 3, 4; the second line of currents 5.
    """
    before = at(state, i, 0)
    s, x, seen = neuron_step(neuron, at(group.params, i, 3), before, arrives(neuron, current, i))
    clear(neuron, lines, i, zero)
    put(out, i, x, 1)
    noted(rule, activity, i, seen)
    put(state, i, left_with(neuron, circuit, at(group.mismatch, i, 4), before, s, x), 0)
    return spiked(neuron, x)


@passage
def fire(circuit, neuron, rule, group, one):
    """Each neuron answers to its current, as well as its circuit can, and its current is gone."""
    passes, replicas, n = group.out.shape
    whole = n - n % BLOCK
    for q in range(passes):
        for b in range(replicas):
            state, activity, out = row(row(group.state, q), b), group.activity[q, b], group.out[q, b]
            lines = group.current[q, b]
            current = meeting(circuit, group.mismatch, n, lines, activity, group.saturated)
            which, count = group.fired.which[q, b], 0
            for start in range(0, whole, BLOCK):
                fired = np.int32(0)
                for i in range(BLOCK):  # of a length that the compiler knows
                    fired = np.int32(
                        fired | answer(circuit, neuron, rule, group, state, current, lines, activity, out, start + i, one - one)
                    )
                if fired != 0:
                    count = take_down(neuron, out, which, start, start + BLOCK, count)
            for i in range(whole, n):
                answer(circuit, neuron, rule, group, state, current, lines, activity, out, i, one - one)
            group.fired.n[q, b] = take_down(neuron, out, which, whole, n, count)
            settle_out(neuron, circuit, out, group.saturated)
            settle_state(neuron, circuit, state, group.saturated)


@passage
def listen(rule, plan, group, sigma, one):
    """Each neuron turns what it knows of itself into its local signal: one for each pass that is compared, summed or kept apart as it was told to."""
    form(rule, plan, group, sigma, one)
    group.a[:] = one - one
    take_in(plan, group)


@passage
def take_in(plan, group):
    """Each neuron adds up its signals, each times what is heard of its pass."""
    passes, replicas, n = group.kept.shape
    for q in range(passes):
        if plan.sends[q] and concerns(plan, group.number, q):
            for b in range(replicas):
                a, kept, heard = group.a[b * plan.lanes + plan.lane[q]], group.kept[q, b], group.heard[q, b]
                for i in range(n):
                    a[i] += heard * kept[i]


asks_layer = constant(lambda rule: "layer_energy" in rule.needs)


@passage
def form(rule, plan, group, sigma, one):
    """Each neuron forms a signal for each pass that is compared."""
    passes, replicas, n = group.out.shape
    zero = one - one
    for q in range(passes):
        if plan.sends[q] and concerns(plan, group.number, q):
            r = plan.base[q]
            other = zero if r == q else one  # a pass that stands alone has nothing to take off
            for b in range(replicas):
                size, energy = as_number(n, one), zero
                noisy, base, out = group.activity[q, b], group.activity[r, b], group.out[0, b]
                if asks_layer(rule):
                    for i in range(n):
                        energy += (noisy[i] - base[i]) * (noisy[i] - base[i])
                extra = Extra(energy, size, group.energy[b])
                memory, xi, xi_base, kept = row(group.memory, b), group.xi[q, b], group.xi[r, b], group.kept[q, b]
                for i in range(n):
                    own = Own(xi[i] - other * xi_base[i], noisy[i] - base[i], out[i], sigma, noisy[i])
                    m, kept[i] = signal(rule, at(memory, i), own, extra)
                    put(memory, i, m)


@passage
def towards(x, base, carry):
    """Bring every pass of an array closer to the one that it is compared with."""
    for q in range(x.shape[0]):
        if base[q] != q:
            for b in range(x.shape[1]):
                own, other = x[q, b], x[base[q], b]
                for i in range(x.shape[2]):
                    own[i] = other[i] + carry * (own[i] - other[i])


@passage
def rejoin(neuron, group, d, base, carry):
    """Perturbed passes forget a part of how they differ from their base: each neuron holds both, so that this is local."""
    towards(group.out, base, carry)
    if d.planes[0].shape[0] > 0:  # else D x is x itself
        towards(d.hat, base, carry)
    for q in range(group.out.shape[0]):
        if base[q] != q:
            for b in range(group.out.shape[1]):
                other, state = row(row(group.state, base[q]), b), row(row(group.state, q), b)
                for i in range(group.out.shape[2]):
                    put(state, i, mix(at(other, i), at(state, i), carry))
                group.fired.n[q, b] = take_down(neuron, group.out[q, b], group.fired.which[q, b], 0, group.out.shape[2], 0)


@passage
def begin(parts, neuron, group, first, key, step, one):
    """Bring a population to the start of a sequence."""
    passes, replicas, n = group.out.shape
    k, zero = stream(key, random.NOISE_STATE, group.number, step), one - one
    for q in range(passes):
        for b in range(replicas):
            start_of_each(parts.noise, row(row(group.noise, q), b), k, q, first + b, n, one)
            state = row(row(group.state, q), b)
            for i in range(n):
                put(state, i, start(neuron, at(group.params, i)))
    group.out[:] = group.activity[:] = group.current[:] = zero
    group.fired.n[:] = 0
    group.kept[:] = group.a[:] = zero
