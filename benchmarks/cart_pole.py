"""How a rule that hears nothing but reward learns to balance a pole: the table of docs/environments.md.

    python benchmarks/cart_pole.py [--seeds 42,101,300,482,708] [--chips ideal,digital-8bit]

Node perturbation in a single pass: the network acts with its noise on, and every reward is compared with the running mean of rewards. A
fall costs 1, every step gives 1. Tested without noise, before learning and after every epoch, on episodes that learning never sees; the best
epoch is that with the best return on other episodes.
"""

import argparse
import pathlib
import platform
import statistics

import hw_models as hw
import neurosim as ns
from neurosim.experiment import Experiment, Settings, make_learner
from neurosim.train import missed, wandering

PAGE = pathlib.Path(__file__).resolve().parent.parent / "docs" / "environments.md"
START, END = "<!-- cart-pole -->", "<!-- end -->"
SIGMA, BATCH, HIDDEN, EPOCHS = 0.3, 8, 32, 12
RULE = ns.rules.NP(lr=0.01, readout_lr=0.01, passes="noisy", trace=0.9, average=0.1)
TASK = ns.tasks.Gym("CartPole-v1", penalty=1.0)


def balance(chip: str, seed: int) -> tuple[float, float, float, int, float]:
    """Mean return of the tests before learning, after the last epoch and after the best one; steps taken side by side, and the seconds they took."""
    there = hw.load(chip)
    there = there.replace(noise=there.noise._replace(sigma=SIGMA))
    network = ns.Network(4, HIDDEN, 2)
    settings = {"epochs": EPOCHS, "batch": BATCH, "seed": seed, "anneal": 1.0, "keep": "best", "baselines": False}
    untrained = make_learner(Experiment(TASK, network, RULE, there, Settings(**settings)), TASK.load(seed))
    before = -missed(untrained, TASK.load(seed), "test")
    run = ns.train(network, TASK, RULE, there, **settings)
    return before, -run.epochs[-1].test, -run.final.test, run.steps, run.seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="42,101,300,482,708")
    parser.add_argument("--chips", default="ideal,digital-8bit")
    given = parser.parse_args()
    rows = [
        f"{EPOCHS} epochs of {TASK.episodes} episodes, {BATCH} side by side, {HIDDEN} hidden neurons, noise of {SIGMA}; mean return of "
        f"{TASK.tests} episodes, of at most 500; random actions get {-wandering(TASK.load(0), 'test'):.0f}. Made on {platform.machine()}, "
        f"Python {platform.python_version()}.\n",
        f"| chip | before learning, mean | after the last epoch, median | per seed | after the best epoch, median | per seed | µs for a step of {BATCH} |",
        "|---|---|---|---|---|---|---|",
    ]
    for chip in given.chips.split(","):
        before, *after, steps, seconds = zip(*(balance(chip, int(seed)) for seed in given.seeds.split(",")))
        said = " | ".join(f"{statistics.median(returns):.0f} | {', '.join(f'{x:.0f}' for x in returns)}" for returns in after)
        rows.append(f"| {chip} | {statistics.mean(before):.0f} | {said} | {1e6 * sum(seconds) / sum(steps):.0f} |")
        print(rows[-1], flush=True)
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(START)
    PAGE.write_text(f"{before}{START}\n{chr(10).join(rows)}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
