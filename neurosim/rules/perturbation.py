"""The perturbation family as a person chooses it: one set of options, from which the rule that the loop runs is made."""

from typing import Annotated, Any, Literal, NamedTuple

from hw_models.parts import InputError, Range
from neurosim.rules import activity_perturbation as anp
from neurosim.rules import node_perturbation as np_
from neurosim.rules import weight_perturbation as wp

Rate = Annotated[float, Range("", 0.0)]

KINDS = {
    "wp": (wp.WP, wp.WPTrace),
    "np": (np_.NP, np_.NPTrace),
    "anp layer": (anp.ANPLayer, anp.ANPLayerTrace),
    "anp expected": (anp.ANPExpected, anp.ANPExpectedTrace),
    "anp running": (anp.ANPRunning, anp.ANPRunningTrace),
}


class Learning(NamedTuple):
    """What the simulator needs to know to learn: made by `Perturbation.learning`, or from a rule class of your own."""

    name: str
    rule: Any  #: of the recurrent layers
    readout_rule: Any  #: the same class with the readout's rate
    passes: tuple[bool, ...] = (False, True)  #: for each pass, whether it is perturbed
    every_step: bool = True
    at_once: bool = True
    decorrelation_lr: float = 0.0
    raw_recurrence: bool = True
    perturb_readout: bool = True
    carry: float = 1.0


class Perturbation(NamedTuple):
    """Weight, node or activity perturbation, each with and without decorrelation.

    Parameters
    ----------
    method : "wp", "np" or "anp"
        What is perturbed and what is correlated with reward.
    lr : float
        Rate of input and recurrent weights. With `normalise` it is free of scale; 0 leaves them as they are.
    readout_lr : float
        Rate of the readout.
    norm : "layer", "expected" or "running"
        What activity perturbation divides its step by; "layer" is as published and not local.
    normalise : bool
        Divide each neuron's step by the energy of its own inputs.
    average : float, 1/step
        Rate of the running mean that norm "running" keeps.
    trace : float
        Decay of an eligibility trace per step; 0 is no trace, 1 a plain sum.
    reward : "step" or "sequence"
        Whether the loss change is broadcast every step, or its sum once at the end of a sequence.
    update : "step" or "sequence"
        Whether weights are written when the reward comes, or what they should change is summed and written at the end.
    passes : "clean-noisy" or "noisy-noisy"
        Whether the first pass is undisturbed or perturbed too (for chips that cannot switch their noise off).
    carry : float
        Share of its difference to the clean pass that the perturbed pass takes into the next step: 1 as published, 0 starts every step
        from the clean state. Below 1 the two cannot part for good; credit then reaches about 1 / (1 - carry) steps back.
    perturb : "all" or "hidden"
        Whether the readout is perturbed too. Without, its own noise does not drown what the layers below it do to the loss; it then learns
        from the differences that reach it from below, which activity perturbation can and node perturbation cannot.
    decorrelation_lr : float
        Rate at which the matrix D learns to decorrelate what the next weights see; 0 is no decorrelation.
    decorrelate : "readout" or "all"
        Who sees decorrelated activity: the readout and the next layer, or the recurrent weights too (as published).
    """

    method: Literal["wp", "np", "anp"] = "anp"
    lr: Rate = 0.003
    readout_lr: Rate = 0.1
    norm: Literal["layer", "expected", "running"] = "layer"
    normalise: bool = True
    average: Annotated[float, Range("1/step", 0.0, 1.0, open_low=True)] = 0.01
    trace: Annotated[float, Range("", 0.0, 1.0)] = 0.0
    reward: Literal["step", "sequence"] = "step"
    update: Literal["step", "sequence"] = "step"
    passes: Literal["clean-noisy", "noisy-noisy"] = "clean-noisy"
    carry: Annotated[float, Range("", 0.0, 1.0)] = 1.0
    perturb: Literal["all", "hidden"] = "all"
    decorrelation_lr: Rate = 0.0
    decorrelate: Literal["readout", "all"] = "readout"

    def validate(self):
        if self.reward == "sequence" and self.trace == 0:
            raise InputError(
                'rule.reward is "sequence" but rule.trace is 0: a reward that comes at the end needs an eligibility trace to credit '
                "earlier steps; set rule.trace above 0 (1 sums over the whole sequence)."
            )

        if self.method == "np" and self.perturb == "hidden":
            raise InputError(
                'rule.perturb is "hidden", but node perturbation correlates with the noise that a neuron was given: use "all".'
            )

    @property
    def name(self) -> str:
        """The name by which the rule is chosen, such as ``danp``."""
        return ("d" if self.decorrelation_lr > 0 else "") + self.method

    def learning(self) -> Learning:
        """The rule as the loop runs it."""
        kind = KINDS[f"anp {self.norm}" if self.method == "anp" else self.method][self.trace > 0]
        options = {"lr": self.lr, "normalise": self.normalise, "average": self.average, "decay": self.trace}
        rule = kind(**{key: value for key, value in options.items() if key in kind._fields})
        return Learning(
            self.name,
            rule,
            rule._replace(lr=self.readout_lr),
            (self.passes == "noisy-noisy", True),
            self.reward == "step",
            self.update == "step",
            self.decorrelation_lr,
            self.decorrelate == "readout",
            self.perturb == "all",
            self.carry,
        )
