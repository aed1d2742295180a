"""What can judge emitted files on this machine: botocore and our own rules always, other programs where they are installed."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import yaml

from advisor.sources.copilot_cli import CopilotRefusedError, Package, missing_for_copilot, package_with_copilot
from advisor.sources.request_rules import request_findings, set_findings

_TIMEOUT_S: Final = 300
_MOST_FINDINGS: Final = 20
"""Said of one check."""


class Outcome(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check of emitted files."""

    name: str
    outcome: Outcome
    details: tuple[str, ...] = ()
    """What was judged, what is wrong, or why nothing was checked."""

    def __str__(self) -> str:
        if self.outcome is not Outcome.FAILED:
            word = "because " if self.outcome is Outcome.NOT_CHECKED else ""
            return f"{self.outcome}: {self.name}" + (f", {word}{'; '.join(self.details)}" if self.details else "")
        shown = [f"  {detail}" for detail in self.details[:_MOST_FINDINGS]]
        rest = len(self.details) - len(shown)
        return "\n".join([f"{self.outcome}: {self.name}", *shown, *([f"  and {rest} more"] if rest > 0 else [])])


def verify_files(files: Mapping[str, bytes]) -> tuple[Check, ...]:
    """Judge a folder of one emitted format by all that is installed here.

    Parameters
    ----------
    files
        Relative path and content, as ``render_ecs`` and its like return them. What is in them decides what is checked:
        ``calls.json`` (requests of AWS APIs), CloudFormation templates, Terraform configurations, Copilot workspaces,
        definitions for ecspresso.

    Returns
    -------
    tuple
        Each check with its outcome. A program that is missing here makes its check ``NOT_CHECKED``, with the reason.
    """
    checks: list[Check] = []
    if "calls.json" in files:
        checks += _check_calls(files)
    if "ecspresso.json" in files:
        checks += _check_ecspresso(files)
    if "copilot/.workspace" in files:
        checks.append(_check_copilot(files))
    templates = [path for path in sorted(files) if _is_template(path, files[path])]
    if templates:
        checks.append(_check_templates(files, templates))
    if any(path.endswith(".tf") for path in files):
        checks += _check_terraform(files)
    return tuple(checks)


def _judged(name: str, findings: Iterable[str], what: str) -> Check:
    found = tuple(dict.fromkeys(findings))
    return Check(name=name, outcome=Outcome.FAILED if found else Outcome.PASSED, details=found or (what,))


def _check_calls(files: Mapping[str, bytes]) -> list[Check]:
    findings: list[str] = []
    calls: list[tuple[str, str, dict[str, Any]]] = []
    index = _json(files, "calls.json", findings)
    for entry in index.get("calls", ()):
        request = _json(files, entry["file"], findings)
        for member, path in entry.get("documents", {}).items():
            request[member] = json.dumps(_json(files, path, findings))
        calls.append((entry["service"], entry["operation"], request))
        findings += (f"{entry['file']}: {each}" for each in request_findings(entry["service"], entry["operation"], request))
    if not findings:
        findings += set_findings(calls)
    return [_judged("service models of botocore and rules of ECS", findings, f"{len(calls)} calls")]


def _json(files: Mapping[str, bytes], path: str, findings: list[str]) -> dict[str, Any]:
    try:
        document = json.loads(files[path])
    except KeyError:
        findings.append(f"{path} is missing")
    except ValueError as error:
        findings.append(f"{path} is not JSON: {error}")
    else:
        if isinstance(document, dict):
            return document
        findings.append(f"{path} is not a JSON object")
    return {}


def _check_ecspresso(files: Mapping[str, bytes]) -> list[Check]:
    """The definitions as the requests that ecspresso makes of them; it has no mode that needs no account."""
    findings: list[str] = []
    index = _json(files, "ecspresso.json", findings)
    requests = {"calls.json": json.dumps(index.get("index", {})).encode()}
    for path, own in index.get("definitions", {}).items():
        content = {own["file"]: files[own["file"]].replace(b"{{`{{`}}", b"{{")} if own["file"] in files else {}
        requests[path] = json.dumps(_json(content, own["file"], findings) | own["beside"]).encode()
    checks = _check_calls({**files, **requests})
    if findings:
        checks = [_judged(checks[0].name, [*findings, *checks[0].details], "")]
    unchecked = "every command of it asks AWS, so only its files were read"
    return [*checks, Check(name="ecspresso", outcome=Outcome.NOT_CHECKED, details=(unchecked,))]


def _is_template(path: str, content: bytes) -> bool:
    return path.endswith((".json", ".yaml", ".yml", ".template")) and b"AWSTemplateFormatVersion" in content


def _run(command: Sequence[str], folder: Path) -> tuple[int | None, str]:
    """Exit status and output; no status when the program did not end."""
    settings = {**os.environ, "TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1", "NO_COLOR": "1"}
    try:
        done = subprocess.run(  # noqa: S603 (fixed commands on files in a folder of our own; no shell)
            list(command),
            cwd=folder,
            env=settings,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, str(error)
    return done.returncode, done.stdout + done.stderr


def _written(folder: str, files: Mapping[str, bytes]) -> Path:
    for path, content in files.items():
        target = Path(folder) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return Path(folder)


def _check_templates(files: Mapping[str, bytes], templates: Sequence[str]) -> Check:
    if shutil.which("cfn-lint") is None:
        return Check(name="cfn-lint", outcome=Outcome.NOT_CHECKED, details=("cfn-lint is not on the PATH",))
    with tempfile.TemporaryDirectory(prefix="advisor-verify-") as name:
        folder = _written(name, {path: files[path] for path in templates})
        status, said = _run(["cfn-lint", "--format", "json", "--", *templates], folder)
    if status is None:
        return Check(name="cfn-lint", outcome=Outcome.NOT_CHECKED, details=(f"it did not run: {said}",))
    try:
        found = [
            f"{each['Filename']}:{each['Location']['Start']['LineNumber']}: {each['Rule']['Id']} {each['Message']}"
            for each in json.loads(said)
        ]
    except (KeyError, TypeError, ValueError):
        found = [] if status == 0 else [" ".join(said.split())]
    return _judged("cfn-lint", found, ", ".join(templates))


def _check_terraform(files: Mapping[str, bytes]) -> list[Check]:
    names = ("terraform fmt", "terraform validate")
    if shutil.which("terraform") is None:
        return [Check(name=name, outcome=Outcome.NOT_CHECKED, details=("terraform is not on the PATH",)) for name in names]
    with tempfile.TemporaryDirectory(prefix="advisor-verify-") as name:
        folder = _written(name, files)
        status, said = _run(["terraform", "fmt", "-check", "-recursive", "-no-color"], folder)
        listed = [f"not laid out as terraform would: {line}" for line in said.splitlines()] or [f"status {status}"]
        checks = [_judged("terraform fmt", listed if status else [], f"{sum(path.endswith('.tf') for path in files)} files")]
        root = folder / _terraform_root(files)
        status, said = _run(["terraform", "init", "-backend=false", "-no-color"], root)
        if status != 0:
            reason = " ".join(said[max(said.find("Error:"), 0) :].split())[:300]
            reason = f"terraform init found no provider or module; TF_CLI_CONFIG_FILE can name a mirror ({reason})"
            return [*checks, Check(name="terraform validate", outcome=Outcome.NOT_CHECKED, details=(reason,))]
        status, said = _run(["terraform", "validate", "-json", "-no-color"], root)
    return [*checks, _judged("terraform validate", _terraform_errors(status, said), "with the provider that is installed")]


def _terraform_root(files: Mapping[str, bytes]) -> str:
    """The folder nearest to the top that has configurations."""
    folders = {path.rpartition("/")[0] for path in files if path.endswith(".tf")}
    return min(folders, key=lambda folder: (folder.count("/"), len(folder), folder))


def _terraform_errors(status: int | None, said: str) -> list[str]:
    if status == 0:
        return []
    try:
        return [f"{each['summary']}: {each.get('detail', '')}".rstrip(": ") for each in json.loads(said)["diagnostics"]]
    except (KeyError, TypeError, ValueError):
        return [" ".join(said.split()) or f"status {status}"]


def _check_copilot(files: Mapping[str, bytes]) -> Check:
    missing = missing_for_copilot()
    if missing is not None:
        return Check(name="Copilot CLI", outcome=Outcome.NOT_CHECKED, details=(missing,))
    try:
        manifests = {
            path.split("/")[1]: yaml.safe_load(content)
            for path, content in files.items()
            if path.endswith("/manifest.yml") and not path.startswith("copilot/environments/")
        }
        environment = next(path.split("/")[2] for path in files if path.startswith("copilot/environments/"))
        region = files[f"copilot/environments/{environment}/manifest.yml"].split(b"\n")[0].rpartition(b" ")[2].decode()
        app = yaml.safe_load(files["copilot/.workspace"])["application"]
        kinds = [(name, "job" if each["type"] == "Scheduled Job" else "svc") for name, each in manifests.items()]
        packages = package_with_copilot(files, app=app, environment=environment, region=region, workloads=kinds)
    except CopilotRefusedError as error:
        return _judged("Copilot CLI", [str(error)], "")
    except (KeyError, StopIteration, TypeError, yaml.YAMLError) as error:
        return _judged("Copilot CLI", [f"the workspace lacks what Copilot needs ({type(error).__name__}: {error})"], "")
    findings = [f"{name}: {each}" for name in sorted(manifests) for each in _differences(manifests[name], packages[name])]
    return _judged("Copilot CLI", findings, f"{len(packages)} manifests, rendered by it offline")


def _differences(manifest: Mapping[str, Any], package: Package) -> list[str]:
    """Where Copilot made something else of a manifest: it ignores misspelt keys without a word."""
    expected = {"TaskCPU": str(manifest["cpu"]), "TaskMemory": str(manifest["memory"])}
    found = [
        f"{key} is {package.parameters.get(key)}, the manifest says {value}"
        for key, value in expected.items()
        if package.parameters.get(key) != value
    ]
    bounds = manifest.get("count", {}).get("range") if isinstance(manifest.get("count"), dict) else None
    targets = [each for each in package.template["Resources"].values() if each["Type"].endswith("::ScalableTarget")]
    rendered = [(each["Properties"]["MinCapacity"], each["Properties"]["MaxCapacity"]) for each in targets]
    if rendered != ([] if bounds is None else [(bounds["min"], bounds["max"])]):
        found.append(f"the range of tasks is {rendered}, the manifest says {bounds}")
    return found
