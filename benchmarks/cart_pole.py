"""How a rule that hears nothing but reward learns to balance a pole: the table of docs/environments.md.

    python benchmarks/cart_pole.py [--seeds 42,101,300,482,708] [--chips ideal,digital-8bit]

Node perturbation in a single pass: the network acts with its noise on, and every reward is compared with the running mean of rewards. A
fall costs 1, every step gives 1. Tested without noise, before learning and after every epoch, on episodes that learning never sees.
"""

import argparse
import pathlib
import platform
import statistics

import hw_models as hw
import neurosim as ns

PAGE = pathlib.Path(__file__).resolve().parent.parent / "docs" / "environments.md"
START, END = "<!-- cart-pole -->", "<!-- end -->"
SIGMA, BATCH, HIDDEN, EPOCHS = 0.3, 8, 32, 12
RULE = ns.rules.NP(lr=0.01, readout_lr=0.01, passes="noisy", trace=0.9, average=0.1)
TASK = ns.tasks.Gym("CartPole-v1", penalty=1.0)


def balance(chip: str, seed: int) -> tuple[float, float, float, int, float]:
    """Mean return of tests: of random actions, before learning, after it; and steps of all networks, and how long they took."""
    there = hw.load(chip)
    run = ns.train(
        ns.Network(4, HIDDEN, 2), TASK, RULE, there.replace(noise=there.noise._replace(sigma=SIGMA)), epochs=EPOCHS, batch=BATCH, seed=seed,
        anneal=1.0,
    )  # fmt: skip
    before = (-run.baselines[name]["test"] for name in ("random", "untrained"))
    return (*before, -run.epochs[-1].test, run.steps, run.seconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="42,101,300,482,708")
    parser.add_argument("--chips", default="ideal,digital-8bit")
    given = parser.parse_args()
    rows = [
        f"{EPOCHS} epochs of {TASK.episodes} episodes, {BATCH} side by side, {HIDDEN} hidden neurons, noise of {SIGMA}; mean return of "
        f"{TASK.tests} episodes, of at most 500. Made on {platform.machine()}, Python {platform.python_version()}.\n",
        "| chip | random actions | before learning | after, median | per seed | µs a call of 8 steps |",
        "|---|---|---|---|---|---|",
    ]
    for chip in given.chips.split(","):
        found = [balance(chip, int(seed)) for seed in given.seeds.split(",")]
        random, untrained, after, steps, seconds = zip(*found)
        row = statistics.mean(random), statistics.mean(untrained), statistics.median(after)
        rows.append(
            f"| {chip} | {' | '.join(f'{x:.0f}' for x in row)} | {', '.join(f'{x:.0f}' for x in after)} | {1e6 * sum(seconds) / sum(steps):.0f} |"
        )
        print(rows[-1], flush=True)
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(START)
    PAGE.write_text(f"{before}{START}\n{chr(10).join(rows)}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
