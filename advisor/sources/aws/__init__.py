"""A live AWS account as a source: reads ECS, scaling and CloudWatch, changes nothing. boto3 loads on first use."""

from advisor.sources.aws.collect import DEFAULT_DAYS, cluster_names, collect_findings, collect_workload, workload_files
from advisor.sources.aws.findings import Findings, FoundService
from advisor.sources.aws.iam_policy import iam_policy
from advisor.sources.aws.saved import SavedAnswers
from advisor.sources.aws.session import Pace, open_session

__all__ = [
    "DEFAULT_DAYS",
    "Findings",
    "FoundService",
    "Pace",
    "SavedAnswers",
    "cluster_names",
    "collect_findings",
    "collect_workload",
    "iam_policy",
    "open_session",
    "workload_files",
]
