"""What every plan must keep to, as the workload file states it; and what all its models share."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from advisor.errors import PlanError
from advisor.plan import terms_of

LaunchTypeName = Literal["EC2", "FARGATE", "MANAGED_INSTANCES"]


def refusal(problem: str, fix: str) -> PydanticCustomError:
    """A problem with its own fix."""
    return PydanticCustomError("refusal", "{problem}", {"problem": problem, "fix": fix})


def _terms(terms: list[str]) -> list[str]:
    try:
        terms_of(terms)
    except PlanError as error:
        raise refusal(str(error), "Write `terms: [none]`, or such as `terms: [1y:no_upfront]`.") from None
    return terms


class Entry(BaseModel):
    """A mapping of the file: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


TypePattern = Annotated[str, Field(pattern=r"^[a-z0-9.*?\[\]!-]+$")]


class ConstraintsEntry(Entry):
    """What every plan must keep to."""

    launch_types: list[LaunchTypeName] | None = Field(
        None, min_length=1, description="Launch types to choose from. Default: all."
    )
    instance_types: list[TypePattern] | None = Field(
        None, min_length=1, description="Names or shell patterns, such as m7*. Default: all."
    )
    zones: Annotated[int, Field(ge=1, le=6)] | None = Field(None, description="Availability Zones to spread over. Default 2.")
    trunking: bool | None = Field(
        None, description="Whether awsvpc trunking may be used on EC2; Managed Instances have it. Default true."
    )
    terms: Annotated[list[str], AfterValidator(_terms)] = Field(
        ["none"],
        min_length=1,
        description="Terms of Savings Plans that may be bought with the recommended plan: years, a payment option and a kind,"
        " such as 1y:no_upfront or 3y:all_upfront:compute_savings_plan. 1y alone stands for every payment option, and without a"
        " kind both may be bought. Launch types are then compared with what is best bought for each. Default: [none].",
    )
    work_per_vcpu: (
        Literal["coremark"] | dict[TypePattern, Annotated[float, Field(ge=0.1, le=10, allow_inf_nan=False)]] | None
    ) = Field(
        None,
        description="Work of a vCPU of each instance type: `coremark`, or factors by shell pattern, of which the first that"
        " matches counts. Tasks on a type reserve so much less CPU; types without a factor are left out. Default: 1 on every"
        " type.",
    )
    ecs_reserved_memory: Annotated[int, Field(ge=0, le=1_048_576)] | None = Field(
        None,
        description="MiB that the agent keeps from tasks on each instance of EC2, as its ECS_RESERVED_MEMORY says. Default 0.",
    )
    measured_on: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*\.[a-z0-9-]+$")] | None = Field(
        None, description="With `coremark`: the instance type that counts 1. Default: the one type of present.instances."
    )

    @model_validator(mode="after")
    def _measured_on_for_coremark(self) -> Self:
        if self.measured_on is not None and self.work_per_vcpu != "coremark":
            raise refusal("measured_on is given without work_per_vcpu: coremark", "Add it, or leave measured_on out.")
        return self
