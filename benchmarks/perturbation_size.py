"""How large a perturbation has to be on a chip: how well node perturbation estimates the gradient there, by the size of what it is given.

    python benchmarks/perturbation_size.py [--chips ideal,reram-es] [--write]

A network of 100 neurons, whose readout has learned to forecast Mackey-Glass (input gain of 8) on ideal numbers, is mapped to each chip.
There np-over-time asks its recurrent weights for changes for one epoch of 5000 steps, of which none is written: a threshold beyond reach
keeps the sum of all in the register of every synapse. The table has the cosine of that sum with the gradient that tbptt (50 steps) sums up
for the same weights on ideal numbers, median over three seeds; 16 perturbed passes each, compared with a clean one or in eight pairs; and by
one that is perturbed every step, with credit over about ten steps (`rule.carry` of 0.9), whose passes are compared with a clean one. Beside
it stands by how much the currents of two clean passes differ. With --write it replaces the one in docs/learning.md.
"""

import argparse
import pathlib
import statistics

import numpy as np

import hw_models as hw
import neurosim as ns
from neurosim.bptt import GradientLearner
from neurosim.train import train

CHIPS = "ideal,digital-8bit,digital-16bit,analog-noisy,pcm-hermes,ecram,reram-es"
SIZES = (0.003, 0.01, 0.03, 0.1, 0.3)
WAYS = {
    "with a clean pass": {"samples": 16},
    "in pairs": {"samples": 8, "passes": "antithetic"},
    "every step": {"samples": 16, "interval": 1, "carry": 0.9},
}
SEEDS = (1, 2, 3)
NETWORK, TASK = ns.Network(1, 100, 1, input_gain=8.0), ns.tasks.MackeyGlass()
PAGE = pathlib.Path(__file__).parent.parent / "docs" / "learning.md"


def flat(w) -> np.ndarray:
    return np.asarray(w, np.float64).ravel()


def gradient(weights, data, seed) -> np.ndarray:
    """What plain gradient descent asks of the recurrent weights in an epoch, at a rate at which they stay where they are."""
    learner = GradientLearner(NETWORK, ns.rules.Gradient("tbptt", k=50, optimizer="sgd", lr=1e-9), seed, dtype="float64")
    learner.program(weights)
    before = flat(learner.weights[1])
    learner.learn(data.inputs, data.targets, data.counted)
    return flat(learner.weights[1]) - before


def estimate(chip, weights, data, seed, **options) -> np.ndarray:
    """What node perturbation asks of them on a chip."""
    rule = ns.rules.NP_OVER_TIME(sign=False, momentum=0.0, readout_lr=0.0, threshold=1e6, **options)
    simulator = ns.Simulator(NETWORK, chip, seed, rule.learning())
    simulator.program(weights, fit=True)
    simulator.learn(*(part.astype(part.dtype if part.dtype == bool else np.float32) for part in (data.inputs, data.targets, data.counted)))
    return flat(simulator.waiting[1])


def own_noise(chip, weights, data, seed) -> float:
    """By how much two passes differ that nothing perturbs, as a standard deviation of each."""
    simulator = ns.Simulator(NETWORK, chip, seed)
    simulator.program(weights, fit=True)
    two = simulator.run(np.repeat(data.inputs[:1, :1000], 2, axis=0).astype(np.float32), ("h",))["h"]
    return float(np.std(two[0] - two[1]) / 2**0.5)


def cosine(a, b) -> float:
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def table(chips) -> str:
    lines = [
        f"| chip | its own | currents differ by | {' | '.join(f'{size:g}, {way}' for way in WAYS for size in SIZES)} |",
        f"|---|---|---|{'---|' * (len(WAYS) * len(SIZES))}",
    ]
    found = []
    for seed in SEEDS:
        run = train(NETWORK, TASK, ns.rules.DANP(lr=0.0), epochs=4, seed=seed, baselines=False)
        weights, data = [w.astype(np.float64) for w in run.learner.weights], run.dataset.train
        found.append((seed, weights, data, gradient(weights, data, seed)))
    for name in chips:
        chip, cells = hw.load(name).replace(memory={"kind": "unlimited"}), []
        for options in WAYS.values():
            for size in SIZES:
                there = chip.replace(noise__sigma=size)
                cosines = [cosine(estimate(there, weights, data, seed, **options), truth) for seed, weights, data, truth in found]
                cells.append(f"{statistics.median(cosines):.2f}")
        noise = statistics.median(own_noise(chip, weights, data, seed) for seed, weights, data, _ in found)
        lines.append(f"| {name} | {hw.load(name).noise.sigma:g} | {noise:.2g} | {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--chips", default=CHIPS)
    parser.add_argument("--write", action="store_true", help="put the table into docs/learning.md")
    options = parser.parse_args()
    made = table(options.chips.split(","))
    print(made)
    if options.write:
        start, end = "<!-- perturbation size -->\n", "<!-- end perturbation size -->"
        before, _, rest = PAGE.read_text().partition(start)
        PAGE.write_text(f"{before}{start}{made}\n{end}{rest.partition(end)[2]}")


if __name__ == "__main__":
    main()
