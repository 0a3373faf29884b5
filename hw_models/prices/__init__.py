"""What an event costs and what a chip has room for: price lists with intervals and sources, one TOML file each."""

import importlib.resources
import pathlib
import re
import tomllib
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

from hw_models.chip import read_toml
from hw_models.events import Event
from hw_models.parts import InputError, Range, build, nearest
from hw_models.prices import adc

UNITS = {
    "J": 1.0,
    "nJ": 1e-9,
    "pJ": 1e-12,
    "fJ": 1e-15,
    "W": 1.0,
    "mW": 1e-3,
    "uW": 1e-6,
    "s": 1.0,
    "us": 1e-6,
    "ns": 1e-9,
    "writes": 1.0,
    "mm2": 1.0,
    "um2": 1e-6,
}


class Price(NamedTuple):
    """What one event costs: an interval with its origin.

    Parameters
    ----------
    low : float
        Least that a source gives.
    typical : float
        What to expect.
    high : float
        Most that a source gives.
    unit : str
        Of all three; power is the price of a second.
    kind : "incremental" or "average"
        What one more event adds, or all power over all events at one operating point, idle power included. The two are never added.
    per_bit : bool
        Whether the price is that of one bit of the word or number that the event handles.
    parallel : int, events
        Of a latency: how many happen at once in one core.
    per : "core" or "chip"
        Of a latency: whether every core does its share at the same time, or the chip waits once.
    node_nm : float, nm
        Technology of the source; 0 is not stated. Prices are never converted from one node to another.
    voltage : float, V
        Supply of the source; 0 is not stated.
    how : str
        How the source knows.
    source : str
        Where it stands.
    mark : "READ", "READ2", "DERIVED" or "MEMORY"
        Read there, read in a second source that quotes it, computed from such figures, or from memory.
    """

    low: Annotated[float, Range("", 0.0)]
    typical: Annotated[float, Range("", 0.0)]
    high: Annotated[float, Range("", 0.0)]
    unit: Literal["J", "nJ", "pJ", "fJ", "W", "mW", "uW", "s", "us", "ns", "writes", "mm2", "um2"]
    source: str
    mark: Literal["READ", "READ2", "DERIVED", "MEMORY"]
    how: Literal["measured", "simulated", "synthesised", "fitted", "projected", "derived"]
    kind: Literal["incremental", "average"] = "incremental"
    per_bit: bool = False
    parallel: Annotated[int, Range("events", 1)] = 1
    per: Literal["core", "chip"] = "core"
    node_nm: Annotated[float, Range("nm", 0.0)] = 0.0
    voltage: Annotated[float, Range("V", 0.0)] = 0.0

    def validate(self):
        if not self.low <= self.typical <= self.high:
            raise InputError(f"A price must have low <= typical <= high, got {self.low}, {self.typical}, {self.high} {self.unit}.")
        if not self.source.strip():
            raise InputError("A price must say its source.")

    @property
    def si(self) -> tuple[float, float, float]:
        """Low, typical and high in J, W, s, writes or mm2."""
        factor = UNITS[self.unit]
        return self.low * factor, self.typical * factor, self.high * factor


class Capacity(NamedTuple):
    """What a chip has room for; 0 where no source says.

    Parameters
    ----------
    cores : int, cores
        On one chip.
    core_neurons : int, neurons
        That one core computes.
    core_weight_bits : int, bit
        Weight memory of a core.
    core_rows : int, rows
        Height of a core's array.
    core_columns : int, columns
        Width of a core's array.
    core_mm2 : float, mm2
        Area of a core, all of it.
    core_converters : int, converters
        ADCs that the columns of a core share.
    router_cores : int, cores
        That hang on one router.
    source : str
        Where all of it stands.
    """

    cores: Annotated[int, Range("cores", 0)] = 0
    core_neurons: Annotated[int, Range("neurons", 0)] = 0
    core_weight_bits: Annotated[int, Range("bit", 0)] = 0
    core_rows: Annotated[int, Range("rows", 0)] = 0
    core_columns: Annotated[int, Range("columns", 0)] = 0
    core_mm2: Annotated[float, Range("mm2", 0.0)] = 0.0
    core_converters: Annotated[int, Range("converters", 0)] = 0
    router_cores: Annotated[int, Range("cores", 1)] = 1
    source: str = ""


class PriceList(NamedTuple):
    """Prices of one chip or technology.

    Parameters
    ----------
    name : str
        Its name in the catalogue.
    summary : str
        What it prices, and how far the source is from what is priced.
    chips : names of chips whose bill is made with it
    energy : price of each event that has one
    latency : time of each event that has one
    area : of what makes an event, one converter or one router, where no source gives that of a whole core
    included : events whose cost lies in another's price, and in which, by the names of events; so it does where one of these happens
    clock_hz : float, Hz
        Frequency of the clock while the chip is on; 0 is not stated.
    capacity : what there is room for
    endurance : writes that a cell survives, if a limit is known
    """

    name: str = "none"
    summary: str = "No prices: everything is counted and nothing is priced."
    chips: tuple[str, ...] = ()
    energy: dict[Event, Price] = {}
    latency: dict[Event, Price] = {}
    area: dict[Event, Price] = {}
    included: dict[Event, str] = {}
    clock_hz: float = 0.0
    capacity: Capacity = Capacity()
    endurance: Price | None = None

    def validate(self):
        if {Event.SECOND, Event.CYCLE} & self.energy.keys() and any(price.kind == "average" for price in self.energy.values()):
            raise InputError(
                f"{self.name}: an average price already holds the idle power, so that a price of a second or a cycle would count it twice; "
                "give incremental prices beside these, or leave them out."
            )
        for event in self.included.keys() & self.energy.keys():
            raise InputError(f"{self.name}: {event} has a price and is said to be included in another; leave one out.")
        for event, text in self.included.items():
            if not named(text) & self.energy.keys():
                raise InputError(
                    f'{self.name}: {event} is said to be included in "{text}", which names no event that has a price in this list; give one, such '
                    f"as {', '.join(sorted(self.energy)[:3]) or 'mac'}."
                )


def named(text: str) -> set[Event]:
    """Events that a text names."""
    return {Event(word) for word in re.findall(r"\w+", text) if word in set(Event)}


def catalogue() -> dict[str, str]:
    """Names of the built-in price lists with their summaries."""
    return {name: table["summary"] for name, table in _tables().items()}


def load(name: str, adc_bits: int = 8) -> PriceList:
    """A price list by its name in the catalogue, or from a TOML file.

    Parameters
    ----------
    name : str
    adc_bits : int, bit
        For a list that takes the price of its converters from a survey.

    Raises
    ------
    InputError
        If there is no such list, or it breaks a rule of `Price` or `PriceList`.
    """
    if str(name).endswith(".toml"):
        path = pathlib.Path(name)
        if not path.is_file():
            raise InputError(f"There is no price list {path}; give the path of a TOML file or one of {', '.join(catalogue())}.")
        return _build(path.stem, read_toml(path), adc_bits)
    tables = _tables()
    if name not in tables:
        raise InputError(
            f'Price list "{name}" is not in the catalogue; {nearest(name, tables)} A file of your own is named with its .toml ending.'
        )
    return _build(name, tables[name], adc_bits)


def prices_of(chip) -> PriceList:
    """The price list that names a chip; one without prices if none does."""
    for name, table in _tables().items():
        if chip.name in table.get("chips", ()):
            return load(name, getattr(chip.adc, "bits", 8))
    return PriceList()


def _tables() -> dict[str, dict[str, Any]]:
    folder = importlib.resources.files("hw_models.prices")
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return {f.name.removesuffix(".toml"): tomllib.loads(f.read_text("utf-8")) for f in files}


def _build(name: str, table: Mapping[str, Any], adc_bits: int) -> PriceList:
    where, table = f"prices {name}", dict(table)
    base = table.pop("extends", None)
    low = load(base, adc_bits) if base else PriceList()
    common = {key: table.pop(key) for key in ("node_nm", "voltage") if key in table}
    found: dict[str, Any] = {"name": name, "chips": tuple(table.pop("chips", ())), "summary": table.pop("summary", "")}
    included = {_event(key, f"{where}.included"): text for key, text in _section(table, "included", where).items()}
    for group in ("energy", "latency", "area"):
        own = {_event(key, f"{where}.{group}"): value for key, value in _section(table, group, where).items()}
        own = {key: _price(value, f"{where}.{group}.{key}", common, adc_bits, _units(group, key)) for key, value in own.items()}
        replaced = included if group == "energy" else {}
        found[group] = {**{k: v for k, v in getattr(low, group).items() if k not in replaced}, **own}
    found["included"] = {**{k: v for k, v in low.included.items() if k not in found["energy"]}, **included}
    clock = table.pop("clock_hz", low.clock_hz)
    if isinstance(clock, bool) or not isinstance(clock, int | float) or not 0 <= clock < float("inf"):
        raise InputError(f"{where}.clock_hz must be a frequency in Hz, 0 if there is no clock, got {clock!r}.")
    found["clock_hz"] = float(clock)
    found["capacity"] = build(Capacity, {**low.capacity._asdict(), **_section(table, "capacity", where)}, f"{where}.capacity")
    limit = table.pop("endurance", None)
    found["endurance"] = low.endurance if limit is None else _price(limit, f"{where}.endurance", common, adc_bits, ("writes",))
    for key in table:
        raise InputError(f"{where}.{key} is not known; {nearest(key, [*PriceList._fields, 'extends', 'node_nm', 'voltage'])}")
    made = PriceList(**found)
    made.validate()
    return made


def _section(table: dict[str, Any], name: str, where: str) -> Mapping[str, Any]:
    section = table.pop(name, {})
    if not isinstance(section, Mapping):
        raise InputError(f"{where}.{name} must be a table such as [{name}] with fields below it, got {section!r}.")
    return section


def _event(key: str, where: str) -> Event:
    if key not in set(Event):
        raise InputError(f"{where}.{key} is not an event; {nearest(key, list(Event))}")
    return Event(key)


def _units(group: str, event: Event) -> tuple[str, ...]:
    if group != "energy":
        return ("s", "us", "ns") if group == "latency" else ("mm2", "um2")
    return ("W", "mW", "uW") if event == Event.SECOND else ("J", "nJ", "pJ", "fJ")


def _price(value: Any, where: str, common: Mapping[str, Any], adc_bits: int, units: tuple[str, ...]) -> Price:
    if not isinstance(value, Mapping):
        raise InputError(
            f"{where} must be a table, [{where.partition('.')[2]}] with typical (perhaps low and high), unit ({', '.join(units)}), how, source and mark "
            f"below it, got {value!r}."
        )
    table = {**common, **value}
    function = table.pop("function", None)
    if function == "adc-survey":
        low, high, cycles = adc.walden(adc_bits, 30e-15), adc.walden(adc_bits, 50e-15), table.pop("cycles", 1)
        if type(cycles) is not int or cycles < 1:
            raise InputError(f"{where}.cycles must be how often a column is converted for one product, 1 or more, got {cycles!r}.")
        table |= {
            "low": min(adc.envelope(adc_bits), low) * 1e12,
            "typical": cycles * low * 1e12,
            "high": cycles * high * 1e12,
            "unit": "pJ",
        }
    elif function == "adc-fit":
        rate, node = table.pop("rate_hz", 0), table.get("node_nm", 0)
        if not (rate > 0 and node >= 16):
            raise InputError(
                f"{where}: the function adc-fit needs a rate_hz above 0 and a node_nm of at least 16, got {rate!r} and {node!r}."
            )
        table |= {"typical": adc.fitted(adc_bits, rate, node) * 1e12, "unit": "pJ"}
    elif function is not None:
        raise InputError(f"{where}.function {function!r} is not known; {nearest(function, ('adc-survey', 'adc-fit'))}")
    if "typical" in table:
        table = {"low": table["typical"], "high": table["typical"], **table}
    price = build(Price, table, where)
    if price.unit not in units:
        raise InputError(f"{where}.unit must be one of {', '.join(units)}, got {price.unit!r}.")
    return price
