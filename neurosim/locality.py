"""What a rule reads: found in its source, compared with what it declares.

The arguments of a rule's methods are all that a synapse or a neuron can know, except for ``extra``: what stands there must be asked
for by name in ``needs``, so that a rule which is not local says so.
"""

import ast
import inspect
import os
import textwrap
from typing import NamedTuple

from hw_models.contracts import check_record, methods, where
from hw_models.parts import InputError, nearest
from neurosim.protocols import NOT_LOCAL, Extra, Rule

SITES = ("current", "weight")


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
    return {name: reads(getattr(cls, name)) for name in methods(Rule)}


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
    needs, known = getattr(cls, "needs", None), sorted(NOT_LOCAL | set(Extra._fields))
    if not isinstance(needs, tuple):
        raise InputError(f'{where(cls)}: {cls.__name__}.needs must be a tuple of names such as ("input_energy",), got {needs!r}.')
    for name in needs:
        if name not in known:
            raise InputError(f'{where(cls)}: {cls.__name__}.needs names "{name}", which is not known; {nearest(name, known)}')
    for name in ("Register", "Memory"):
        check_record(cls, name)
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
