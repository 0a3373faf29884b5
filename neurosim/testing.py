"""Checks that a rule or neuron keeps its contract and computes the same compiled; for those of neurosim and for your own.

``print(check_rule(MyRule(lr=0.1)))`` says what a rule reads, what of that is not local, and on which chips it fits.
"""

import inspect
from typing import Any, NamedTuple

import numpy as np

from hw_models import catalogue, load
from hw_models.contracts import check_draws, check_methods, check_record, methods, where
from hw_models.parts import InputError, bits, check, fields
from hw_models.scalars import normal
from neurosim.cast import lower
from neurosim.jit import check_arithmetic, kernel
from neurosim.locality import Read, check_declared, not_local, reads_of
from neurosim.protocols import Extra, Neuron, Own, Rule

RECORDS = {"s": "State", "p": "Params", "r": "Register", "m": "Memory", "column": "Column", "sums": "Sums"}
EDGES = (0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1e-6, 100.0)


class RuleReport(NamedTuple):
    """What `check_rule` found out about a rule."""

    name: str
    reads: dict[str, list[Read]]  #: by method
    not_local: list[Read]  #: what no synapse or neuron can know
    register: dict[str, int]  #: bits in every synapse
    memory: dict[str, int]  #: bits in every neuron
    fits: list[str]  #: chips of the catalogue that have room for them

    def __str__(self) -> str:
        listed = lambda things: ", ".join(map(str, things)) or "nothing"  # noqa: E731
        room = lambda widths: f"{sum(widths.values())} bit ({listed(f'{name} {n}' for name, n in widths.items())})"  # noqa: E731
        return "\n".join(
            [
                self.name,
                *(f"  {method} reads {listed(read.name for read in found)}" for method, found in self.reads.items()),
                f"  not local: {listed(self.not_local)}",
                f"  keeps {room(self.register)} in every synapse, {room(self.memory)} in every neuron; fits {listed(self.fits)}",
                "  plain Python and compiled code give the same bits in float32 and float64",
            ]
        )


def check_rule(rule) -> RuleReport:
    """Check a learning rule, or a class of rules, against `neurosim.protocols.Rule`.

    Returns
    -------
    RuleReport
        What it reads, what of that is not local, what it keeps and where it fits; print it.

    Raises
    ------
    InputError
        If a method is missing, reads of ``extra`` what ``needs`` does not name, or is not the same plain and compiled; with the line.
    """
    rule = _made(rule)
    cls = type(rule)
    check_methods(cls, Rule)
    check_declared(cls)
    check(rule)
    register, memory = bits(cls.Register), bits(cls.Memory)
    for method in methods(Rule):
        compare_with_plain(rule, getattr(Rule, method))
    rooms = {name: load(name).memory for name in catalogue()}
    fits = [name for name, chip in rooms.items() if _fits(chip, "synapse", register) and _fits(chip, "neuron", memory)]
    return RuleReport(cls.__name__, reads_of(cls), not_local(cls), register, memory, fits)


@np.errstate(all="ignore")
def check_neuron(neuron, steps=200, seed=0):
    """Check a neuron model, or its class, against `neurosim.protocols.Neuron`.

    Raises
    ------
    InputError
        If a method is missing, returns something else than its contract says, runs away under bounded currents, or is not the same
        plain and compiled; with the line.
    """
    neuron = _made(neuron)
    cls = type(neuron)
    check_methods(cls, Neuron)
    check_draws(cls, Neuron)
    check(neuron)
    for name in ("Params", "State"):
        check_record(cls, name)
    for method in methods(Neuron):
        compare_with_plain(neuron, getattr(Neuron, method))
    part, rng = lower(neuron, np.float64), np.random.default_rng(seed)
    make, start, step = kernel(Neuron.make), kernel(Neuron.start), kernel(Neuron.step)
    p = _expect(cls, "make", "Params", make(part, _drawn(cls, "make", rng, np.float64)))
    s = _expect(cls, "start", "State", start(part, p))
    for current in rng.uniform(-3, 3, steps):
        got = step(part, p, s, current)
        if not isinstance(got, tuple) or len(got) != 3:
            raise InputError(f"{where(cls.step)}: {cls.__name__}.step must return (state, out, activity), got {got!r}.")
        s, out, activity = got
        _expect(cls, "step", "State", s)
        if not np.isfinite([*s, out, activity]).all():
            raise InputError(f"{where(cls.step)}: {cls.__name__}.step must stay finite under currents in -3..3, got {got!r}.")


@np.errstate(all="ignore")  # inf and nan must agree too
def compare_with_plain(part, method, samples=200, seed=0):
    """Run one method plain and compiled, in float32 and float64, on random numbers; every bit must agree.

    Parameters
    ----------
    part : part
    method : function
        The method as its protocol has it, such as ``Cell.write``.
    samples : int
        How many sets of arguments, zeros and large numbers among them.

    Raises
    ------
    InputError
        At the first difference, or the first line at which a number leaves the run's float type.
    """
    name, cls, plain = method.__name__, type(part), kernel(method)
    arguments, place = list(inspect.signature(method).parameters)[1:], f"{where(getattr(cls, name))}: {cls.__name__}.{name}"
    for dtype in (np.float32, np.float64):
        rng, lowered, fast = np.random.default_rng(seed), lower(part, dtype), None
        for k in range(samples):
            args = [_argument(cls, name, argument, rng, dtype, k < samples // 2) for argument in arguments]
            typed = any(type(value) is dtype for value in _numbers((lowered, *args)))
            if dtype is np.float64 and not typed:  # no number says which arithmetic this is: there is only one
                return
            fast = fast or check_arithmetic(cls, name, (lowered, *args), dtype)
            try:
                expected, got = list(_numbers(plain(lowered, *args))), list(_numbers(fast(lowered, *args)))
            except (ArithmeticError, AttributeError, IndexError, TypeError, ValueError) as error:
                raise InputError(f"{place} fails: {error}; every number is a {dtype.__name__}, fields of whole numbers too.") from None
            given = lambda: ", ".join([dtype.__name__, *(f"{argument}={arg}" for argument, arg in zip(arguments, args, strict=True))])  # noqa: B023, E731
            if len(expected) != len(got) or not all(_same(a, b) for a, b in zip(expected, got, strict=True)):
                raise InputError(
                    f"{place} is {_shown(expected)} in plain Python and {_shown(got)} compiled ({given()}); use only + - * /, comparisons, "
                    "min, max, abs, np.floor, np.sqrt and the helpers of hw_models.scalars."
                )
            odd = [value for value in expected if typed and isinstance(value, float | np.floating) and type(value) is not dtype]
            if odd:
                raise InputError(f"{place} leaves the run's arithmetic in plain Python: {odd[0]!r} is not a {dtype.__name__} ({given()}).")


def _argument(cls, method, name, rng, dtype, positive) -> Any:
    """Something random for an argument of this name."""
    number = lambda: _random(rng, dtype, positive)  # noqa: E731
    if name == "u":
        return _drawn(cls, method, rng, dtype)
    record = Own if name == "own" else Extra if name == "extra" else getattr(cls, RECORDS[name]) if name in RECORDS else None
    return record(*[number() for _ in record._fields]) if record else number()


def _random(rng, dtype, positive):
    value = dtype(rng.choice(EDGES)) if rng.random() < 0.1 else dtype(rng.standard_normal() * 10.0 ** rng.integers(-3, 2))
    return abs(value) if positive else value


def _drawn(cls, method, rng, dtype):
    """Random numbers as the part asks for them."""
    uniform = lambda: dtype((rng.integers(0, 2**23) + 0.5) * 2.0**-23)  # noqa: E731
    return tuple(uniform() if letter == "u" else dtype(normal(float(uniform()))) for letter in getattr(cls, "draws", {}).get(method, ""))


def _numbers(got):
    """The numbers of a result, records and tuples opened; compiled code hands back Python's own."""
    if isinstance(got, tuple):
        for value in got:
            yield from _numbers(value)
    else:
        yield got


def _same(a, b):
    return (a == b and np.signbit(a) == np.signbit(b)) or (a != a and b != b)


def _shown(values):
    return ", ".join(f"{float(v):.9g}" if isinstance(v, float | np.floating) else str(v) for v in values) or "empty"


def _made(part):
    """A part; of a class, one with its defaults, and 0.5 or True where it has none."""
    if not isinstance(part, type):
        return part
    if not hasattr(part, "_fields"):
        raise InputError(f"{where(part)}: {part.__name__} must be a NamedTuple; write class {part.__name__}(NamedTuple).")
    return part(*[f.default if f.name in part._field_defaults else f.kind is bool or 0.5 for f in fields(part).values()])


def _expect(cls, method, name, got):
    if type(got) is not getattr(cls, name):
        raise InputError(
            f"{where(getattr(cls, method))}: {cls.__name__}.{method} must return its {name}, {getattr(cls, name).__name__}, got {got!r}."
        )
    return got


def _fits(memory, place, widths):
    room = memory.room(place)
    return room is None or sum(widths.values()) <= room
