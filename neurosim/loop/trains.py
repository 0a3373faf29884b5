"""Stochastic pulse trains: rows and columns of an array pulse at random, and a device is moved where both do in the same slot.

Of a change that is ``pre * c`` for every device, row j pulses in a slot with probability ``s * abs(pre) / max abs(pre)`` and column i with
``s * abs(c) / max abs(c)``. The share s is such that as many coincidences are expected as steps are asked for,
``slots * s**2 * step = max abs(pre) * max abs(c)``; a line that would have to pulse more often than always pulses always, and its devices get
less than they ask for. All devices of a row share its train and all of a column share the column's, so that their numbers are correlated
(Gokmen & Vlasov 2016, doi:10.3389/fnins.2016.00333; rows and columns balanced as in Gokmen, Onen, Haensch 2017, doi:10.3389/fnins.2017.00538).
A wire has neither row nor column: there, and wherever a change is no such product, each draws its own.
"""

import numpy as np

from hw_models.protocols import Cell
from neurosim.jit import as_number, chosen, inline, kernel, passage
from neurosim.loop.moving import takes_trains
from neurosim.loop.rows import full_scale
from neurosim.protocols import Nothing, Rule, is_product
from neurosim.random import fold, halves, uniform

slots, change = kernel(Cell.slots), kernel(Rule.change)


@passage
def draw_trains(trains, odds, count, key, one):
    """Draw the slots of lines that pulse with these probabilities."""
    u, v = halves(key)
    trains[: odds.shape[0]] = 0
    for k in range(count):
        for i in range(odds.shape[0]):
            trains[i] |= np.int32(uniform(u, v, i, k, one) < odds[i]) << np.int32(k)


@passage
def send_trains(rule, cell, trains, scale, before, a, reward, key, one):
    count, largest, zero = int(slots(cell)), one - one, one - one
    for j in range(before.shape[0]):
        largest = max(largest, abs(before[j]))
    if count == 0 or not largest > zero:
        return
    rows, columns, most = trains.odds[: before.shape[0]], trains.odds[: a.shape[0]], zero
    for i in range(a.shape[0]):
        most = max(most, abs(change(rule, zero, Nothing(), largest, a[i], reward)))  # steps that the largest input asks for
    most = most / (full_scale(cell, scale, one) * cell.step)
    if not most > zero:
        return
    trains.slots[0] = count
    share = np.sqrt(most / as_number(count, one))
    for j in range(before.shape[0]):
        rows[j] = share * abs(before[j]) / largest
    draw_trains(trains.rows, rows, count, fold(key, 0), one)
    share = share / (most * full_scale(cell, scale, one) * cell.step)
    for i in range(a.shape[0]):
        columns[i] = share * abs(change(rule, zero, Nothing(), largest, a[i], reward))
    draw_trains(trains.columns, columns, count, fold(key, 1), one)


@passage
def send_nothing(rule, cell, trains, scale, before, a, reward, key, one):
    pass


send_if_product = chosen(lambda rule: is_product(rule) and rule.site == "current", send_trains, send_nothing)


@inline
def by_rule(cell, rule, trains, scale, before, a, reward, key, one):
    send_if_product(rule, cell, trains, scale, before, a, reward, key, one)


@inline
def no_one(cell, rule, trains, scale, before, a, reward, key, one):
    pass


#: Let the rows and columns of an array draw the trains that write the next changes, if its cells take any and each change is a product.
send = chosen(takes_trains, by_rule, no_one)
