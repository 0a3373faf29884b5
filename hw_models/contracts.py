"""Whether a class has the methods that a protocol asks for, said in one sentence before anything else looks at it."""

import inspect
import os

from hw_models.parts import InputError, nearest


def check_methods(cls, protocol):
    """Compare a part's methods with its protocol.

    Raises
    ------
    InputError
        If a method is missing or takes other arguments; the file and line are named.
    """
    optional = getattr(protocol, "optional", ())
    kind = protocol.__name__
    for name, want in methods(protocol).items():
        mine = inspect.getattr_static(cls, name, None)
        if mine is None and name in optional:
            continue
        if mine is None:
            close = nearest(name, [n for n, value in vars(cls).items() if inspect.isfunction(value) and not n.startswith("_")])
            raise InputError(f"{where(cls)}: {cls.__name__} has no method {name}({', '.join(want)}), which every {kind} needs; {close}")
        if not inspect.isfunction(mine):
            raise InputError(f"{where(cls)}: {cls.__name__}.{name} must be a plain method, got {type(mine).__name__}.")
        got = list(inspect.signature(mine).parameters)[1:]
        if got != want:
            odd = next((argument for argument in got if argument not in want), None)
            close = f" {odd} is none of them; {nearest(odd, want)}" if odd else ""
            raise InputError(
                f"{where(mine)}: {cls.__name__}.{name} takes ({', '.join(got)}), but every {kind} takes ({', '.join(want)}).{close}"
            )


def check_draws(cls, protocol):
    """Check that ``draws`` names only methods that receive random numbers, with the letters ``u`` and ``n``."""
    draws = getattr(cls, "draws", None)
    if not isinstance(draws, dict):
        raise InputError(
            f'{where(cls)}: {cls.__name__}.draws must be a dictionary such as {{"write": "u"}} ({{}} if it draws nothing), got {draws!r}.'
        )
    able = [name for name, arguments in methods(protocol).items() if "u" in arguments]
    for name, letters in draws.items():
        if name not in able:
            raise InputError(f'{where(cls)}: {cls.__name__}.draws names "{name}", which receives no random numbers; {nearest(name, able)}')
        if not isinstance(letters, str) or set(letters) - set("un"):
            raise InputError(
                f'{where(cls)}: {cls.__name__}.draws["{name}"] must be letters "u" (uniform) and "n" (standard normal), got {letters!r}.'
            )


def check_record(cls, name):
    """The record class that a part names as ``State``, ``Register`` ..."""
    record = getattr(cls, name, None)
    if not (isinstance(record, type) and issubclass(record, tuple) and hasattr(record, "_fields")):
        raise InputError(
            f"{where(cls)}: {cls.__name__}.{name} must be a NamedTuple class (Nothing if there is nothing to keep), got {record!r}."
        )
    return record


def methods(protocol) -> dict[str, list[str]]:
    """The methods of a protocol with the names of their arguments."""
    found = {name: like for name, like in vars(protocol).items() if not name.startswith("_") and inspect.isfunction(like)}
    return {name: list(inspect.signature(like).parameters)[1:] for name, like in found.items()}


def where(thing):
    """``file.py:12`` of a class or function, or its name if there is no source."""
    try:
        return f"{os.path.basename(inspect.getsourcefile(thing) or '?')}:{inspect.getsourcelines(thing)[1]}"
    except (OSError, TypeError):
        return getattr(thing, "__qualname__", str(thing))
