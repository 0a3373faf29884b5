"""What a rule reads: found in its source, compared with what it declares.

The arguments of a rule's methods are all that a synapse or a neuron can know, except for ``extra``: what stands there must be asked
for by name in ``needs``, so that a rule which is not local says so. Code of neurosim that no single synapse or neuron could carry out
says so where it does it, in a comment ``# not local: NAME``, which `marked` finds.
"""

import ast
import dis
import inspect
import os
import textwrap
from typing import NamedTuple

import numpy as np

from hw_models.contracts import check_draws, check_record, methods, where
from hw_models.parts import InputError, nearest
from neurosim.protocols import NOT_LOCAL, Extra, Own, Rule

SITES = ("current", "weight")
#: Where the arguments of a rule's methods live, and for records what they are made of.
HOMES = {
    "self": "constant", "w": "own weight", "r": "own register", "pre": "presynaptic neuron", "a": "postsynaptic neuron",
    "reward": "broadcast", "m": "own memory", "own": "this neuron", "d": "own change", "u": "own random number",
}  # fmt: skip
#: The same for fields of ``extra``.
EXTRA_HOMES = {"layer_energy": "every neuron of the layer", "layer_size": "constant", "input_energy": "this neuron"}
#: What is asked for by a need that no neuron can meet.
MEANING = {
    "layer_energy": "a sum over every neuron of the layer",
    "transpose": "weights of other synapses, against their direction",
    "error": "the error of every output, in every neuron",
    "history": "the states of all neurons in all earlier steps",
}


class Read(NamedTuple):
    """One thing that a method reads, and where it does so first."""

    name: str  #: such as ``pre``, ``own.xi``, ``extra.layer_energy``
    where: str  #: such as ``my_rule.py:12``

    def __str__(self) -> str:
        return f"{self.name} ({self.where})"


def reads(function) -> list[Read]:
    """What a method reads of its arguments, in order; of a record, which field of it (``extra`` if it is used as a whole)."""
    arguments = inspect.signature(function).parameters
    file = os.path.basename(function.__code__.co_filename)
    try:
        lines, first = inspect.getsourcelines(function)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, SyntaxError):  # typed into a bare interpreter: the names it uses are known, not where and of what
        return [Read(f"extra.{name}", where(function)) for name in function.__code__.co_names if name in Extra._fields]
    of_field = {id(node.value): node for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in arguments]
    found: dict[str, Read] = {}
    for node in sorted(names, key=lambda node: (node.lineno, node.col_offset)):
        field = of_field.get(id(node))
        name = f"{node.id}.{field.attr}" if field else node.id
        found.setdefault(name, Read(name, f"{file}:{first + node.lineno - 1}"))
    return list(found.values())


def reads_of(rule) -> dict[str, list[Read]]:
    """What each method of a rule reads."""
    cls = rule if isinstance(rule, type) else type(rule)
    return {name: reads(getattr(cls, name)) for name in methods(Rule) if hasattr(cls, name)}


def home(method: str, read: Read) -> str:
    """Where lives what a method reads: ``own weight``, ``broadcast``, ``every neuron of the layer`` ..."""
    argument, _, field = read.name.partition(".")
    if argument == "a" and method == "wander":
        return "own noise"
    return EXTRA_HOMES.get(field, "every neuron") if argument == "extra" else HOMES[argument]


def marked(function) -> list[Read]:
    """Lines of a function, class or module that say of themselves ``# not local: NAME``."""
    lines, first = inspect.getsourcelines(function)
    file, found = os.path.basename(inspect.getsourcefile(function) or "?"), []
    for number, line in enumerate(lines, first or 1):
        _, mark, names = line.partition("# not local: ")
        found += [Read(name.strip(), f"{file}:{number}") for name in names.split(",") if mark]
    return found


def undeclared_reads(rule) -> list[Read]:
    """Reads of ``extra`` that the rule's ``needs`` does not name; using ``extra`` as a whole reads all of it."""
    allowed = {f"extra.{name}" for name in rule.needs} | ({"extra"} if set(rule.needs) >= set(Extra._fields) else set())
    return [read for found in reads_of(rule).values() for read in found if read.name.split(".")[0] == "extra" and read.name not in allowed]


def not_local(rule) -> list[Read]:
    """What a rule asks for that no synapse or neuron can know, with the line that reads it (of the class, if none does)."""
    cls = rule if isinstance(rule, type) else type(rule)
    lines = {read.name: read.where for found in reads_of(rule).values() for read in found}
    return [Read(name, lines.get(f"extra.{name}", lines.get("extra", where(cls)))) for name in rule.needs if name in NOT_LOCAL]


def check_declared(rule):
    """Check what a rule declares: ``site``, ``needs``, its records, and that it reads no more of ``extra`` than it says.

    Raises
    ------
    InputError
        Naming the line.
    """
    cls = rule if isinstance(rule, type) else type(rule)
    if getattr(cls, "site", None) not in SITES:
        raise InputError(f'{where(cls)}: {cls.__name__}.site must be "current" or "weight", got {getattr(cls, "site", None)!r}.')
    needs, known = getattr(cls, "needs", None), sorted(Extra._fields)
    if not isinstance(needs, tuple):
        raise InputError(f'{where(cls)}: {cls.__name__}.needs must be a tuple of names such as ("input_energy",), got {needs!r}.')
    for name in needs:
        if not isinstance(name, str):
            raise InputError(f'{where(cls)}: {cls.__name__}.needs must be a tuple of names such as ("input_energy",), got {needs!r}.')
        if name in NOT_LOCAL - set(known):
            raise InputError(
                f'{where(cls)}: {cls.__name__}.needs names "{name}", which no rule of synapses is given: {MEANING[name]}. Only the reference '
                f"gradients have it (neurosim check bptt); a rule may ask for {', '.join(known)}."
            )
        if name not in known:
            raise InputError(f'{where(cls)}: {cls.__name__}.needs names "{name}", which is not known; {nearest(name, known)}')
    if hasattr(cls, "draws") or hasattr(cls, "settle"):
        check_draws(cls, Rule)
    for name in ("Register", "Memory"):
        check_record(cls, name)
    _check_fields(cls)
    _check_globals(cls)
    for read in undeclared_reads(cls):
        field = read.name.removeprefix("extra.")
        if field not in known:
            what = "is used as a whole" if field == "extra" else f'has no field "{field}"'
            raise InputError(
                f"{read.where}: {cls.__name__} reads {read.name}, but extra {what}; name a field of it. {nearest(field, Extra._fields)}"
            )
        raise InputError(
            f'{read.where}: {cls.__name__} reads {read.name}, but its needs do not name it; add "{field}" to {cls.__name__}.needs.'
        )


def _check_fields(cls):
    """Check that a method reads no field of its records, or of the rule, that is not there."""
    records = {"r": ("Register", cls.Register._fields), "m": ("Memory", cls.Memory._fields), "own": ("own", Own._fields)}
    for read in (read for found in reads_of(cls).values() for read in found):
        argument, _, field = read.name.partition(".")
        if argument == "self" and field and not hasattr(cls, field):
            raise InputError(f"{read.where}: {cls.__name__} reads {read.name}, which is no field of it; {nearest(field, cls._fields)}")
        if argument in records and field and field not in records[argument][1]:
            name, known = records[argument]
            fix = "" if argument == "own" else f" Declare it there, with its width: {field}: Annotated[float, Bits(16)]."
            raise InputError(f"{read.where}: {cls.__name__} reads {read.name}, but its {name} has no {field}; {nearest(field, known)}{fix}")


def _check_globals(cls):
    """Check that a method uses no global that could carry something from one synapse or neuron to another."""
    for name in reads_of(cls):
        method = getattr(cls, name)
        for used in (step.argval for step in dis.get_instructions(method) if step.opname == "LOAD_GLOBAL"):
            value = method.__globals__.get(used)
            if isinstance(value, list | dict | set | bytearray | np.ndarray):
                raise InputError(
                    f"{where(method)}: {cls.__name__}.{name} uses the global {used} ({type(value).__name__}), which all synapses and neurons "
                    "would share; a method may use its arguments, numbers and helpers."
                )
