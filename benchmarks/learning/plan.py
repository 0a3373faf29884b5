"""What is studied: the tasks, the rules with what the tuner may choose of each, and its budget."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import neurosim as ns

SEEDS = (42, 101, 300, 482, 708)
TUNING = (1, 2, 3)  # seeds of the tuner
FRESH = tuple(range(1001, 1021))  # seeds that no rule, range or default was chosen by
STAGES = ((32, 4, 1), (8, 2, 2), (3, 1, 3))  # settings, what the epochs are divided by, seeds: as much as 25 to 28 full runs
FEW = ((4, 3, 1),)  # little more than one full run
LARGEST = 100  # network that is tuned in full on every chip
LARGER = ((3, 1, 1),)  # of networks larger than those it tunes in full
SIZES = (100, 500, 1000)  # hidden neurons
CHIPS = ("ideal", "digital-8bit", "reram-es")
DRIVEN = ("mackey-glass-driven", 100, "ideal")  # where rules are taken apart, to see what they need


def log(low, high):
    """A range in which every factor is as likely."""
    return lambda q: float(f"{low * (high / low) ** q:.3g}")


def one_of(*values):
    return lambda q: values[int(q * len(values))]


def below_one(low, high):
    """One less a number of a log range."""
    return lambda q: round(1 - log(low, high)(q), 4)


class Entry(NamedTuple):
    """A rule, what is fixed of it, and what the tuner may choose; "anneal" is a setting of the run, "sigma" the size of the chip's perturbation, if
    not as the chip has it. It learns for so many times a task's epochs, and perhaps begins on a chip into which what another rule found on the
    ideal one is programmed. What takes another rule apart is studied in some places only: a task, a number of neurons and a chip each."""

    make: Any
    space: dict[str, Any]
    fixed: Mapping[str, Any] = {}
    times: float = 1.0
    after: str = ""
    sigma: float | None = None
    only: tuple[tuple[str, int, str], ...] = ()

    def rule(self, options: Mapping[str, Any]) -> Any:
        """The rule with what the tuner chose."""
        return self.make(**{**self.fixed, **options})


NODE = {"lr": log(1e-6, 1e-2), "readout_lr": log(1e-4, 0.3), "carry": below_one(0.02, 1.0)}
ACTIVITY = {"lr": log(1e-5, 3e-2), "readout_lr": log(1e-3, 1.0), "carry": below_one(0.02, 1.0)}
WEIGHT = {"lr": log(1e-11, 1e-6), "readout_lr": log(1e-5, 1e-2), "carry": below_one(0.02, 1.0)}
MATRIX = {"decorrelation_lr": log(3e-4, 3e-2)}
READOUT = {"readout_lr": log(1e-3, 1.0)}
STEPS_BACK = {
    "lr": log(1e-6, 3e-4), "readout_lr": log(1e-3, 1.0), "interval": one_of(10, 20, 40), "momentum": one_of(0.9, 0.97, 0.99),
}  # fmt: skip
GRADIENT = {"lr": log(1e-5, 1e-2), "k": one_of(1, 10, 50)}
TBPTT = {"lr": log(1e-5, 1e-2), "k": one_of(10, 50, 100), "anneal": one_of(0.03, 1.0)}

SLOWER = {"lr": log(1e-6, 3e-3)}  # where something was found already, or every change reaches a cell at last
SLOWER_MATRIX = {"decorrelation_lr": log(1e-4, 3e-2)}
ACCUMULATED = {"threshold": log(1e-3, 3e-2)}  # changes that add up until a device can be moved by them, in weights
LOUD = {  # perturbations that stand out from a chip's noise
    "lr": log(1e-3, 0.3), "readout_lr": log(1e-2, 0.3), "decorrelation_lr": log(3e-4, 1e-2), "sigma": log(0.03, 0.2), "threshold": log(3e-3, 3e-2),
}  # fmt: skip

ALONE = {"lr": 0.0}  # the readout learns, and nothing else
WAIT = {"threshold": 0.01}
VERIFY = {"threshold": 0.01, "verify": True}  # and what writes have missed is written again
IN_PAIRS = {  # pairs let the even terms of what a perturbation does to the loss cancel
    "passes": "antithetic", "samples": 8, "sign": False, "momentum": 0.0, "lr": 0.03, "readout_lr": 0.05,
}  # fmt: skip

rules = ns.rules
RULES = {
    "wp": Entry(rules.WP, WEIGHT),
    "np": Entry(rules.NP, NODE),
    "anp": Entry(rules.ANP, ACTIVITY),
    "dwp": Entry(rules.DWP, WEIGHT | MATRIX),
    "dnp": Entry(rules.DNP, NODE | MATRIX),
    "danp": Entry(rules.DANP, ACTIVITY | MATRIX),
    "danp, as many passes": Entry(  # as dnp over time takes: 17 a step in place of 2
        rules.DANP, ACTIVITY | MATRIX, times=8.5, only=(DRIVEN, ("mackey-glass", 100, "ideal"))
    ),
    "danp, running norm": Entry(rules.DANP, ACTIVITY | MATRIX, {"norm": "running"}),
    "danp, bounded norm": Entry(rules.DANP, ACTIVITY | MATRIX, {"norm": "bounded", "average": 0.1}, only=(DRIVEN,)),
    "danp, 4 samples": Entry(rules.DANP, ACTIVITY | MATRIX, {"samples": 4}),
    "danp, 16 samples": Entry(rules.DANP, ACTIVITY | MATRIX, {"samples": 16}),
    "np over time": Entry(rules.NP_OVER_TIME, STEPS_BACK),
    "dnp over time": Entry(rules.DNP_OVER_TIME, STEPS_BACK | MATRIX),
    "dnp over time, 4 samples": Entry(rules.DNP_OVER_TIME, STEPS_BACK | MATRIX, {"samples": 4}, only=(DRIVEN,)),
    "dnp over time, 64 samples": Entry(rules.DNP_OVER_TIME, STEPS_BACK | MATRIX, {"samples": 64}),
    "dnp over time, 1 sample": Entry(rules.DNP_OVER_TIME, STEPS_BACK | MATRIX, {"samples": 1}, only=(DRIVEN,)),
    "dnp over time, without signs": Entry(
        rules.DNP_OVER_TIME, STEPS_BACK | MATRIX | {"lr": log(1e-4, 1.0)}, {"sign": False, "lr": 0.03}, only=(DRIVEN,)
    ),
    "dnp at once with signs": Entry(
        rules.DNP_OVER_TIME,
        STEPS_BACK | MATRIX | {"interval": one_of(1), "carry": below_one(0.02, 1.0)},
        {"interval": 1, "carry": 0.9},
        only=(DRIVEN,),
    ),
    "dnp over time, norm over the layer": Entry(
        rules.DNP_OVER_TIME, STEPS_BACK | MATRIX, {"norm": "layer"}, only=(DRIVEN, ("digits", 100, "ideal"))
    ),
    "danp over time, norm over the layer": Entry(rules.DANP_OVER_TIME, STEPS_BACK | MATRIX, {"norm": "layer"}, only=(DRIVEN,)),
    "readout-only": Entry(rules.DANP, READOUT | MATRIX, ALONE),
    "readout-only, after tbptt": Entry(rules.DANP, READOUT | SLOWER_MATRIX, ALONE, after="tbptt"),
    "danp, after tbptt": Entry(rules.DANP, ACTIVITY | SLOWER | SLOWER_MATRIX, after="tbptt"),
    "readout-only, accumulated": Entry(rules.DANP, READOUT | MATRIX | ACCUMULATED, ALONE | WAIT),
    "danp, accumulated": Entry(rules.DANP, ACTIVITY | SLOWER | MATRIX | ACCUMULATED, WAIT),
    "dnp over time, accumulated": Entry(
        rules.DNP_OVER_TIME,
        {name: STEPS_BACK[name] for name in ("lr", "readout_lr", "interval")} | MATRIX | ACCUMULATED,
        {"momentum": 0.0} | WAIT,
    ),
    "readout-only, verified": Entry(rules.DANP, READOUT | MATRIX | ACCUMULATED, ALONE | VERIFY),
    "danp, verified": Entry(rules.DANP, ACTIVITY | {"decorrelation_lr": log(3e-4, 1e-2)} | ACCUMULATED | {"sigma": log(3e-3, 0.2)}, VERIFY),
    "dnp over time, pairs, verified": Entry(rules.DNP_OVER_TIME, LOUD, IN_PAIRS | VERIFY, sigma=0.1),
    "dnp over time, pairs": Entry(
        rules.DNP_OVER_TIME,
        {name: choose for name, choose in LOUD.items() if name != "threshold"},
        IN_PAIRS,
        sigma=0.1,
        only=(("mackey-glass-driven", 100, "digital-8bit"),),
    ),
    "readout-only, after tbptt, accumulated": Entry(rules.DANP, READOUT | SLOWER_MATRIX | ACCUMULATED, ALONE | WAIT, after="tbptt"),
    "danp, after tbptt, accumulated": Entry(rules.DANP, ACTIVITY | SLOWER | SLOWER_MATRIX | ACCUMULATED, WAIT, after="tbptt"),
    "readout-only, after tbptt, verified": Entry(rules.DANP, READOUT | SLOWER_MATRIX | ACCUMULATED, ALONE | VERIFY, after="tbptt"),
    "one-step gradient": Entry(rules.Gradient, {"lr": GRADIENT["lr"]}, {"method": "tbptt", "k": 1}),
    "tbptt": Entry(rules.Gradient, TBPTT, {"method": "tbptt"}),
    "tbptt, twice the epochs": Entry(rules.Gradient, TBPTT, {"method": "tbptt"}, times=2.0),
    "readout by gradient": Entry(rules.Gradient, GRADIENT, {"method": "tbptt", "learns": "readout"}),
    "eprop": Entry(rules.Gradient, GRADIENT, {"method": "eprop"}),
    "rflo": Entry(rules.Gradient, GRADIENT, {"method": "rflo"}),
}
REFERENCES = (
    "one-step gradient",
    "tbptt",
    "tbptt, twice the epochs",
    "readout by gradient",
    "eprop",
    "rflo",
)  # not local, run on the ideal chip
PROGRAMMED = "tbptt"  # whose weights are programmed into the other chips as they are
WEATHER = {"target": "DryBulbFarenheit", "horizon": 1, "drop": ("DryBulbCelsius", "WetBulbCelsius", "DewPointCelsius")}


class Work(NamedTuple):
    """A task, for how long it is learned, and by what."""

    make: Any
    epochs: int
    title: str
    batch: int = 1
    network: dict[str, Any] = {}
    chip: dict[str, Any] = {}
    rules: dict[str, Entry] = RULES
    stages: tuple[tuple[int, int, int], ...] = STAGES
    largest: int = LARGEST  # network tuned in full on ideal numbers


def on_spikes(window: int, times: float, **activity: Any) -> dict[str, Entry]:
    """Rules for spiking networks; gradients in windows of so many steps and for so many times the epochs.

    What a spike changes it changes later, so that perturbation needs a trace; and it changes nothing or much, so that activity perturbation
    divides by a running power.
    """
    activity = {"norm": "running"} | activity
    node = activity | {"lr": 1e-3, "readout_lr": 0.01}
    del node["norm"]
    since = {"trace": one_of(0.5, 0.8, 0.95), "carry": below_one(0.02, 0.5)}
    space, node_space = ({"lr": log(1e-4, 0.1), "readout_lr": log(low, high)} | since for low, high in ((1e-3, 1.0), (1e-4, 0.1)))
    gradient = {"lr": log(3e-4, 3e-2), "surrogate": one_of(0.3, 1.0)}
    whole = {"k": window, "lr": 5e-3}
    return {
        "anp": Entry(rules.ANP, space, activity),
        "anp, 16 samples": Entry(rules.ANP, space, activity | {"samples": 16, "lr": max(activity["lr"], 0.01)}),
        "danp": Entry(rules.DANP, space | MATRIX, activity),
        "dnp": Entry(rules.DNP, node_space | MATRIX, node),
        "readout-only": Entry(rules.ANP, {"readout_lr": space["readout_lr"]} | since, activity | ALONE),
        "tbptt": Entry(rules.Gradient, gradient, {"method": "tbptt"} | whole, times),
        "eprop": Entry(rules.Gradient, gradient, {"method": "eprop", "eligibility": "factorised"} | whole, times),
    }


def spiking(readout_s: float, **adapts) -> dict[str, Any]:
    """Neurons with a threshold that remembers, and a readout of its own time constant, which starts small."""
    neuron = ns.neurons.ALIF(tau_syn=0.0, refractory=STEP, **adapts)
    return {"neuron": neuron, "readout": ns.neurons.LI(tau_mem=readout_s), "readout_gain": 0.3}


STEP = 5e-3
ON_SPIKES = {"chip": {"step_s": STEP, "noise__sigma": 0.03}, "stages": FEW}
TRIALS = {"step_s": STEP, "sequences": 200, "delay": 0.1, "recall": 0.1}
TASKS = {
    "mackey-glass": Work(ns.tasks.by_name["mackey-glass"], 12, "Forecasting Mackey-Glass, 15 steps ahead", largest=500),
    "mackey-glass-reversed": Work(ns.tasks.by_name["mackey-glass-reversed"], 12, "Recalling Mackey-Glass, the published arrangement", largest=500),
    "mackey-glass-driven": Work(
        ns.tasks.by_name["mackey-glass"], 12, "Forecasting Mackey-Glass with an input gain of 8", network={"input_gain": 8.0}, largest=500
    ),
    "mackey-glass-small": Work(ns.tasks.by_name["mackey-glass"], 3, "Forecasting Mackey-Glass, as the tests tune it", stages=FEW),
    "copy-memory": Work(ns.tasks.by_name["copy-memory"], 12, "Copying memory, strings of 100 symbols"),
    "forecast-csv": Work(ns.tasks.by_name["forecast-csv"], 6, "Forecasting the weather, one hour ahead"),
    "digits": Work(ns.tasks.by_name["digits"], 12, "Handwritten digits, row by row"),
    "cue-accumulation": Work(
        lambda: ns.tasks.CueAccumulation(cues=3, **TRIALS), 12, "Cue accumulation, three cues, asked 0.15 s after the last", 5,
        spiking(50e-3, tau_adaptation=1.0, beta_adaptation=0.15) | {"gain": 2.0}, rules=on_spikes(1000, 0.5, lr=1e-3, readout_lr=0.2, trace=0.9, carry=0.95),
        **ON_SPIKES,
    ),
    "delayed-match": Work(
        lambda: ns.tasks.DelayedMatch(**TRIALS), 12, "Delayed match to sample, two stimuli, 0.1 s between them", 5,
        spiking(50e-3, tau_adaptation=1.0, beta_adaptation=0.6) | {"gain": 1.5}, rules=on_spikes(1000, 0.5, lr=0.01, readout_lr=0.1, trace=0.95, carry=0.98), **ON_SPIKES,
    ),
    "mackey-glass-in-spikes": Work(
        ns.tasks.by_name["mackey-glass"], 8, "Forecasting Mackey-Glass, 15 steps ahead, through an LI readout", 1,
        spiking(20e-3, tau_adaptation=0.1, beta_adaptation=0.03) | {"gain": 2.0}, rules=on_spikes(50, 1, lr=0.03, readout_lr=0.1, trace=0.8, carry=0.9), **ON_SPIKES,
    ),
    "digits-in-spikes": Work(
        lambda: ns.tasks.Digits(repeat=4, code="rate"), 8, "Handwritten digits, row by row, in spikes whose rate is the brightness", 2,
        spiking(20e-3, tau_adaptation=0.1, beta_adaptation=0.03) | {"gain": 2.0}, rules=on_spikes(32, 1, lr=3e-3, readout_lr=0.03, trace=0.8, carry=0.9), **ON_SPIKES,
    ),
}  # fmt: skip

STUDIED = ("mackey-glass", "mackey-glass-driven", "mackey-glass-reversed", "forecast-csv", "copy-memory", "digits")  # unless told otherwise


def task_of(name, csv):
    return TASKS[name].make(**({"csv": csv} | WEATHER if name == "forecast-csv" else {}))


def epochs_of(task, rule) -> int:
    return int(TASKS[task].epochs * TASKS[task].rules[rule].times)


ASKED = ("task", "rule", "options", "chip", "hidden", "epochs", "seed")


def job(task, rule, options, chip, hidden, epochs, seed) -> dict[str, Any]:
    return dict(zip(ASKED, (task, rule, options, chip, hidden, epochs, seed), strict=True))
