"""What is shipped: price data found wherever the project is installed, and pinned requirements that match."""

import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
LOCKED = sorted(ROOT.glob("requirements*.txt"))


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(kind: str, folder: Path) -> Path:
    run(sys.executable, "-m", "build", "--no-isolation", f"--{kind}", "--outdir", folder, ROOT, cwd=folder)
    return next(folder.iterdir())


def price_data_seen_by(python: str | Path, *, cwd: Path) -> Path:
    ask = "from advisor.sources.catalog import pricing_data_folder; print(pricing_data_folder())"
    return Path(run(python, "-c", ask, cwd=cwd).strip())


def has_data_of_us_east_1(folder: Path) -> bool:
    return any("us-east-1" in path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """An environment of its own that borrows the dependencies, but not the project, of the one that runs the tests."""
    folder = tmp_path / "environment"
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip())
    # A folder named in a .pth file comes last on the path, and its own .pth files, such as our editable install, stay unread.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return python


def install(python: Path, *what: str | Path, cwd: Path) -> None:
    options = ("--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--ignore-installed")
    run(sys.executable, "-m", "pip", "--python", python, "install", *options, *what, cwd=cwd)


def test_a_checkout_reads_its_own_price_data():
    folder = price_data_seen_by(sys.executable, cwd=ROOT)
    assert folder == ROOT / "pricing_data"
    assert has_data_of_us_east_1(folder)


def test_an_editable_install_reads_the_price_data_of_the_checkout(python, tmp_path):
    install(python, "--editable", ROOT, cwd=tmp_path)
    assert price_data_seen_by(python, cwd=tmp_path) == ROOT / "pricing_data"


def test_a_wheel_reads_its_own_price_data(python, tmp_path):
    (tmp_path / "dist").mkdir()
    install(python, build("wheel", tmp_path / "dist"), cwd=tmp_path)
    folder = price_data_seen_by(python, cwd=tmp_path)
    assert folder.is_relative_to(tmp_path / "environment")
    assert has_data_of_us_east_1(folder)


def test_the_source_distribution_holds_what_the_tests_need(tmp_path):
    with tarfile.open(build("sdist", tmp_path)) as archive:
        folders = {Path(name).parts[1] for name in archive.getnames()}
    assert {"advisor", "pricing_data", "tests", "examples", "docs", "pyproject.toml", "README.md", "LICENSE"} <= folders


def locked_versions(path: Path) -> dict[str, set[str]]:
    versions: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==(\S+)", path.read_text(encoding="utf-8"), re.MULTILINE):
        versions.setdefault(name, set()).add(version)
    return versions


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt", "requirements-lowest.txt"])
def test_pinned_versions_are_allowed_by_the_project(name):
    versions = locked_versions(ROOT / name)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for requirement in map(Requirement, project["dependencies"]):
        assert versions.get(requirement.name), f"{name} lacks {requirement.name}: run `make lock`"
        assert all(requirement.specifier.contains(version) for version in versions[requirement.name])


@pytest.mark.parametrize("path", LOCKED, ids=lambda path: path.name)
def test_requirements_are_hashed_and_name_no_package_index(path):
    text = path.read_text(encoding="utf-8")
    assert "://" not in text
    assert all("--hash=sha256:" in entry for entry in re.split(r"\n(?=\w)", text))
