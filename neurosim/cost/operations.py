"""How many operations a method of a part does: it is run once on numbers that count what is done with them."""

import functools
import types
from collections import Counter
from typing import Any

import numpy as np

from hw_models.events import Event

PRE, POST = "pre", "post"


class Counting:
    """A number that differs along some axes of an array (pre, post); an operation is needed once for every place where it differs.

    So ``lr * reward * pre * a`` is one product a broadcast, one a row and one a synapse: what is equal for all is computed once.
    """

    def __init__(self, value: float, axes: frozenset[str], tally: Counter):
        self.value, self.axes, self.tally = value, axes, tally

    def _do(self, event: Event, other: Any, function) -> "Counting":
        value, axes = (other.value, other.axes) if isinstance(other, Counting) else (float(other), frozenset())
        self.tally[event, self.axes | axes] += 1
        return Counting(function(self.value, value), self.axes | axes, self.tally)

    def __add__(self, other):
        return self._do(Event.ADD, other, lambda a, b: a + b)

    def __sub__(self, other):
        return self._do(Event.ADD, other, lambda a, b: a - b)

    def __rsub__(self, other):
        return self._do(Event.ADD, other, lambda a, b: b - a)

    def __mul__(self, other):
        return self._do(Event.MULTIPLY, other, lambda a, b: a * b)

    def __truediv__(self, other):
        return self._do(Event.MULTIPLY, other, lambda a, b: a / b if b else a)

    def __rtruediv__(self, other):
        return self._do(Event.MULTIPLY, other, lambda a, b: b / a if a else b)

    __radd__, __rmul__ = __add__, __mul__

    def __lt__(self, other):
        return self._do(Event.ADD, other, lambda a, b: float(a < b)).value > 0

    def __gt__(self, other):
        return self._do(Event.ADD, other, lambda a, b: float(a > b)).value > 0

    def __le__(self, other):
        return not self > other

    def __ge__(self, other):
        return not self < other

    def __eq__(self, other):
        return self._do(Event.ADD, other, lambda a, b: float(a == b)).value > 0

    def __ne__(self, other):
        return not self == other

    __hash__ = None  # type: ignore[assignment]

    def __pow__(self, other):
        return self._do(Event.NONLINEARITY, other, lambda a, b: a**b)

    def __rpow__(self, other):
        return self._do(Event.NONLINEARITY, other, lambda a, b: b**a)

    def __neg__(self):
        return Counting(-self.value, self.axes, self.tally)

    def __abs__(self):
        return Counting(abs(self.value), self.axes, self.tally)

    def __array_ufunc__(self, ufunc, method, x, *more):
        return self._do(Event.ADD if ufunc is np.floor else Event.NONLINEARITY, 0.0, lambda a, b: a)


def operations(method, *arguments) -> Counter:
    """Operations of one call, by (event, axes along which they differ).

    Parameters
    ----------
    method : a bound method of a part
    arguments : a plain number (a constant: what is made of constants alone costs nothing); a set of axes for a number that differs
        along them; a record or tuple of either

    Notes
    -----
    A branch is taken as for numbers of one half. A shared function such as tanh is one nonlinearity; of a `piece` each line counts.
    """
    tally: Counter = Counter()

    def number(given):
        return Counting(0.5, given, tally) if isinstance(given, frozenset) else given

    def argument(given):
        return getattr(given, "_make", tuple)(map(number, given)) if isinstance(given, tuple) else number(given)

    def shared(*given):
        axes = frozenset().union(*(x.axes for x in given if isinstance(x, Counting)))
        tally[Event.NONLINEARITY, axes] += 1
        return Counting(0.5, axes, tally)

    def chosen(pick):
        """min or max, whose result differs where any of its arguments does, whichever it is."""

        def two(a, b):
            if isinstance(a, Counting):
                return a._do(Event.ADD, b, pick)
            return b._do(Event.ADD, a, pick) if isinstance(b, Counting) else pick(a, b)

        return lambda *given: functools.reduce(two, given)

    def counted(function):
        """The function with what it calls taken for what it costs."""
        called = {name: function.__globals__[name] for name in function.__code__.co_names if name in function.__globals__}
        known = {name: known_as(value) for name, value in called.items()} | {"min": chosen(min), "max": chosen(max)}
        around = tuple(types.CellType(known_as(cell.cell_contents)) for cell in function.__closure__ or ())
        return types.FunctionType(function.__code__, known, None, function.__defaults__, around)

    def known_as(value):
        return counted(value) if getattr(value, "piece", False) else shared if getattr(value, "scalar", False) else value

    counted(method.__func__)(method.__self__, *map(argument, arguments))
    return tally
