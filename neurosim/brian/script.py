"""A network on an ideal chip as a Brian2 script: the text that a person edits is the one that `neurosim validate` runs."""

import contextlib
import importlib.metadata
import importlib.util
import os
import pathlib
import shutil
import tempfile
from typing import Any, NamedTuple

import numpy as np

import neurosim
from hw_models.chip import KINDS, Chip
from hw_models.parts import InputError, nearest
from neurosim import files
from neurosim.brian import words
from neurosim.brian.writer import RateWriter, SpikeWriter, by_name, populations
from neurosim.losses import SquaredError
from neurosim.simulator import Simulator

DEVICES = ("numpy", "cython", "cpp")


class Script(NamedTuple):
    """A network as the text of a Brian2 script, and the arrays that it reads."""

    text: str
    arrays: dict[str, np.ndarray]

    def write(self, folder) -> None:
        """Write ``network.py`` and ``arrays.npz`` into a new folder.

        Raises
        ------
        InputError
            If the folder exists.
        """
        folder = pathlib.Path(folder)
        if folder.exists():
            raise InputError(f"{folder} exists; give another folder with --out.")
        files.write_folder(folder, {"network.py": self.text, "arrays.npz": files.npz(self.arrays)})

    def network(self) -> Any:
        """The same as a live ``brian2.Network``: run it with ``network.run(duration, namespace={})``."""
        load("numpy")
        return self._names()["build"](self.arrays)

    def run(self, device: str = "numpy") -> dict[str, np.ndarray]:
        """Run the script and return what it recorded, by ``population.variable``, and the weights, by ``source_to_target``.

        Parameters
        ----------
        device : "numpy", "cython" or "cpp"
            How Brian2 carries it out; "cpp" is its C++ standalone mode.
        """
        brian2 = load(device)
        before = brian2.prefs.codegen.target
        with tempfile.TemporaryDirectory() if device == "cpp" else contextlib.nullcontext() as folder:
            try:
                return self._names()["simulate"](self.arrays, device, folder)
            finally:
                if device == "cpp":
                    brian2.device.reinit()
                    brian2.set_device("runtime")
                brian2.prefs.codegen.target = before

    def _names(self) -> dict[str, Any]:
        names: dict[str, Any] = {"__name__": "neurosim_network", "__file__": "network.py"}
        exec(compile(self.text, "network.py", "exec"), names)
        return names


def load(device: str = "numpy"):
    """Brian2, if it can be used on a device.

    Raises
    ------
    InputError
        If it is not installed, does not go with this NumPy, or lacks a compiler.
    """
    if device not in DEVICES:
        raise InputError(f'Brian2 runs on numpy, cython or cpp, not on "{device}"; {nearest(device, DEVICES)}')
    try:
        import brian2
    except ModuleNotFoundError as error:
        if error.name != "brian2":
            raise InputError(f'Brian2 lacks a package ({error.name}): pip install "neurosim-hw[brian]".') from None
        raise InputError('Brian2 is not installed: pip install "neurosim-hw[brian]".') from None
    except ImportError as error:
        raise InputError(
            f"Brian2 {importlib.metadata.version('brian2')} cannot be imported with NumPy {np.__version__} ({error}); "
            'pip install "neurosim-hw[brian]" chooses versions that go together (Brian2 2.9 needs NumPy below 2.4).'
        ) from None
    compiler = os.environ.get("CXX", "g++" if os.name != "nt" else "cl")
    wanted = {"numpy": [], "cython": [compiler], "cpp": [compiler, "make" if os.name != "nt" else "nmake"]}[device]
    for program in wanted:
        if shutil.which(program.split()[0]) is None:
            raise InputError(f"Brian2 compiles on {device} with {program}, which is not installed; install it, or use --device numpy.")
    if device == "cython" and importlib.util.find_spec("Cython") is None:
        raise InputError("Brian2 compiles on cython with the package Cython: pip install cython, or use --device numpy.")
    return brian2


# ---------------------------------------------------------------- what can be said in Brian2


def check_chip(chip: Chip) -> None:
    """Refuse a chip whose parts do anything to a number: Brian2 has no such parts."""
    for part in KINDS:
        kind, ideal = type(getattr(chip, part)), type(getattr(Chip(), part))
        if part != "noise" and kind is not ideal:
            raise InputError(
                f"Brian2 computes without hardware, but {part} of the chip {chip.name} is {kind.__name__} and not {ideal.__name__}; "
                "with --chip ideal the network is compared as it is."
            )


def check_network(network) -> None:
    """Refuse what is not written in Brian2's words."""
    if words.spikes(network.readout):
        raise InputError(
            f"The readout {type(network.readout).__name__} sends spikes, which is not written in Brian2's words: choose li or a rate neuron."
        )
    if words.spikes(network.neuron):
        words.spike(network.neuron, 1e-3)
    else:
        words.rate(network.neuron)
        words.rate(network.readout)


def check_learning(learning) -> None:
    """Refuse what is not written in Brian2's words."""
    if learning.passes != (False, True) or learning.folds or learning.by_layer or learning.prediction > 0:
        raise InputError(
            "In Brian2's words learning compares one perturbed pass with a clean one: use rule np or anp with rule.samples 1, "
            "rule.interval 1 and without momentum."
        )
    if not (learning.every_step and learning.at_once and learning.threshold == 0):
        raise InputError(
            'In Brian2\'s words a reward is sent and heard every step, and what it asks for is written: set rule.reward and rule.update to "step" and '
            "rule.threshold to 0."
        )
    if type(learning.readout_rule) is not type(learning.rule):
        raise InputError('In Brian2\'s words the readout learns as the layers do: set rule.perturb to "all".')
    if learning.decorrelation_lr > 0:
        raise InputError("Learning with decorrelation is not written in Brian2's words: choose a rule without it, such as anp.")
    words.signal(learning.rule)
    words.change(learning.rule)


# ---------------------------------------------------------------- writing it


def script(simulator: Simulator, inputs, targets=None, counted=None, states=None, title="A network") -> Script:
    """A simulator's network, weights and, with targets, its learning in Brian2's words.

    Parameters
    ----------
    simulator : Simulator
        On an ideal chip, whatever its source of perturbations: the numbers that it would give are written down.
    inputs : (step, input) array
    targets : (step, output) array, optional
        What to learn; without, the weights stay.
    counted : (step,) bool array, optional
        Steps with a target; all, if not given.
    states : list of (step, neuron) arrays, optional
        What each hidden layer sent in the step before, to start every step from.
    title : str
        What to call it.

    Raises
    ------
    InputError
        If a part of it cannot be said in Brian2.
    """
    check_chip(simulator.chip)
    check_network(simulator.network)
    network, how = simulator.network, simulator.learning if targets is not None else None
    hidden, inputs = populations(network)[:-1], np.asarray(inputs, np.float64)
    steps = len(inputs)
    arrays: dict[str, np.ndarray] = {"inputs": inputs} if network.inputs else {}
    if how is not None:
        check_learning(how)
        if type(simulator.parts.loss) is not SquaredError:
            raise InputError(f"Brian2's words for the loss {type(simulator.parts.loss).__name__} are not known; known is SquaredError.")
        arrays["wanted"] = np.asarray(targets, np.float64)
        arrays["counted"] = np.ones(steps) if counted is None else np.asarray(counted, np.float64)
        arrays |= {f"noise_{name}": xi for name, xi in zip(populations(network), simulator.perturbations(steps), strict=True)}
    if states is not None:
        arrays |= {f"last_{name}": np.asarray(x, np.float64) for name, x in zip(hidden, states, strict=True)}
    timed = list(arrays)
    weights = by_name(network, [np.asarray(w, np.float64) for w in simulator.weights])
    listed = {f"{name}_to_{name}": np.stack([w.pre, w.post]) for name, w in zip(hidden, simulator.wires[1::2]) if len(w.post)}
    arrays |= weights | {f"{name}_wires": pairs for name, pairs in listed.items()}
    if words.spikes(network.neuron):
        starts = zip(hidden, simulator.neurons)
        arrays |= {f"start_{name}": np.asarray(p.v, np.float64) for name, p in starts if network.neuron.scatter > 0}
    kind = SpikeWriter if words.spikes(network.neuron) else RateWriter
    writer = kind(network, how, simulator.chip, states is not None, list(weights), list(listed))
    text = writer.text(f"{title} in Brian2, written by neurosim {neurosim.__version__}", steps, timed)
    return Script(text, arrays)
