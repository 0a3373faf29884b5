"""Decorrelation: what the next weights see is D x, and D learns to make its outputs uncorrelated."""

from typing import NamedTuple

from hw_models.tile import Adder, Sum
from neurosim import random
from neurosim.jit import as_number, copy, dot, passage, row
from neurosim.loop.fours import learn_rows
from neurosim.loop.moving import write_rows
from neurosim.loop.rows import ROWS, gather_rows, read_rows
from neurosim.loop.synapses import ask_rows
from neurosim.protocols import Nothing
from neurosim.random import stream


class Decorrelation(NamedTuple):
    """``dD = -rate * (y y' D - diag(y**2) D)`` with y = D x, written as a synapse's rule: pre is rate * y' D, a is y, the reward is the rate.

    The product y' D reads a transpose: a declared layer operation, not local.

    References
    ----------
    Ahmad, Schrader, van Gerven 2023, "Constrained Parameter Inference as a Principle for Learning", TMLR,
    https://openreview.net/forum?id=CUDdbTT1QC.
    """

    site = "current"
    Register = Nothing

    def trace(self, r, pre, a):
        return r

    def change(self, w, r, pre, a, reward):
        return a * (reward * a * w - pre)


@passage
def decorrelate(parts, plan, d, x, key, step, now, scratch, counts, one):
    """D x of this step, after D has learned from that of the step before; averaged over replicas."""
    passes, replicas, n = d.hat.shape
    k_write, k_read = stream(key, random.WRITE, d.number, step), stream(key, random.READ, d.number, step)
    cell, share, rule = parts.decorrelation_cell, one / (d.scale * as_number(replicas, one)), Decorrelation()
    for b in range(replicas):
        copy(d.hat[0, b], d.before[b])
    d.hat[:] = one - one
    for j in range(0, n, ROWS):
        rows = min(ROWS, n - j)
        if plan.learn:
            read_rows(cell, d.planes, j, rows, scratch.seen, k_read, one)
            for k in range(rows):
                for b in range(replicas):
                    d.pull[b, j + k] = d.rate * d.scale * dot(scratch.seen[k][:n], d.before[b])  # not local: transpose
            if replicas == 1 and passes == 2 and rows == ROWS:
                clean, noisy = Sum(row(row(d.hat, 0), 0)), Sum(row(row(d.hat, 1), 0))
                learn_rows(
                    cell, rule, Adder(), d.planes, Nothing(), d.scale, j, j + ROWS, n, row(d.pull, 0), row(d.before, 0), d.rate, now, x, clean, noisy,
                    k_read, k_write, k_write, scratch, scratch.moving_d, counts, one,
                )  # fmt: skip
                continue
            scratch.dw[:rows] = one - one
            for b in range(replicas):
                ask_rows(
                    cell, rule, d.planes, d.scale, j, rows, Nothing(), d.pull[b], d.before[b], d.rate, one, scratch, k_read, k_write, one
                )
            write_rows(cell, d.planes, j, rows, scratch.dw, share, now, k_write, scratch.moving_d, counts, one)
        read_rows(cell, d.planes, j, rows, scratch.seen, k_read, one)
        for q in range(passes):
            for b in range(replicas):
                gather_rows(Adder(), scratch.seen, rows, n, x[q, b], j, n, Sum(d.hat[q, b]), one)
    if d.scale != one:
        for q in range(passes):
            for b in range(replicas):
                for i in range(n):
                    d.hat[q, b, i] *= d.scale
