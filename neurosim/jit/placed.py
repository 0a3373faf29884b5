"""Records of records, placed in memory: compiled code is given where they are."""

import functools
import hashlib
import operator
import struct
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, AttributeTemplate, infer_getattr, infer_global, signature
from numba.extending import NativeValue, lower_builtin, lower_getattr_generic, models, register_model, unbox


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
    words.append((value if isinstance(value, np.generic) else np.asarray(value)).tobytes().ljust(8, b"\0"))
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

    @property
    def instance_class(self):
        return self.record.instance_class  # a part that holds arrays, such as recorded noise, is called like any other


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
