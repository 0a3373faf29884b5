"""A TOML file and a command line become an experiment, and an experiment becomes TOML again."""

import datetime
import pathlib
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import tomli_w

import neurosim
from hw_models import own
from hw_models.chip import KINDS, Chip, catalogue, configure, load, read_toml
from hw_models.parts import InputError, build, nearest
from neurosim import tasks
from neurosim.experiment import Experiment, Settings, rule_name
from neurosim.network import Network
from neurosim.neurons import ALL_NEURONS
from neurosim.rules import DEFAULTS, GRADIENTS, Gradient, Perturbation
from neurosim.tasks import Dataset, World
from neurosim.wiring import ALL_WIRINGS

EXPERIMENT = "experiment.toml"  #: in a run folder, everything the run follows from

#: What an experiment is unless something else is said.
SHOWCASE = {
    "task": {"name": "mackey-glass"},
    "network": {"hidden": 100, "neuron": "tanh"},
    "rule": {"name": "danp"},
    "chip": {"name": "analog-noisy"},
    "train": {},
}

#: What `neurosim train` does when nothing at all is said.
NOTHING_SAID = {**SHOWCASE, "train": {"epochs": 20}}


class Plan(NamedTuple):
    """An experiment with what it is run on."""

    experiment: Experiment
    dataset: Dataset | World
    init: str = ""  #: run folder or NIR graph whose weights it starts from


# ---------------------------------------------------------------- from a file and a command line to one table


def assemble(file: str | None = None, given: Iterable[tuple[str, str, Any]] = (), base: Mapping | None = None) -> dict[str, Any]:
    """The table of an experiment: `SHOWCASE`, over it a TOML file, over that the command line.

    Parameters
    ----------
    file : path of a TOML file, or of a run folder, optional
    given : (what was typed, "part.field", value)
    base : table, optional
        In place of `SHOWCASE`.

    Raises
    ------
    InputError
        If the file is malformed, a section is unknown, or the command line says two things about one field.
    """
    table = over(SHOWCASE if base is None else base, {})
    if file is not None and pathlib.Path(file, EXPERIMENT).is_file():  # of a run: its experiment
        file = str(pathlib.Path(file, EXPERIMENT))
    if file is not None and not pathlib.Path(file).exists():
        for kind, names in (("task", tasks.by_name), ("rule", [*DEFAULTS, *GRADIENTS]), ("chip", catalogue())):
            if file in names:
                raise InputError(f"{file} is a {kind} and no file: say --{kind} {file}.")
    for layer in (read_toml(pathlib.Path(file)) if file is not None else {}, _nested(given)):
        for section, value in layer.items():
            if section not in SHOWCASE:
                raise InputError(f"[{section}] is not a section of an experiment; {nearest(section, SHOWCASE)}")
            if not isinstance(value, Mapping):
                raise InputError(f"{section} must be a table such as [{section}] with fields below it, got {value!r}.")
        table = over(table, layer)
    return table


def over(low: Mapping, high: Mapping) -> dict[str, Any]:
    """One table laid over another. Who names another task, rule, chip or kind of part starts from that one's own defaults."""
    for key in ("name", "kind"):
        if key in high and key in low and high[key] != low[key]:
            low = {}
    table = {key: dict(value) if isinstance(value, Mapping) else value for key, value in low.items()}
    for key, value in high.items():
        if isinstance(value, Mapping):
            old = table.get(key, {})
            table[key] = over(old if isinstance(old, Mapping) else {"kind": old}, value)
        else:
            table[key] = value
    return table


def assignment(text: str) -> tuple[str, str, Any]:
    """``part.field=value`` as typed after ``--set``; the value is TOML if it reads as that, and text otherwise."""
    path, equals, value = text.partition("=")
    if not equals or "." not in path or not all(path.split(".")):
        raise InputError(f'--set takes part.field=value such as rule.lr=0.01, got "{text}".')
    return f"--set {path}", path, _value(value)


def _value(text: str) -> Any:
    try:
        table = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    value = table.get("value")
    return text if len(table) > 1 or isinstance(value, datetime.date | datetime.time) else value


def _nested(given: Iterable[tuple[str, str, Any]]) -> dict[str, Any]:
    """One table of all that was typed; the same field may be named twice only with the same value."""
    table: dict[str, Any] = {}
    said: dict[str, tuple[str, Any]] = {}
    for typed, path, value in (leaf for item in given for leaf in _leaves(*item)):
        for other, (first, before) in said.items():
            if (other == path and before != value) or f"{other}.".startswith(f"{path}.") != f"{path}.".startswith(f"{other}."):
                raise InputError(f"{first} says {before!r} and {typed} says {value!r}, which is the same field; give it once.")
        said[path] = typed, value
        *parts, field = path.split(".")
        place = table
        for part in parts:
            place = place.setdefault(part, {})
        place[field] = value
    return table


def leaves(table: Mapping[str, Any]) -> dict[str, Any]:
    """``part.field`` and value of everything in a table."""
    return {path: value for key, inner in table.items() for _, path, value in _leaves("", key, inner)}


def _leaves(typed: str, path: str, value: Any):
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _leaves(typed, f"{path}.{key}", inner)
    else:
        yield typed, path, value


# ---------------------------------------------------------------- from a table to an experiment


def plan(table: Mapping[str, Any]) -> Plan:
    """The experiment that a table describes, with its data, which are loaded once.

    Raises
    ------
    InputError
        If anything in it is unknown, out of range, or cannot work together.
    """
    task, network, rule, chip, settings, init = parts(table)  # refused before data are loaded, if they must be
    loaded = task.load(settings.seed)
    dataset = loaded if isinstance(loaded, World) else tasks.check(loaded)
    inputs, outputs = tasks.widths(dataset)
    network = network._replace(inputs=inputs, outputs=outputs)
    return Plan(Experiment(task, network, rule, chip, settings), dataset, init)


def parts(table: Mapping[str, Any]) -> tuple[Any, Network, Any, Chip, Settings, str]:
    """Task, network, rule, chip and settings of a table, and what it starts from; the network's width is not known yet.

    Raises
    ------
    InputError
        If anything in it is unknown or out of range.
    """
    rule, chip = rule_from(table["rule"]), chip_from(table["chip"])
    settings = build(Settings, table["train"], "train")
    options = dict(table["network"])
    init = options.pop("init", "")
    if not isinstance(init, str):
        raise InputError(f"network.init must be the folder of a run or a NIR graph to start from, got {init!r}.")
    return task_from(table["task"]), _network(options, 1, 1), rule, chip, settings, init


def task_from(table: Mapping[str, Any]):
    """The task of a ``[task]`` section; ``gym:CartPole-v1`` is the task gym with this environment."""
    kind, colon, environment = str(table.get("name")).partition(":")
    if colon:
        table = {**table, "name": kind, "id": environment}
    name, options = _named(table, "task", tasks.by_name)
    return build(tasks.by_name[name], options, "task")


def chip_from(table: Mapping[str, Any]) -> Chip:
    """The chip of a ``[chip]`` section; one of no catalogue that gives every part, as a run wrote it, needs none."""
    name, options = _named(table, "chip", None)
    complete = KINDS if name not in catalogue() else set(Chip._fields) - {"name"}
    base = Chip(name=name) if set(options) >= set(complete) else load(name)
    return configure(base, options)


def rule_from(table: Mapping[str, Any]):
    """The rule of a ``[rule]`` section: of the perturbation family, a reference gradient, or a class in a file of one's own."""
    in_a_file = ".py:" in str(table.get("name"))
    name, options = _named(table, "rule", None if in_a_file else [*DEFAULTS, *GRADIENTS])
    if in_a_file:
        own.check_digest(name, options.pop("sha256", None))
        return build(own.import_class(name), options, "rule")
    if "method" in options:
        raise InputError(
            f"rule.method is not an option: rule.name chooses the method; {nearest(options['method'], [*DEFAULTS, *GRADIENTS])}"
        )
    if name in GRADIENTS:
        return build(Gradient, {"method": name, **options}, "rule")
    return build(Perturbation, {**DEFAULTS[name], **options}, "rule")


#: Parts of a network by name, and the kind that a table without one means.
NETWORK_PARTS = {"neuron": (ALL_NEURONS, "tanh"), "readout": (ALL_NEURONS, "tanh"), "wiring": (ALL_WIRINGS, "dense")}


def part_from(value: Any, name: str):
    """A part of a network by name, or from a table with its kind and numbers."""
    (known, usual), where = NETWORK_PARTS[name], f"network.{name}"
    table = dict(value) if isinstance(value, Mapping) else {"kind": value}
    kind = table.pop("kind", usual)
    if kind not in known:
        raise InputError(f'{where} "{kind}" is not known; {nearest(kind, known)}')
    return build(known[kind], table, where)


def _network(options: Mapping[str, Any], inputs: int, outputs: int) -> Network:
    options = dict(options)
    for name in ("inputs", "outputs"):
        if name in options:
            raise InputError(f"network.{name} follows from the task; leave it out.")
    for name in options.keys() & NETWORK_PARTS.keys():
        options[name] = part_from(options[name], name)
    sizes = options.get("hidden", SHOWCASE["network"]["hidden"])
    sizes = list(sizes) if isinstance(sizes, list | tuple) else [sizes]
    if not sizes or not all(type(n) is int and n >= 1 for n in sizes):
        raise InputError(f"network.hidden must be a number of neurons of at least 1, or a list of such numbers, got {options['hidden']!r}.")
    hidden = sizes[0] if len(sizes) == 1 else tuple(sizes)
    return build(Network, {**options, "inputs": inputs, "outputs": outputs, "hidden": hidden}, "network")


def _named(table: Mapping[str, Any], where: str, known: Iterable[str] | None) -> tuple[str, dict[str, Any]]:
    options = dict(table)
    name = options.pop("name", None)
    if not isinstance(name, str) or (known is not None and name not in known):
        more = " A rule of your own is named as path/to/file.py:Class." if where == "rule" else ""
        raise InputError(f"{where}.name {name!r} is not known; {nearest(name, known or [])}{more}".replace("'", '"'))
    return name, options


# ---------------------------------------------------------------- from an experiment to TOML


def to_table(experiment: Experiment, init: str = "") -> dict[str, Any]:
    """Everything a run follows from, as tables of plain values; `plan` reads it."""
    e = experiment
    table = {
        "task": {"name": e.task.name, **_asdict(e.task)},
        "network": network_table(e.network) | ({"init": init} if init else {}),
        "rule": rule_table(e.rule),
        "chip": e.chip.to_table(),
        "train": e.settings._asdict(),
    }
    return _plain(table)


def whole(table: Mapping[str, Any]) -> dict[str, Any]:
    """A table as it would be written today: with every option that has been added since.

    Raises
    ------
    InputError
        If anything in it is unknown or out of range today.
    """
    task, network, rule, chip, settings, init = parts(table)
    return to_table(Experiment(task, network, rule, chip, settings), init)


def network_table(network: Network) -> dict[str, Any]:
    """The ``[network]`` section of a network."""
    parts = {name: _kind(getattr(network, name), name) for name in NETWORK_PARTS}
    numbers = {name: getattr(network, name) for name in ("gain", "input_gain", "readout_gain", "bias")}
    return _plain({"hidden": list(network.layers), **parts, **numbers})


def rule_table(rule) -> dict[str, Any]:
    """The ``[rule]`` section of a rule."""
    table = {"name": rule_name(rule), **{key: value for key, value in _asdict(rule).items() if key != "method"}}
    if path := own.file_of(rule):
        table |= {"name": f"{path}:{type(rule).__name__}", "sha256": own.digest(path)}
    return _plain(table)


def to_toml(experiment: Experiment, init: str = "") -> str:
    """The experiment as a TOML file that ``neurosim train`` repeats."""
    return f"# Written by neurosim {neurosim.__version__}; neurosim train repeats it.\n\n{tomli_w.dumps(to_table(experiment, init))}"


def _kind(part, name: str) -> dict[str, Any]:
    kind = next((kind for kind, cls in NETWORK_PARTS[name][0].items() if cls is type(part)), type(part).__name__)
    return {"kind": kind, **part._asdict()}


def _asdict(part) -> dict[str, Any]:
    return part._asdict() if hasattr(part, "_asdict") else {}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value.item() if isinstance(value, np.generic) else value
