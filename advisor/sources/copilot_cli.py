"""The real AWS Copilot CLI, run on emitted manifests against a stand-in for AWS on the loopback interface.

``copilot svc package`` prints the CloudFormation template of a manifest, but only for an application and an environment that
exist in an account. Copilot has no endpoint setting, so the stand-in is an HTTPS proxy: it says that they exist, and answers
nothing else. No request leaves the machine.
"""

import json
import os
import re
import shutil
import ssl
import subprocess
import tempfile
import threading
import urllib.parse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

import yaml

_ACCOUNT: Final = "123456789012"
_TIMEOUT_S: Final = 60
_FEATURES: Final = (
    "ALBWorkloads",
    "AppRunnerPrivateWorkloads",
    "EFSWorkloads",
    "InternalALBWorkloads",
    "NATWorkloads",
)
"""Parameters of an environment's stack, from which Copilot reads what the environment can do."""
_OUTPUT: Final = ("--output-dir", "infrastructure", "--allow-downgrade")
_VERSION: Final = "v1.33.0"
"""Of an environment's template; Copilot asks for an upgrade of older ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """What Copilot makes of one manifest."""

    template: Mapping[str, Any]
    """CloudFormation; an intrinsic function is a mapping from its long name."""
    parameters: Mapping[str, str]


def missing_for_copilot() -> str | None:
    """Why the Copilot CLI cannot be run here; None when it can."""
    missing = [name for name in ("copilot", "git", "openssl") if shutil.which(name) is None]
    return f"{' and '.join(missing)} not on the PATH" if missing else None


def package_with_copilot(
    files: Mapping[str, bytes], *, app: str, environment: str, region: str, workloads: Iterable[tuple[str, str]]
) -> dict[str, Package]:
    """CloudFormation that Copilot makes of each workload.

    Parameters
    ----------
    files
        A workspace: ``copilot/.workspace``, ``copilot/<name>/manifest.yml``, ...
    workloads
        Name and kind, ``svc`` or ``job``, of each.

    Returns
    -------
    dict
        By name of the workload, and that of the environment by ``environments/<name>``. Images that a manifest takes from the
        shell are made up.

    Raises
    ------
    CopilotRefusedError
        Copilot refused a manifest, or could not be run.
    """
    kinds = dict(workloads)
    with tempfile.TemporaryDirectory(prefix="advisor-copilot-") as name:
        folder = Path(name)
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        certificate = _certificate(folder, region)
        with _Account(app=app, environment=environment, region=region, workloads=kinds, certificate=certificate) as account:
            _run(["git", "init", "--quiet", str(folder)], folder, {"PATH": os.environ["PATH"]})
            settings = account.settings | _images(files)
            made = {name: _package(folder, kinds[name], name, environment, settings) for name in sorted(kinds)}
            return made | {f"environments/{environment}": _package_environment(folder, environment, settings)}


class CopilotRefusedError(Exception):
    """What Copilot said of a manifest."""


def _images(files: Mapping[str, bytes]) -> dict[str, str]:
    """A made-up image for every variable that a manifest wants from the shell."""
    wanted = {name for content in files.values() for name in re.findall(rb'"\$\{(IMAGE_\w+)\}"', content)}
    return {name.decode(): "image.invalid/made-up:1" for name in wanted}


def _package(folder: Path, kind: str, workload: str, environment: str, settings: Mapping[str, str]) -> Package:
    command = ["copilot", kind, "package", "--name", workload, "--env", environment]
    _run([*command, *_OUTPUT], folder, settings, what=workload)
    return _read(folder, f"{workload}-{environment}.stack.yml", f"{workload}-{environment}.params.json")


def _package_environment(folder: Path, environment: str, settings: Mapping[str, str]) -> Package:
    command = ["copilot", "env", "package", "--name", environment, "--force"]
    _run([*command, *_OUTPUT], folder, settings, what=f"environment {environment}")
    return _read(folder, f"{environment}.env.yml", f"{environment}.env.params.json")


def _read(folder: Path, template: str, parameters: str) -> Package:
    made = folder / _OUTPUT[1]
    return Package(
        template=yaml.load((made / template).read_text(encoding="utf-8"), _TemplateLoader),  # noqa: S506 (a safe loader)
        parameters=json.loads((made / parameters).read_text(encoding="utf-8"))["Parameters"],
    )


class _TemplateLoader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms, which become their long ones."""


def _long_form(loader: _TemplateLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}  # type: ignore[arg-type]  # what is neither scalar nor sequence is a mapping


_TemplateLoader.add_multi_constructor("!", _long_form)


def _run(command: list[str], folder: Path, settings: Mapping[str, str], *, what: str | None = None) -> None:
    try:
        done = subprocess.run(  # noqa: S603 (names of the plan, checked when it was rendered; no shell)
            command,
            cwd=folder,
            env=dict(settings),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CopilotRefusedError(f"{command[0]} did not run: {error}") from error
    if done.returncode != 0:
        said = " ".join((done.stderr or done.stdout).split())
        raise CopilotRefusedError(f"{what}: {said}" if what else said)


def _certificate(folder: Path, region: str) -> Path:
    """A certificate for the hosts that Copilot asks, known to nobody else, with its key in the same file."""
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    hosts = ["sts.amazonaws.com", f"*.{region}.{suffix}"]
    names = ",".join(f"DNS:{host}" for host in hosts)
    key, certificate = folder / ".key.pem", folder / ".certificate.pem"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=loopback"]
    _run(
        [*request, "-addext", f"subjectAltName={names}", "-keyout", str(key), "-out", str(certificate)],
        folder,
        {"PATH": os.environ["PATH"], "HOME": str(folder)},
    )
    return certificate


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """Say nothing: what Copilot could not ask, Copilot says."""


class _Account:
    """A proxy that answers for one application with one environment."""

    def __init__(self, *, app: str, environment: str, region: str, workloads: Mapping[str, str], certificate: Path) -> None:
        self._app, self._environment, self._region, self._workloads = app, environment, region, workloads
        self._certificate = certificate
        self.unknown: list[str] = []
        """Requests without an answer here."""

    def __enter__(self) -> "_Account":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate, self._certificate.with_name(".key.pem"))
        self._server = _QuietServer(("127.0.0.1", 0), _handler(self, context))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def settings(self) -> dict[str, str]:
        """The whole environment of the command: the proxy, made-up credentials, nothing of the user's."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self._certificate.parent),
            "HTTPS_PROXY": f"http://127.0.0.1:{self._server.server_address[1]}",
            "SSL_CERT_FILE": str(self._certificate),
            "AWS_CA_BUNDLE": str(self._certificate),
            "AWS_ACCESS_KEY_ID": "loopback",
            "AWS_SECRET_ACCESS_KEY": "loopback",
            "AWS_REGION": self._region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "CI": "true",
        }

    def answer(self, target: str, body: bytes) -> tuple[int, str, bytes]:
        """Status, content type and body."""
        if target.endswith(".GetParameter"):
            return self._parameter(json.loads(body)["Name"])
        if target.endswith(".GetResources"):  # no topics to subscribe to
            return 200, "application/x-amz-json-1.1", b'{"ResourceTagMappingList": []}'
        form = dict(urllib.parse.parse_qsl(body.decode(errors="replace")))
        action = form.get("Action", target)
        result = self._result(action, form)
        if result is None:
            self.unknown.append(action)
            return 400, "text/xml", b"<ErrorResponse><Error><Code>ValidationError</Code></Error></ErrorResponse>"
        return 200, "text/xml", f"<{action}Response><{action}Result>{result}</{action}Result></{action}Response>".encode()

    def _parameter(self, name: str) -> tuple[int, str, bytes]:
        value = self._parameters().get(name)
        if value is None:
            return 400, "application/x-amz-json-1.1", b'{"__type": "ParameterNotFound"}'
        answer = {"Parameter": {"Name": name, "Type": "String", "Value": json.dumps(value), "Version": 1}}
        return 200, "application/x-amz-json-1.1", json.dumps(answer).encode()

    def _parameters(self) -> dict[str, object]:
        root, role = f"/copilot/applications/{self._app}", f"arn:aws:iam::{_ACCOUNT}:role/{self._app}-{self._environment}"
        environment = {
            "app": self._app,
            "name": self._environment,
            "region": self._region,
            "accountID": _ACCOUNT,
            "executionRoleARN": f"{role}-CFNExecutionRole",
            "managerRoleARN": f"{role}-EnvManagerRole",
        }
        workloads = {
            f"{root}/components/{name}": {
                "app": self._app,
                "name": name,
                "type": "Scheduled Job" if kind == "job" else "Backend Service",
            }
            for name, kind in self._workloads.items()
        }
        application = {"name": self._app, "account": _ACCOUNT, "version": "1.1"}
        return {root: application, f"{root}/environments/{self._environment}": environment, **workloads}

    def _result(self, action: str, form: Mapping[str, str]) -> str | None:
        match action:
            case "GetCallerIdentity":
                arn = f"arn:aws:iam::{_ACCOUNT}:user/loopback"
                return f"<Arn>{arn}</Arn><UserId>loopback</UserId><Account>{_ACCOUNT}</Account>"
            case "AssumeRole":
                keys = "<AccessKeyId>loopback</AccessKeyId><SecretAccessKey>loopback</SecretAccessKey>"
                session = f"{keys}<SessionToken>loopback</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>"
                return f"<Credentials>{session}</Credentials>"
            case "GetTemplateSummary":
                manifest = f"name: {self._environment}\ntype: Environment\n"
                return f"<Metadata>{escape(json.dumps({'Version': _VERSION, 'Manifest': manifest}))}</Metadata>"
            case "ListStackInstances":
                stack = f"<StackId>{_stack_id(self._region, 'StackSet')}</StackId><Region>{self._region}</Region>"
                return f"<Summaries><member>{stack}<Account>{_ACCOUNT}</Account></member></Summaries>"
            case "DescribeStacks":
                return self._stack(form.get("StackName", ""))
        return None

    def _stack(self, name: str) -> str | None:
        environment = f"{self._app}-{self._environment}"
        if name == environment:
            dns = f"{self._environment}.{self._app}.local"
            parameters = {"AppName": self._app, "EnvironmentName": self._environment, "ServiceDiscoveryEndpoint": dns}
            parameters |= dict.fromkeys(_FEATURES, "")
            outputs = {"EnvironmentSubdomain": f"{environment}.example.com", "PublicLoadBalancerDNSName": "front.example.com"}
        elif "StackSet" in name:
            parameters, outputs = {}, {"KMSKeyARN": f"arn:aws:kms:{self._region}:{_ACCOUNT}:key/1", "PipelineBucket": "bucket"}
        else:
            return None
        stack = f"<StackName>{environment}</StackName><StackId>{_stack_id(self._region, environment)}</StackId>"
        stack += "<StackStatus>CREATE_COMPLETE</StackStatus><CreationTime>2026-01-01T00:00:00Z</CreationTime>"
        stack += f"<Parameters>{_members('Parameter', parameters)}</Parameters><Outputs>{_members('Output', outputs)}</Outputs>"
        return f"<Stacks><member>{stack}</member></Stacks>"


def _stack_id(region: str, name: str) -> str:
    return f"arn:aws:cloudformation:{region}:{_ACCOUNT}:stack/{name}/1"


def _members(kind: str, values: Mapping[str, str]) -> str:
    return "".join(
        f"<member><{kind}Key>{key}</{kind}Key><{kind}Value>{escape(value)}</{kind}Value></member>"
        for key, value in values.items()
    )


def _handler(account: _Account, context: ssl.SSLContext) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def do_CONNECT(self) -> None:
            """Speak as whoever was asked for."""
            self.wfile.write(b"HTTP/1.1 200 Connection Established\r\n\r\n")
            self.connection = context.wrap_socket(self.connection, server_side=True)
            self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb")
            self.close_connection = False

        def finish(self) -> None:
            super().finish()
            self.connection.close()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, kind, answer = account.answer(self.headers.get("X-Amz-Target", ""), body)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)
            self.wfile.flush()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler
