"""The text of a Brian2 script, line by line."""

import re
import textwrap

from neurosim.brian import words


def populations(network) -> list[str]:
    """Names of the hidden layers and the readout."""
    layers = len(network.layers)
    return [*(["hidden"] if layers == 1 else [f"hidden_{k}" for k in range(1, layers + 1)]), "readout"]


def projections(network) -> list[str]:
    """Names of all projections, in the order of `Network.shapes`."""
    names = ["input", *populations(network)]
    pairs = [pair for below, own in zip(names, names[1:]) for pair in ((below, own), (own, own))][:-1]
    return [f"{pre}_to_{post}" for pre, post in pairs]


class RateWriter:
    """A network of rate neurons. Within a step Brian2 goes by `order`, and adds up what a population receives just before its turn."""

    about = "Within a step Brian2 goes by order, and adds up what a population receives just before its turn."

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
            order=self.about,
            recorded="{" + ", ".join(f'"{name}": {_listed(self.recorded(k))}' for k, name in enumerate(self.names)) + "}",
            spiking=_listed(self.spiking()),
            groups=", ".join(self.names),
            objects=textwrap.fill(
                ", ".join(["input", *self.names, *projections(self.network), *self.extra()]), 120, subsequent_indent=8 * " "
            ),
            projections=_listed(projections(self.network)),
        )

    def recorded(self, k):
        """Variables of a population that are recorded."""
        return ["h", "x"]

    def spiking(self):
        """Populations that send spikes."""
        return []

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


class SpikeWriter(RateWriter):
    """A network of spiking neurons in Brian2's usual order: neurons, thresholds, synapses, resets.

    What a spike sends arrives at the end of its step: at its own layer as here, at the next one a step later than here.
    """

    about = "Spikes arrive at the end of their step: each layer, and the readout, is one step behind the one below."

    def recorded(self, k):
        return ["v"] if type(self.neuron(k)) in words.SPIKES else ["x"]

    def spiking(self):
        return [name for k, name in enumerate(self.names) if words.spikes(self.neuron(k))]

    def neuron(self, k):
        return self.network.readout if k == len(self.names) - 1 else self.network.neuron

    def population(self, k):
        name, order, neuron = self.names[k], 10 * (k + 1), self.neuron(k)
        if self.recorded(k) == ["x"]:
            entry = words.rate(neuron)
            lines = ["", *_group(name, self.sizes[k], ["below", "h", "x", *entry.state], order)]
            lines += _regularly(name, ["h = below", "below = 0", *entry.step], order)
            return lines + _connected(self.names[k - 1], name, ["w : 1"], True, ', on_pre="below_post += w"')
        entry = words.spike(neuron, self.chip.step_s)
        equations, options = list(entry.equations), f', method="{entry.method}"'
        if k == 0:
            equations += [f"{v}_below : 1" for v in entry.arrives]
        if entry.threshold:
            options += f', threshold="{entry.threshold}", reset="{entry.reset}"'
        if entry.refractory:
            options += f", refractory={entry.refractory!r}*b2.second"
        lines = [
            "",
            *_call(f"{name} = b2.NeuronGroup({self.sizes[k]}, ", equations, f'{options}, order={order}, name="{name}", namespace=names)'),
        ]
        lines += [f"{name}.v = {entry.start!r}"] * (entry.start != 0)
        if k == 0:
            sums = [f"{v}_below_post = {form.format('w*x_pre')} : 1 (summed)" for v, form in entry.arrives.items()]
            arrivals = _call(f"{name}.run_regularly(", [f"{v} += {v}_below" for v in entry.arrives], "")
            # of the same order as integrating, but before it by name
            lines += [*arrivals[:-1], f'{arrivals[-1]}, when="groups", order={order}, name="{name}_arrivals")']
            lines += _connected("input", name, ["w : 1", *sums], True)
        if entry.clears:
            lines += [f'{name}.run_regularly("{v} = 0", when="before_synapses")' for v in entry.clears]
        jumps = "; ".join(f"{v}_post += {form.format('w')}" for v, form in entry.arrives.items())
        delivery = f', on_pre="{jumps}"'
        sources = [*self.names[max(k - 1, 0) : k], *[name] * (k < len(self.names) - 1)]
        for source in sources:
            lines += _connected(source, name, ["w : 1"], True, delivery)
        return lines


def _group(name, size, variables, order):
    """Lines that make a population; a variable may carry a flag, as in ``power (linked)``."""
    equations = [f"{v.partition(' ')[0]} : 1 {v.partition(' ')[2]}".rstrip() for v in variables]
    return _call(f"{name} = b2.NeuronGroup({size}, ", equations, f', order={order}, name="{name}", namespace=names)')


def _connected(pre, post, equations, weighted, options=""):
    name = f"{pre}_to_{post}"
    weights = f', arrays["{name}"]' if weighted else ""
    return _call(f"{name} = connect({pre}, {post}, ", equations, f', "{name}", names{weights}{options})')


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
RECORDED = {recorded}
SPIKING = {spiking}
PROJECTIONS = {projections}


def connect(pre, post, equations, name, names, weights=None, **options):
    """Synapses from every neuron of one population to every one of another."""
    synapses = b2.Synapses(pre, post, equations, name=name, namespace=names, **options)
    i, j = np.indices((len(pre), len(post))).reshape(2, -1)
    synapses.connect(i=i, j=j)
    if weights is not None:
        synapses.w = weights.ravel()
    return synapses


def build(arrays):
    """The network. {order}"""
    b2.defaultclock.dt = DT
{body}

    populations = ({groups})
    monitors = [b2.StateMonitor(g, RECORDED[g.name], record=True, when="end", name=f"record_{{g.name}}") for g in populations]
    monitors += [b2.SpikeMonitor(g, name=f"spikes_{{g.name}}") for g in populations if g.name in SPIKING]
    return b2.Network(
        {objects},
        monitors,
    )


def simulate(arrays, device="numpy", folder="standalone"):
    """Run the network on a device of Brian2; what was recorded by name, (step, neuron) arrays or spikes, and the weights at the end."""
    if device == "cpp":
        b2.set_device("cpp_standalone", directory=folder)
    else:
        b2.prefs.codegen.target = device
    network = build(arrays)
    network.run(STEPS * DT, namespace={{}})
    recorded = {{f"{{name}}.{{v}}": np.array(getattr(network[f"record_{{name}}"], v)).T for name in RECORDED for v in RECORDED[name]}}
    for name in SPIKING:
        spikes = network[f"spikes_{{name}}"]
        recorded |= {{f"{{name}}.step": np.round(spikes.t / DT).astype(int), f"{{name}}.neuron": np.array(spikes.i)}}
    return recorded | {{name: np.array(network[name].w).reshape(arrays[name].shape) for name in PROJECTIONS}}


if __name__ == "__main__":
    here = pathlib.Path(__file__).parent
    with np.load(here / "arrays.npz") as file:
        recorded = simulate(dict(file), *sys.argv[1:2])
    np.savez(here / "recorded.npz", **recorded)
    print(f"Ran {{STEPS}} steps; what was recorded is in {{here / 'recorded.npz'}}.")
'''
