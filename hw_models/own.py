"""Classes in files of one's own, named as ``path/to/file.py:Class``."""

import hashlib
import importlib.util
import inspect
import pathlib
import sys

from hw_models.parts import InputError, nearest


def import_class(name: str) -> type:
    """Import the class that ``path/to/file.py:Class`` names; the file runs."""
    path, cls = _parted(name)
    identity = hashlib.sha256(str(path.resolve()).encode() + path.read_bytes()).hexdigest()
    module_name = f"own_{path.stem}_{identity[:12]}"
    if module_name not in sys.modules:
        spec = importlib.util.spec_from_file_location(module_name, path)
        assert spec and spec.loader  # the name ends in .py
        module = sys.modules[module_name] = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except BaseException as error:
            del sys.modules[module_name]
            if not isinstance(error, Exception):
                raise
            raise InputError(f"{path} cannot be imported: {type(error).__name__}: {error}.") from error
    classes = {k: v for k, v in vars(sys.modules[module_name]).items() if isinstance(v, type) and v.__module__ == module_name}
    if cls not in classes:
        raise InputError(f"{path} has no class {cls}; {nearest(cls, classes)}")
    return classes[cls]


def file_of(part) -> pathlib.Path | None:
    """The file of a part, or class, of one's own; none for built-in ones."""
    cls = part if isinstance(part, type) else type(part)
    if cls.__module__.split(".")[0] in ("neurosim", "hw_models"):
        return None
    try:
        path = pathlib.Path(inspect.getfile(cls))
    except (OSError, TypeError):
        return None
    return path if path.is_file() else None  # typed into a notebook


def digest(path: pathlib.Path) -> str:
    """SHA-256 of a file, by which a changed one is told."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check_digest(name: str, wanted: str | None) -> None:
    """Refuse the file that ``path/to/file.py:Class`` names if it is not the one that a run used; it is not run for this."""
    found = digest(_parted(name)[0])
    if wanted not in (None, found):
        raise InputError(f"{name} has changed since the run: its SHA-256 digest is {found[:12]}..., not {str(wanted)[:12]}...")


def _parted(name: str) -> tuple[pathlib.Path, str]:
    file, _, cls = name.rpartition(":")
    path = pathlib.Path(file)
    if not file.endswith(".py") or not cls:
        raise InputError(f'A class of your own is named as path/to/file.py:Class, got "{name}".')
    if not path.is_file():
        raise InputError(f"There is no file {path} (looked in {pathlib.Path.cwd()}); check the path before the colon.")
    return path, cls
