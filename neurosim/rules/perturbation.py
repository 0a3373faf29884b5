"""The perturbation family as a person chooses it: one set of options, from which the rule that the loop runs is made."""

from typing import Annotated, Any, Literal, NamedTuple

from hw_models.parts import InputError, Range
from neurosim.protocols import is_product
from neurosim.rules import activity_perturbation as anp
from neurosim.rules import node_perturbation as np_
from neurosim.rules import weight_perturbation as wp
from neurosim.rules.ornstein_uhlenbeck import OUA

Rate = Annotated[float, Range("", 0.0)]
WORD = 32  #: bits of a number that no part of the chip narrows

NOTHING_TO_VERIFY = (
    "rule.verify is true but rule.threshold is 0: what a write has missed waits in the register that a threshold adds; set rule.threshold above "
    "0, or rule.verify to false."
)

#: Four classes each: at once, with a trace, and both with the sign of their change alone.
KINDS = {
    "wp": (wp.WP, wp.WPTrace, wp.WPSign, wp.WPSignTrace),
    "np": (np_.NP, np_.NPTrace, np_.NPSign, np_.NPSignTrace),
    "anp layer": (anp.ANPLayer, anp.ANPLayerTrace, anp.ANPLayerSign, anp.ANPLayerSignTrace),
    "anp expected": (anp.ANPExpected, anp.ANPExpectedTrace, anp.ANPExpectedSign, anp.ANPExpectedSignTrace),
    "anp deviation": (anp.ANPDeviation, anp.ANPDeviationTrace, anp.ANPDeviationSign, anp.ANPDeviationSignTrace),
    "anp running": (anp.ANPRunning, anp.ANPRunningTrace, anp.ANPRunningSign, anp.ANPRunningSignTrace),
    "anp bounded": (anp.ANPBounded, anp.ANPBoundedTrace, anp.ANPBoundedSign, anp.ANPBoundedSignTrace),
}


class Learning(NamedTuple):
    """What the simulator needs to know to learn: made by `Perturbation.learning`, or from a rule class of your own.

    Passes come in one of three orders: a clean one that all perturbed ones are compared with, pairs of perturbed ones whose second is
    compared with the first, or a single one whose loss is compared with a running prediction of it. Each comparison is a number of its
    own on the reward wire.
    """

    name: str
    rule: Any  #: of the recurrent layers
    readout_rule: Any  #: of the readout: a rule of the same site, with the same registers in its synapses
    passes: tuple[bool, ...] = (False, True)  #: for each pass, whether it is perturbed
    every_step: bool = True
    at_once: bool = True
    decorrelation_lr: float = 0.0
    raw_recurrence: bool = True
    perturb_readout: bool = True
    carry: float = 1.0
    antithetic: bool = False  #: the second of a pair is given the first one's perturbation with the other sign
    by_layer: bool = False  #: pass k perturbs layer k - 1 alone, the readout being the last layer
    fold_reward: bool = False  #: neurons multiply signals with the reward, so that a trace sums changes, over sequences too: momentum
    prediction: float = 0.0  #: rate of the running prediction that losses are compared with; 0: with the loss of another pass
    decorrelate_inputs: bool = False
    interval: int = 1  #: steps from one perturbation of the layers to the next, for which neurons keep their signals and add up rewards
    threshold: float = (
        0.0  #: changes wait in a register a synapse until they come to so much, and are written in whole multiples of it; 0: none waits
    )
    verify: bool = False  #: what a cell has moved is read and taken from what waits, in place of what it was asked for

    @property
    def base(self) -> tuple[int, ...]:
        """For each pass, the one that it is compared with; itself if with none."""
        pairs = self.passes[0]
        return tuple(q - q % 2 if pairs else 0 for q in range(len(self.passes)))

    @property
    def sends(self) -> tuple[bool, ...]:
        """For each pass, whether how it compares goes over the reward wire."""
        return tuple(self.passes == (True,) or q != base for q, base in enumerate(self.base))

    @property
    def samples(self) -> int:
        """Numbers that a broadcast sends to every neuron."""
        return sum(self.sends)

    def decorrelated(self, network) -> list[int]:
        """Sizes of the populations that a matrix decorrelates: the layers, then perhaps the inputs."""
        if self.decorrelation_lr == 0:
            return []
        return [*network.layers, *([network.inputs] if self.decorrelate_inputs else [])]

    @property
    def folds(self) -> bool:
        """Whether neurons hear the rewards, and synapses only that it is time: so they do over an interval, or if there are several rewards and none
        must wait for its own."""
        return self.fold_reward or self.interval > 1 or (self.samples > 1 and not self.rule.Register._fields)

    @property
    def lanes(self) -> int:
        """Signals that a neuron keeps apart, so that each meets its own reward: a synapse has registers for every one."""
        return 1 if self.folds else max(self.samples, 1)

    @property
    def waiting(self) -> dict[str, int]:
        """Bits in every synapse of changes that wait until they come to a threshold, by name; whatever the batch."""
        return {"waiting": 16} if self.threshold > 0 else {}

    @property
    def kept(self) -> dict[str, int]:
        """Bits in every hidden neuron over an interval, by name: a signal for each comparison that it takes part in, their sum, and what it sent."""
        return {"signals": (1 if self.by_layer else self.samples) * WORD, "sum": WORD, "sent": WORD} if self.interval > 1 else {}

    @property
    def products(self) -> bool:
        """Whether each change is what comes from below times what the neuron knows, made when the reward comes."""
        both = is_product(type(self.rule)) and is_product(type(self.readout_rule))
        return self.at_once and self.threshold == 0 and self.lanes == 1 and self.rule.site == "current" and both

    @property
    def lane(self) -> tuple[int, ...]:
        """For each pass, the lane that its signal takes."""
        before = [sum(self.sends[:q]) for q in range(len(self.passes))]
        return tuple(n if self.lanes > 1 and sends else 0 for n, sends in zip(before, self.sends, strict=True))


class Perturbation(NamedTuple):
    """Weight, node or activity perturbation, each with and without decorrelation.

    Parameters
    ----------
    method : "wp", "np", "anp", "nrl" or "oua"
        What is perturbed and what is correlated with reward. "nrl" correlates changes of activity with the reward of the perturbed pass
        less the running mean of such rewards, which the chip keeps once: no clean pass is ever judged. What the loss does from step to step
        is then noise to every neuron, so that it learns in proportion to the perturbation: chip.noise.sigma of 0.1 is a start, and with
        norm "deviation" the same rates suit any.
        "oua" lets every weight wander around its mean in a single pass, with `trace` the share of itself that the deviation keeps.
    lr : float
        Rate of input and recurrent weights. With `normalise` it is free of scale; 0 leaves them as they are.
    readout_lr : float
        Rate of the readout.
    norm : "layer", "expected", "running", "bounded" or "deviation"
        What activity perturbation (of np with `perturb` "hidden", the readout) divides its step by: the power of what it measures, over the
        layer (as published and not local), as the noise alone would give it, as a running mean of the neuron's own, or "bounded", as such a
        mean or what it measures now, whichever is more; or the standard deviation of the noise.
    normalise : bool
        Divide each neuron's step by the energy of its own inputs.
    average : float, 1/step
        Rate of the running means: of a neuron's power under norms "running" and "bounded", which moves with every sample; of the reward under
        "nrl", "oua" and passes "noisy". With an `interval`, that of a hidden neuron's power moves once in it.
    trace : float
        Decay of an eligibility trace per step; 0 is no trace, 1 a plain sum.
    reward : "step" or "sequence"
        Whether the loss change is broadcast every step, or its sum once at the end of a sequence.
    update : "step" or "sequence"
        Whether weights are written when the reward comes, or what they should change is summed and written at the end.
    passes : "clean-noisy", "noisy-noisy", "antithetic" or "noisy"
        What is compared: a perturbed pass with a clean one, with another perturbed one (for chips that cannot switch their noise off), or
        with one that is given the same perturbation with the other sign, so that terms of even order in it cancel; or a single pass, whose
        loss is compared with the running mean of its losses.
    samples : int
        Comparisons that are made side by side in every step. Each takes one more perturbed pass (two, where pairs are compared) and one
        more number on the reward wire; a neuron averages reward times signal over them, which divides the variance by their number. With a
        trace none may be averaged before its reward is known: each sample then has a signal of its own in every neuron and a register of its
        own in every synapse.
    carry : float
        Share of its difference to its base that the perturbed pass takes into the next step: 1 as published, 0 starts every step
        from the base's state. Below 1 the two cannot part for good; credit then reaches about 1 / (1 - carry) steps back.
    interval : int, steps
        From one perturbation of the hidden neurons to the next; in a sequence, the first is in any step of the first interval, and rewards
        before it are not theirs. Above 1 a perturbed pass starts from its base's state when it is given one,
        and runs on by itself until the next. A neuron keeps the signal that it formed then and adds up the rewards that it hears
        meanwhile; its synapses learn once, from what they saw then. So credit goes back over `interval` steps, with memory in the neuron
        alone: what a trace would keep in every synapse. With `carry` below 1, what lies further back counts less. Of a late reward wire the
        last steps of an interval are heard in the next. The readout, whose error is of the moment, learns every step.
    perturb : "all", "hidden" or "layer"
        Whether the readout is perturbed too. Without, its own noise does not drown what the layers below it do to the loss; it then learns
        from the differences that reach it from below, as activity perturbation does, also where hidden neurons learn from the noise that they
        were given (np). "layer" is iterative: one sample for each layer and one for the readout, which perturbs it alone. Weight
        perturbation and "oua" perturb all weights, or one layer's.
    momentum : float
        Decay of a running mean of each synapse's changes, which it adds in place of the change: a register a synapse (and sequence of a batch),
        which outlives a sequence; 0 is none. For this the neuron multiplies its signal with the reward before the synapse sees it. The
        readout, whose changes are not noise, has none.
    sign : bool
        Change input and recurrent weights by the rate in the direction of their change, whatever the size of that.
    decorrelation_lr : float
        Rate at which the matrix D learns to decorrelate what the next weights see; 0 is no decorrelation.
    decorrelate : "readout" or "all"
        Who sees decorrelated activity: the readout and the next layer, or the recurrent weights too (as published).
    decorrelate_inputs : bool
        Whether the network's inputs are decorrelated too, by a matrix of their own.
    threshold : float
        Changes of a weight add up in a register of its synapse, which outlives a sequence, until they come to so much, and are written in whole
        multiples of it: what is noise cancels before a device is touched, whose steps up and down seldom are alike. Ten to twenty of its
        steps are a start (0.01 on reram-es); what is more than one write can move it is cut off. 0 writes every change as it comes.
    verify : bool
        With a `threshold`, a cell is read before and after it is written, and what it has moved is taken from its register, not what it was
        asked for: so the register and the weight together keep what the rule wants, but for the noise of the two reads, and what a write
        missed is written again when it comes to the threshold. Both are reads of a single cell, without the noise of a sum and the steps of
        its converter. Weight and register together hold full scale at most. The threshold should not be less than what a cell does not answer
        to (``deadband``), or it is asked in vain at every update; cells that add up by themselves are refused.

    References
    ----------
    Dalm, Ahmad, van Gerven 2023, arXiv:2310.00965: node, iterative and activity perturbation.
    Garcia Fernandez, Ahmad, van Gerven 2025, arXiv:2503.23972: "nrl". Theirs weighs each step's product with how the noise changes the
    log-probability of a sampled action; here the perturbed output is the action, so that its reward needs no such weight.
    Fiete, Seung 2006, doi:10.1103/PhysRevLett.97.048104: a single pass and a running mean of the reward.
    Garcia Fernandez, Ahmad, van Gerven 2024, doi:10.3390/e26121125: "oua".
    Nandakumar et al. 2020, doi:10.3389/fnins.2020.00406: changes that add up in digital memory until a device can be moved by them.
    Alibart et al. 2012, doi:10.1088/0957-4484/23/7/075201: a device that is read after each pulse, and written again until it is right.
    """

    method: Literal["wp", "np", "anp", "nrl", "oua"] = "anp"
    lr: Rate = 0.003
    readout_lr: Rate = 0.1
    norm: Literal["layer", "expected", "running", "bounded", "deviation"] = "layer"
    normalise: bool = True
    average: Annotated[float, Range("1/step", 0.0, 1.0, open_low=True)] = 0.01
    trace: Annotated[float, Range("", 0.0, 1.0)] = 0.0
    reward: Literal["step", "sequence"] = "step"
    update: Literal["step", "sequence"] = "step"
    passes: Literal["clean-noisy", "noisy-noisy", "antithetic", "noisy"] = "clean-noisy"
    carry: Annotated[float, Range("", 0.0, 1.0)] = 1.0
    perturb: Literal["all", "hidden", "layer"] = "all"
    decorrelation_lr: Rate = 0.0
    decorrelate: Literal["readout", "all"] = "readout"
    samples: Annotated[int, Range("", 1, 64)] = 1
    momentum: Annotated[float, Range("", 0.0, 0.999)] = 0.0
    sign: bool = False
    decorrelate_inputs: bool = False
    interval: Annotated[int, Range("steps", 1)] = 1
    threshold: Annotated[float, Range("", 0.0, 1e6)] = 0.0
    verify: bool = False

    def validate(self):
        if self.verify and self.threshold == 0:
            raise InputError(NOTHING_TO_VERIFY)
        if self.reward == "sequence" and self.trace == 0:
            raise InputError(
                'rule.reward is "sequence" but rule.trace is 0: a reward that comes at the end needs an eligibility trace to credit '
                "earlier steps; set rule.trace above 0 (1 sums over the whole sequence)."
            )
        if self.method in ("wp", "oua") and self.perturb == "hidden":
            raise InputError(
                f'rule.perturb is "hidden", but {self.method} correlates with the noise of weights, which those of the readout would be without: use "all".'
            )
        if self.trace > 0 and self.momentum > 0:
            raise InputError(
                f"rule.momentum is {self.momentum:g} and rule.trace is {self.trace:g}: with momentum the reward meets the signal before a trace could "
                "wait for it; set one of them to 0."
            )
        if self.passes == "noisy" and (self.method in ("anp", "nrl") or self.samples > 1 or self.perturb != "all"):
            raise InputError(
                'rule.passes is "noisy", a single pass: there is no other one to measure a change of activity or to make more samples with; '
                'use rule np, wp or oua with rule.samples 1 and rule.perturb "all", or two passes.'
            )
        if self.perturb == "layer" and self.passes != "clean-noisy":
            raise InputError(
                'rule.perturb is "layer", which compares a pass for each layer with a clean one: use rule.passes "clean-noisy".'
            )
        if self.interval > 1 and (
            self.method not in ("np", "anp") or self.passes == "noisy" or self.trace > 0 or self.reward == "sequence"
        ):
            raise InputError(
                f"rule.interval is {self.interval}, for which neurons keep the signal of one perturbation until the next: use rule np or anp with two "
                'passes to compare, rule.reward "step" and rule.trace 0 (the interval takes the place of a trace); or set rule.interval to 1.'
            )
        if self.decorrelate_inputs and self.decorrelation_lr == 0:
            raise InputError("rule.decorrelate_inputs is true, but rule.decorrelation_lr is 0: give it a rate, such as 0.003.")
        if self.method == "oua" and (
            self.passes not in ("noisy", "clean-noisy") or self.momentum > 0 or self.sign or not 0 < self.trace < 1
        ):
            raise InputError(
                'Rule oua takes rule.passes "noisy" or "clean-noisy", rule.trace between 0 and 1 (what a deviation keeps of itself in a step), '
                "rule.momentum 0 and rule.sign false."
            )

    @property
    def name(self) -> str:
        """The name by which the rule is chosen, such as ``danp`` or ``dnp-over-time``."""
        return f"{'d' if self.decorrelation_lr > 0 else ''}{self.method}{'-over-time' if self.interval > 1 else ''}"

    def learning(self) -> Learning:
        """The rule as the loop runs it."""
        predicted = self.method == "nrl" or self.passes == "noisy"
        decay = self.trace or self.momentum  # momentum is a trace of changes in place of signals
        seen = f"anp {self.norm}"  # by neurons that are not given noise themselves
        inside = seen if self.method in ("anp", "nrl") else self.method
        top = seen if self.method == "np" and self.perturb == "hidden" else inside
        kind, kind_of_readout = (OUA if name == "oua" else KINDS[name][(decay > 0) + 2 * self.sign] for name in (inside, top))
        fresh = 1.0 if self.sign else 1.0 - self.momentum  # what a running mean takes of each change
        options = {
            "lr": self.lr * fresh, "normalise": self.normalise, "average": self.average, "decay": decay, "keep": self.trace, "signed": True,
        }  # fmt: skip
        at_readout = options | {"lr": self.readout_lr, "decay": self.trace, "signed": False}
        rule, readout_rule = (
            cls(**{key: value for key, value in given.items() if key in cls._fields})
            for cls, given in ((kind, options), (kind_of_readout, at_readout))
        )
        noisy = {"clean-noisy": (False, *(True,) * self.samples), "noisy": (True,)}.get(self.passes, (True,) * 2 * self.samples)
        return Learning(
            self.name,
            rule,
            readout_rule,
            passes=noisy,
            every_step=self.reward == "step",
            at_once=self.update == "step",
            decorrelation_lr=self.decorrelation_lr,
            raw_recurrence=self.decorrelate == "readout",
            perturb_readout=self.perturb != "hidden",
            carry=self.carry,
            antithetic=self.passes == "antithetic",
            by_layer=self.perturb == "layer",
            fold_reward=self.momentum > 0,
            prediction=self.average if predicted else 0.0,
            decorrelate_inputs=self.decorrelate_inputs,
            interval=self.interval,
            threshold=self.threshold,
            verify=self.verify,
        )
