"""neurosim: learning on neuromorphic hardware, simulated.

For example:

    import neurosim as ns, hw_models as hw
    run = ns.train(ns.Network(1, 100, 1), ns.tasks.MackeyGlass(), ns.rules.DANP(), chip=hw.load("analog-noisy"), epochs=6)
"""

import importlib
import sys
import types
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hw_models.parts import InputError
    from neurosim import neurons, nir, rules, tasks, torch
    from neurosim.network import Network
    from neurosim.probes import Probe
    from neurosim.simulator import Simulator
    from neurosim.testing import check_rule
    from neurosim.train import Run, train

__all__ = [
    "InputError",
    "Network",
    "Probe",
    "Run",
    "Simulator",
    "__version__",
    "check_rule",
    "neurons",
    "nir",
    "rules",
    "tasks",
    "torch",
    "train",
]

# Where each public name comes from; imported when first asked for, so that `import neurosim` is quick.
_NAMES = {
    "InputError": "hw_models.parts",
    "Network": "neurosim.network",
    "Probe": "neurosim.probes",
    "Run": "neurosim.train",
    "Simulator": "neurosim.simulator",
    "check_rule": "neurosim.testing",
}
_MODULES = ("neurons", "nir", "rules", "tasks", "torch")


def __getattr__(name: str):
    if name in _MODULES:
        return importlib.import_module(f"neurosim.{name}")
    if name in _NAMES:
        value = getattr(importlib.import_module(_NAMES[name]), name)
    elif name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            value = version("neurosim-hw")
        except PackageNotFoundError:
            value = "not installed"
    else:
        raise AttributeError(f"module neurosim has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})


class _Package(types.ModuleType):
    @property
    def train(self):
        """The function, although the import system would put the submodule of the same name here."""
        from neurosim.train import train

        return train

    @train.setter
    def train(self, module):
        pass


sys.modules[__name__].__class__ = _Package
