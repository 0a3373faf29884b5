"""The text of a Brian2 script, line by line."""

import math
import re
import textwrap

import numpy as np

from neurosim.brian import words
from neurosim.brian.template import TEMPLATE, TURNS
from neurosim.wiring import late


def populations(network) -> list[str]:
    """Names of the hidden layers and the readout."""
    layers = len(network.layers)
    return [*(["hidden"] if layers == 1 else [f"hidden_{k}" for k in range(1, layers + 1)]), "readout"]


def by_name(network, weights) -> dict[str, np.ndarray]:
    """Weights, or wires, of `Network.shapes` by ``source_to_target``; those of a bias apart, and none where there are no synapses."""
    names = populations(network)
    pairs = [pair for below, own in zip(["input", *names], names) for pair in ((below, own), (own, own))][:-1]
    found = {}
    for (pre, post), w in zip(pairs, weights, strict=True):
        biased = network.bias and pre != post
        found[f"{pre}_to_{post}"] = w[: len(w) - biased]
        if biased:
            found[f"bias_to_{post}"] = w[-1:]
    return {name: w for name, w in found.items() if w.size}


class RateWriter:
    """A network of rate neurons. Within a step Brian2 goes by `order`, and adds up what a population receives just before its turn."""

    turns = False  #: whether populations take turns with thresholds, resets and spikes

    def __init__(self, network, how, chip, held, synapses, sparse):
        self.network, self.how, self.chip, self.held = network, how, chip, held
        self.synapses, self.sparse = synapses, sparse  #: names of all projections, and of those of which wires are listed
        self.names, self.sizes = populations(network), [*network.layers, network.outputs]
        self.late = 10 * (len(self.names) + 1)  # after the readout
        self.objects: list[str] = []  # in the order in which they are written
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
            for name in self.synapses:
                build += self.plasticity(name)
        build += self.ending()
        return TEMPLATE.format(
            title=title,
            about="Its weights learn on the way." if self.how else "Its weights stay as they are.",
            steps=steps,
            dt=self.chip.step_s,
            body="\n".join(f"    {line}" if line else "" for line in [*self.given(timed, "\n".join(build)), *build]),
            turns=TURNS if self.turns else "",
            recorded="{" + ", ".join(f'"{name}": {_listed(self.recorded(k))}' for k, name in enumerate(self.names)) + "}",
            spiking=self.spiking(),
            seen=self.late - 2,
            groups=_bare(self.names),
            objects=textwrap.fill(", ".join(self.objects), 120, subsequent_indent=8 * " "),
            projections=_listed(self.synapses),
        )

    def recorded(self, k):
        """Variables of a population that are recorded."""
        return ["h", "x"]

    def spiking(self):
        """Events of the populations that send spikes."""
        return {}

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
        lines = []
        if self.network.inputs:
            lines += ["", *self.group("input", self.network.inputs, ["x"], 0), *_regularly("input", ["x = inputs(t, i)"], 0)]
        if self.network.bias:
            lines += ["", *self.group("bias", 1, ["x"], 0), "bias.x = 1"]
        return lines

    def sources(self, k):
        """What reaches a population: names of populations, and of what they are to it."""
        name = self.names[k]
        roles = {["input", *self.names][k]: "below", "bias": "bias", name: "recurrent"}
        return {pre: role for pre, role in roles.items() if f"{pre}_to_{name}" in self.synapses}

    def top(self, k):
        return k == len(self.names) - 1

    def neuron(self, k):
        return self.network.readout if self.top(k) else self.network.neuron

    def population(self, k):
        entry, order, sources = words.rate(self.neuron(k)), 10 * (k + 1), self.sources(k)
        step = [f"h = {' + '.join(sources.values()) or 0}", *entry.step]
        twins = [*(role for pre, role in sources.items() if pre not in OUTSIDE), "h", "x", *entry.state]
        sums = [role for pre, role in sources.items() if pre in OUTSIDE]
        if not self.how:
            variables = [*sums, *twins]
        else:
            variables = [*sums, *twins, *(f"{v}_noisy" for v in twins), "before", *self.learns(k)]
            first, *then = [_noisy(line, twins) for line in step]
            step = ["before = x", *step, *self.noise(k), first + self.shaken(k), *then, "delta = h_noisy - h", *self.target(k)]
        lines = ["", *self.group(self.names[k], self.sizes[k], variables, order)]
        if self.held and not self.top(k):
            lines += _regularly(self.names[k], [f"x = last_{self.names[k]}(t, i)"], 0)
        lines += _regularly(self.names[k], step, order)
        for pre, role in sources.items():
            lines += self.summed(pre, self.names[k], {role: "{}"})
        return lines

    def summed(self, pre, post, roles):
        """Synapses whose sums a population reads in its turn, each by a form in which weight times input stands in braces."""
        equations = ["w : 1", *(f"{role}_post = {form.format('w*x_pre')} : 1 (summed)" for role, form in roles.items())]
        if self.how:
            if pre not in OUTSIDE:
                equations += [f"{role}_noisy_post = {form.format('w*x_noisy_pre')} : 1 (summed)" for role, form in roles.items()]
            equations += ["eligibility : 1"] * self.wants["eligibility"]
        return self.connected(pre, post, equations)

    # ------------------------------------------------------------ learning

    def learns(self, k):
        """Variables of learning that a population has."""
        energy = ["energy (linked)" if self.how.rule.normalise else "energy"]
        powers = ["power (linked)"] * self.wants["power"] + ["average_power"] * self.wants["average_power"]
        return ["noise", "delta", *energy, *powers, "broadcast (linked)", "reward", "a", *["target"] * self.top(k)]

    def noise(self, k):
        """Statements that fetch the perturbation."""
        return [f"noise = noise_{self.names[k]}(t, i)"] * bool(self.shaken(k))

    def shaken(self, k):
        return " + noise" if not self.top(k) or self.how.perturb_readout else ""

    def target(self, k):
        return ["target = wanted(t, i)"] * self.top(k)

    def reward(self):
        answer = self.answer()
        change = f"({answer}_noisy_pre - {answer}_pre)"
        return [
            "",
            "# the reward wire: minus the change of the squared error",
            *self.group("wire", 1, ["change", "reward"], self.late),
            *self.connected("readout", "wire", [f"change_post = {change}*({change} + 2*({answer}_pre - target_pre)) : 1 (summed)"]),
            *_regularly("wire", ["reward = -change*counted(t)"], self.late),
        ]

    def answer(self):
        """The variable that is the readout's output."""
        return "x"

    def listening(self, k):
        """What a neuron makes of itself and of the reward; then its perturbed pass forgets a part of how it differs."""
        name, how = self.names[k], self.how
        step = ["reward = broadcast", *["energy = 1"] * (not how.rule.normalise)]
        step += [line.format(size=self.sizes[k]) for line in words.signal(how.rule)]
        if how.carry != 1 and not self.top(k):
            step += [f"{v}_noisy = {v} + carry*({v}_noisy - {v})" for v in self.lasting(k)]
        everywhere = f"index=np.zeros({self.sizes[k]}, int)"
        lines = ["", f'{name}.broadcast = b2.linked_var(wire, "reward", {everywhere})']
        if how.rule.normalise:
            lines += [*self.energy(k), f'{name}.energy = b2.linked_var({name}_energy, "energy", {everywhere})']
        if self.wants["power"]:
            lines += self.group(f"{name}_power", 1, ["power"], self.late)
            lines += self.connected(name, f"{name}_power", ["power_post = delta_pre**2 : 1 (summed)"])
            lines += [f'{name}.power = b2.linked_var({name}_power, "power", {everywhere})']
        return lines + _regularly(name, step, self.late + 10)

    def lasting(self, k):
        """Variables that one step leaves for the next."""
        return ["x", *words.rate(self.neuron(k)).state]

    def energy(self, k):
        """A pool that adds up the squares of all that could reach a population, wired or not."""
        pool, reaching = f"{self.names[k]}_energy", self.reaching(k)
        lines = self.group(pool, 1, [*reaching.values(), "energy"], 10 * (k + 1))
        for pre, role in reaching.items():
            lines += self.connected(pre, pool, [f"{role}_post = x_pre**2 : 1 (summed)"])
        return lines + _regularly(pool, [self.total(reaching.values())], self.late)

    def reaching(self, k):
        """Populations that could reach one, other than a bias, and what they are to it."""
        below = {["input", *self.names][k]: "below"} if k or self.network.inputs else {}
        return below if self.top(k) else {**below, self.names[k]: "recurrent"}

    def total(self, parts):
        return f"energy = {' + '.join([*parts, *['1'] * self.network.bias, '1e-6'])}"

    def plasticity(self, name):
        pre, _, post = name.partition("_to_")
        numbers = {"lr": "readout_lr" if post == "readout" else "lr", "pre": self.saw(pre, post)}
        rule = self.how.readout_rule if post == "readout" else self.how.rule
        return _regularly(name, [*(line.format(**numbers) for line in words.change(rule)), *self.forget(pre)], self.late + 20)

    def saw(self, pre, post):
        """What a synapse saw in this step."""
        return "before_pre" if pre == post else "x_pre"

    def forget(self, pre):
        """What a synapse does after it has learned."""
        return []

    def ending(self):
        """What is left for the end of a step."""
        return []

    # ------------------------------------------------------------ objects

    def group(self, name, size, variables, order, equations=(), options=""):
        """Lines that make a population; a variable may carry a flag, as in ``power (linked)``."""
        self.objects.append(name)
        text = [*equations, *(f"{v.partition(' ')[0]} : 1 {v.partition(' ')[2]}".rstrip() for v in variables)]
        return _call(f"{name} = b2.NeuronGroup({size}, ", text, f'{options}, order={order}, name="{name}", namespace=names)')

    def connected(self, pre, post, equations, made_by="connect", options=""):
        """Lines that make synapses."""
        name = f"{pre}_to_{post}"
        self.objects.append(name)
        weights = f', arrays["{name}"]' if name in self.synapses else ""
        weights += f', arrays["{name}_wires"]' if name in self.sparse else ""
        return _call(f"{name} = {made_by}({pre}, {post}, ", equations, f', "{name}", names{weights}{options})')


OUTSIDE = ("input", "bias")  #: what sends the same numbers in both passes


class SpikeWriter(RateWriter):
    """A network of spiking neurons: populations take turns within a step, each with arrivals, integration, thresholds and resets.

    A spike arrives at the population above in the same step, before its turn; at its own at the end of the step, or so many steps later.
    What arrives is gathered in variables of their own, ``current_in`` for ``current``, until the neuron takes it in.
    """

    turns = True

    def entry(self, k):
        return words.spike(self.neuron(k), self.chip.step_s)

    def timed(self, k):
        """Whether a population is in continuous time."""
        return type(self.neuron(k)) in words.SPIKES

    def recorded(self, k):
        if not self.timed(k):
            return ["x"]
        return ["v"] if self.top(k) else [f"v{twin}" for twin in self.twins()]

    def spiking(self):
        events = ("spike", "noisy_spike") if self.how else ("spike",)
        return {name: events for k, name in enumerate(self.names) if words.spikes(self.neuron(k))}

    def answer(self):
        return "v" if self.timed(len(self.names) - 1) else "x"

    def activity(self, k):
        return getattr(self.neuron(k), "activity", "current")

    def lines(self, k):
        """Variables that something arrives at, each with its form."""
        return self.entry(k).arrives if self.timed(k) else {"h": "{}"}

    def population(self, k):
        name, order, lines, sources = self.names[k], 10 * (k + 1), self.lines(k), self.sources(k)
        outside = {pre: role for pre, role in sources.items() if pre in OUTSIDE}
        inlets = [f"{v}_in" for v in lines]
        gather = [f"{v}_in += {' + '.join(f'{v}_{role}' for role in outside.values())}" for v in lines if outside]
        if self.timed(k):
            entry = self.entry(k)
            own = [*inlets, *["v_held", "rest"] * self.paused(k), *["trace"] * self.traces(k)]
            twins = [*own, *entry.state, *entry.holds]
            take = [f"{v} {'' if v in entry.holds else '+'}= {v}_in" for v in lines] + ["v_held = v"] * self.paused(k)
            arrived = entry.arrived
        else:
            entry = words.rate(self.neuron(k))
            own = twins = [*inlets, "h", "x", *entry.state]
            take, arrived = ["h = h_in", *entry.step], "h_in"
        variables = [*(f"{v}_{role}" for v in lines for role in outside.values()), *own]
        step = [*gather, *take]
        if self.how:
            step += [_noisy(line, twins) for line in gather]
            step += [*self.noise(k), f"{inlets[0]}_noisy += noise"] if self.shaken(k) else []
            step += [_noisy(line, twins) for line in take]
            step += [f"delta = {_noisy(arrived, twins)} - ({arrived})"] * (self.activity(k) == "current") + self.target(k)
            variables += [*(f"{v}_noisy" for v in own), *self.learns(k)]
        text = ["", *(self.spiker(k, variables, twins, order) if self.timed(k) else self.group(name, self.sizes[k], variables, order))]
        text += _regularly(name, step, order)
        text += self.thereafter(k, twins, order) if self.timed(k) else []
        for pre, role in sources.items():
            if pre in OUTSIDE:
                text += self.summed(pre, name, {f"{v}_{role}": form for v, form in lines.items()})
            else:
                text += self.delivered(pre, name, lines)
        return text

    def paused(self, k):
        """Whether a counter holds a membrane after a spike: where a perturbed pass may forget half a spike, Brian2's own clock cannot."""
        return bool(self.how and self.entry(k).pause)

    def traces(self, k):
        return bool(self.how and self.activity(k) == "spikes")

    def spiker(self, k, variables, twins, order):
        """Lines that make a population in continuous time."""
        name, entry = self.names[k], self.entry(k)
        membrane, *others = entry.equations
        equations = [membrane + " (unless refractory)" * bool(entry.pause and not self.how), *others]
        threshold, reset, options = entry.threshold, entry.reset, f', method="{entry.method}"'
        if self.how:
            threshold += " and rest < 1" * self.paused(k)
            reset += f"; rest = {entry.pause}" * self.paused(k) + "; trace += 1" * self.traces(k)
            equations += [_noisy(line, twins) for line in equations]
        if entry.threshold:
            options += f', threshold="{threshold}", reset="{reset}"'
            if self.how:
                options += f', events={{"noisy_spike": "{_noisy(threshold, twins)}"}}'
            elif entry.pause:  # Brian2 counts the step of the spike itself
                options += f", refractory={(entry.pause + 1) * self.chip.step_s!r}*b2.second"
        lines = self.group(name, self.sizes[k], variables, order, equations, options)
        if entry.threshold and self.how:
            lines += [f'{name}.run_on_event("noisy_spike", "{_noisy(reset, twins)}")']
        start = f'arrays["start_{name}"]' if getattr(self.neuron(k), "scatter", 0) > 0 else repr(entry.start)
        lines += [f"{name}.v{twin} = {start}" for twin in self.twins() if start != "0.0"]
        return [*lines, f"in_turn({name}, {order})"]

    def twins(self):
        """What names of variables end with: those of a perturbed pass too, if there is one."""
        return ("", "_noisy") if self.how else ("",)

    def thereafter(self, k, twins, order):
        """What a neuron does between its threshold and its reset, and after that."""
        between, after = [], []
        if self.paused(k):
            between += ["v = v_held*int(rest >= 1) + v*int(rest < 1)", "rest = clip(rest - 1, 0, inf)"]
        if self.traces(k):
            between += [f"trace *= {math.exp(-self.chip.step_s / self.neuron(k).tau_trace)!r}"]
            after += ["delta = trace_noisy - trace"]
        between += [_noisy(line, twins) for line in between]
        if self.how and self.activity(k) == "membrane":
            between += ["delta = v_noisy - v"]
        return [line for step, at in ((between, 3), (after, 5)) if step for line in _regularly(self.names[k], step, order + at)]

    def delivered(self, pre, post, lines):
        """Synapses at which spikes arrive."""
        own = pre == post
        jumps = [f"{v}_in_post += {form.format('w')}" for v, form in lines.items()]
        if self.how:
            noisy = [f"{v}_in_noisy_post += {{}}{form.format('w')}" for v, form in lines.items()]
            forgets = own and self.how.carry != 1  # of a spike in one pass alone, the perturbed pass keeps a share
            clean = [*jumps, *(line.format("(1 - carry)*") for line in noisy if forgets), "seen = 1"]
            noisy = [line.format("carry*" if forgets else "") for line in noisy]
            said = f'{{"spike": "{"; ".join(clean)}", "noisy_spike": "{"; ".join(noisy)}"}}'
        else:
            said = f'{{"spike": "{"; ".join(jumps)}"}}'
        equations = ["w : 1", *["seen : 1"] * bool(self.how), *["eligibility : 1"] * self.wants["eligibility"]]
        return self.connected(pre, post, equations, "deliver", f", arrives={said}{self.when(pre, own)}")

    def when(self, pre, own):
        """When spikes of a population arrive: above it before the next turn, at itself at the end of the step or later."""
        if not own:
            return f", order={10 * (self.names.index(pre) + 1) + 5}"
        steps = late(self.network.wiring, self.chip.step_s)
        return f", order={self.late + 31}" + f", late={steps}" * (steps > 0)

    # ------------------------------------------------------------ learning

    def lasting(self, k):
        entry = self.entry(k)
        return [*entry.state, *["rest"] * self.paused(k), *["trace"] * self.traces(k)]

    def energy(self, k):
        pool, reaching = f"{self.names[k]}_energy", self.reaching(k)
        numbers, events = [pre for pre in reaching if pre in OUTSIDE], [pre for pre in reaching if pre not in OUTSIDE]
        parts = ["below"] * len(numbers) + ["spikes"] * bool(events)
        lines = self.group(pool, 1, [*parts, "energy"], 10 * (k + 1))
        for pre in numbers:
            lines += self.connected(pre, pool, ["below_post = x_pre**2 : 1 (summed)"])
        for pre in events:
            lines += self.connected(
                pre, pool, [""], "deliver", f', arrives={{"spike": "spikes_post += 1"}}{self.when(pre, pre == self.names[k])}'
            )
        return lines + _regularly(pool, [self.total(parts), *["spikes = 0"] * bool(events)], self.late)

    def saw(self, pre, post):
        return "x_pre" if pre in OUTSIDE else "seen"

    def forget(self, pre):
        return [] if pre in OUTSIDE else ["seen = 0"]

    def ending(self):
        lines = ["", "# what arrived has been taken in; what arrives from now on is for the next step"]
        for k, name in enumerate(self.names):
            lines += _regularly(name, [f"{v}_in{twin} = 0" for v in self.lines(k) for twin in self.twins()], self.late + 30)
        return lines


def _regularly(name, statements, order):
    return _call(f"{name}.run_regularly(", statements, f', when="groups", order={order})')


def _call(before, lines, after):
    """A call with a text in it, of one line or of several."""
    if len(lines) == 1:
        return [f'{before}"{lines[0]}"{after}']
    return [f'{before}"""', *(f"    {line}" for line in lines), f'"""{after}']


def _noisy(line, variables):
    """The same statement, or equation, for the perturbed pass."""
    return re.sub(rf"\b(d?)({'|'.join(variables)})\b", r"\1\2_noisy", line)


def _bare(names):
    return ", ".join(names) + ("," if len(names) == 1 else "")


def _listed(names):
    return "(" + _bare([f'"{name}"' for name in names]) + ")"
