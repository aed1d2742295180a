"""The answer: ranked alternatives, the recommended one, why, and how sure."""

from advisor.recommend.result import (
    CLUSTER_SCOPE,
    Advice,
    Alternative,
    Recommendation,
    ServiceAdvice,
    Verdict,
    recommendation_schema,
)

__all__ = [
    "CLUSTER_SCOPE",
    "Advice",
    "Alternative",
    "Recommendation",
    "ServiceAdvice",
    "Verdict",
    "recommendation_schema",
]
