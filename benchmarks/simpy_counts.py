"""Cells of the counts replay on Fargate as simpy processes: ``python benchmarks/simpy_counts.py``, given and answering JSON.

On stdin: ``{"loads": [[...]], "least", "saturates_at", "start_steps"}``; answers ``{"seconds", "placed": [last of each]}``.
The policy is that of :class:`advisor.simulate.replay.ScalingRules` by default.
"""

import json
import math
import sys
import time

import simpy

OUT_POINTS, IN_POINTS, COOLDOWN, LOW = 3, 15, 5, 0.9


class Cell:
    """A service whose metric is looked at every step."""

    def __init__(self, env, load, least, saturates_at, start_steps):
        self.env, self.load, self.least, self.cap, self.start_steps = env, load, least, saturates_at, start_steps
        self.desired = self.placed = self.running = max(math.ceil(load[0] * (1 - 1e-9)), least)
        env.process(self.live())

    def start(self, tasks):
        yield self.env.timeout(self.start_steps - 0.5)
        self.running += tasks

    def live(self):
        above = below = base = 0
        last_out = last_in = -math.inf
        for now, value in enumerate(self.load):
            if self.desired < self.placed:
                self.running -= self.placed - self.desired
            elif self.desired > self.placed:
                self.env.process(self.start(self.desired - self.placed))
            self.placed = self.desired
            metric = min(value / self.running, self.cap)
            above = above + 1 if metric > 1 + 1e-9 else 0
            below = below + 1 if metric < LOW * (1 - 1e-9) else 0
            if above >= OUT_POINTS:
                first = self.running if now - last_out >= COOLDOWN else base
                wanted = math.ceil(first * metric * (1 - 1e-9))
                if wanted > self.desired:
                    self.desired, last_out, base, last_in = wanted, now, first, -math.inf
            elif below >= IN_POINTS and now - last_in >= COOLDOWN:
                wanted = max(math.ceil(self.running * metric * (1 - 1e-9)), self.least)
                if wanted < self.desired:
                    self.desired, last_in = wanted, now
            yield self.env.timeout(1)


def main():
    given = json.load(sys.stdin)
    env = simpy.Environment()
    cells = [Cell(env, load, given["least"], given["saturates_at"], given["start_steps"]) for load in given["loads"]]
    began = time.process_time()
    env.run()
    json.dump({"seconds": time.process_time() - began, "placed": [cell.placed for cell in cells]}, sys.stdout)


if __name__ == "__main__":
    main()
