"""A rule class of one's own as the loop runs it, with the options that it shares with the family."""

from typing import get_type_hints

import numpy as np

from hw_models.contracts import check_methods, where
from hw_models.parts import InputError, check
from neurosim.locality import check_declared, reads_of
from neurosim.protocols import Rule
from neurosim.rules.perturbation import Learning, Perturbation

#: Options of `Perturbation` that say how passes are made and compared, and changes written. A rule may have fields of these names.
SHARED = (
    "average", "reward", "update", "passes", "carry", "perturb", "decorrelation_lr", "decorrelate", "samples", "decorrelate_inputs", "interval",
    "threshold", "verify",
)  # fmt: skip


def learning_of(rule, readout_rule) -> Learning:
    """A rule of one's own, and that of its readout, with what its fields ask for.

    A reward for the whole "sequence" takes a Register that waits for it.

    Raises
    ------
    InputError
        If the class breaks its contract, if its options cannot be, or if it could not learn by them.
    """
    cls = type(rule)
    if callable(vars(cls).get("perturb")) and "perturb" not in cls._fields:
        raise InputError(f"{where(cls.perturb)}: {cls.__name__}.perturb: what makes a perturbation of a weight last is called wander.")
    check_methods(cls, Rule)
    check_declared(cls)
    kinds = get_type_hints(Perturbation)
    given = {name: getattr(rule, name) for name in SHARED if name in cls._fields}
    waits = 1.0 if given.get("reward") == "sequence" and cls.Register._fields else 0.0
    options = Perturbation("wp" if rule.site == "weight" else "np", trace=waits, **given)
    try:
        check(options, where=cls.__name__)
    except InputError as error:
        raise InputError(
            f"{error} (Fields of a rule that are named as options of neurosim.rules.Perturbation mean the same: {', '.join(given)}. Rename one that "
            "means something else.)"
        ) from None
    whole = {name: int(value) for name, value in given.items() if kinds[name] is int}
    learning = options._replace(**whole).learning()._replace(name=cls.__name__, rule=rule, readout_rule=readout_rule)
    _check_signal(cls, learning)
    if learning.folds:
        _check_folds(rule)
    return learning


def _check_signal(cls, learning: Learning) -> None:
    """Refuse options under which all that a signal is made of is always 0."""
    seen = {read.name for read in reads_of(cls)["signal"]} if cls.site == "current" else set()
    if seen & {"own", "own.activity"} or {"own.xi", "own.delta"} <= seen:
        return
    if "own.xi" in seen and not learning.perturb_readout:
        raise InputError(
            f'{cls.__name__} learns from the noise that a neuron was given (own.xi), but with perturb "hidden" the readout is given none: read own.delta '
            'too, which is 0 where there is no other pass, or use perturb "all".'
        )
    if "own.delta" in seen and learning.passes == (True,):
        raise InputError(
            f'{cls.__name__} learns from a change of activity (own.delta), but with passes "noisy" there is no other pass to see one: read own.xi.'
        )


def _check_folds(rule) -> None:
    """Refuse a rule that neurons cannot meet halfway, by multiplying their signals with rewards before synapses hear of them."""
    cls, rng = type(rule), np.random.default_rng(0)
    why = f"{cls.__name__} has several samples or an interval, so that each neuron adds up its signals times their rewards, and synapses hear a reward of 1"
    if cls.Register._fields:
        raise InputError(
            f"{why}: its Register would remember rewarded changes, and apply each again and again; leave out the Register or the interval."
        )
    for w, pre, a, reward in rng.standard_normal((60, 4)):
        try:
            apart, folded = (float(rule.change(w, cls.Register(), pre, *pair)) for pair in ((a, reward), (a * reward, 1.0)))
        except (ArithmeticError, AttributeError, IndexError, TypeError, ValueError) as error:
            raise InputError(f"{where(cls.change)}: {cls.__name__}.change fails: {str(error).rstrip('.')}.") from None
        if abs(apart - folded) > 1e-6 * abs(apart):
            raise InputError(
                f"{where(cls.change)}: {why}; so a change must depend on a * reward, but with a = {a:.3g} and reward = {reward:.3g} it is {apart:.3g}, and "
                f"{folded:.3g} with a * reward and 1."
            )
