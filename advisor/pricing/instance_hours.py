"""Instance-hours by the operating system of their tasks."""

from advisor.ecs import InstanceType, PurchaseOption
from advisor.meters import Meter, instance_hour, spot_pool_hour, windows_instance_hour, windows_spot_pool_hour


def hour_on(instance_type: InstanceType, purchase_option: PurchaseOption) -> Meter:
    """An instance-hour of a plan, with the operating system of its tasks; Spot as one of a pool."""
    if purchase_option is PurchaseOption.SPOT:
        return (windows_spot_pool_hour if instance_type.is_windows else spot_pool_hour)(instance_type.name)
    return (windows_instance_hour if instance_type.is_windows else instance_hour)(instance_type.name, purchase_option)


def is_instance_price(meter_id: str) -> bool:
    """Whether a meter is an instance-hour, on demand or Spot, of either operating system."""
    return meter_id.startswith(("ec2:linux:", "ec2:windows:")) and ":surplus:" not in meter_id
