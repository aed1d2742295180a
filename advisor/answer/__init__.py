"""From a workload and a price catalog to an answer, and from that to a recommendation."""

from advisor.answer.advising import advise, answer, within
from advisor.answer.given import Answer
from advisor.answer.with_terms import recommended

__all__ = ["Answer", "advise", "answer", "recommended", "within"]
