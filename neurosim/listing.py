"""What there is to choose from, in one sentence each, taken from where it is written."""

import functools
import inspect
import pathlib
from collections.abc import Callable, Iterable
from typing import NamedTuple

from hw_models import own
from hw_models.chip import KINDS, Chip, catalogue, kind_name, read_toml
from hw_models.chip import load as load_chip
from hw_models.contracts import methods
from hw_models.events import Event
from hw_models.parts import InputError, allowed, describe, fields, nearest
from hw_models.prices import PriceList
from hw_models.prices import catalogue as price_lists
from hw_models.prices import load as load_prices
from hw_models.protocols import Cell, Noise
from neurosim import tasks
from neurosim.config import SHOWCASE
from neurosim.experiment import Settings
from neurosim.network import Network
from neurosim.neurons import ALL_NEURONS
from neurosim.protocols import Neuron, Rule
from neurosim.rules import (
    DEFAULTS,
    GRADIENTS,
    Gradient,
    Perturbation,
    activity_perturbation,
    node_perturbation,
    ornstein_uhlenbeck,
    weight_perturbation,
)
from neurosim.wiring import ALL_WIRINGS

Rows = list[tuple[str, str]]
#: How a figure is known, as sources and prices say it.
MARKS = {
    "READ": "in the source itself",
    "READ2": "in another that quotes it",
    "DERIVED": "computed from such figures",
    "MEMORY": "remembered, not looked up",
}


def first_sentence(thing) -> str:
    """The first line of a docstring, as plain text."""
    return (inspect.getdoc(thing) or "").partition("\n")[0].replace("`", "")


def rules() -> Rows:
    modules = {"wp": weight_perturbation, "np": node_perturbation, "anp": activity_perturbation}
    sentences = {method: first_sentence(module) for method, module in modules.items()}
    sentences["nrl"] = (
        "Noise-based reward-modulated learning: correlate the change of a neuron's activity with reward less its running mean."
    )
    sentences["oua"] = first_sentence(ornstein_uhlenbeck)
    family = []
    for name, options in DEFAULTS.items():
        says = [sentences[options["method"]].rstrip(".")]
        says += ["hidden activity is decorrelated"] if name.startswith("d") else []
        says += ["credit goes back over an interval"] if options.get("interval", 1) > 1 else []
        family.append((name, f"{'; '.join(says)}."))
    return family + list(GRADIENTS.items())


class Choice(NamedTuple):
    """Something that there are several of to choose from by name."""

    where: str  #: that it is chosen for, as in ``chip.cell``
    classes: dict[str, type]


#: What has options of its own; rules and chips stand apart.
CHOICES = {
    "task": Choice("task", tasks.by_name),
    "neuron": Choice("network.neuron", ALL_NEURONS),
    "wiring": Choice("network.wiring", ALL_WIRINGS),
    "cell": Choice("chip.cell", KINDS["cell"]),
    "tile": Choice("chip.tile", KINDS["tile"]),
    "converter": Choice("chip.dac", KINDS["dac"]),
    "circuit": Choice("chip.neuron", KINDS["neuron"]),
    "noise": Choice("chip.noise", KINDS["noise"]),
    "wire": Choice("chip.wire", KINDS["wire"]),
    "memory": Choice("chip.memory", KINDS["memory"]),
}


def _classes(named: dict[str, type]) -> Rows:
    return [(name, first_sentence(cls)) for name, cls in named.items()]


PLURALS = {kind: f"{kind}s" for kind in CHOICES} | {"memory": "memories"}
LISTS: dict[str, Callable[[], Rows]] = {
    "rules": rules,
    "chips": lambda: list(catalogue().items()),
    "prices": lambda: list(price_lists().items()),
    **{PLURALS[kind]: functools.partial(_classes, choice.classes) for kind, choice in CHOICES.items()},
}


def options(kind: str, name: str | None) -> tuple[str, list[tuple[str, str, str, str, str]]]:
    """What one of `CHOICES`, a rule or the training can be told: a sentence, and option, default, unit, what is allowed and meaning of each.

    Raises
    ------
    InputError
        If there is no such thing.
    """
    known = {"rule": [*DEFAULTS, *GRADIENTS], "network": [], "train": []} | {kind: list(choice.classes) for kind, choice in CHOICES.items()}
    if kind not in known:
        raise InputError(f"There is no {kind} to show; {nearest(kind, ['chip', 'prices', *known])}")
    if kind in ("train", "network") and name is not None:
        raise InputError(f"neurosim show {kind} takes no name; leave out {name}.")
    if kind == "network":
        rows = _options("network", Network, Network._field_defaults)
        return first_sentence(Network), [row for row in rows if row[0] not in ("network.inputs", "network.outputs")]
    if kind == "train":
        return first_sentence(Settings), _options("train", Settings, Settings._field_defaults)
    if kind == "rule" and name is not None and ".py:" in name:
        cls = own.import_class(name)
        if not hasattr(cls, "change") or not hasattr(cls, "_fields"):
            raise InputError(f"{name} is no rule: a NamedTuple with the methods of neurosim.protocols.Rule.")
        return first_sentence(cls), _options("rule", cls, cls._field_defaults)
    if name is None or name not in known[kind]:
        got = f', got "{name}"' if name else ""
        raise InputError(f"neurosim show {kind} takes the name of one{got}; {nearest(name or '', known[kind])}")
    if kind == "rule":
        rule = Gradient(name) if name in GRADIENTS else Perturbation(**DEFAULTS[name])  # pyright: ignore[reportArgumentType]: one of its words
        return dict(rules())[name], [row for row in _options("rule", type(rule), rule._asdict()) if row[0] != "rule.method"]
    cls = CHOICES[kind].classes[name]
    return first_sentence(cls), _options(CHOICES[kind].where, cls, getattr(cls, "_field_defaults", {}))


def _options(where: str, cls: type, defaults) -> list[tuple[str, str, str, str, str]]:
    return [
        (
            f"{where}.{f.name}",
            said(defaults[f.name]) if f.name in defaults else "must be given",
            f.range.unit,
            allowed(f).removesuffix(f" ({f.range.unit})"),
            f.meaning,
        )
        for f in fields(cls).values()
    ]


def said(value) -> str:
    """A number with no more digits than a person reads, a word as it is."""
    return f"{value:.6g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)


def sourced(chip: Chip, field: str, value, usual) -> str:
    """Where a number comes from; if the chip does not say, whether it is the part's own default."""
    return chip.source(field) or ("the part's default" if value == usual else "no source given")


def parameters(chip: Chip) -> Iterable[tuple[str, str, str, str, str, str]]:
    """Every field of a chip: name, value, unit, default, meaning, source; of a part, its kind first."""
    for name, value, unit, meaning in describe(chip):
        if name not in KINDS:
            if name not in ("name", "summary", "sources"):
                usual = Chip._field_defaults[name]
                yield f"chip.{name}", said(value), unit, said(usual), meaning, sourced(chip, name, value, usual)
            continue
        usual = kind_name(name, Chip._field_defaults[name])
        yield f"chip.{name}.kind", kind_name(name, value), "", usual, first_sentence(type(value)), chip.source(name)
        defaults = getattr(type(value), "_field_defaults", {})
        for field, number, unit, says in describe(value):
            usual = defaults.get(field)
            source = sourced(chip, f"{name}.{field}", number, usual)
            yield f"chip.{name}.{field}", said(number), unit, "" if usual is None else said(usual), says, source


def prices(found: PriceList) -> Iterable[tuple[str, str, str, str, str, str]]:
    """Every price of a list: name, value with its interval, unit, kind, technology, and how the source knows."""
    groups = {"energy": found.energy, "latency": found.latency, "area": found.area}
    named = [(f"{group}.{event}", price) for group, of_event in groups.items() for event, price in of_event.items()]
    for name, price in [*named, *([("endurance", found.endurance)] if found.endurance else [])]:
        value = f"{price.typical:.4g}" + (f" ({price.low:.4g} to {price.high:.4g})" if price.low < price.high else "")
        at = " ".join([f"{price.node_nm:g} nm"] * (price.node_nm > 0) + [f"{price.voltage:g} V"] * (price.voltage > 0))
        unit = price.unit + (" a bit" if price.per_bit else "")
        mark = "" if f"({price.mark}" in price.source else f" ({price.mark})"
        yield name, value, unit, price.kind if name.startswith("energy") else "", at, f"{price.how}: {price.source}{mark}"
    for event, inside in found.included.items():
        yield f"energy.{event}", "included", "", "", "", f"in {inside}"
    for name, value in found.capacity._asdict().items():
        if value and name not in ("source", "router_cores"):
            yield f"capacity.{name}", f"{value:,}", "", "", "", found.capacity.source


def differences(one: Chip, other: Chip) -> Iterable[tuple[str, str, str]]:
    """Fields in which two chips differ: name and both values, a dash where a chip has no such field."""
    values = [{row[0]: row[1] for row in parameters(chip)} for chip in (one, other)]
    for name in dict.fromkeys([*values[0], *values[1]]):
        pair = [known.get(name, "-") for known in values]
        if pair[0] != pair[1]:
            yield name, pair[0], pair[1]


def checked(cls: type):
    """Check a class of one's own against the protocol whose methods it has most of; its kind, and a report if there is one.

    Raises
    ------
    InputError
        If it has methods of no protocol, or breaks its contract.
    """
    from hw_models.testing import check_cell, check_noise
    from neurosim.testing import check_neuron, check_rule

    kinds = {"rule": (Rule, check_rule), "neuron": (Neuron, check_neuron), "cell": (Cell, check_cell), "noise source": (Noise, check_noise)}
    share = {kind: sum(hasattr(cls, m) for m in methods(like)) / len(methods(like)) for kind, (like, _) in kinds.items()}
    kind = max(share, key=share.__getitem__)
    if not share[kind]:
        needs = "; ".join(f"a {kind} has {', '.join(methods(like))}" for kind, (like, _) in kinds.items())
        raise InputError(f"{cls.__name__} has no method of a part that can be checked: {needs}.")
    return kind, kinds[kind][1](cls if kind in ("rule", "neuron") else _with_defaults(cls))


def checked_file(path: str) -> str:
    """What is to be said of a chip or a price list in a file of one's own; nothing of an experiment.

    Raises
    ------
    InputError
        If it breaks a rule of its kind.
    """
    from neurosim.testing import why_not

    table = read_toml(pathlib.Path(path))
    if set(table) & (set(PriceList._fields) - {"name", "summary"} | {"node_nm", "voltage"}) or table.get("extends") in price_lists():
        prices = load_prices(path)
        named = lambda group: ", ".join(event for event in Event if event in group) or "nothing"  # noqa: E731
        return "\n".join(
            [
                f"{path} is a price list.",
                f"  energy    {named(prices.energy)}",
                f"  time      {named(prices.latency)}",
                f"  included  {named(prices.included)}",
                f"  no price  {named(set(Event) - prices.energy.keys() - prices.included.keys())}",
                f"  It prices a training: neurosim cost --chip CHIP --prices {path}",
            ]
        )
    if set(table) & (set(SHOWCASE) - {"chip"}) or not set(table) & {*KINDS, "extends"}:
        return ""
    chip = load_chip(path)
    learnings = {name: Perturbation(**options).learning() for name, options in DEFAULTS.items()}
    reasons = {name: why_not(chip, learning) for name, learning in learnings.items()}
    rows = [("fits", ", ".join(name for name, why in reasons.items() if not why) or "no rule")]
    rows += [
        ("does not", f"{', '.join(name for name, other in reasons.items() if other == why)}: {why}")
        for why in dict.fromkeys(reasons.values())
        if why
    ]
    return "\n".join(
        [
            f"{path} is a chip.",
            *(f"  {title:8}  {said}" for title, said in rows),
            f"  Its numbers: neurosim show chip {path}; a training on it: neurosim train --chip {path}",
        ]
    )


def _with_defaults(cls: type):
    missing = [name for name in getattr(cls, "_fields", ()) if name not in cls._field_defaults]
    if missing:
        raise InputError(f"{cls.__name__}.{missing[0]} has no default; give it one, so that the class can be checked with it.")
    return cls()
