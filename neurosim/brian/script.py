"""A network on an ideal chip as a Brian2 script: the text that a person edits is the one that `neurosim validate` runs."""

import contextlib
import importlib.metadata
import importlib.util
import os
import pathlib
import re
import shutil
import tempfile
import textwrap
from typing import Any, NamedTuple

import numpy as np

import neurosim
from hw_models.chip import KINDS, Chip
from hw_models.parts import InputError, nearest
from neurosim import files
from neurosim.brian import words
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


def check_learning(learning) -> None:
    """Refuse what is not written in Brian2's words."""
    if learning.passes != (False, True) or learning.folds or learning.by_layer or learning.prediction > 0:
        raise InputError(
            "In Brian2's words learning compares one perturbed pass with a clean one: use rule np or anp with rule.samples 1 and without momentum."
        )
    if not (learning.every_step and learning.at_once):
        raise InputError('In Brian2\'s words a reward is sent and heard every step: set rule.reward and rule.update to "step".')
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
    network, how = simulator.network, simulator.learning if targets is not None else None
    hidden, inputs = populations(network)[:-1], np.asarray(inputs, np.float64)
    steps = len(inputs)
    arrays: dict[str, np.ndarray] = {"inputs": inputs}
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
    arrays |= {name: np.asarray(w, np.float64) for name, w in zip(projections(network), simulator.weights, strict=True)}
    writer = _Writer(network, how, simulator.chip, states is not None)
    text = writer.text(f"{title} in Brian2, written by neurosim {neurosim.__version__}", steps, timed)
    return Script(text, arrays)


def populations(network) -> list[str]:
    """Names of the hidden layers and the readout."""
    layers = len(network.layers)
    return [*(["hidden"] if layers == 1 else [f"hidden_{k}" for k in range(1, layers + 1)]), "readout"]


def projections(network) -> list[str]:
    """Names of all projections, in the order of `Network.shapes`."""
    names = ["input", *populations(network)]
    pairs = [pair for below, own in zip(names, names[1:]) for pair in ((below, own), (own, own))][:-1]
    return [f"{pre}_to_{post}" for pre, post in pairs]


class _Writer:
    """Puts the text together. Within a step Brian2 goes by `order`, and adds up what a population receives just before its turn."""

    def __init__(self, network, how, chip, held):
        self.network, self.how, self.chip, self.held = network, how, chip, held
        self.names, self.sizes = populations(network), [*network.layers, network.outputs]
        self.late = 10 * (len(self.names) + 1)  # after the readout
        said = " ".join((*words.signal(how.rule), *words.change(how.rule))) if how else ""
        self.wants = {v: re.search(rf"\b{v}\b", said) is not None for v in ("power", "average_power", "eligibility")}

    def text(self, title, steps, timed) -> str:
        build = self.input()
        for k in range(len(self.names)):
            build += self.population(k)
        if self.how:
            build += self.reward()
            for k in range(len(self.names)):
                build += self.listening(k)
            for name in projections(self.network):
                build += self.plasticity(name)
        return TEMPLATE.format(
            title=title,
            about="Its weights learn on the way." if self.how else "Its weights stay as they are.",
            steps=steps,
            dt=self.chip.step_s,
            body="\n".join(f"    {line}" if line else "" for line in [*self.given(timed, "\n".join(build)), *build]),
            populations=_listed(self.names),
            groups=", ".join(self.names),
            objects=textwrap.fill(
                ", ".join(["input", *self.names, *projections(self.network), *self.extra()]), 120, subsequent_indent=8 * " "
            ),
            projections=_listed(projections(self.network)),
        )

    def extra(self):
        """Names of what is there for learning alone."""
        if not self.how:
            return []
        pools = [name for name in self.names if self.wants["power"]]
        return ["wire", "readout_to_wire", *(f"{name}_power" for name in pools), *(f"{name}_to_{name}_power" for name in pools)]

    def given(self, timed, build):
        """What equations refer to by name: arrays over time, and the numbers of learning that occur."""
        lines = [f"names = {{name: b2.TimedArray(arrays[name], dt=DT) for name in {_listed(timed)}}}"]
        if self.how:
            numbers = {
                "sigma": self.chip.noise.sigma,
                "carry": self.how.carry,
                **self.how.rule._asdict(),
                "readout_lr": self.how.readout_rule.lr,
            }
            lines += [f'names["{name}"] = {value!r}' for name, value in numbers.items() if re.search(rf"\b{name}\b", build)]
        return lines

    def input(self):
        return ["", *_group("input", self.network.inputs, ["x"], 0), *_regularly("input", ["x = inputs(t, i)"], 0)]

    def sums(self, k):
        return ["below"] if k == len(self.names) - 1 else ["below", "recurrent"]

    def entry(self, k):
        return words.rate(self.network.readout if k == len(self.names) - 1 else self.network.neuron)

    def population(self, k):
        name, top, entry, order = self.names[k], k == len(self.names) - 1, self.entry(k), 10 * (k + 1)
        variables = [*self.sums(k), "h", "x", *entry.state]
        step = [f"h = {' + '.join(self.sums(k))}", *entry.step]
        if self.how:
            noisy = [_noisy(line, variables) for line in step]
            if not top or self.how.perturb_readout:
                noisy = [f"noise = noise_{name}(t, i)", f"{noisy[0]} + noise", *noisy[1:]]
            energies = [f"energy_{source}" for source in self.sums(k)]
            step = ["before = x", *step, *noisy, "delta = h_noisy - h"]
            step += [f"energy = {' + '.join(energies)} + 1e-6" if self.how.rule.normalise else "energy = 1"]
            variables += [*(f"{v}_noisy" for v in variables), "before", "noise", "delta", *energies, "energy"]
            variables += ["broadcast (linked)", "reward", "a", *["power (linked)"] * self.wants["power"]]
            variables += ["average_power"] * self.wants["average_power"]
            if top:
                variables, step = [*variables, "target"], [*step, "target = wanted(t, i)"]
        lines = ["", *_group(name, self.sizes[k], variables, order)]
        if self.held and not top:
            lines += _regularly(name, [f"x = last_{name}(t, i)"], 0)
        lines += [*_regularly(name, step, order), *self.projection(["input", *self.names][k], name, "below")]
        return lines if top else lines + self.projection(name, name, "recurrent")

    def projection(self, pre, post, role):
        equations = ["w : 1", f"{role}_post = w*x_pre : 1 (summed)"]
        if self.how:
            seen = "x_pre" if pre == "input" else "x_noisy_pre"
            equations += [f"{role}_noisy_post = w*{seen} : 1 (summed)", f"energy_{role}_post = x_pre**2 : 1 (summed)"]
            equations += ["eligibility : 1"] * self.wants["eligibility"]
        return _connected(pre, post, equations, True)

    def reward(self):
        loss = "change_post = (x_noisy_pre - x_pre)*((x_noisy_pre - x_pre) + 2*(x_pre - target_pre)) : 1 (summed)"
        return [
            "",
            "# the reward wire: minus the change of the squared error",
            *_group("wire", 1, ["change", "reward"], self.late),
            *_connected("readout", "wire", [loss], False),
            *_regularly("wire", ["reward = -change*counted(t)"], self.late),
        ]

    def listening(self, k):
        """What a neuron makes of itself and of the reward; then its perturbed pass forgets a part of how it differs."""
        name, top, how = self.names[k], k == len(self.names) - 1, self.how
        step = ["reward = broadcast", *(line.format(size=self.sizes[k]) for line in words.signal(how.rule))]
        if how.carry != 1 and not top:
            step += [f"{v}_noisy = {v} + carry*({v}_noisy - {v})" for v in ("x", *self.entry(k).state)]
        everywhere = f"index=np.zeros({self.sizes[k]}, int)"
        lines = ["", f'{name}.broadcast = b2.linked_var(wire, "reward", {everywhere})']
        if self.wants["power"]:
            lines += _group(f"{name}_power", 1, ["power"], self.late)
            lines += _connected(name, f"{name}_power", ["power_post = delta_pre**2 : 1 (summed)"], False)
            lines += [f'{name}.power = b2.linked_var({name}_power, "power", {everywhere})']
        return lines + _regularly(name, step, self.late + 10)

    def plasticity(self, name):
        pre, _, post = name.partition("_to_")
        numbers = {"lr": "readout_lr" if post == "readout" else "lr", "pre": "before_pre" if pre == post else "x_pre"}
        return _regularly(name, [line.format(**numbers) for line in words.change(self.how.rule)], self.late + 20)


def _group(name, size, variables, order):
    """Lines that make a population; a variable may carry a flag, as in ``power (linked)``."""
    equations = [f"{v.partition(' ')[0]} : 1 {v.partition(' ')[2]}".rstrip() for v in variables]
    return _call(f"{name} = b2.NeuronGroup({size}, ", equations, f', order={order}, name="{name}", namespace=names)')


def _connected(pre, post, equations, weighted):
    name = f"{pre}_to_{post}"
    weights = f', arrays["{name}"]' if weighted else ""
    return _call(f"{name} = connect({pre}, {post}, ", equations, f', "{name}", names{weights})')


def _regularly(name, statements, order):
    return _call(f"{name}.run_regularly(", statements, f', when="groups", order={order})')


def _call(before, lines, after):
    """A call with a text in it, of one line or of several."""
    if len(lines) == 1:
        return [f'{before}"{lines[0]}"{after}']
    return [f'{before}"""', *(f"    {line}" for line in lines), f'"""{after}']


def _noisy(line, variables):
    """The same statement for the perturbed pass."""
    return re.sub(rf"\b({'|'.join(variables)})\b", r"\1_noisy", line)


def _listed(names):
    return "(" + ", ".join(f'"{name}"' for name in names) + ("," if len(names) == 1 else "") + ")"


TEMPLATE = '''"""{title}.

    python network.py [numpy|cython|cpp]

{about} The arrays it reads are in arrays.npz beside it; what it records goes into recorded.npz.
"""

import pathlib
import sys

import brian2 as b2
import numpy as np

STEPS, DT = {steps}, {dt!r} * b2.second
POPULATIONS = {populations}
PROJECTIONS = {projections}


def connect(pre, post, equations, name, names, weights=None):
    """Synapses from every neuron of one population to every one of another."""
    synapses = b2.Synapses(pre, post, equations, name=name, namespace=names)
    i, j = np.indices((len(pre), len(post))).reshape(2, -1)
    synapses.connect(i=i, j=j)
    if weights is not None:
        synapses.w = weights.ravel()
    return synapses


def build(arrays):
    """The network. Within a step Brian2 goes by order, and adds up what a population receives just before its turn."""
    b2.defaultclock.dt = DT
{body}

    monitors = [b2.StateMonitor(group, ["h", "x"], record=True, when="end", name=f"record_{{group.name}}") for group in ({groups})]
    return b2.Network(
        {objects},
        monitors,
    )


def simulate(arrays, device="numpy", folder="standalone"):
    """Run the network on a device of Brian2; what was recorded by name, (step, neuron) each, and the weights at the end."""
    if device == "cpp":
        b2.set_device("cpp_standalone", directory=folder)
    else:
        b2.prefs.codegen.target = device
    network = build(arrays)
    network.run(STEPS * DT, namespace={{}})
    recorded = {{f"{{name}}.{{v}}": np.array(getattr(network[f"record_{{name}}"], v)).T for name in POPULATIONS for v in ("h", "x")}}
    return recorded | {{name: np.array(network[name].w).reshape(arrays[name].shape) for name in PROJECTIONS}}


if __name__ == "__main__":
    here = pathlib.Path(__file__).parent
    with np.load(here / "arrays.npz") as file:
        recorded = simulate(dict(file), *sys.argv[1:2])
    np.savez(here / "recorded.npz", **recorded)
    print(f"Ran {{STEPS}} steps; what was recorded is in {{here / 'recorded.npz'}}.")
'''
