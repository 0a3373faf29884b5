"""The only file that meets Numba's compiler: methods of parts become kernels that plain and compiled code both call.

A part is a named tuple. Its numbers are arguments of the loop, so that a sweep over values never compiles again; its class is the
type that chooses the code. `kernel(Protocol.method)` is the function a loop calls: plain Python looks the method up on the object,
the compiler on the class. Before it is compiled, a method's float literals take the run's float type, because NumPy computes
``0.5 * float32`` in float32 and Numba would not.
"""

import dis
import functools
import hashlib
import inspect
import operator
import os
import pathlib
import struct
import types as python_types
from collections.abc import Callable
from typing import Any, get_args

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, AttributeTemplate, infer_getattr, infer_global, signature
from numba.extending import NativeValue, intrinsic, lower_builtin, lower_getattr_generic, models, overload, register_model, unbox

import hw_models
from hw_models import scalars
from hw_models.contracts import where
from hw_models.parts import InputError, fields

OURS = {"neurosim": pathlib.Path(__file__).parent, "hw_models": pathlib.Path(hw_models.__file__).parent}

# Division by zero gives infinity as NumPy's does; Python's check would stop vectorisation (3.56 against 0.54 ns a value).
OPTIONS = {"nogil": True, "error_model": "numpy"}
# Parts are a few operations long; a call in the innermost loop would stop vectorisation (36 against 3 ns a normal number).
# No one calls them from outside, so that they need none of the wrappers that take a tenth of the compile time.
INNER: Any = {"error_model": "numpy", "no_cfunc_wrapper": True, "no_cpython_wrapper": True}
INLINE: Any = {"forceinline": True, **INNER}


# ---------------------------------------------------------------- functions that plain and compiled code share


def scalar(function):
    """Let compiled code call a plain function of numbers; `hw_models.scalars.scalar` marks one, this makes the mark true."""
    exact = getattr(function, "exact", None)

    def choose(*args):
        return exact if exact and _float_type(args) == types.float64 else _in_arithmetic(function, args)

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
        return _in_arithmetic(getattr(args[0].instance_class, name), args)

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
    """One of two functions, chosen by the class of the first argument; the compiler never sees the other one."""

    def call(*args):
        return (yes if test(type(args[0])) else no)(*args)

    def choose(*args):
        return yes if test(args[0].instance_class) else no

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
    overload(call, jit_options={"error_model": "numpy"})(choose)
    return call


# ---------------------------------------------------------------- records: one class holds arrays in the loop, numbers in a method


def row(record, j):
    """The record of the j-th rows of every array of a record, or of one array. No reference is counted: the arrays must outlive it."""
    return record[j] if isinstance(record, np.ndarray) else type(record)(*[plane[j] for plane in record])


def at(record, i, place=None):
    """The record of the i-th numbers of every array of a record, or of one array.

    `place` is a constant that promises the compiler: memory met at one place is never met at another. Without it a loop over several
    rows would check at every row whether they overlap, or not be vectorised at all (a sweep of 500 x 500 takes 42 us in
    four rows a loop, 61 us row by row).
    """
    return record[i] if isinstance(record, np.ndarray) else type(record)(*[plane[i] for plane in record])


def put(record, i, values, place=None):
    """Store a record of numbers at position i of a record of arrays, or one number in one array; `place` as in `at`."""
    planes = ((record, values),) if isinstance(record, np.ndarray) else zip(record, values, strict=True)
    for plane, value in planes:
        plane[i] = value


def take_out(record, i, values, place=None):
    """`put`, but for the fields that the record's class names in ``aside``: a write does without them."""
    for name, plane, value in zip(record._fields, record, values, strict=True):
        if name not in getattr(record, "aside", ()):
            plane[i] = value


def put_back(record, i, values, place=None):
    """`put`, but for the fields that the record's class names in ``aside`` or ``made``: a write does not change them."""
    for name, plane, value in zip(record._fields, record, values, strict=True):
        if name not in (*getattr(record, "aside", ()), *getattr(record, "made", ())):
            plane[i] = value


def plus(record, other):
    """Field by field sum of two records of numbers."""
    return type(record)(*[a + b for a, b in zip(record, other, strict=True)])


def mix(record, other, share):
    """Field by field, the one record of numbers plus a share of what the other differs by."""
    return type(record)(*[a + share * (b - a) for a, b in zip(record, other, strict=True)])


def fill(record, value):
    """Set every number of every array of a record."""
    for plane in record:
        plane[...] = value


def copy(source, target):
    """Copy a row of numbers; NumPy's assignment would bring its shape errors and twelve seconds of compiling along."""
    for i in range(target.shape[0]):
        target[i] = source[i]


passage(copy)
PLACES = 16


def _written_out(function):
    """Let the compiler write out `function` where it is called: `define(*types)` gives the result's type and what to write."""

    def mark(define):
        class Template(AbstractTemplate):
            key, prefer_literal = function, True

            def generic(self, args, kws):
                return signature(define(*args)[0], *args)

        infer_global(function)(Template)  # pyright: ignore[reportOptionalCall]

        @lower_builtin(function, types.VarArg(types.Any))
        def lower(context, builder, sig, args):
            return define(*sig.args)[1](context, builder, args)

        return function

    return mark


def _planes(kind: Any):
    return kind.types if isinstance(kind, types.BaseNamedTuple) else (kind,)  # pyright: ignore[reportAttributeAccessIssue]


def _split(builder, kind, value):
    return cgutils.unpack_tuple(builder, value) if isinstance(kind, types.BaseNamedTuple) else [value]


def _like(kind: Any, parts):
    """The type of a record of the same class with fields of other types."""
    return types.BaseTuple.from_types(parts, kind.instance_class) if isinstance(kind, types.BaseNamedTuple) else parts[0]  # pyright: ignore[reportAttributeAccessIssue]


def _join(context, builder, kind, values):
    return context.make_tuple(builder, kind, values) if isinstance(kind, types.BaseNamedTuple) else values[0]


def _say_place(builder, instruction, place, field):
    """Note on a load or store which memory it meets: two of another place, or of another field, never meet."""
    if isinstance(place, types.IntegerLiteral):
        module = builder.module
        for name, count, own in (("place", PLACES, place.literal_value), ("field", 8, field % 8)):
            domain = module.add_metadata([f"neurosim {name}"])
            scopes = [module.add_metadata([f"neurosim {name} {k}", domain]) for k in range(count)]
            _append(module, instruction, "alias.scope", [scopes[own]])
            _append(module, instruction, "noalias", [scope for scope in scopes if scope is not scopes[own]])


def _append(module, instruction, name, scopes):
    noted = instruction.metadata.get(name)
    instruction.set_metadata(name, module.add_metadata([*(noted.operands if noted else ()), *scopes]))


def _pointer(context, builder, kind, array, i, kind_of_i):
    view = context.make_array(kind)(context, builder, array)
    index = context.cast(builder, i, kind_of_i, types.intp)
    return cgutils.get_item_pointer(context, builder, kind, view, [index], wraparound=False, boundscheck=False)


@_written_out(row)
def _row(record, j):
    planes = _planes(record)
    rows = _like(record, [plane.copy(ndim=plane.ndim - 1) for plane in planes])

    def emit(context, builder, args):
        index = context.cast(builder, args[1], j, types.intp)
        made = []
        for kind, result, array in zip(planes, _planes(rows), _split(builder, record, args[0]), strict=True):
            whole, view = context.make_array(kind)(context, builder, array), context.make_array(result)(context, builder)
            shape, strides = (cgutils.unpack_tuple(builder, field)[1:] for field in (whole.shape, whole.strides))
            offset = builder.mul(cgutils.unpack_tuple(builder, whole.strides)[0], index)
            count = functools.reduce(builder.mul, shape)
            context.populate_array(
                view,
                data=cgutils.pointer_add(builder, whole.data, offset, view.data.type),
                shape=cgutils.pack_array(builder, shape),
                strides=cgutils.pack_array(builder, strides),
                itemsize=whole.itemsize,
                meminfo=None,
            )
            view.nitems = count
            made.append(view._getvalue())
        return _join(context, builder, rows, made)

    return rows, emit


class Placed:
    """A record of records as compiled code takes it: an address, behind which a word each holds its numbers, and 1 + 2 n its n-dimensional arrays.

    Taken as values, the 250 arrays of a network are a third of all that has to be compiled, every call hands on a thousand words, and every
    array that is looked at counts a reference. What lies here is never changed, only the numbers in the arrays are.
    """

    def __init__(self, record):
        words: list[bytes] = []
        self.record, kind = record, _put_down(record, words)  # the arrays must outlive the call
        self.words = np.frombuffer(b"".join(words), np.uint8)
        self.address = self.words.ctypes.data
        if kind not in _PLACES:
            _PLACES[kind] = Place(numba.typeof(record))
        self._numba_type_ = _PLACES[kind]


_PLACES: dict[Any, "Place"] = {}  # by what tells types apart: to ask Numba takes ten times as long as the call


def _put_down(value, words):
    """Add what a value consists of to some words, and tell its type."""
    if isinstance(value, tuple):
        return (type(value), *[_put_down(part, words) for part in value])
    if isinstance(value, np.ndarray):
        words.append(struct.pack(f"{1 + 2 * value.ndim}q", value.__array_interface__["data"][0], *value.shape, *value.strides))
        return value.dtype, value.ndim, value.flags.num
    words.append(np.asarray(value).tobytes().ljust(8, b"\0"))
    return type(value)


class Place(types.Type):
    """Where a record of records lies."""

    def __init__(self, record):
        self.record = record
        told = f"{getattr(record, 'instance_class', tuple)} {record}"
        super().__init__(f"place {hashlib.sha256(told.encode()).hexdigest()[:16]}")  # short: it is part of names of functions

    @property
    def key(self):
        return self.record


register_model(Place)(models.OpaqueModel)


@unbox(Place)
def _unboxed(kind, value, c):
    number = c.pyapi.object_getattr_string(value, "address")
    address = c.builder.inttoptr(c.pyapi.long_as_longlong(number), c.context.get_value_type(kind))
    c.pyapi.decref(number)
    return NativeValue(address)


def _length(kind: Any) -> int:
    """Words that something takes in a placed record."""
    if isinstance(kind, types.BaseTuple):
        return sum(_length(part) for part in kind.types)  # pyright: ignore[reportAttributeAccessIssue]
    return 1 + 2 * kind.ndim if isinstance(kind, types.Array) else 1


def _stays(kind: Any) -> bool:
    """Whether only the place of something is handed on: that of a record which holds arrays and something else."""
    return isinstance(kind, types.BaseTuple) and not all(isinstance(part, types.Array) for part in kind.types) and _holds_arrays(kind)  # pyright: ignore[reportAttributeAccessIssue]


def _holds_arrays(kind: Any) -> bool:
    return isinstance(kind, types.Array) or (isinstance(kind, types.BaseTuple) and any(map(_holds_arrays, kind.types)))  # pyright: ignore[reportAttributeAccessIssue]


def _found(kind):
    """The type of what is found in a placed record."""
    return Place(kind) if _stays(kind) else kind


def _further(builder, address, words):
    return builder.gep(address, [ir.IntType(64)(8 * words) if isinstance(words, int) else builder.mul(words, words.type(8))], inbounds=True)


def _find(context, builder, kind, address):
    """What lies at an address, as `_found` says."""
    if _stays(kind):
        return address
    if isinstance(kind, types.BaseTuple):
        parts, at = [], 0
        for part in kind.types:  # pyright: ignore[reportAttributeAccessIssue]
            parts.append(_find(context, builder, part, _further(builder, address, at)))
            at += _length(part)
        return context.make_tuple(builder, kind, parts)
    if isinstance(kind, types.Array):
        data, *sizes = [_word(context, builder, types.intp, _further(builder, address, k)) for k in range(_length(kind))]
        view, shape = context.make_array(kind)(context, builder), sizes[: kind.ndim]
        context.populate_array(
            view,
            data=builder.inttoptr(data, view.data.type),
            shape=cgutils.pack_array(builder, shape),
            strides=cgutils.pack_array(builder, sizes[kind.ndim :]),
            itemsize=context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(kind.dtype))),
            meminfo=None,
        )
        view.nitems = functools.reduce(builder.mul, shape)
        return view._getvalue()
    return _word(context, builder, kind, address)


def _word(context, builder, kind, address):
    """A number that is never changed; said so, a loop reads it once, whatever it writes meanwhile."""
    loaded = builder.load(builder.bitcast(address, context.get_data_type(kind).as_pointer()))
    loaded.set_metadata("invariant.load", builder.module.add_metadata([]))
    return context.data_model_manager[kind].from_data(builder, loaded)


@infer_getattr
class _FieldOfPlace(AttributeTemplate):
    key = Place

    def generic_resolve(self, value, attr):
        record = value.record
        return _found(record.types[record.fields.index(attr)]) if attr in getattr(record, "fields", ()) else None


@lower_getattr_generic(Place)
def _field_of_place(context, builder, kind, value, name):
    kinds, k = kind.record.types, kind.record.fields.index(name)
    return _find(context, builder, kinds[k], _further(builder, value, sum(_length(before) for before in kinds[:k])))


@infer_global(operator.getitem)  # pyright: ignore[reportOptionalCall]
class _ItemOfPlace(AbstractTemplate):
    def generic(self, args, kws):
        if isinstance(args[0], Place) and len(set(args[0].record.types)) == 1:
            return signature(_found(args[0].record.types[0]), args[0], types.intp)
        return None


@lower_builtin(operator.getitem, Place, types.Integer)
def _item_of_place(context, builder, sig, args):
    kind = sig.args[0].record.types[0]
    return _find(context, builder, kind, _further(builder, args[0], builder.mul(args[1], args[1].type(_length(kind)))))


@infer_global(len)  # pyright: ignore[reportOptionalCall]
class _LengthOfPlace(AbstractTemplate):
    def generic(self, args, kws):
        return signature(types.intp, args[0]) if isinstance(args[0], Place) else None


@lower_builtin(len, Place)
def _length_of_place(context, builder, sig, args):
    return context.get_constant(types.intp, len(sig.args[0].record.types))


@_written_out(at)
def _at(record, i, place=None):
    numbers = _like(record, [plane.dtype for plane in _planes(record)])

    def emit(context, builder, args):
        made = []
        for k, (kind, array) in enumerate(zip(_planes(record), _split(builder, record, args[0]), strict=True)):
            made.append(builder.load(_pointer(context, builder, kind, array, args[1], i)))
            _say_place(builder, made[-1], place, k)
        return _join(context, builder, numbers, made)

    return numbers, emit


def _stores(record, i, values, place, left):
    def emit(context, builder, args):
        planes = zip(_planes(record), _planes(values), _split(builder, record, args[0]), _split(builder, values, args[2]), strict=True)
        for k, (kind, given, array, value) in enumerate(planes):
            if k not in left:
                pointer = _pointer(context, builder, kind, array, args[1], i)
                _say_place(builder, builder.store(context.cast(builder, value, given, kind.dtype), pointer), place, k)
        return context.get_dummy_value()

    return types.void, emit


@_written_out(put)
def _put(record, i, values, place=None):
    return _stores(record, i, values, place, ())


def _places(record, *lists):
    """Where the fields stand that a record's class names."""
    return [record.fields.index(name) for which in lists for name in getattr(record.instance_class, which, ())]


@_written_out(take_out)
def _take_out(record, i, values, place=None):
    return _stores(record, i, values, place, _places(record, "aside"))


@_written_out(put_back)
def _put_back(record, i, values, place=None):
    return _stores(record, i, values, place, _places(record, "aside", "made"))


@_written_out(plus)
def _plus(record, other):
    def emit(context, builder, args):
        pairs = zip(_planes(record), _split(builder, record, args[0]), _split(builder, other, args[1]), strict=True)
        add = lambda kind: builder.add if isinstance(kind, types.Integer) else builder.fadd  # noqa: E731
        return _join(context, builder, record, [add(kind)(a, b) for kind, a, b in pairs])

    return record, emit


@_written_out(mix)
def _mix(record, other, share):
    def emit(context, builder, args):
        pairs = zip(_split(builder, record, args[0]), _split(builder, other, args[1]), strict=True)
        mixed = [builder.fadd(a, builder.fmul(args[2], builder.fsub(b, a))) for a, b in pairs]
        return _join(context, builder, record, mixed)

    return record, emit


@overload(fill)
def _fill(record, value):
    lines = "".join(f"    record[{n}][...] = value\n" for n in range(len(record.types))) or "    pass\n"
    space = {}
    exec(f"def body(record, value):\n{lines}", space)  # the text is made of field numbers alone
    return space["body"]


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
    """A copy of a function whose float literals, and the float constants of its module that it names, have the given type."""
    convert = lambda value: dtype(value) if type(value) is float else value  # noqa: E731
    used = {step.argval for step in dis.get_instructions(function) if step.opname == "LOAD_GLOBAL"}  # a field may share a helper's name
    names = {name: function.__globals__[name] for name in used if name in function.__globals__}
    if any(value is function for value in names.values()):
        raise InputError(f"{where(function)}: {function.__name__} calls itself; a helper of parts must do without, for it is written out.")
    names = {name: helper(value) if getattr(value, "scalar", False) else convert(value) for name, value in names.items()}
    made = python_types.FunctionType(
        function.__code__.replace(co_consts=tuple(convert(value) for value in function.__code__.co_consts)),
        {**function.__globals__, **names},
        function.__name__,
        function.__defaults__,
        function.__closure__,
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


def _in_arithmetic(function, kinds):
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


# ---------------------------------------------------------------- compiling


@functools.cache
def compiled(loop, *kinds):
    """One dispatcher for a tuple of classes.

    Numba's own dispatcher takes two named tuples for the same if class and field *names* agree; two classes called alike in a
    notebook would run the first one's code. Kernels of built-in parts are kept on disk; a user's are compiled once a process.
    """
    ours = all(kind.__module__.split(".")[0] in OURS for kind in kinds)
    _use_cache_folder()
    return numba.njit(cache=ours, **OPTIONS)(loop)


def source_digest():
    """A short name for everything a cached kernel may have been built from; Numba itself would not see edits in other files."""
    digest = hashlib.sha256(f"{numba.__version__} {np.__version__}".encode())
    for folder in OURS.values():
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@functools.cache
def _use_cache_folder():
    if not os.environ.get("NUMBA_CACHE_DIR"):
        home = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
        numba.config.CACHE_DIR = str(home / "neurosim" / source_digest())  # pyright: ignore


# ---------------------------------------------------------------- refusing in one sentence


def check_arithmetic(cls, name, args, dtype):
    """Compile one method alone and refuse it, by line, if a number in it leaves the run's float type; otherwise return it compiled.

    Raises
    ------
    InputError
        If the method does not compile, or computes in another type than the run.
    """
    kinds = tuple(numba.typeof(arg) for arg in args)
    return _checked(cls, getattr(cls, name), name, kinds, np.dtype(dtype).type)


@functools.cache  # parts of one class differ in numbers alone, which are arguments
def _checked(cls, method, name, kinds, dtype):
    run, other = (types.float32, types.float64) if dtype is np.float32 else (types.float64, types.float32)
    dispatcher = numba.njit(**OPTIONS)(_in_arithmetic(method, kinds))
    try:
        dispatcher.compile(kinds)
    except Exception as error:  # Numba reports in many ways, and each of them means that the method cannot be compiled
        reason = next((line.strip() for line in str(error).splitlines() if line.strip() and not line.startswith(("Failed", "No impl"))), "")
        raise InputError(f"{where(method)}: {cls.__name__}.{name} cannot be compiled: {reason}") from None
    result = dispatcher.overloads[kinds]
    annotation = result.type_annotation
    for block in annotation.blocks.values():
        for statement in block.body:
            target = getattr(getattr(statement, "target", None), "name", None)
            if target and annotation.typemap.get(target) == other:
                file = os.path.basename(inspect.getsourcefile(method) or "?")
                raise InputError(
                    f"{file}:{statement.loc.line}: {cls.__name__}.{name} leaves the run's arithmetic here, {run} becomes {other}; "
                    "write constants as float literals (1.0, not 1) in the method or as floats of its module, and use the helpers of hw_models.scalars."
                )
    return dispatcher


# ---------------------------------------------------------------- one sum whose order is the same on every machine

LANES = 32


@intrinsic
def _dot_in_lanes(typing, u, v):
    """Inner product of two rows in LANES partial sums, written as vector instructions.

    A compiler may not vectorise a sum, for it would change its order; here the order is stated (26 against 73 us for 500 x 500).
    """

    def codegen(context, builder, signature, args):
        width, number = 8, context.get_value_type(signature.return_type)
        vector, count = ir.VectorType(number, width), LANES // 8
        zero = ir.Constant(vector, [0.0] * width)
        rows = [context.make_array(kind)(context, builder, arg) for kind, arg in zip(signature.args, args, strict=True)]
        n = builder.extract_value(rows[0].shape, 0)
        whole = builder.and_(n, ir.Constant(n.type, -LANES))

        def load(row, offset):
            loaded = builder.load(builder.bitcast(builder.gep(row.data, [offset]), vector.as_pointer()))
            loaded.align = context.get_abi_sizeof(number)
            return loaded

        partial = [cgutils.alloca_once_value(builder, zero) for _ in range(count)]
        with cgutils.for_range_slice(builder, n.type(0), whole, n.type(LANES)) as (i, _):
            for k, total in enumerate(partial):
                offset = builder.add(i, i.type(k * width))
                builder.store(builder.fadd(builder.load(total), builder.fmul(load(rows[0], offset), load(rows[1], offset))), total)
        lanes = cgutils.alloca_once(builder, ir.ArrayType(vector, count))
        for k, total in enumerate(partial):
            builder.store(builder.load(total), cgutils.gep_inbounds(builder, lanes, 0, k))
        first = builder.bitcast(lanes, number.as_pointer())
        with cgutils.for_range_slice(builder, whole, n, n.type(1)) as (i, _):  # the rest, each number to its own lane
            place = builder.gep(first, [builder.sub(i, whole)])
            product = builder.fmul(*[builder.load(builder.gep(row.data, [i])) for row in rows])
            builder.store(builder.fadd(builder.load(place), product), place)
        sums = [builder.load(cgutils.gep_inbounds(builder, lanes, 0, k)) for k in range(count)]
        while len(sums) > 1:
            half = len(sums) // 2
            sums = [builder.fadd(a, b) for a, b in zip(sums[:half], sums[half:], strict=True)]
        total = sums[0]
        while width > 1:
            width //= 2
            low, high = (ir.Constant(ir.VectorType(ir.IntType(32), width), list(range(k, k + width))) for k in (0, width))
            total = builder.fadd(builder.shuffle_vector(total, total, low), builder.shuffle_vector(total, total, high))
        return builder.extract_element(total, ir.IntType(32)(0))

    return u.dtype(u, v), codegen


def _dot(u, v):
    return _dot_in_lanes(u, v)  # pyright: ignore[reportCallIssue]: the compiler passes the typing context


@twin(_dot)
def dot(u, v):
    """Inner product of two contiguous rows: LANES partial sums, each number to the lane of its place, which are then halved until one is left."""
    lanes = [u.dtype.type(0)] * LANES
    for i in range(u.shape[0]):
        lanes[i % LANES] += u[i] * v[i]
    while len(lanes) > 1:
        half = len(lanes) // 2
        lanes = [a + b for a, b in zip(lanes[:half], lanes[half:], strict=True)]
    return lanes[0]
