"""Shell completion: commands and options complete, and the script is printed for a shell."""

import os
import subprocess
import sys

import pytest

CALL = "import sys; sys.argv[0] = 'advisor'; from advisor.cli.application import app; app(prog_name='advisor')"
"""As the installed command, whose name the variables of completion carry."""
ADVISOR = [sys.executable, "-m", "advisor"]


@pytest.mark.parametrize(("words", "completes"), [("advisor rec", "recommend"), ("advisor recommend --qu", "--quiet")])
def test_a_started_word_completes(words, completes):
    at = str(words.count(" "))
    env = {**os.environ, "COMP_WORDS": words, "COMP_CWORD": at}
    env["_ADVISOR_COMPLETE"] = "complete_bash"
    done = subprocess.run(
        [sys.executable, "-c", CALL],
        capture_output=True, text=True, check=False, env=env,
    )  # fmt: skip
    assert completes in done.stdout.split()


def test_the_script_of_a_shell_is_printed():
    env = {**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    done = subprocess.run([*ADVISOR, "--show-completion", "bash"], capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0
    assert "COMP_WORDS" in done.stdout
