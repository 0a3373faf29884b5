"""Compiling a function of the loop, keeping what was compiled, and refusing a method that cannot be."""

import functools
import hashlib
import inspect
import os
import pathlib
import re

import numba
import numpy as np
from numba import types

import hw_models
from hw_models.contracts import where
from hw_models.parts import InputError
from neurosim.jit.functions import OPTIONS, in_arithmetic

OURS = {"neurosim": pathlib.Path(__file__).parents[1], "hw_models": pathlib.Path(hw_models.__file__).parent}


@functools.cache
def compiled(loop, *kinds):
    """One dispatcher for a tuple of classes.

    Numba's own dispatcher takes two named tuples for the same if class and field *names* agree; two classes called alike in a
    notebook would run the first one's code. Kernels of built-in parts are kept on disk; a user's are compiled once a process.
    """
    ours = all(kind.__module__.split(".")[0] in OURS for kind in kinds)
    # said anew each time, since Numba forgets it when a variable of its own changes
    numba.config.CACHE_DIR = str(_kept_in())  # pyright: ignore
    return numba.njit(cache=ours, **OPTIONS)(loop)


def source_digest():
    """A short name for everything a cached kernel may have been built from; Numba itself would not see edits in other files."""
    digest = hashlib.sha256(f"{numba.__version__} {np.__version__}".encode())
    for folder in OURS.values():
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@functools.cache
def _kept_in():
    home = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    return pathlib.Path(os.environ.get("NUMBA_CACHE_DIR") or home / "neurosim") / source_digest()


# ---------------------------------------------------------------- refusing in one sentence


def check_arithmetic(cls, name, args, dtype):
    """Compile one method alone and refuse it, by line, if a number in it leaves the run's float type; otherwise return it compiled.

    Raises
    ------
    InputError
        If the method does not compile, or computes in another type than the run.
    """
    kinds = tuple(numba.typeof(arg) for arg in args)
    return _checked(cls, getattr(cls, name), name, kinds, np.dtype(dtype).type)


@functools.cache  # parts of one class differ in numbers alone, which are arguments
def _checked(cls, method, name, kinds, dtype):
    run, other = (types.float32, types.float64) if dtype is np.float32 else (types.float64, types.float32)
    dispatcher = numba.njit(**OPTIONS)(in_arithmetic(method, kinds))
    try:
        dispatcher.compile(kinds)
    except Exception as error:  # Numba reports in many ways, and each of them means that the method cannot be compiled
        reason = next((line.strip() for line in str(error).splitlines() if line.strip() and not line.startswith(("Failed", "No impl"))), "")
        plain = re.search(r"Untyped global name '(\w+)'", reason)
        if plain and callable(method.__globals__.get(plain[1])):
            reason = f"{plain[1]} is a plain function; mark it as one of numbers, which rules and cells may share: @scalar of hw_models.scalars above its def."
        raise InputError(f"{where(method)}: {cls.__name__}.{name} cannot be compiled: {reason}") from None
    result = dispatcher.overloads[kinds]
    annotation = result.type_annotation
    for block in annotation.blocks.values():
        for statement in block.body:
            target = getattr(getattr(statement, "target", None), "name", None)
            if target and annotation.typemap.get(target) == other:
                file = os.path.basename(inspect.getsourcefile(method) or "?")
                raise InputError(
                    f"{file}:{statement.loc.line}: {cls.__name__}.{name} leaves the run's arithmetic here, {run} becomes {other}; "
                    "write constants as float literals (1.0, not 1) in the method or as floats of its module, and use the helpers of hw_models.scalars."
                )
    return dispatcher
