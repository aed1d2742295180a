"""What keeps tasks of a service apart, in the workload file: placement constraints, and ports of the instance."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from advisor.plan import PortMapping
from advisor.plan.names import FIRST_DYNAMIC_PORT, RESERVED_HOST_PORTS
from advisor.sources.constraints_models import Entry, refusal


class PlacementConstraintEntry(Entry):
    """A placement constraint of the service, as in ECS."""

    type: Literal["distinctInstance"] = Field(
        description="distinctInstance: an instance holds one task of the service. For memberOf, see constraints.instance_types."
    )


class PortMappingEntry(Entry):
    """A port on which a container listens, as in a task definition."""

    container_port: Annotated[int, Field(ge=1, le=65_535)] = Field(description="On which the container listens.")
    host_port: Annotated[int, Field(ge=0, lt=FIRST_DYNAMIC_PORT)] = Field(
        0, description="Of the instance, in bridge mode: an instance holds one task with it. Default 0: any that is free."
    )
    protocol: Literal["tcp", "udp"] = Field(
        "tcp", description="A host_port of tcp and the same one of udp are two. Default tcp."
    )

    @model_validator(mode="after")
    def _one_that_instances_have(self) -> Self:
        if self.host_port in RESERVED_HOST_PORTS and self.protocol == "tcp":
            raise refusal(f"the instance keeps the port {self.host_port} for itself", "Map another host_port.")
        return self

    def mapping(self) -> PortMapping:
        """The same as a value of the library."""
        return PortMapping(container_port=self.container_port, host_port=self.host_port, protocol=self.protocol)
