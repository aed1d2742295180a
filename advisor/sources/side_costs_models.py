"""What surrounds the tasks, in the workload file."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from advisor.sources.constraints_models import Entry, refusal

Quantity = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]


class SideCostsEntry(Entry):
    """What surrounds the tasks and is to be counted: the same for every alternative, so on lines of its own. Default none."""

    load_balancers: Quantity | None = Field(None, description="Application Load Balancers.")
    load_balancer_lcus: Quantity | None = Field(None, description="LCUs that all of them use, on average.")
    network_load_balancers: Quantity | None = Field(None, description="Network Load Balancers.")
    network_load_balancer_lcus: Quantity | None = Field(None, description="NLCUs that all of them use, on average.")
    nat_gateways: Quantity | None = Field(None, description="NAT gateways.")
    nat_gib_per_month: Quantity | None = Field(None, description="GiB through all NAT gateways, either way.")
    interface_endpoints: Quantity | None = Field(None, description="Interface endpoints, counted in each zone.")
    interface_endpoint_gib_per_month: Quantity | None = Field(None, description="GiB through all interface endpoints.")
    inter_az_gib_per_month: Quantity | None = Field(
        None, description="GiB from one zone to another; billed in both directions, so twice."
    )
    internet_out_gib_per_month: Annotated[float, Field(gt=0, le=10_240, allow_inf_nan=False)] | None = Field(
        None, description="GiB to the internet, at the rate of the first 10 TB."
    )
    other_regions_gib_per_month: Quantity | None = Field(None, description="GiB to other Regions.")
    logs_gib_per_month: Quantity | None = Field(None, description="GiB that CloudWatch Logs ingests.")
    logs_stored_gib: Quantity | None = Field(None, description="GiB that CloudWatch Logs keeps, as stored.")
    custom_metrics: Quantity | None = Field(None, description="CloudWatch custom metrics, at the rate of the first 10,000.")
    container_insights_metrics: Quantity | None = Field(
        None, description="Metrics of Container Insights with enhanced observability."
    )
    alarms: Quantity | None = Field(None, description="CloudWatch alarms of standard resolution.")
    ecr_gib: Quantity | None = Field(None, description="GiB of images in ECR.")

    @model_validator(mode="after")
    def _units_of_something(self) -> Self:
        for what, units in (
            ("load_balancers", "load_balancer_lcus"),
            ("network_load_balancers", "network_load_balancer_lcus"),
            ("nat_gateways", "nat_gib_per_month"),
            ("interface_endpoints", "interface_endpoint_gib_per_month"),
        ):
            if getattr(self, what) is None and getattr(self, units) is not None:
                raise refusal(f"{units} is given without {what}", f"Add {what}.")
        return self
