"""What a recommendation was made from: inputs, catalog, defaults."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from advisor.ecs import FARGATE_INCLUDED_STORAGE_GIB, WINDOWS_BOOT_S, WINDOWS_RESERVED_MIB, LaunchType
from advisor.optimize.parts import Part
from advisor.optimize.search import Search
from advisor.pricing import PriceCatalog
from advisor.recommend.result import Run
from advisor.simulate.instances import ROOT_VOLUME_GIB, WINDOWS_ROOT_VOLUME_GIB
from advisor.uncertainty import SEED
from advisor.units import HOURS_PER_WEEK
from advisor.version import __version__
from advisor.workload import LoadForm, Workload

MODEL_DEFAULTS: Mapping[str, str] = {
    "root volume": f"{ROOT_VOLUME_GIB} GiB gp3",
    "target capacity": "100 %",
    "daemons": "none",
    "work per vCPU": "1",
}
"""What no input of this version changes."""


def run_of(workload: Workload, search: Search, parts: Sequence[Part]) -> Run:
    """Of the recommended parts."""
    catalog = search.catalog
    end = workload.start + timedelta(hours=workload.span_hours)
    return Run(
        version=__version__,
        inputs=tuple({"path": file.path, "sha256": file.sha256} for file in (*workload.inputs, *catalog.inputs)),
        catalog=_catalog_dates(catalog, workload.region),
        seed=SEED,
        defaults={**workload.defaults_used, **_model_defaults(workload), **_fitted_memory(parts, search)},
        notes=(*workload.notes, *search.candidates.notes),
        start=workload.start.isoformat(),
        end=end.isoformat(),
        step_s=workload.step_s,
        weeks=workload.span_hours / HOURS_PER_WEEK,
        coverage_fraction=float(workload.measured.mean()),
        is_stated=all(service.is_stated for service in workload.services),
    )


def _fitted_memory(parts: Sequence[Part], search: Search) -> dict[str, str]:
    """Registered memory of the recommended instance types that nobody observed."""
    found: dict[str, str] = {}
    for part in parts:
        for member in search.candidates.members(part.provider.instance_types, is_windows=part.is_windows):
            t = search.candidates.types[member]
            if t.is_windows:
                name = f"registered memory of {t.name} with Windows"
                found[name] = f"{t.registered_memory_mib:,} MiB, a MiB less than nominal"
            elif not t.is_registered_memory_observed:
                found[f"registered memory of {t.name}"] = f"{t.registered_memory_mib:,} MiB (our fit)"
    return found


def _model_defaults(workload: Workload) -> Mapping[str, str]:
    stated = {"daemons"} if workload.daemons else set()
    stated |= {"work per vCPU"} if workload.constraints.work_per_vcpu else set()
    defaults = {name: value for name, value in MODEL_DEFAULTS.items() if name not in stated}
    asking = [each for each in workload.services if each.ephemeral_storage_gib > FARGATE_INCLUDED_STORAGE_GIB]
    if asking:
        storage = ", ".join(f"{each.ephemeral_storage_gib} GiB for each task of {each.name}" for each in asking)
        defaults["root volume"] += f", and {storage} that an instance has room for"
    if any(each.is_windows and each.why_off(LaunchType.EC2) is None for each in workload.services):
        defaults["root volume"] += f", {WINDOWS_ROOT_VOLUME_GIB} GiB with Windows"
        kept = "" if workload.constraints.ecs_reserved_memory_mib else f"{WINDOWS_RESERVED_MIB:,} MiB kept from tasks, "
        defaults["Windows instances"] = f"{kept}{WINDOWS_BOOT_S} s to boot"
    if workload.growth.is_none:
        is_assumed = any(service.is_stated and service.load_form is not LoadForm.TASKS for service in workload.services)
        defaults["growth"] = "0 beyond what an assumed load states" if is_assumed else "0"
    return defaults


def _catalog_dates(catalog: PriceCatalog, region: str) -> Mapping[str, str]:
    dates = catalog.dates(region)
    origin = catalog.origin(region)
    named = {} if origin is None else {"name": origin.name, "sha256": origin.sha256}
    return {"region": region, "newest": dates.newest, "oldest": dates.oldest, **named}
