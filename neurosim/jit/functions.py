"""What plain and compiled code both call: methods of parts, functions of the loop, and the one arithmetic in which they compute."""

import dis
import functools
import inspect
import types as python_types
from collections.abc import Callable
from typing import Any, get_args

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from hw_models import scalars
from hw_models.contracts import where
from hw_models.parts import InputError, fields
from neurosim.jit.linking import Inner, Outer

# Division by zero gives infinity as NumPy's does; Python's check would stop vectorisation (3.56 against 0.54 ns a value).
OPTIONS: Any = {"nogil": True, "error_model": "numpy", "pipeline_class": Outer}
# Parts are a few operations long; a call in the innermost loop would stop vectorisation (36 against 3 ns a normal number).
# No one calls them from outside, so that they need neither wrappers nor machine code of their own.
INNER: Any = {"error_model": "numpy", "no_cfunc_wrapper": True, "no_cpython_wrapper": True, "pipeline_class": Inner}
INLINE: Any = {"forceinline": True, **INNER}


# ---------------------------------------------------------------- functions that plain and compiled code share


def scalar(function):
    """Let compiled code call a plain function of numbers; `hw_models.scalars.scalar` marks one, this makes the mark true."""
    exact = getattr(function, "exact", None)

    def choose(*args):
        return exact if exact and _float_type(args) == types.float64 else in_arithmetic(function, args)

    return _offer(function, choose, INLINE)


def passage(function):
    """Let compiled code call a passage of the loop, kept as a function of its own and not copied into the caller."""
    return _offer(function, lambda *args: function, INNER)


def inline(function):
    """Like `passage`, but copied into the caller: for what runs once a row of weights, where a call costs as much as the row."""
    return _offer(function, lambda *args: function, INLINE)


def _offer(function, choose, options: Any):
    choose.__signature__ = inspect.signature(function)
    overload(function, jit_options=options)(choose)
    function.compilable = True
    return function


def twin(form, double=None):
    """Give a plain function a form of its own for the compiler, such as uint32 arithmetic for masked Python integers."""

    def mark(function):
        def choose(*args):
            return double if double and _float_type(args) == types.float64 else form

        return _offer(function, choose, INLINE)

    return mark


@intrinsic
def _word_of(typing, x):
    """The 32 bits of a float32."""
    return types.int32(x), lambda context, builder, signature, args: builder.bitcast(args[0], ir.IntType(32))


@intrinsic
def _float_of(typing, word):
    return types.float32(word), lambda context, builder, signature, args: builder.bitcast(args[0], ir.FloatType())


def _halved32(x):
    # the exponent stands in the word from bit 23 on: 11 instructions in place of 30
    word = _word_of(x)  # pyright: ignore[reportCallIssue]: the compiler passes the typing context
    e = np.int32(np.int32(word - np.int32(0x3F3504F3)) >> np.int32(23))  # less that of the root of 1/2
    e = np.int32(max(min(e, np.int32(0)), np.int32(-32))) if word >= np.int32(0) else np.int32(-32)
    return x * _float_of(np.int32(np.int32(np.int32(127) - e) << np.int32(23))), np.float32(e)  # pyright: ignore[reportCallIssue]


def _doubled32(k):
    return _float_of(np.int32(np.int32(np.int32(k) + np.int32(127)) << np.int32(23)))  # pyright: ignore[reportCallIssue]


twin(_halved32, scalars.halved)(scalars.halved)
twin(_doubled32, scalars.doubled)(scalars.doubled)


def kernel(method) -> Callable[..., Any]:
    """Turn a protocol's method into a function that plain and compiled code can both call."""
    name = method.__name__

    def call(self, *args):
        return _plain(getattr(type(self), name), _number_type((self, *args)))(self, *args)

    def choose(*args):
        return in_arithmetic(getattr(args[0].instance_class, name), args)

    call.__name__ = name
    call.__signature__ = choose.__signature__ = inspect.signature(method)
    overload(call, jit_options=INLINE)(choose)
    return call


def constant(of_class):
    """Turn a function of a part's class into one of the part whose answer the compiler knows, so that a dead branch vanishes."""

    def call(part):
        return of_class(type(part))

    def choose(part):
        value = of_class(part.instance_class)
        return lambda part: value

    overload(call, jit_options=INLINE)(choose)
    return call


def chosen(test, yes, no) -> Callable[..., Any]:
    """One of two functions, chosen by the classes of the first arguments, as many as `test` takes; the compiler never sees the other one."""
    count = len(inspect.signature(test).parameters)

    def call(*args):
        return (yes if test(*map(type, args[:count])) else no)(*args)

    def choose(*args):
        return yes if test(*[arg.instance_class for arg in args[:count]]) else no

    call.__signature__ = choose.__signature__ = inspect.signature(yes)
    overload(call, jit_options=INLINE)(choose)
    return call


def in_every_form(function) -> Callable[..., Any]:
    """Let compiled code call a passage whose part chooses between formulas by a word, that of the field which its class names in ``forms``.

    The passage is compiled once a word, which is then a constant: a vectorised loop would compute every formula for every number
    (a write by pulses takes 947 instructions beside trains, 600 alone).
    """
    inline(function)

    def call(*args):
        return function(*args)

    def choose(*args):
        kind = args[0].instance_class
        word = getattr(kind, "forms", None)
        if word is None:
            return function
        part, *others = inspect.signature(function).parameters
        space = {"function": function, "kind": kind, "number": np.float64 if _float_type(args) == types.float64 else np.float32}
        lines = [f"def body({part}, {', '.join(others)}):"]
        for k in range(len(get_args(fields(kind)[word].kind))):
            known = [f"number({k})" if name == word else f"{part}.{name}" for name in kind._fields]
            lines += [f"    if {part}.{word} == number({k}):", f"        return function(kind({', '.join(known)}), {', '.join(others)})"]
        exec("\n".join(lines), space)
        return space["body"]

    choose.__signature__ = inspect.signature(function)
    overload(call, jit_options=INNER)(choose)
    return call


def in_first_form(part, when):
    """The part with the first word of the field that its class names in ``forms``, if `when` is above 0; else as it is."""
    return part._replace(**{type(part).forms: type(when)(0)}) if when > 0 else part


def _in_first_form(part, when):
    kind = part.instance_class
    numbers = [f"(when - when if when > 0 else part.{name})" if name == kind.forms else f"part.{name}" for name in kind._fields]
    space = {"kind": kind}
    exec(f"def body(part, when):\n    return kind({', '.join(numbers)})", space)
    return space["body"]


_offer(in_first_form, _in_first_form, INLINE)


# ---------------------------------------------------------------- random numbers for a method, as many as its part asks for


def drawer(method, uniform, normal) -> Callable[..., Any]:
    """The function that draws what ``part.draws[method]`` names: a letter a number, ``u`` uniform in (0, 1), ``n`` standard normal."""

    def letters(cls):
        return getattr(cls, "draws", {}).get(method, "")

    def draw(part, a, b, column, one):
        u = [uniform(a, b, column, k, one) for k in range(len(letters(type(part))))]
        shape = _plain(normal, type(one))
        return tuple(shape(v) if letter == "n" else v for v, letter in zip(u, letters(type(part)), strict=True))

    def choose(part, a, b, column, one):
        made = [f"uniform(a, b, column, {k}, one)" for k in range(len(letters(part.instance_class)))]
        made = [f"normal({text})" if letter == "n" else text for text, letter in zip(made, letters(part.instance_class), strict=True)]
        space = {"uniform": uniform, "normal": normal}
        exec(f"def body(part, a, b, column, one): return ({''.join(text + ', ' for text in made)})", space)
        return space["body"]

    overload(draw, jit_options=INLINE)(choose)
    return draw


# ---------------------------------------------------------------- one arithmetic


def _float_type(kinds) -> Any:
    """The run's float type: that of the first float found in the arguments' types."""
    for kind in kinds:
        if isinstance(kind, types.Float):
            return kind
        if isinstance(kind, types.Array) and isinstance(kind.dtype, types.Float):
            return kind.dtype
        kind = getattr(kind, "record", kind)
        if isinstance(kind, types.BaseTuple):
            found = _float_type(kind.types)  # pyright: ignore[reportAttributeAccessIssue]
            if found:
                return found
    return None


def _number_type(values):
    """The run's float type in plain Python: that of the first NumPy float found, Python's own otherwise."""
    for value in values:
        if isinstance(value, np.floating):
            return type(value)
        if isinstance(value, tuple):
            found = _number_type(value)
            if found is not float:
                return found
    return float


def _in_type(function, dtype, helper):
    """A copy of a function whose float literals, and the float constants around it that it names, have the given type."""
    convert = lambda value: dtype(value) if type(value) is float else value  # noqa: E731
    meant = lambda value: helper(value) if getattr(value, "scalar", False) else convert(value)  # noqa: E731
    used = {step.argval for step in dis.get_instructions(function) if step.opname == "LOAD_GLOBAL"}  # a field may share a helper's name
    names = {name: function.__globals__[name] for name in used if name in function.__globals__}
    around = [cell.cell_contents for cell in function.__closure__ or ()]
    if any(value is function for value in (*names.values(), *around)):
        raise InputError(f"{where(function)}: {function.__name__} calls itself; a helper of parts must do without, for it is written out.")
    names = {name: meant(value) for name, value in names.items()}
    made = python_types.FunctionType(
        function.__code__.replace(co_consts=tuple(convert(value) for value in function.__code__.co_consts)),
        {**function.__globals__, **names},
        function.__name__,
        function.__defaults__,
        tuple(python_types.CellType(meant(value)) for value in around),
    )
    made.__kwdefaults__ = function.__kwdefaults__
    return made


@functools.cache
def _plain(function, dtype):
    """The function as plain Python runs it: min(x, 1.0) must not turn a float32 into Python's float. Breakpoints still work."""
    if dtype is float:
        return function
    exact = getattr(function, "exact", None) if dtype is np.float64 else None
    if exact:
        return lambda *args: dtype(exact(*args))
    return _in_type(function, dtype, lambda helper: _plain(helper, dtype))


@functools.cache
def _for_compiler(function, dtype):
    return _in_type(function, dtype, lambda helper: helper if hasattr(helper, "compilable") else scalar(helper))


def in_arithmetic(function, kinds):
    """The function as the compiler should see it for arguments of these types."""
    return _for_compiler(function, np.float64 if _float_type(kinds) == types.float64 else np.float32)


@twin(lambda x: np.int32(x != np.float32(0.0)), lambda x: np.int32(x != 0.0))
def nonzero(x):
    """1 where a number is not zero."""
    return np.int32(x != 0)


@twin(lambda count, one: np.float32(count), lambda count, one: np.float64(count))
def as_number(count, one):
    """A count in the run's float type, that of `one`."""
    return type(one)(count)
