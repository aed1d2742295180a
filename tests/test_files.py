"""Files appear whole or not at all."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from advisor.errors import OutputError
from advisor.files import write_files


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_files_are_written_below_the_folder(tmp_path):
    write_files(tmp_path / "out", {"a.txt": b"1", "charts/b.svg": b"2"})
    assert contents(tmp_path) == {"out/a.txt": b"1", "out/charts/b.svg": b"2"}


def test_other_files_in_the_folder_are_left_alone(tmp_path):
    (tmp_path / "kept.txt").write_bytes(b"mine")
    write_files(tmp_path, {"a.txt": b"1"})
    assert contents(tmp_path)["kept.txt"] == b"mine"


@pytest.mark.parametrize("n", [1, 40])
def test_every_file_is_on_the_disk_before_the_first_is_moved_into_place(tmp_path, monkeypatch, n):
    seen = []
    fsync, replace = os.fsync, os.replace

    def synced(file):
        fsync(file)
        seen.append(("synced", os.fstat(file).st_ino))

    def moved(source, target):
        seen.append(("moved", Path(source).stat().st_ino))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", moved)
    files = {f"{number % 3}/{number}.txt": bytes([number]) * 100 for number in range(n)}
    write_files(tmp_path / "out", files)
    assert [what for what, _ in seen] == ["synced"] * n + ["moved"] * n
    assert {at for what, at in seen if what == "synced"} == {at for what, at in seen if what == "moved"}
    assert contents(tmp_path / "out") == files


@pytest.mark.parametrize("path", ["../a", "/a", "a/../../b", "", "a\\b", "a\0b"])
def test_a_path_that_leads_out_of_the_folder_is_refused_before_anything_is_written(tmp_path, path):
    with pytest.raises(OutputError, match="refusing to write"):
        write_files(tmp_path / "out", {"fine.txt": b"1", path: b"2"})
    assert contents(tmp_path) == {}


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "out").write_bytes(b"a file")
    with pytest.raises(OutputError, match="is a file"):
        write_files(tmp_path / "out", {"a.txt": b"1"})
    assert contents(tmp_path) == {"out": b"a file"}


def test_a_full_disk_leaves_what_was_there(tmp_path):
    """/dev/full answers every write with "no space left": the staging folder is put on it by a link."""
    write_files(tmp_path / "out", {"a.txt": b"old", "b.txt": b"old"})
    script = textwrap.dedent("""
        import resource, signal, sys
        from pathlib import Path
        from advisor.errors import OutputError
        from advisor.files import write_files
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            write_files(Path(sys.argv[1]), {"a.txt": b"new", "b.txt": b"x" * 5000})
        except OutputError as error:
            print(error)
    """)
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "out")], capture_output=True, text=True, check=True)
    assert "cannot write to" in done.stdout
    assert contents(tmp_path) == {"out/a.txt": b"old", "out/b.txt": b"old"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_one_error(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="cannot write"):
        write_files(tmp_path / "out", {"a.txt": b"1"})


def test_a_kill_while_writing_leaves_the_old_files_whole(tmp_path):
    out = tmp_path / "out"
    write_files(out, {"a.bin": b"old", "b.bin": b"old"})
    script = textwrap.dedent("""
        import sys
        from pathlib import Path
        from advisor.files import write_files
        print("ready", flush=True)
        while True:
            write_files(Path(sys.argv[1]), {"a.bin": b"n" * 4_000_000, "b.bin": b"n" * 4_000_000})
    """)
    for delay_s in (0.0, 0.003, 0.01, 0.03):
        process = subprocess.Popen([sys.executable, "-c", script, str(out)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay_s)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        for name in ("a.bin", "b.bin"):
            assert (out / name).read_bytes() in (b"old", b"n" * 4_000_000)


def test_nothing_hidden_is_left_behind(tmp_path):
    write_files(tmp_path / "out", {"a.txt": b"1"})
    assert [path.name for path in Path(tmp_path).iterdir()] == ["out"]
