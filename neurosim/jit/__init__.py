"""The only folder that meets Numba's compiler: methods of parts become kernels that plain and compiled code both call.

A part is a named tuple. Its numbers are arguments of the loop, so that a sweep over values never compiles again; its class is the
type that chooses the code. `kernel(Protocol.method)` is the function a loop calls: plain Python looks the method up on the object,
the compiler on the class. Before it is compiled, a method's float literals take the run's float type, because NumPy computes
``0.5 * float32`` in float32 and Numba would not.
"""

from neurosim.jit.compiling import check_arithmetic, compiled, source_digest
from neurosim.jit.functions import (
    as_number,
    chosen,
    constant,
    drawer,
    in_every_form,
    in_first_form,
    inline,
    kernel,
    nonzero,
    passage,
    scalar,
    twin,
)
from neurosim.jit.placed import Placed
from neurosim.jit.records import at, copy, fill, flat, mix, plus, put, put_back, row, take_out
from neurosim.jit.sums import dot

__all__ = [
    "Placed", "as_number", "at", "check_arithmetic", "chosen", "compiled", "constant", "copy", "dot", "drawer", "fill", "flat", "in_every_form",
    "in_first_form", "inline", "kernel", "mix", "nonzero", "passage", "plus", "put", "put_back", "row", "scalar", "source_digest", "take_out", "twin",
]  # fmt: skip
