"""Checks that a rule or neuron keeps its contract and computes the same compiled; for those of neurosim and for your own.

``print(check_rule(MyRule(lr=0.1)))`` says what a rule reads, what of that is not local, and on which chips it fits.
"""

import inspect
import textwrap
from typing import Any, NamedTuple

import numpy as np

from hw_models import Chip, catalogue, load
from hw_models.contracts import check_draws, check_methods, check_record, methods, where
from hw_models.own import file_of
from hw_models.parts import InputError, bits, check, fields
from hw_models.scalars import normal
from neurosim import bptt, eprop
from neurosim.admission import check_product
from neurosim.cast import lower
from neurosim.influence import FOREIGN, SAID_BY, Difference, Influence, differences, influences
from neurosim.jit import check_arithmetic, kernel
from neurosim.locality import MEANING, Read, check_declared, home, marked, not_local, reads_of
from neurosim.loop.decorrelation import decorrelate
from neurosim.memory import memory_bits
from neurosim.network import Network
from neurosim.neurons import discrete
from neurosim.own_rule import SHARED, learning_of
from neurosim.protocols import Arrivals, Extra, Neuron, Own, Rule
from neurosim.rules import Gradient, Perturbation
from neurosim.simulator import Simulator

RECORDS = {"s": "State", "p": "Params", "r": "Register", "m": "Memory", "column": "Column", "sums": "Sums"}
WIDTH = 120  # of a printed report
EDGES = (0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1e-6, 100.0)


class RuleReport(NamedTuple):
    """What `check_rule` found out about a rule; print it."""

    name: str
    reads: dict[str, list[Read]]  #: by method; those of the readout, where it learns by a rule of its own, as ``readout signal``
    not_local: list[Read]  #: what no synapse or neuron can know
    register: dict[str, int]  #: bits in every synapse, for each of `lanes`
    waiting: dict[str, int]  #: bits in every synapse of changes that wait for a threshold
    memory: dict[str, int]  #: bits in every hidden neuron, those that it keeps over an interval among them
    readout_memory: dict[str, int]  #: bits in every neuron of the readout
    lanes: int  #: sets of registers, one for each number that is broadcast if a trace must wait for its own
    broadcasts: int  #: numbers on the reward wire a step
    passes: tuple[bool, ...]  #: for each pass, whether it is perturbed
    fits: list[str]  #: chips that it can learn on
    misfits: dict[str, str]  #: the others, and why not
    influences: list[Influence]  #: what was changed around a synapse, and how often its update changed
    asks: bool  #: whether any synapse was asked for a change in these experiments
    matrices: bool  #: whether a matrix decorrelates every layer
    unused: list[str]  #: fields and methods of a class of one's own that nothing reads

    @property
    def local(self) -> bool:
        """Whether synapses and neurons can know all that it asks for."""
        return not self.not_local

    def __str__(self) -> str:
        rows = [("not local", f"{read.name}: {MEANING[read.name]} ({read.where})") for read in self.not_local]
        width = max(map(len, self.reads)) if any(" " in method for method in self.reads) else 7
        for method, found in self.reads.items():
            said = ", ".join(f"{read.name} ({home(method.split()[-1], read)})" for read in found)
            rows.append(("reads", f"{method:{width}} {said or 'nothing'}"))
        times = f"{self.lanes} times " if self.lanes > 1 else ""
        alike = self.memory == self.readout_memory
        there = f"{_room(self.memory)} in every {'' if alike else 'hidden '}neuron"
        there += "" if alike else f", {_room(self.readout_memory)} in every one of the readout"
        here = (
            " and ".join([f"{times}{_room(self.register)}"] * bool(self.register) + [_room(self.waiting)] * bool(self.waiting)) or "nothing"
        )
        beside = ", and a matrix from every neuron to every other one in each layer" * self.matrices
        rows.append(("keeps", f"{here} in every synapse, {there}{beside}"))
        rows.append(("passes", f"{_passes(self.passes)}; {_count(self.broadcasts, 'number')} a step on the reward wire"))
        rows.append(("fits", ", ".join(self.fits) or "no chip"))
        for why in dict.fromkeys(self.misfits.values()):
            rows.append(("does not", f"{', '.join(chip for chip, other in self.misfits.items() if other == why)}: {why}"))
        foreign = [i for i in self.influences if i.thing in FOREIGN]
        uses = [f"{i.thing}{f' (declared: {SAID_BY[i.thing]})' if i in foreign else ''}" for i in self.influences if i.changed]
        rest = [i for i in foreign if not i.changed]
        rows.append(
            (
                "experiment",
                f"{'an update' if self.asks else 'none of the updates is anything but 0; what is kept'} changes with {', '.join(uses) or 'nothing'}",
            )
        )
        rows.append(("", f"and in none of {sum(i.tried for i in rest)} trials with {', '.join(i.thing for i in rest)}"))
        rows.append(("compiled", "the same bits as plain Python, in float32 and float64"))
        if self.unused:
            rows.append(("unused", f"{', '.join(self.unused)}: no method reads them, and no option or method of a rule has this name"))
        lines = [f"{self.name} is {'local' if self.local else 'not local'}."]
        for before, (name, text) in zip([("", ""), *rows], rows, strict=False):
            start = f"  {'' if name == before[0] else name:11}"
            lines.append(
                textwrap.fill(text, WIDTH, initial_indent=start, subsequent_indent=" " * 13, break_long_words=False, break_on_hyphens=False)
            )
        return "\n".join(lines)


class GradientReport(NamedTuple):
    """What `check_rule` found out about a reference gradient: why it is no rule for a synapse; print it."""

    name: str
    not_local: list[Read]
    differences: list[Difference]
    bits_per_step: int  #: of history that a network of 100 neurons keeps for each step

    local = False

    def __str__(self) -> str:
        said = {
            "error": "the targets mirrored about the outputs: same activity, same loss",
            "transpose": "other synapses given other weights: same activity, same errors",
            "history": "a later error mirrored, long after the input fell silent",
        }
        rows = []
        for need in dict.fromkeys(read.name for read in self.not_local):
            rows.append(f"  {need:11}{MEANING[need]} ({', '.join(read.where for read in self.not_local if read.name == need)})")
            rows += [
                f"{'':13}{said[need]}; one weight's update goes from {d.before:+.3g} to {d.after:+.3g}"
                for d in self.differences
                if d.need == need
            ]
        if self.bits_per_step:
            rows.append(f"{'':13}with 100 neurons, {self.bits_per_step} bits more for each step that a sequence is longer")
        return "\n".join(
            [
                f"{self.name} is not local: no synapse can compute its update from what reaches it.",
                *rows,
                "  A chip would have to bring each of these to every synapse; one broadcast number does not. Rules that learn from that alone:",
                "  wp, np, nrl, oua, and anp with rule.norm expected, running or bounded.",
            ]
        )


@np.errstate(all="ignore")
def check_rule(rule, chip: Chip | None = None) -> RuleReport | GradientReport:
    """Check a learning rule: what it reads and keeps, what of that is not local, where it fits, and by experiment that this is all.

    Parameters
    ----------
    rule : a rule, a class of rules, options of `neurosim.rules`, or a name
        Of a class, one with its defaults. Of `Perturbation`, the rule that it makes; with `Gradient`, why that is no rule.
    chip : hw_models.Chip, optional
        One of your own, beside those of the catalogue.

    Returns
    -------
    RuleReport or GradientReport
        ``local`` says whether all that is asked for reaches a synapse.

    Raises
    ------
    InputError
        With the line, if a method is missing, takes or returns something else than `neurosim.protocols.Rule` says, reads what is not
        declared, is not the same plain and compiled, or if an update depends on something that the rule does not declare.
    """
    if isinstance(rule, str):
        from neurosim import config

        rule = config.rule_from({"name": rule})
    if isinstance(rule, Gradient):
        return _check_gradient(check(rule))
    learning = check(rule).learning() if isinstance(rule, Perturbation) else None
    made: Any = learning.rule if learning else _made(rule)
    rule, cls = made, type(made)
    learning = learning or learning_of(rule, rule)
    kinds = {type(one): one for one in (rule, learning.readout_rule)}  # the readout may have a class of its own
    for one in kinds.values():
        _check_alone(one)
    needs = {need for kind in kinds for need in kind.needs}
    found, asks = influences(learning)
    for influence in found:
        if influence.thing in FOREIGN and influence.changed and SAID_BY.get(influence.thing) not in needs:
            raise InputError(
                f"{where(cls)}: an update of {cls.__name__} changed with {influence.thing} in {influence.changed} of {influence.tried} trials, "
                "although it declares no such need; its methods may use nothing but their arguments."
            )
    reads = reads_of(cls)
    for method, found_there in reads_of(learning.readout_rule).items():
        if getattr(type(learning.readout_rule), method) is not getattr(cls, method, None):
            reads[f"readout {method}"] = found_there
    far = [read for kind in kinds for read in not_local(kind)] + (marked(decorrelate) if learning.decorrelation_lr > 0 else [])
    chips = ({} if chip is None else {chip.name: chip}) | {name: load(name) for name in catalogue() if chip is None or name != chip.name}
    misfits = {name: why for name, there in chips.items() if (why := why_not(there, learning))}
    fits = [name for name in chips if name not in misfits]
    return RuleReport(
        learning.name, reads, far, bits(cls.Register), learning.waiting, bits(cls.Memory) | learning.kept, bits(learning.readout_rule.Memory), learning.lanes,
        learning.samples, learning.passes, fits, misfits, found, asks, learning.decorrelation_lr > 0, unused(cls) if file_of(cls) else [],
    )  # fmt: skip


def unused(cls) -> list[str]:
    """Fields and methods of a rule class that no method reads and that mean nothing by their names: perhaps mistyped."""
    read = {read.name.removeprefix("self.") for found in reads_of(cls).values() for read in found}
    if "self" in read:  # handed on as a whole
        return []
    known = {*read, *SHARED, "lr", "readout_lr", *methods(Rule)}
    own = [name for base in cls.__mro__ for name, value in vars(base).items() if file_of(base) and inspect.isfunction(value)]
    return [name for name in dict.fromkeys([*cls._fields, *own]) if name not in known and not name.startswith("_")]


def _check_alone(rule):
    """Whether a rule keeps its contract, and is the same plain and compiled."""
    cls = type(rule)
    check_methods(cls, Rule)
    check_declared(cls)
    check(rule)
    _check_returns(rule)
    check_product(rule)
    for method in reads_of(cls):
        compare_with_plain(rule, getattr(Rule, method))


def _check_returns(rule):
    """Whether each method gives what its protocol says."""
    cls, rng = type(rule), np.random.default_rng(0)
    kinds = {"signal": "Memory", "trace": "Register"}
    for name in reads_of(cls):
        arguments = list(inspect.signature(getattr(Rule, name)).parameters)[1:]
        try:
            got = kernel(getattr(Rule, name))(lower(rule, np.float64), *[_argument(cls, name, a, rng, np.float64, True) for a in arguments])
        except (ArithmeticError, AttributeError, IndexError, TypeError, ValueError) as error:
            told = "; each argument is one number or a record of numbers, of this synapse and its neurons alone" * isinstance(
                error, IndexError
            )
            raise InputError(f"{where(getattr(cls, name))}: {cls.__name__}.{name} fails: {str(error).rstrip('.')}{told}.") from None
        place = f"{where(getattr(cls, name))}: {cls.__name__}.{name}"
        record = getattr(cls, kinds.get(name, ""), None)
        parts = got if name == "signal" and isinstance(got, tuple) and len(got) == 2 else (got,)
        right = type(parts[0]) is record if record else True
        numbers = parts[1:] if record else parts
        if not right or (name == "signal") != (len(parts) == 2) or not all(isinstance(x, float | int | np.number) for x in numbers):
            wanted = {
                "signal": f"its Memory, {cls.Memory.__name__}, and a number",
                "trace": f"its Register, {cls.Register.__name__}",
            }.get(name, "a number")
            raise InputError(f"{place} must return {wanted}, got {got!r}.")


def _check_gradient(rule: Gradient) -> GradientReport:
    found = differences(rule)
    source = (bptt.gradients, bptt.Layer.backward) if rule.method in ("bptt", "tbptt") else (eprop.gradients,)
    lines = [read for function in source for read in marked(function) if read.name in rule.needs]
    order = {need: n for n, need in enumerate(rule.needs)}
    one, two = (memory_bits(Network(1, 100, 1), Chip(), rule, steps=steps)["learning"] for steps in (1, 2))
    return GradientReport(rule.name, sorted(lines, key=lambda read: order[read.name]), found, two - one)


def why_not(chip: Chip, learning) -> str:
    """Why a rule cannot learn on a chip, in short, or nothing."""
    try:
        Simulator(Network(2, 3, 1), chip, 0, learning, plain=True)
    except InputError as error:
        return str(error).partition(";")[0].replace(f"the chip {chip.name} has", "there are")
    return ""


def _room(widths) -> str:
    return f"{sum(widths.values())} bit ({', '.join(f'{name} {n}' for name, n in widths.items())})" if widths else "nothing"


def _count(n: int, noun: str) -> str:
    return f"{'one' if n == 1 else n} {noun}{'s' if n != 1 else ''}"


def _passes(passes) -> str:
    noisy = sum(passes)
    if passes == (True,):
        return "a single perturbed one, judged by a running mean"
    return f"{'a clean one and ' if not passes[0] else ''}{_count(noisy, 'perturbed one')}"


@np.errstate(all="ignore")
def check_neuron(neuron, steps=200, seed=0):
    """Check a neuron model, or its class, against `neurosim.protocols.Neuron`.

    Raises
    ------
    InputError
        If a method is missing, returns something else than its contract says, runs away under bounded currents, or is not the same
        plain and compiled; with the line.
    """
    neuron = discrete(check(_made(neuron)), Chip().step_s)
    cls = type(neuron)
    check_methods(cls, Neuron)
    check_draws(cls, Neuron)
    for name in ("Params", "State"):
        check_record(cls, name)
    for method in set(methods(Neuron)) - set(Neuron.optional):
        compare_with_plain(neuron, getattr(Neuron, method))
    part, rng = lower(neuron, np.float64), np.random.default_rng(seed)
    make, start, step = kernel(Neuron.make), kernel(Neuron.start), kernel(Neuron.step)
    p = _expect(cls, "make", "Params", make(part, _drawn(cls, "make", rng, np.float64)))
    s = _expect(cls, "start", "State", start(part, p))
    for current in rng.uniform(-3, 3, steps):
        got = step(part, p, s, Arrivals(max(current, 0.0), min(current, 0.0)) if getattr(cls, "apart", False) else current)
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
    given = {"own": Own, "extra": Extra} | ({"i_in": Arrivals} if getattr(cls, "apart", False) else {})
    record = given.get(name) or (getattr(cls, RECORDS[name]) if name in RECORDS else None)
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
