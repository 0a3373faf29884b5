"""The loop: every pass in lock step, one broadcast, one local change of each weight, one sweep over the weights a step.

This is plain Python; `jit.compiled` runs the same source compiled, and both give the same bits. In one step, layer by layer:

1. `sweep`: each synapse applies the *previous* step's broadcast to its cell and is read into the sums of every pass, so that a
   weight is touched once a step;
2. `fire`: the column's sums pass the tile and the ADC, meet the perturbation, and the neuron answers;
3. `decorrelate`: where asked for, what the next weights see is D x, and D learns (a declared layer operation);
4. `broadcast`: how each perturbed pass compares goes over the reward wire; then `listen`: each neuron forms its local signal.
"""

import numpy as np

from hw_models.protocols import Wire
from neurosim import random
from neurosim.jit import at, chosen, copy, fill, kernel, passage, put, row
from neurosim.loop.ageing import age_network, seconds
from neurosim.loop.decorrelation import decorrelate
from neurosim.loop.neurons import begin, collect, fire, listen, load, perturb, rejoin
from neurosim.loop.synapses import READ, TRACE, WRITE, sweep, write_totals
from neurosim.protocols import Loss
from neurosim.random import draws, fold, halves, stream

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
def deliver(plan, scratch, heard, b, q, received, arrived, one):
    """Tell synapses the reward; or, where signals are folded, neurons the reward and synapses that it is time."""
    if plan.folds:
        heard[q, b] = plan.share * received if arrived else one - one
    elif arrived:
        scratch.reward[b] = received
    if arrived:
        scratch.arrived[b] = one
        if plan.folds:
            scratch.reward[b] = one


@passage
def broadcast(parts, plan, wires, prediction, group, targets, counted, t, first, key, step, scratch, record, one):
    """Account the loss, send what each pass is judged by if it is time, and hear the wire. Returns what the next step does to the synapses."""
    passes, replicas, n = group.out.shape
    valid, zero, final = False, one - one, t == targets.shape[1] - 1
    for b in range(replicas):
        target, counts = targets[b, t], counted[b, t]
        if counts:
            y, loss = group.out[0, b], zero
            for i in range(n):
                loss += loss_value(parts.loss, y[i], target[i])
            record.loss[b] += loss
            if not np.isfinite(loss):
                record.counts[3] = 1
        scratch.reward[b] = scratch.arrived[b] = zero
        for q in range(passes):
            if plan.sends[q]:
                k, wire = stream(key, random.SEND, passes - 1 - q, step), row(wires, q)
                if counts:
                    scratch.value[q, b] += compare(parts, plan, group.out[q, b], group.out[plan.base[q], b], target, one)
                    if not np.isfinite(scratch.value[q, b]):
                        record.counts[3] = 1
                if counts if plan.every_step else final:
                    value = scratch.value[q, b]
                    if plan.average > 0:
                        value = surprise(plan, prediction, b, value, one)
                    u, v = halves(fold(k, first + b))
                    s, received, arrived = send(parts.wire, at(wire, b), -value, draw_send(parts.wire, u, v, 0, one))
                    scratch.value[q, b] = zero
                else:
                    s, received, arrived = idle(parts.wire, at(wire, b), one)
                put(wire, b, s)
                deliver(plan, scratch, group.heard, b, q, received, arrived, one)
        if scratch.arrived[b] > zero:
            valid = True
    return WRITE if valid else TRACE


@passage
def arrays_of(group):
    return group.current, group.energy, group.a


@passage
def show(values, kept, t, offset):
    """Record the first pass of a population, if it is asked for."""
    if kept.shape[1] > 0:
        for b in range(kept.shape[0]):
            copy(values[0, b], kept[b, t, offset : offset + values.shape[2]])


def sequence(
    parts,
    plan,
    hidden,
    readout,
    projections,
    decorrelators,
    wires,
    prediction,
    inputs,
    targets,
    counted,
    first,
    key,
    clock,
    scratch,
    record,
    one,
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
    for q in range(passes):
        wire = row(wires, q)
        for b in range(replicas):
            u, v = halves(fold(stream(key, random.WIRE, passes - 1 - q, clock[0]), first + b))
            put(wire, b, make_wire(parts.wire, draw_make(parts.wire, u, v, 0, one)))
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
                fire(parts.circuit, parts.neuron, group)
                if d.planes[0].shape[0] > 0:
                    decorrelate(parts, plan, d, group.out, key, step, now, scratch, record.counts, one)
                show(group.out, record.x, t, offset)
                show(group.current, record.h, t, offset)
                offset += group.out.shape[2]
        if reading:
            if plan.perturb_readout:
                perturb(parts.readout_rule, parts, plan, readout, first, key, step, one)
            fire(parts.circuit, parts.readout_neuron, readout)
            show(readout.out, record.y, t, 0)
            what = broadcast(parts, plan, wires, prediction, readout, targets, counted, t, first, key, step, scratch, record, one)
            clock[0] += 1
            record.counts[2] += 1
            if record.counts[3] > 0:
                break
            if plan.learn:
                for layer in range(layers):
                    listen(parts.rule, plan, hidden[layer], plan.sigma, one)
                    if plan.carry != one:
                        rejoin(hidden[layer], decorrelators[layer], plan.base, plan.carry)
                listen(parts.readout_rule, plan, readout, plan.sigma, one)
            else:
                what = READ
    if plan.learn and not plan.at_once:
        for k in range(len(projections)):
            write_totals(parts, projections[k], seconds(clock[0], plan.step_s), key, clock[0], scratch.moving, record.counts, one)
