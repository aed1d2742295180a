"""Commitments of a workload file, held against its Region."""

from typing import TYPE_CHECKING

from advisor.plan import Commitment

if TYPE_CHECKING:
    from advisor.sources.workload_models import WorkloadEntry
    from advisor.sources.yaml_document import Document


def held_commitments(entry: "WorkloadEntry", region: str, document: "Document", notes: list[str]) -> tuple[Commitment, ...]:
    """What the account holds, with a note on what is assumed of it.

    Raises
    ------
    InputError
        A commitment is for another Region, where it covers nothing of this workload.
    """
    held = []
    for number, each in enumerate(entry.commitments):
        commitment = each.commitment()
        zone = commitment.zone
        if each.region not in (None, region):
            raise document.place(("commitments", number, "region")).error(
                f"a commitment for {each.region} covers nothing in {region}", fix="Leave it out."
            )
        if zone is not None and zone[:-1] != region:
            raise document.place(("commitments", number, "scope")).error(
                f"{zone} is no zone of {region}", fix=f"Write a zone such as {region}a, or `scope: region`."
            )
        held.append(commitment)
    if held:
        notes.append("Held commitments are taken to be free for this cluster: nothing else that the account runs uses them.")
    if any(commitment.zone for commitment in held):
        notes.append("Instances are taken to spread evenly over their zones, the zones of zonal Reserved Instances among them.")
    return tuple(held)
