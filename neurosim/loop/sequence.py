"""The loop: every pass in lock step, one broadcast, one local change of each weight, one sweep over the weights a step.

This is plain Python; `jit.compiled` runs the same source compiled, and both give the same bits. In one step, layer by layer:

1. `sweep`: each synapse applies the *previous* step's broadcast to its cell and is read into the sums of every pass, so that a
   weight is touched once a step;
2. `fire`: the column's sums pass the tile and the ADC, meet the perturbation, and the neuron answers;
3. `decorrelate`: where asked for, what the next weights see is D x, and D learns (a declared layer operation);
4. `broadcast`: how each perturbed pass compares goes over the reward wire; then `listen`: each neuron forms its local signal.

A step hears first how the one before it went: so the same code runs a whole sequence in one call, and in an environment step by step.
"""

import numpy as np

from hw_models.protocols import Wire
from neurosim import random
from neurosim.jit import at, chosen, copy, fill, inline, kernel, passage, put, row
from neurosim.loop.ageing import age_network, seconds
from neurosim.loop.array import collect, keep, load
from neurosim.loop.decorrelation import decorrelate
from neurosim.loop.moving import write_waiting
from neurosim.loop.neurons import begin, fire, listen, perturb, rejoin, take_in
from neurosim.loop.records import ARRIVED, BEGUN, COMPARED, ENDED, FAILED, HEARD, LEARNED, READ, SENT, STEPS, TRACE, TRACED, WRITE
from neurosim.loop.synapses import pass_on
from neurosim.loop.wires import straight
from neurosim.protocols import Loss
from neurosim.random import draws, fold, halves, stream, whole

make_wire, send, wait = kernel(Wire.make), kernel(Wire.send), kernel(Wire.wait)
loss_value, loss_change = kernel(Loss.value), kernel(Loss.change)
draw_make, draw_send = draws["make"], draws["send"]


@passage
def hear(wire, s, one):
    return wait(wire, s)


@passage
def hear_nothing(wire, s, one):
    return s, one - one, False


idle = chosen(lambda wire: hasattr(wire, "wait"), hear, hear_nothing)  # a step without a reward


@passage
def compare(parts, plan, y, base, target, one):
    """What a pass is judged by: by how much its loss differs from that of its base, or its loss itself."""
    value = one - one
    for i in range(y.shape[0]):
        if plan.average > 0:
            value += loss_value(parts.loss, y[i], target[i])
        else:
            value += loss_change(parts.loss, base[i], y[i] - base[i], target[i])
    return value


@passage
def surprise(plan, prediction, b, value, one):
    """A loss less the chip's running prediction of it, which learns from it; the first one is no surprise."""
    if prediction.known[b] < one:
        prediction.mean[b], prediction.known[b] = value, one
    error = value - prediction.mean[b]
    prediction.mean[b] += plan.average * error
    return error


@passage
def deliver(plan, scratch, b, q, received, arrived, one):
    """Tell synapses the reward; or, where signals are folded, neurons the reward and synapses that it is time."""
    lane = b * plan.lanes + plan.lane[q]
    if plan.folds:
        scratch.heard[q, b] = plan.share * received if arrived else one - one
    if arrived:
        scratch.reward[lane] = one if plan.folds else received
        scratch.arrived[lane] = one if plan.folds else plan.share
        scratch.told[lane] = one


@passage
def broadcast(parts, plan, wires, prediction, group, targets, counted, due, t, first, key, step, scratch, record, one):
    """Account the loss, send what each pass is judged by if it is time, and hear the wire. Returns what the next step does to the synapses."""
    passes, replicas, n = group.out.shape
    zero = one - one
    scratch.reward[:] = scratch.arrived[:] = zero
    for b in range(replicas):
        target, counts = targets[b, t], counted[b, t]
        if counts:
            y, loss = group.out[0, b], zero
            for i in range(n):
                loss += loss_value(parts.loss, y[i], target[i])
            record.loss[b] += loss
            if not np.isfinite(loss):
                record.counts[FAILED] = 1
        for q in range(passes):
            if plan.sends[q]:
                k, wire = stream(key, random.SEND, passes - 1 - q, step), row(wires, q)
                if counts:
                    record.counts[COMPARED] += 1
                    scratch.value[q, b] += compare(parts, plan, group.out[q, b], group.out[plan.base[q], b], target, one)
                    if not np.isfinite(scratch.value[q, b]):
                        record.counts[FAILED] = 1
                if due[b, t]:
                    value = scratch.value[q, b]
                    if plan.average > 0:
                        value = surprise(plan, prediction, b, value, one)
                    u, v = halves(fold(k, first + b))
                    record.counts[SENT] += 1
                    s, received, arrived = send(parts.wire, at(wire, b), -value, draw_send(parts.wire, u, v, 0, one))
                    scratch.value[q, b] = zero
                else:
                    s, received, arrived = idle(parts.wire, at(wire, b), one)
                put(wire, b, s)
                record.counts[ARRIVED] += int(arrived)
                deliver(plan, scratch, b, q, received, arrived, one)
    for lane in range(scratch.arrived.shape[0]):
        if scratch.arrived[lane] > zero:
            return WRITE
    return TRACE


@passage
def arrays_of(group):
    return group.current, group.energy, group.a


@passage
def show(values, n, view, t, offset):
    """Record the first pass of a population of n, the sum of its lines, if it is asked for and time."""
    if view.kept.shape[1] == 0:
        return
    sample = t // view.every
    if sample < view.kept.shape[1] and sample * view.every == t:
        for b in range(view.kept.shape[0]):
            for k in range(view.which.shape[0]):
                i = view.which[k] - offset
                if 0 <= i < n:
                    shown = values[0, b, i]
                    for line in range(n, values.shape[2], n):
                        shown += values[0, b, line + i]
                    view.kept[b, sample, k] = shown


@passage
def show_fields(neuron, state, n, views, t, offset):
    for k, numbers in enumerate(state):
        show(numbers, n, views[k], t, offset)


@passage
def show_no_field(neuron, state, n, views, t, offset):
    pass


@passage
def note(fired, events, t, offset):
    """Note the spikes of the first pass, as far as there is room."""
    if events.rows.shape[0] > 0:
        for b in range(fired.n.shape[1]):
            for m in range(fired.n[0, b]):
                i, k = offset + fired.which[0, b, m], events.n[0]
                if events.watched[i]:
                    if k < events.rows.shape[0]:
                        events.rows[k, 0], events.rows[k, 1], events.rows[k, 2] = b, t, i
                    events.n[0] = k + 1


show_state = chosen(lambda neuron: neuron.State._fields, show_fields, show_no_field)


@passage
def start(parts, plan, net, steps, first, key, clock, scratch, one):
    """Bring everything to the start of a sequence."""
    zero = one - one
    for layer in range(len(net.hidden)):
        begin(parts, parts.neuron, net.hidden[layer], first, key, clock[0], one)
    begin(parts, parts.readout_neuron, net.readout, first, key, clock[0], one)
    for k in range(len(net.decorrelators)):
        net.decorrelators[k].hat[:] = zero
    if not plan.lasting:
        for k in range(len(net.projections)):
            fill(net.projections[k].registers, zero)
    passes, replicas = scratch.value.shape
    for q in range(passes):
        wire = row(net.wires, q)
        for b in range(replicas):
            u, v = halves(fold(stream(key, random.WIRE, passes - 1 - q, clock[0]), first + b))
            put(wire, b, make_wire(parts.wire, draw_make(parts.wire, u, v, 0, one)))
    scratch.value[:] = scratch.reward[:] = scratch.arrived[:] = scratch.told[:] = zero
    scratch.what[:] = READ
    scratch.phase[0] = first_perturbed(plan.interval, steps, key, clock[0], one)


@passage
def first_perturbed(interval, steps, key, start, one):
    """The step of a sequence of so many in which layers are first perturbed: any one of its first interval is as likely, so that over sequences
    each has its turn."""
    u, v = halves(stream(key, random.PHASE, 0, start))
    return int(whole(u, v, 0, 0, one)) % max(min(interval, steps), 1)


@inline
def begins(plan, scratch, t):
    """Whether layers are perturbed in this step of a sequence, and form the signals that they keep until the next such step."""
    return (t - scratch.phase[0]) % plan.interval == 0


@passage
def judge(parts, plan, net, targets, counted, due, t, first, key, clock, scratch, record, one):
    """Judge a step, and let every neuron form its signal from what comes back."""
    if begins(plan, scratch, t):
        scratch.told[:], scratch.what[1] = one - one, READ
    if plan.judged:
        what = broadcast(
            parts, plan, net.wires, net.prediction, net.readout, targets, counted, due, t, first, key, clock[0], scratch, record, one
        )
        scratch.what[0] = what if plan.learn else READ
        if t >= scratch.phase[0]:  # before that, there is nothing that hidden synapses could learn
            scratch.what[1] = max(scratch.what[1], scratch.what[0])
    clock[0] += 1
    record.counts[STEPS] += 1
    if plan.learn and record.counts[FAILED] == 0:
        record.counts[HEARD] += 1
        record.counts[BEGUN] += int(begins(plan, scratch, t))
        carry = one - one if plan.interval > 1 and begins(plan, scratch, t + 1) else plan.carry
        for layer in range(len(net.hidden)):
            if begins(plan, scratch, t):
                listen(parts.rule, plan, net.hidden[layer], plan.sigma, one)
            else:
                take_in(plan, net.hidden[layer])
            if carry != one:
                rejoin(parts.neuron, net.hidden[layer], net.decorrelators[layer], plan.base, carry)
        listen(parts.readout_rule, plan, net.readout, plan.sigma, one)


@passage
def by_one_class(rule, readout_rule, top, parts, plan, p, what, passes, a, reward, arrived, current, first, key, step, now, scratch, one):
    here = readout_rule if top else rule
    pass_on(parts.wiring, parts, here, plan, p, what, passes, a, reward, arrived, current, first, key, step, now, scratch, p.writes, one)


@passage
def by_two_classes(rule, readout_rule, top, parts, plan, p, what, passes, a, reward, arrived, current, first, key, step, now, scratch, one):
    if top:
        by_one_class(
            readout_rule, readout_rule, top, parts, plan, p, what, passes, a, reward, arrived, current, first, key, step, now, scratch, one
        )  # fmt: skip
    else:
        by_one_class(rule, rule, top, parts, plan, p, what, passes, a, reward, arrived, current, first, key, step, now, scratch, one)


# a class of the readout's own is compiled beside the other one, which takes a fifth longer
hand_on = chosen(lambda rule, readout_rule: rule is readout_rule, by_one_class, by_two_classes)


@passage
def drive(parts, plan, net, p, layer, reading, t, first, key, step, now, scratch, one):
    """A projection to a layer learns, and adds what it makes of what is sent to the layer's currents."""
    layers, passes = len(net.hidden), scratch.value.shape[0]
    top = layer == layers
    current, energy, a = arrays_of(net.readout) if top else arrays_of(net.hidden[layer])
    what, reward, arrived = scratch.what[0], scratch.reward, scratch.arrived
    if plan.interval > 1 and not top:  # its neurons have heard what came of the last perturbation
        what, reward, arrived = scratch.what[1] if begins(plan, scratch, t) or not reading else READ, scratch.told, scratch.told
    if top or (t > 0 and begins(plan, scratch, t - 1)):
        keep(plan, p)
    if reading:
        if p.number % 2 == 1 and plan.raw_recurrence:
            source = net.hidden[layer].out
        else:
            sender = layer if p.number % 2 == 1 else layer - 1
            source = net.decorrelators[sender if sender >= 0 else layers].hat
        load(parts, plan, p, source, net.hidden[max((p.number - 1) // 2, 0)].fired, energy, first, key, step, one)
    hand_on(
        parts.rule, parts.readout_rule, top, parts, plan, p, what, passes * int(reading), a, reward, arrived, current, first, key, step, now, scratch, one
    )  # fmt: skip
    if reading and not straight(parts, p):
        collect(parts, p, current, first, key, step, one)


def sequence(course):
    """Run steps of one sequence for every replica; learn on the way if the plan says so.

    The last broadcast has no step to ride on: it takes one more turn, in which weights learn and nothing is read.
    """
    parts, plan, net, scratch, record = course.parts, course.plan, course.net, course.scratch, course.record
    inputs, targets, counted, due = course.inputs, course.targets, course.counted, course.due
    first, key, clock, one, last = course.first, course.key, course.clock, course.one, course.span[2]
    layers, passes, replicas, zero = len(net.hidden), scratch.value.shape[0], scratch.value.shape[1], one - one
    for t in range(course.span[0], course.span[1]):
        reading = t < last
        if t == 0:
            start(parts, plan, net, last, first, key, clock, scratch, one)
        else:
            judge(parts, plan, net, targets, counted, due, t - 1, first, key, clock, scratch, record, one)
        if record.counts[FAILED] > 0 or not (reading or plan.learn):
            break
        step, what, now = clock[0], scratch.what[0], seconds(clock[0], plan.step_s)
        record.counts[TRACED] += int(what != READ)
        record.counts[LEARNED] += int(what == WRITE)
        record.counts[ENDED] += int(scratch.what[1] == WRITE and (begins(plan, scratch, t) or not reading))
        if reading:
            if plan.learn:  # a test happens at one moment and leaves the devices alone
                age_network(parts, net.projections, net.decorrelators, plan, clock, key, one)
            for q in range(passes):
                for b in range(replicas):
                    copy(inputs[b, t], scratch.source[q, b])
            if net.decorrelators[layers].planes[0].shape[0] > 0:
                decorrelate(
                    parts, plan, net.decorrelators[layers], scratch.source, key, step, now, scratch, net.decorrelators[layers].writes, one
                )
            for layer in range(layers):
                net.hidden[layer].energy[:] = zero
            net.readout.energy[:] = zero
        offset = 0
        for k in range(len(net.projections)):
            layer, p = k // 2, net.projections[k]
            if p.z.shape[2] > 0:  # else no one sends
                drive(parts, plan, net, p, layer, reading, t, first, key, step, now, scratch, one)
            if reading and k % 2 == 1:
                group, d = net.hidden[layer], net.decorrelators[layer]
                perturb(parts.rule, parts, plan, group, begins(plan, scratch, t), first, key, step, one)
                show(group.current, group.out.shape[2], record.h, t, offset)
                fire(parts.circuit, parts.neuron, parts.rule, group, one)
                if d.planes[0].shape[0] > 0:
                    decorrelate(parts, plan, d, group.out, key, step, now, scratch, d.writes, one)
                n = group.out.shape[2]
                show(group.out, n, record.x, t, offset)
                show_state(parts.neuron, group.state, n, record.state, t, offset)
                note(group.fired, record.spikes, t, offset)
                offset += n
        if reading:
            if plan.perturb_readout:
                perturb(parts.readout_rule, parts, plan, net.readout, True, first, key, step, one)
            fire(parts.circuit, parts.readout_neuron, parts.readout_rule, net.readout, one)
            show(net.readout.out, net.readout.out.shape[2], record.y, t, 0)
        elif not plan.at_once:
            for k in range(len(net.projections)):
                p = net.projections[k]
                write_waiting(parts, plan, p, now, key, step, scratch, p.writes, one)
