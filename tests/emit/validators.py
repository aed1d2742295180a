"""Programs that judge what is emitted, where `make validators` installed them or the PATH has them."""

import os
import shutil
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / ".venv-validators" / "bin"


def search_path():
    return f"{FOLDER}:{os.environ['PATH']}"


def needs(*programs):
    """Skips a test, and says which program it lacks."""
    missing = [program for program in programs if shutil.which(program, path=search_path()) is None]
    return pytest.mark.skipif(bool(missing), reason=f"no {' or '.join(missing)} here: make validators")
