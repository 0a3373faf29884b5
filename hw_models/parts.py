"""A part is a `NamedTuple` of numbers with units: built from a table, checked against its stated ranges, compared and printed."""

import difflib
import inspect
import itertools
import math
import re
import types
from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError


class InputError(ValueError):
    """What a person gave is wrong; the message is one sentence that says where, what, what is allowed and what to do."""


class Range(NamedTuple):
    """Unit and allowed values of one field, written as ``Annotated[float, Range("V", low=0.0)]``."""

    unit: str = ""
    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False  #: the lower bound itself is not allowed

    def admits(self, value: float) -> bool:
        return math.isfinite(value) and (self.low < value if self.open_low else self.low <= value) and value <= self.high

    def __str__(self) -> str:
        below, above = math.isinf(self.low), math.isinf(self.high)
        if below and above:
            return "a finite number"
        if above:
            return f"greater than {self.low:g}" if self.open_low else f"at least {self.low:g}"
        if below:
            return f"at most {self.high:g}"
        return f"{'above' if self.open_low else 'from'} {self.low:g} {'up ' if self.open_low else ''}to {self.high:g}"


class Bits(NamedTuple):
    """Width of one field of a state record in the simulated device, written as ``Annotated[float, Bits(16)]``."""

    n: int
    counts: bool = False  #: a counter of whole steps, which neuron circuits neither round nor saturate


class Field(NamedTuple):
    """What is known about one field of a part."""

    name: str
    kind: Any  #: its type: float, int, bool, a Literal of strings, ...
    default: Any
    range: Range
    bits: int | None
    meaning: str
    counts: bool  #: its bits count steps


def fields(cls: type) -> dict[str, Field]:
    """Every field of a part's class with type, unit, range, default and the meaning its docstring gives.

    Raises
    ------
    InputError
        If a subclass names a field: a named tuple has those that it was made with, and no more.
    """
    _check_inherited(cls)
    docs = _numpydoc(inspect.getdoc(cls) or "")
    found = {}
    for name, hint in get_type_hints(cls, include_extras=True).items():
        if name not in getattr(cls, "_fields", (name,)):  # of the class and no field
            continue
        kind, notes = hint, ()
        if get_origin(hint) is Annotated:
            kind, *notes = get_args(hint)
        span = next((n for n in notes if isinstance(n, Range)), Range())
        width = next((n for n in notes if isinstance(n, Bits)), None)
        default = getattr(cls, "_field_defaults", {}).get(name)
        counts = width is not None and width.counts
        found[name] = Field(name, kind, default, span, width.n if width else None, docs.get(name, ""), counts)
    return found


def _check_inherited(cls: type) -> None:
    """Refuse classes that add a field to a named tuple which they inherit, or give one another default: it would never be one."""
    own = getattr(cls, "_fields", ())
    above = list(itertools.takewhile(lambda base: "_fields" not in vars(base), cls.__mro__)) if own else []
    added = (name for base in above for name, hint in vars(base).get("__annotations__", {}).items() if "ClassVar" not in str(hint))
    changed = (name for base in above for name in vars(base) if name in own)
    if wrong := list(dict.fromkeys([*added, *changed])):
        raise InputError(
            f"{cls.__name__} inherits the fields of a NamedTuple ({', '.join(own)}) and can neither add one nor change its default ({', '.join(wrong)}); write a "
            "NamedTuple with all of them."
        )


def bits(record: type) -> dict[str, int]:
    """Width in bits of every field of a state record, register or memory class."""
    widths = {}
    for name, field in fields(record).items():
        if field.bits is None:
            raise InputError(
                f"{record.__name__}.{name} does not state its width; write it as {name}: Annotated[float, Bits(16)] so that memory can be counted."
            )
        widths[name] = field.bits
    return widths


def nearest(word: str, known: Iterable[str]) -> str:
    """``did you mean "x"? Known: x, y, z.`` for a name that is not known."""
    known = list(known)
    close = difflib.get_close_matches(str(word), known, n=1, cutoff=0.5)
    hint = f'did you mean "{close[0]}"? ' if close else ""
    return f"{hint}Known: {', '.join(known) if known else 'none'}."


def build(cls: type, table: Mapping[str, Any], where: str):
    """Make a part from a table such as a TOML section.

    Raises
    ------
    InputError
        If a key is unknown (the nearest known one is named), a value has the wrong type or lies outside its range.
    """
    known = fields(cls)
    for key in table:
        if key not in known:
            raise InputError(f"{where}.{key} is not a field of {cls.__name__}; {nearest(key, known)}")
    try:
        part = _adapter(cls).validate_python(dict(table))
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        if first["type"] in ("missing_argument", "missing"):
            raise InputError(f"{where}.{name} must be given; {cls.__name__} has no default for it.") from None
        what = allowed(known[name]) if name in known else first["msg"]
        raise InputError(f"{where}.{name} must be {what}, got {table.get(name)!r}.") from None
    return check(part, where)


def check(part, where: str = "", what: str = "A part"):
    """The part itself, if every number lies in its stated range.

    Raises
    ------
    InputError
        Naming the field, its value and what is allowed.
    """
    cls = type(part)
    if isinstance(part, type) or not hasattr(cls, "_fields"):
        given = f"the class {part.__name__}" if isinstance(part, type) else repr(part)
        raise InputError(f"{where or what} must be a part with its numbers, such as Name(field=value), got {given}.")
    where = where or cls.__name__
    for name, field in fields(cls).items():
        value: Any = getattr(part, name)
        if get_origin(field.kind) is Literal and value not in get_args(field.kind):
            raise InputError(f"{where}.{name} must be {allowed(field)}, got {value!r}.")
        number: Any = value if isinstance(value, Real) and not isinstance(value, bool) else math.nan
        if field.kind in (int, float) and not (field.range.admits(number) and (field.kind is float or number == int(number))):
            raise InputError(f"{where}.{name} must be {allowed(field)}, got {value!r}.")
    getattr(part, "validate", lambda: None)()
    return part


def describe(part) -> list[tuple[str, Any, str, str]]:
    """Rows of (field, value, unit, meaning) for printing."""
    return [(f.name, getattr(part, f.name), f.range.unit, f.meaning) for f in fields(type(part)).values()]


def allowed(field: Field) -> str:
    """What a field may be, in words."""
    if get_origin(field.kind) is Literal:
        return "one of " + ", ".join(f'"{option}"' for option in get_args(field.kind))
    if field.kind is bool:
        return "true or false"
    if field.kind is str:
        return "text"
    if field.kind in (int, float):
        text = str(field.range)
        noun = "a whole number" if field.kind is int else "a number"
        return (text if text.startswith("a ") and field.kind is float else f"{noun} {text}" if not text.startswith("a ") else noun) + (
            f" ({field.range.unit})" if field.range.unit else ""
        )
    if field.kind is Any:
        return "a part"
    if isinstance(field.kind, types.UnionType):
        return " or ".join(allowed(field._replace(kind=kind)) for kind in get_args(field.kind))
    return "a list" if field.kind is tuple or get_origin(field.kind) is tuple else f"of type {getattr(field.kind, '__name__', field.kind)}"


def _adapter(cls: type) -> TypeAdapter:
    # strict, so that "8" or true never passes for a number; whole numbers may stand for floats
    return TypeAdapter(cls, config=ConfigDict(strict=True, arbitrary_types_allowed=True))


def _numpydoc(text: str) -> dict[str, str]:
    """Field meanings from the Parameters section of a numpydoc docstring."""
    section = re.search(r"Parameters\n-+\n(.*?)(?:\n\S+\n-+\n|\Z)", text, re.S)
    if not section:
        return {}
    found: dict[str, str] = {}
    name = ""
    for line in section.group(1).splitlines():
        if line and not line.startswith(" "):
            name = line.split(":")[0].strip()
            found[name] = ""
        elif name and line.strip():
            found[name] = f"{found[name]} {line.strip()}".strip()
    return found
