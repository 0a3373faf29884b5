"""Checks that a part keeps its contract, such as ``check_cell(MyCell(levels=32))``; for built-in parts and for your own.

Plain Python: `neurosim.testing` adds what concerns rules, neurons and the compiler.
"""

import math
from typing import Any, Literal, get_args, get_origin

import numpy as np

from hw_models.contracts import check_draws, check_methods, check_record, where
from hw_models.parts import InputError, bits, check, fields
from hw_models.protocols import Cell, Noise, is_linear

NUMBERS = (float, int, np.number, np.bool_)
SIGMAS = 5.0  #: how many standard errors a mean may miss by: a correct part fails once in two million times


@np.errstate(all="ignore")  # the loop computes inf and nan too; they are found and named
def check_cell(cell, tolerance=0.1, devices=200, seed=0):
    """Check a memory cell against `hw_models.protocols.Cell`.

    Parameters
    ----------
    cell : part
        The cell, with the numbers it should be checked with.
    tolerance : float, share of full scale
        By how much a programmed weight may miss on average; a cell of few levels needs more.
    devices : int
        Cells that averages are taken over.
    seed : int
        Of the random numbers.

    Raises
    ------
    InputError
        At the first thing that is not as the contract says.
    """
    bench = Bench(cell, Cell, seed)
    cls, keeps = type(cell), getattr(cell, "keeps", False)
    bits(check_record(cls, "State"))
    _check_flags(cls, bench)
    full = 1.0 if cls.bounded else 3.0

    for w in np.linspace(-full, full, 9):
        seen = np.array([bench.read(bench.programmed(w)) for _ in range(devices)])
        if abs(seen.mean() - w) > tolerance * full:
            bench.refuse(
                "program",
                f"was asked for {w:g}, but {devices} cells read {seen.mean():.3g} on average; more than {tolerance:g} of full scale off",
            )
        bench.check_bounds("program", seen, tolerance)

    for start, dw in ((-full, full), (full, -full)):
        change = np.array([bench.read(bench.written(s, dw)[0]) - bench.read(s) for s in (bench.programmed(start) for _ in range(devices))])
        if not change.mean() * dw > 0:
            bench.refuse(
                "write", f"was asked for a change of {dw:+g} at {start:+g}, but {devices} cells changed by {change.mean():.3g} on average"
            )

    for dw in (0.0, 1e-4, -0.03, 0.3, -4.0, 4.0):
        before = [bench.programmed(w) for w in np.linspace(-0.9, 0.9, devices)]
        after = [bench.written(s, dw) for s in before]
        for s, (changed, hit) in zip(before, after, strict=True):
            for name in getattr(s, "made", ()):
                if getattr(changed, name) != getattr(s, name):
                    bench.refuse("write", f"changed {name} of {s}, which {type(s).__name__}.made says it never does")
            for name in getattr(s, "aside", ()):
                bench.check_aside(s, dw, name)
            if not hit and changed != s and not keeps:
                bench.refuse("write", f"says hit = 0, that the change was swallowed, but {s} became {changed}")
            if hit and not dw and getattr(cls, "swallows", True):
                bench.refuse(
                    "write", f"says hit = {hit:g} though no change was asked for; the share of changes that are lost is counted by it"
                )
            if not hit and dw and not getattr(cls, "swallows", True):
                bench.refuse("write", f"swallowed a change of {dw:g} although the class says swallows = False")
        reads = np.array([[bench.read(s), bench.read(changed)] for s, (changed, _) in zip(before, after, strict=True)])
        bench.check_bounds("write", reads[:, 1], tolerance)
        drift = reads[:, 1] - reads[:, 0]
        if dw == 0 and abs(drift.mean()) > (bound := _bound(drift) + 1e-12):
            bench.refuse(
                "write",
                f"changed the weight by {drift.mean():.3g} on average although none was asked for (bound {bound:.2g}, {devices} cells)",
            )

    if keeps:
        _check_keeps(bench, devices, tolerance)
    if hasattr(cls, "chance"):
        _check_chance(bench, devices)
    if hasattr(cls, "slots"):
        _check_slots(bench)
    if getattr(cls, "ages", False):
        for then, now in ((0.0, 1e-3), (1e-3, 1.0), (1.0, 1e7)):
            seen = np.array(
                [bench.read(bench.record("age", "State", s, then, now)) for s in (bench.programmed(0.5) for _ in range(devices))]
            )
            bench.check_bounds("age", seen, tolerance)


def _check_slots(bench):
    """Whether a write makes as many pulses as it is told, where the trains of a row and a column coincide."""
    cls, letters = bench.cls, bench.cls.draws.get("write", "")
    if not isinstance(getattr(cls, "forms", None), str) or letters[:1] != "u" or not hasattr(bench.part, "step"):
        bench.refuse("slots", 'needs a field step, forms with the field whose first word rounds, and draws["write"] that begins with "u"')
    if not 0 <= bench.number("slots", bench.part.slots()) <= 31:
        bench.refuse("slots", f"says {bench.part.slots():g}; trains have at most 31 slots, and 0 is none")
    told = bench.part._replace(**{cls.forms: np.float64(0.0)})
    for n in range(1, 32):
        for dw in (-(n + 0.5) * told.step, (n + 0.5) * told.step):
            drawn = tuple(np.float64(1.0) if k == 0 else draw(bench.rng, letter) for k, letter in enumerate(letters))
            hit = told.write(bench.programmed(0.0), np.float64(dw), np.float64(1.0), drawn)[1]
            if hit != min(n, getattr(bench.part, "longest", n)):
                bench.refuse("slots", f"lets trains meet in {n} slots, but a write that is told so makes {hit:g} pulses")


def _check_keeps(bench, devices, tolerance):
    """Whether small changes that no pulse came of are not seen, but add up to what was asked for."""
    seen = []
    for s in [bench.programmed(0.0) for _ in range(devices)]:
        for _ in range(256):
            before, (s, hit) = s, bench.written(s, 0.5 / 256)
            if not hit and not bench.cls.draws.get("read") and bench.read(s) != bench.read(before):
                bench.refuse(
                    "write", f"says hit = 0, that the change waits, but a cell that read {bench.read(before)} reads {bench.read(s)}"
                )
        seen.append(bench.read(s))
    if abs(np.mean(seen) - 0.5) > 2 * tolerance:
        bench.refuse(
            "write",
            f"should keep small changes, as keeps says, but 256 that sum to 0.5 moved {devices} cells from 0 to {np.mean(seen):.3g} on average",
        )


def _check_chance(bench, devices):
    """Whether no write moves a cell when its first random number is at least what ``chance`` says."""
    letters = bench.cls.draws.get("write", "")
    one = bench.number("chance", bench.part.chance(np.float64(1.0)))
    if is_linear(bench.cls) and letters[:1] != "u":
        bench.refuse("chance", f'is linear, as the class says, but draws["write"] is {letters!r}: begin it with "u"')
    for dw in np.concatenate([-np.logspace(-6, -0.5, devices), np.logspace(-6, -0.5, devices)]):
        p = bench.number("chance", bench.part.chance(np.float64(dw)))
        if letters[:1] != "u" and 0.0 < p < 1.0:
            bench.refuse(
                "chance",
                f'says {p:.4g}, which leaves the first random number of write to decide, but draws["write"] is {letters!r}: '
                'begin it with "u", or say 0 or 1 alone',
            )
        if is_linear(bench.cls) and abs(p - abs(dw) * one) > 1e-9 * p:
            bench.refuse("chance", f"says {p:.6g} for a change of {dw:.4g} and {one:.6g} for 1: not proportional, as linear = True says")
        for u in (p, 1.001 * p, 2.0 * p, 0.9):
            if 0.0 < u < 1.0 and u >= p:
                drawn = tuple(np.float64(u) if k == 0 and letter == "u" else draw(bench.rng, letter) for k, letter in enumerate(letters))
                cells = [bench.programmed(w) for w in (-0.9, -0.3, 0.3, 0.9)]
                if any(bench.part.write(s, np.float64(dw), np.float64(1.0), drawn)[1] for s in cells):
                    bench.refuse(
                        "chance",
                        f"says {p:.4g} for a change of {dw:.4g}, but write, whose first random number was {u:.4g}, "
                        "moved the cell, which the loop would not have asked",
                    )


@np.errstate(all="ignore")
def check_noise(noise, sources=1000, steps=20, seed=0):
    """Check a noise source against `hw_models.protocols.Noise`: it is zero on average and as large as its ``sigma`` says, or silent if it says so.

    Averages are taken over independent sources, so that one whose steps depend on each other is judged rightly: with K sources, the
    mean of x and the mean of x**2 may each miss by five times the standard deviation of the sources' own means, over sqrt(K).

    Raises
    ------
    InputError
        At the first thing that is not as the contract says.
    """
    bench = Bench(noise if isinstance(noise, type) else getattr(noise, "opened", lambda: noise)(), Noise, seed)
    check_record(type(noise), "State")
    sigma = getattr(noise, "sigma", None)
    if not isinstance(sigma, int | float) or isinstance(sigma, bool) or not 0 < sigma < np.inf:
        raise InputError(
            f"{where(type(noise))}: {type(noise).__name__} needs a field sigma, its standard deviation, above 0; got {sigma!r}."
        )
    x = np.empty((sources, steps))
    for k in range(sources):
        s = bench.record("make", "State")
        for t in range(steps):
            s, x[k, t] = bench.pair("next", s)
    power = (x * x).mean(1)
    if getattr(type(noise), "silent", False):
        if x.any():
            bench.refuse("next", f"returned {x[x != 0][0]:.3g}, but the class says silent = True: it must be 0 always")
        return
    if abs(x.mean()) > (bound := _bound(x.mean(1)) + 1e-9 * sigma):
        bench.refuse("next", f"has mean {x.mean():.3g} over {x.size} numbers, more than {bound:.2g} from zero")
    if abs(power.mean() - sigma * sigma) > (bound := _bound(power) + 1e-6 * sigma * sigma):
        got, off = np.sqrt(power.mean()), bound / (2 * sigma)
        bench.refuse("next", f"has standard deviation {got:.4g} over {x.size} numbers, but sigma says {sigma:.4g} (bound {off:.2g})")


class Bench:
    """One part, called as the loop calls it: numbers of one float type, words as positions, random numbers as it asks for them."""

    def __init__(self, part, protocol, seed=0):
        self.cls = type(part)
        if isinstance(part, type):
            raise InputError(f"{where(part)}: {part.__name__} is a class; give a part with its numbers, such as {part.__name__}().")
        check_methods(self.cls, protocol)
        check_draws(self.cls, protocol)
        check(part)
        self.part, self.rng = as_numbers(part), np.random.default_rng(seed)

    def refuse(self, method, what):
        raise InputError(f"{where(getattr(self.cls, method))}: {self.cls.__name__}.{method} {what}.")

    def call(self, method, *args):
        letters = getattr(self.cls, "draws", {}).get(method, "")
        u = tuple(draw(self.rng, letter) for letter in letters)
        return getattr(self.part, method)(*args, u)

    def record(self, method, name, *args):
        return self._checked(method, name, self.call(method, *args))

    def pair(self, method, *args):
        """State and number, as `Noise.next` and `Cell.write` return them."""
        got = self.call(method, *args)
        if not isinstance(got, tuple) or hasattr(got, "_fields") or len(got) != 2:
            self.refuse(method, f"must return a State and a number, got {got!r}")
        return self._checked(method, "State", got[0]), self.number(method, got[1])

    def programmed(self, w):
        return self.record("program", "State", self.record("make", "State"), np.float64(w), np.float64(0.0))

    def written(self, s, dw):
        s, hit = self.pair("write", s, np.float64(dw), np.float64(1.0))
        if hit < 0:
            self.refuse("write", f"must return hit, the number of pulses delivered, got {hit!r}")
        return s, hit

    def check_aside(self, s, dw, name):
        """Written twice with the same random numbers, once with another number in a field, a cell differs in that field alone."""
        numbers, other = self.rng.bit_generator.state, getattr(s, name) + 1.0
        found, hit = self.written(s, dw)
        self.rng.bit_generator.state = numbers
        if self.written(s._replace(**{name: other}), dw) != (found._replace(**{name: other}), hit) or getattr(found, name) != getattr(
            s, name
        ):
            self.refuse("write", f"reads or changes {name} of {s}, which {type(s).__name__}.aside says it does without")

    def read(self, s):
        """What a cell shows; the mean of 16 reads if reading is noisy."""
        n = 16 if self.cls.draws.get("read") else 1
        return sum(self.number("read", self.call("read", s)) for _ in range(n)) / n

    def check_bounds(self, method, seen, tolerance):
        limit = 1.0 + (tolerance if self.cls.draws.get("read") else 1e-6)
        if self.cls.bounded and np.abs(seen).max() > limit:
            self.refuse(method, f"left -1..1 (a cell reads {seen[np.abs(seen).argmax()]:.4g}), but the class says bounded = True")

    def _checked(self, method, name, got) -> Any:
        record = getattr(self.cls, name)
        if type(got) is not record:
            self.refuse(method, f"must return a {record.__name__}, which the class names as {name}, got {got!r}")
        for field, value in zip(record._fields, got, strict=True):
            self.number(method, value, f".{field}")
        return got

    def number(self, method, value, field=""):
        if not isinstance(value, NUMBERS) or not math.isfinite(value):
            self.refuse(method, f"returned {value!r}{f' as {field}' if field else ''}; it must be a finite number")
        return value


def as_numbers(part):
    """The part as its methods see it: a field chosen from words holds the word's position."""
    known = fields(type(part))
    place = lambda kind, value: float(get_args(kind).index(value)) if get_origin(kind) is Literal else value  # noqa: E731
    return type(part)(*[place(known[name].kind, value) for name, value in part._asdict().items()])


def draw(rng, letter):
    """One random number as the loop draws it: uniform in (0, 1) in 2**23 steps, or standard normal."""
    return rng.standard_normal() if letter == "n" else (rng.integers(0, 2**23) + 0.5) * 2.0**-23


def _bound(values):
    """How far the mean of independent values may be from what it should be."""
    return SIGMAS * values.std() / np.sqrt(values.size)


def _check_flags(cls, bench):
    for name, needed in (("bounded", True), ("ages", False), ("swallows", False), ("linear", False), ("cheap", False)):
        if (needed or hasattr(cls, name)) and not isinstance(getattr(cls, name, None), bool):
            raise InputError(f"{where(cls)}: {cls.__name__}.{name} must be True or False, got {getattr(cls, name, None)!r}.")
    if not isinstance(keeps := getattr(bench.part, "keeps", False), bool):
        raise InputError(f"{where(cls)}: {cls.__name__}.keeps must be True or False, got {keeps!r}.")
    stored = getattr(bench.part, "stored_bits", None)
    if not isinstance(stored, int) or isinstance(stored, bool) or stored < 0:
        raise InputError(
            f"{where(cls)}: {cls.__name__}.stored_bits must be the bits of memory that one cell takes (0 or more), got {stored!r}."
        )
    if hasattr(cls, "age") != getattr(cls, "ages", False):
        raise InputError(
            f"{where(cls)}: {cls.__name__} must have both a method age and ages = True, or neither; age is called only if ages is True."
        )
