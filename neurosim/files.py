"""Files that are whole or not there: text, JSON and arrays."""

import io
import json
import math
import os
import pathlib
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from hw_models.parts import InputError


def write(path: pathlib.Path, content: str | bytes) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.part")
    with open(beside, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


def write_folder(path: pathlib.Path, contents: Mapping[str, str | bytes]) -> None:
    """Write a new folder of files whole or not at all."""
    beside = path.with_name(f"{path.name}.part")
    for name, content in contents.items():
        write(beside / name, content)
    os.rename(beside, path)


def as_json(value: Any) -> str:
    """JSON as the standard has it: a number that is not finite is null."""
    return json.dumps(jsonable(value), indent=2, allow_nan=False) + "\n"


def jsonable(value: Any) -> Any:
    """The same with lists, dictionaries and plain numbers only, None for those that are not finite."""
    if isinstance(value, Mapping):
        return {str(key): jsonable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(inner) for inner in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def npz(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Named arrays as the bytes of a file that NumPy reads."""
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def arrays(path: pathlib.Path) -> dict[str, np.ndarray]:
    """The arrays of such a file; one that is missing or broken is an `InputError`."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except FileNotFoundError:
        raise damaged(path, "it is missing") from None
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zipfile.LargeZipFile) as error:
        why = str(error) or type(error).__name__
        raise damaged(path, "it is no archive of arrays" if "pickle" in why else why) from None


def damaged(path: pathlib.Path, why: str) -> InputError:
    """What to raise about a file of a run folder that cannot be read."""
    return InputError(f"{path} cannot be used ({why.rstrip('.')}); the folder is damaged, so start a new run.")
