"""A chip: the parts that make it, by name from the catalogue or from a file."""

import importlib.resources
import os
import pathlib
import tomllib
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

from hw_models import own
from hw_models.cells import ALL_CELLS, Ideal
from hw_models.circuit import ALL_CIRCUITS, IdealCircuit
from hw_models.converters import ALL_CONVERTERS, Exact
from hw_models.memory import ALL_MEMORIES, Unlimited
from hw_models.noise import ALL_NOISES, Gaussian
from hw_models.parts import InputError, Range, build, check, nearest
from hw_models.reward import ALL_WIRES, ExactWire
from hw_models.tile import ALL_TILES, Adder


class Chip(NamedTuple):
    """The hardware a network runs on.

    Parameters
    ----------
    name : str
        Its name in the catalogue.
    summary : str
        What it stands for, in one sentence.
    cell : part
        The memory that holds a weight.
    decorrelation : part
        The memory that holds the matrix of a decorrelating rule.
    tile : part
        How a column is summed.
    dac : part
        What stands between a neuron's output and the array: a DAC, or the width of a digital activation.
    adc : part
        What stands between a column's sum and the neuron.
    neuron : part
        The neuron circuit, which carries out what the network's neuron model says.
    noise : part
        The source of the perturbation.
    wire : part
        The reward wire.
    memory : part
        Local memory for learning.
    headroom : float, initial standard deviations
        A full-scale cell stands for this many Xavier standard deviations of its layer's weights; cells without bounds need none.
    reference : "ideal" or "column"
        What a weight of one device is measured against: a number that is always right, or a column of the same cells in every array,
        programmed to 0, whose sum is taken off those of all other columns. It misses, drifts and is noisy as they are, and all
        columns share its errors. A pair of devices needs no such column.
    reach : "fixed" or "by array"
        What the ADC's limit counts: for all arrays alike the sum that one full-scale cell gives with an input of 1; or for each array the
        standard deviation of its sums if all inputs were independent and of size 1, an amplifier being set once in front of its ADCs.
    step_s : float, s
        Simulated time a step takes.
    sources : pairs of str
        For fields such as ``cell.bits``, or whole parts, where the number comes from, and how it was read there: READ in the source
        itself, READ2 in a second one that quotes it, MEMORY from memory; what has no entry is our own choice.
    """

    name: str = "ideal"
    summary: str = ""
    cell: Any = Ideal()
    decorrelation: Any = Ideal()
    tile: Any = Adder()
    dac: Any = Exact()
    adc: Any = Exact()
    neuron: Any = IdealCircuit()
    noise: Any = Gaussian()
    wire: Any = ExactWire()
    memory: Any = Unlimited()
    headroom: Annotated[float, Range("initial standard deviations", 0.0, open_low=True)] = 4.0
    reference: Literal["ideal", "column"] = "ideal"
    reach: Literal["fixed", "by array"] = "fixed"
    step_s: Annotated[float, Range("s", 0.0, open_low=True)] = 1e-3
    sources: tuple[tuple[str, str], ...] = ()

    def replace(self, **changes) -> "Chip":
        """A copy with some fields changed; a field of a part is named ``cell__bits=6``."""
        chip = self
        for key, value in changes.items():
            part, _, field = key.partition("__")
            if part not in KINDS and not hasattr(chip, part):
                raise InputError(f"chip.{part} is not a field of Chip; {nearest(part, Chip._fields)}")
            chip = configure(chip, {part: {field: value} if field else value})
        return chip

    def to_table(self) -> dict[str, Any]:
        """The chip as a TOML table."""
        table: dict[str, Any] = {}
        for key, value in self._asdict().items():
            table[key] = _part_table(key, value) if key in KINDS else value
        table["sources"] = dict(self.sources)
        return table

    def source(self, field: str) -> str:
        """Where the number of a field such as ``cell.bits`` comes from: its own entry, or that of its part."""
        known = dict(self.sources)
        return known.get(field, known.get(field.partition(".")[0], ""))


KINDS: dict[str, dict[str, type]] = {
    "cell": ALL_CELLS,
    "decorrelation": ALL_CELLS,
    "tile": ALL_TILES,
    "dac": ALL_CONVERTERS,
    "adc": ALL_CONVERTERS,
    "neuron": ALL_CIRCUITS,
    "noise": ALL_NOISES,
    "wire": ALL_WIRES,
    "memory": ALL_MEMORIES,
}


def kind_name(field: str, part) -> str:
    """The name by which a part's kind is chosen in a table: for a part of one's own, ``path/to/file.py:Class``."""
    path = own.file_of(part)
    named = f"{path.resolve()}:{type(part).__name__}" if path else type(part).__name__
    return next((name for name, cls in KINDS[field].items() if cls is type(part)), named)


def _part_table(field: str, part) -> dict[str, Any]:
    path = own.file_of(part)
    return {"kind": kind_name(field, part), **part._asdict(), **({"sha256": own.digest(path)} if path else {})}


def catalogue() -> dict[str, str]:
    """Names of the built-in chips with their summaries."""
    folder = importlib.resources.files("hw_models") / "catalogue"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return {f.name.removesuffix(".toml"): tomllib.loads(f.read_text("utf-8"))["summary"] for f in files}


def chip_of(given: "Chip | str | os.PathLike[str] | None") -> Chip:
    """A chip as it is given: itself, one by its name or its file, or the ideal one."""
    if isinstance(given, str | os.PathLike):
        return load(str(given))
    return check(given if given is not None else Chip(), what="chip")


def load(name: str, within: tuple[pathlib.Path, ...] = ()) -> Chip:
    """A chip by its name in the catalogue, or from a TOML file, which may extend another chip (``extends = "digital-8bit"``).

    Raises
    ------
    InputError
        If there is no such chip or file, or the file is not a chip, or extends (`within` says which files do) itself.
    """
    if str(name).endswith(".toml"):
        path = pathlib.Path(name)
        if not path.is_file():
            raise InputError(f"There is no chip file {path}; give the path of a TOML file or one of {', '.join(catalogue())}.")
        table = read_toml(path)
        if "extends" in table:
            return _extended(path, table, within)
    else:
        if name not in catalogue():
            raise InputError(
                f'Chip "{name}" is not in the catalogue; {nearest(name, catalogue())} A file of your own is named with its .toml ending.'
            )
        text = (importlib.resources.files("hw_models") / "catalogue" / f"{name}.toml").read_text("utf-8")
        table = tomllib.loads(text)
    return configure(Chip(name=pathlib.Path(name).stem), table)


def _extended(path: pathlib.Path, table: dict[str, Any], within: tuple[pathlib.Path, ...]) -> Chip:
    """Another chip with what a file changes; where a number of the file does not say where it comes from, it comes from the file."""
    name = table.pop("extends")
    if not isinstance(name, str):
        raise InputError(f"chip.extends must be the name of a chip or of a file, got {name!r}.")
    if path.resolve() in within:
        raise InputError(f"{path} extends itself{f' by way of {within[-1].name}' if len(within) > 1 else ''}; name another chip.")
    base = load(str(path.parent / name) if name.endswith(".toml") else name, (*within, path.resolve()))
    said = _sources(table.pop("sources", {}), "chip")
    here, other = {}, set()  # fields that the file sets; parts of which nothing stays
    for part, value in table.items():
        if isinstance(value, Mapping):
            here |= {f"{part}.{field}": f"set in {path.name}" for field in value}
        elif part not in ("name", "summary"):
            here[part] = f"set in {path.name}"
        if part in KINDS and (not isinstance(value, Mapping) or value.get("kind", kind := kind_name(part, getattr(base, part))) != kind):
            other.add(part)
    stays = {key: text for key, text in base.sources if key.partition(".")[0] not in other and key not in here}
    here = {key: text for key, text in here.items() if key.partition(".")[0] not in said}
    chip = configure(base._replace(name=path.stem, summary=""), table)
    return chip._replace(sources=tuple((stays | here | said).items()))


def read_toml(path: pathlib.Path) -> dict[str, Any]:
    """The table in a TOML file; a malformed file is an `InputError` with its line."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not valid TOML: {error}.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}.") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path} cannot be read: {error}.") from None


def configure(chip: Chip, table: Mapping[str, Any], where: str = "chip") -> Chip:
    """The chip with the fields that a table names replaced; a table that names another kind starts from that kind's defaults."""
    changes: dict[str, Any] = {}
    for key, value in table.items():
        if key not in Chip._fields:
            raise InputError(f"{where}.{key} is not a field of Chip; {nearest(key, Chip._fields)}")
        if key == "sources":
            changes[key] = tuple(_sources(value, where).items())
            continue
        if key not in KINDS or not isinstance(value, Mapping):
            changes[key] = value
            continue
        value, old = dict(value), getattr(chip, key)
        kind = value.pop("kind", None)
        if isinstance(kind, str) and ".py:" in kind:
            own.check_digest(kind, value.pop("sha256", None))
            cls = own.import_class(kind)
        elif kind is not None and kind not in KINDS[key]:
            hint = nearest(kind, KINDS[key])
            more = "" if hint.startswith("did") else " A part of your own is named as path/to/file.py:Class."
            raise InputError(f'{where}.{key}.kind "{kind}" is not known; {hint}{more}')
        else:
            cls = KINDS[key][kind] if kind is not None else type(old)
        for field in value:
            if cls is type(old) and field not in cls._fields:
                hint = nearest(field, cls._fields)
                raise InputError(f"{where}.{key}.{field} is not a field of {cls.__name__}, which the chip {chip.name} has there; {hint}")
        changes[key] = build(cls, {**(old._asdict() if cls is type(old) else {}), **value}, f"{where}.{key}")
    for key in KINDS.keys() & changes.keys():
        if isinstance(changes[key], str | int | float):
            raise InputError(
                f'{where}.{key} must be a table with a kind such as {{ kind = "{next(iter(KINDS[key]))}" }}, got {changes[key]!r}.'
            )
    return check(chip._replace(**changes), where)


def _sources(table: Any, where: str) -> dict[str, str]:
    if not isinstance(table, Mapping):
        raise InputError(f'{where}.sources must be a table from fields such as "cell.bits" to sentences, got {table!r}.')
    for key, text in table.items():
        if key.partition(".")[0] not in Chip._fields or not isinstance(text, str):
            raise InputError(f'{where}.sources names {key!r} = {text!r}; a field such as "cell.bits" and a sentence are wanted.')
    return dict(table)
