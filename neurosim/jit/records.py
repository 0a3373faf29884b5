"""Records: one class holds arrays in the loop, numbers in a method."""

import functools
from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_builtin, overload

from neurosim.jit.functions import INNER, passage


def row(record, j):
    """The record of the j-th rows of every array of a record, or of one array. No reference is counted: the arrays must outlive it."""
    return record[j] if isinstance(record, np.ndarray) else type(record)(*[plane[j] for plane in record])


def flat(record):
    """The record of the numbers of every array of a record, each a line, row behind row: one position serves all. The arrays must have no gaps."""
    return record.reshape(-1) if isinstance(record, np.ndarray) else type(record)(*[plane.reshape(-1) for plane in record])


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


def _view(context, builder, kind, whole, data, shape, strides):
    """An array of that type over some of another one's memory; no reference is counted."""
    view = context.make_array(kind)(context, builder)
    context.populate_array(
        view, data=data, shape=cgutils.pack_array(builder, shape), strides=cgutils.pack_array(builder, strides), itemsize=whole.itemsize, meminfo=None
    )  # fmt: skip
    view.nitems = functools.reduce(builder.mul, shape)
    return view._getvalue()


@_written_out(row)
def _row(record, j):
    planes = _planes(record)
    rows = _like(record, [plane.copy(ndim=plane.ndim - 1) for plane in planes])

    def emit(context, builder, args):
        index = context.cast(builder, args[1], j, types.intp)
        made = []
        for kind, result, array in zip(planes, _planes(rows), _split(builder, record, args[0]), strict=True):
            whole = context.make_array(kind)(context, builder, array)
            shape, strides = (cgutils.unpack_tuple(builder, field) for field in (whole.shape, whole.strides))
            data = cgutils.pointer_add(builder, whole.data, builder.mul(strides[0], index), whole.data.type)
            made.append(_view(context, builder, result, whole, data, shape[1:], strides[1:]))
        return _join(context, builder, rows, made)

    return rows, emit


@_written_out(flat)
def _flat(record):
    planes = _planes(record)
    lines = _like(record, [plane.copy(ndim=1) for plane in planes])

    def emit(context, builder, args):
        made = []
        for kind, result, array in zip(planes, _planes(lines), _split(builder, record, args[0]), strict=True):
            whole = context.make_array(kind)(context, builder, array)
            count = functools.reduce(builder.mul, cgutils.unpack_tuple(builder, whole.shape))
            made.append(_view(context, builder, result, whole, whole.data, [count], [whole.itemsize]))
        return _join(context, builder, lines, made)

    return lines, emit


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


@overload(fill, jit_options=INNER)
def _fill(record, value):
    lines = "".join(f"    record[{n}][...] = value\n" for n in range(len(record.types))) or "    pass\n"
    space = {}
    exec(f"def body(record, value):\n{lines}", space)  # the text is made of field numbers alone
    return space["body"]
