"""Launch choice, task sizes, mixed fleets and Savings Plans in one search, with a bound that no plan beats."""

from advisor.optimize.joint.problem import JointPlan, JointProblem
from advisor.optimize.joint.solve import JointEffort, cheapest_plan

__all__ = ["JointEffort", "JointPlan", "JointProblem", "cheapest_plan"]
