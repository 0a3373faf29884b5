"""Time of one online training step, ours against careful PyTorch doing the same, on one core, in one run.

    python benchmarks/step_time.py [--hidden 500] [--steps 2000] [--turns 5] [--json FILE]

Both run a clean and a perturbed pass in lock step, broadcast the loss change and update every weight by ANP (`anp`), and learn and apply
a decorrelating matrix in front of the readout as well (`danp`). PyTorch forms both passes in one product, without autograd, in place,
with the O(N**2) form of the decorrelation. It needs the extra "bench".
"""

import argparse
import json
import math
import time

import numpy as np
import torch

import hw_models as hw
from neurosim import rules
from neurosim.network import Network
from neurosim.simulator import Simulator


class Torch:
    """Online ANP with the step normalised by the energy of a neuron's inputs, batch 1; weights pre-major, the two passes as rows.

    The products are (2, N) x (N, N): with passes as columns PyTorch takes six times as long. Updates are in place, rank one.
    """

    def __init__(self, n, decorrelate):
        self.R, self.A, self.B = torch.randn(n, n) / math.sqrt(n), torch.randn(n), torch.randn(n) * math.sqrt(2 / (n + 1))
        self.D, self.x, self.decorrelate, self.n = torch.eye(n), torch.zeros(2, n), decorrelate, n
        self.h, self.next, self.hat, self.noise = torch.empty(2, n), torch.empty(2, n), torch.empty(2, n), torch.empty(n)

    @torch.no_grad()
    def learn(self, inputs, targets, lr=1e-5, readout_lr=1e-4, decorrelation_lr=1e-3, sigma=1e-3):
        for u, target in zip(inputs, targets, strict=True):
            torch.mm(self.x, self.R, out=self.h)
            self.h.add_(self.A, alpha=u)
            self.h[1].add_(self.noise.normal_(0.0, sigma))
            torch.tanh(self.h, out=self.next)
            seen = torch.mm(self.next, self.D, out=self.hat) if self.decorrelate else self.next
            y, noisy = torch.mv(seen, self.B).tolist()
            dy = noisy - y
            reward = -dy * (dy + 2 * (y - target))
            before, clean = self.x[0], seen[0]
            delta = torch.sub(self.h[1], self.h[0], out=self.noise)
            energy = before.dot(before).item() + u * u + 1e-6
            a = delta.mul_(lr * reward * self.n / ((delta.dot(delta).item() + 1e-20) * energy))
            self.R.addr_(before, a)
            self.A.add_(a, alpha=u)
            self.B.add_(clean, alpha=readout_lr * reward / ((dy + 1e-20) * (clean.dot(clean).item() + 1e-6)))
            if self.decorrelate:
                pull = torch.mv(self.D, clean)
                self.D.mul_(1 + clean * clean * decorrelation_lr).addr_(pull, clean, alpha=-decorrelation_lr)
            self.x, self.next = self.next, self.x


def best(function, turns):
    times = []
    for _ in range(turns):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def compare(rule, n, steps, turns) -> dict[str, float]:
    rng = np.random.default_rng(0)
    inputs, targets = (0.2 * rng.standard_normal((1, steps, 1)).astype(np.float32) for _ in range(2))
    learning = getattr(rules, rule.upper())(lr=1e-5, readout_lr=1e-4).learning()
    ours, theirs = Simulator(Network(1, n, 1), hw.load("ideal"), 1, learning), Torch(n, rule.startswith("d"))
    ours.prepare()
    flat = inputs[0, :, 0].tolist(), targets[0, :, 0].tolist()
    theirs.learn(flat[0][:20], flat[1][:20])
    found = {"neurosim_us": math.inf, "torch_us": math.inf}
    for _ in range(turns):  # in turn, so that both meet the same machine
        found["neurosim_us"] = min(
            found["neurosim_us"], best(lambda: ours.learn(inputs, targets, np.ones((1, steps), bool)), 1) / steps * 1e6
        )
        found["torch_us"] = min(found["torch_us"], best(lambda: theirs.learn(*flat), 1) / steps * 1e6)
    return {**found, "ratio": found["torch_us"] / found["neurosim_us"]}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hidden", type=int, default=500)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--json")
    options = parser.parse_args()
    torch.set_num_threads(1)
    results = {rule: compare(rule, options.hidden, options.steps, options.turns) for rule in ("anp", "danp")}
    for rule, r in results.items():
        print(
            f"{rule:5s} N = {options.hidden}: neurosim {r['neurosim_us']:.1f} us, PyTorch {r['torch_us']:.1f} us, {r['ratio']:.2f} times faster"
        )
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"torch": torch.__version__, "hidden": options.hidden, **results}, file, indent=2)
