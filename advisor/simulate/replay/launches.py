"""How many tasks Fargate launches in a step."""

from advisor.simulate.replay.rules import LaunchRate


class Bucket:
    """Tasks that may start, counted over all services. In a step may start what is left and what fills up meanwhile."""

    def __init__(self, rate: LaunchRate, step_s: int) -> None:
        self.most, self.per_step = rate.burst, rate.sustained_per_s * step_s
        self.left: float = rate.burst
        self.at = -1

    def open(self, t: int) -> int:
        """Tasks that may start in step ``t``."""
        self.left = min(self.most, self.left + self.per_step * (t - 1 - self.at)) + self.per_step
        self.at = t
        return int(self.left)

    def take(self, n_tasks: int) -> None:
        """Tasks that started in the step that was opened."""
        self.left = min(self.most, self.left - n_tasks)
