"""`signoff` signs, refuses, verifies and makes keys, and needs no TensorFlow for any of it."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from signable_run import GIVEN, write_signable_run
from warm_process import WarmProcess

from validation.cli import main

_PROGRAM = (
    "import sys\n"
    "from validation.cli import main\n"
    "code = main(sys.argv[1:])\n"
    "print(sorted({'tensorflow', 'tf_keras', 'tf_slim'} & set(sys.modules)))\n"
    "sys.exit(code)\n"
)
_WAIVER = """\
version = 1

[[waiver]]
model = "person"
variant = "int8"
check = "accuracy"
reason = "calibrated anew in March, ticket 4711"
expires = 2999-12-31
by = "John Doe"
"""

Json = Callable[[], Any]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Json:
    """Gives what was printed as JSON."""
    return lambda: json.loads(capsys.readouterr().out)


def test_sign_and_verify_without_tensorflow(folder: Path, light_process: WarmProcess) -> None:
    """From keys to a verified signature, in processes that never import it."""
    write_signable_run(folder / "run")
    for arguments, said in (
        (["--new-key", "release.pem"], "release.pub.pem  public"),
        (["run", "--by", "Jane Roe", "--key", "release.pem"], "signed: PASS, by Jane Roe"),
        (["--verify", "run", "--key", "release.pub.pem"], "verified: PASS, by Jane Roe"),
    ):
        ended = light_process.run(["python", "-c", _PROGRAM, "signoff", *arguments], folder)
        out = ended.out.decode()
        assert ended.code == 0, ended.err.decode()
        assert said in out
        assert out.endswith("[]\n")


def test_keys(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The private one is for its owner alone, and neither is ever written over."""
    assert main(["signoff", "--new-key", "release.pem"]) == 0
    private, public = folder / "release.pem", folder / "release.pub.pem"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert private.read_text().startswith("-----BEGIN PRIVATE KEY-----")
    assert public.read_text().startswith("-----BEGIN PUBLIC KEY-----")
    kept = private.read_bytes(), public.read_bytes()
    assert main(["signoff", "--new-key", "release.pem"]) == 2
    private.rename(folder / "safe.pem")
    assert main(["signoff", "--new-key", "release.pem"]) == 2
    assert "a key is never overwritten" in capsys.readouterr().err
    assert ((folder / "safe.pem").read_bytes(), public.read_bytes()) == kept
    assert not private.exists()


def test_without_a_key(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is a hash, and says so when it is made and when it is verified."""
    write_signable_run(folder / "run")
    assert main(["signoff", "run", "--by", "Jane Roe"]) == 0
    said = "it proves that nothing has changed since, and not who signed"
    assert said in capsys.readouterr().out
    assert main(["signoff", "--verify", "run"]) == 0
    assert said in capsys.readouterr().out
    (signature,) = (folder / "run").glob("signoff-*.unsigned.json")
    signature.write_bytes(signature.read_bytes().replace(b"sha256", b"sha265", 1))
    assert main(["signoff", "--verify", "run"]) == 1
    assert signature.name in capsys.readouterr().err


def test_given_files_are_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the name that they were given under, beside the copy that is signed."""
    write_signable_run(folder / "run", given=GIVEN)
    assert main(["signoff", "run", "--by", "Jane Roe"]) == 0
    assert main(["signoff", "--verify", "run"]) == 0
    out = capsys.readouterr().out
    assert re.search(
        r"PASS +files/person~detect\.tflite  sha256 \w{64}  given as detect\.tflite\n", out
    )
    assert "  given as vendor/detect.tflite\n" in out
    assert re.search(r"PASS +files/person-float\.tflite  sha256 \w{64}  to ship\n", out)


def test_refusal(folder: Path, capsys: pytest.CaptureFixture[str], printed: Json) -> None:
    """FAIL is not signed; the waiver that would accept it is spelt out, and then it is."""
    write_signable_run(folder / "run", ap=0.16)
    sign = ["signoff", "run", "--by", "Jane Roe"]
    assert main(sign) == 1
    err = capsys.readouterr().err
    assert "person-int8: accuracy: ap_drop is 0.035 (95 % interval 0.031 to 0.039)" in err
    assert 'model = "person", variant = "int8", check = "accuracy", measure = "ap_drop"' in err
    assert err.splitlines()[-1].startswith("error: the run is not signed, for 1 reason (run)")
    assert main([*sign, "--json"]) == 1
    assert printed()["signed"] is False
    assert list((folder / "run").glob("signoff-*")) == []
    (folder / "waivers.toml").write_text(_WAIVER)
    assert main([*sign, "--waive", "waivers.toml", "--json"]) == 0
    document = printed()
    assert document["facts"]["verdict"] == "PASS with waivers"
    assert document["key"] is None
    assert main(["signoff", "--verify", "run"]) == 0
    out = capsys.readouterr().out
    assert "verified: PASS with waivers" in out
    assert "accepted until 2999-12-31 by John Doe: person-int8: accuracy, ap_drop: fail" in out
    assert main(["signoff", "--verify", "run", "--on", "3000-01-01"]) == 1
    assert "it expired on 2999-12-31, today is 3000-01-01" in capsys.readouterr().err


def test_changed_file(folder: Path, capsys: pytest.CaptureFixture[str], printed: Json) -> None:
    """The file is named, on the page of a terminal and as JSON."""
    write_signable_run(folder / "run")
    assert main(["signoff", "run", "--by", "Jane Roe"]) == 0
    file = folder / "run" / "files" / "person-int8.tflite"
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    capsys.readouterr()
    assert main(["signoff", "--verify", "run"]) == 1
    err = capsys.readouterr().err
    assert "the file is not the one that was signed (files/person-int8.tflite)" in err
    assert "do not ship these files" in err.splitlines()[-1]
    assert main(["signoff", "--verify", "run", "--json"]) == 1
    document = printed()
    assert document["verified"] is False
    assert "files/person-int8.tflite" in [each["where"] for each in document["faults"]]


def test_names_are_shown_and_not_obeyed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A signer's name is anybody's text; control characters in it are written out."""
    write_signable_run(folder / "run")
    assert main(["signoff", "run", "--by", "Jane\x1b[2J\nRoe"]) == 0
    capsys.readouterr()
    assert main(["signoff", "--verify", "run"]) == 0
    assert "by Jane\\x1b[2J\\nRoe," in capsys.readouterr().out


def test_link_out_of_the_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A linked folder holds files that nobody judged."""
    write_signable_run(folder / "run")
    (folder / "elsewhere").mkdir()
    (folder / "run" / "files" / "more").symlink_to(folder / "elsewhere")
    assert main(["signoff", "run", "--by", "Jane Roe"]) == 1
    assert "files/more" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "no run was named"),
        (["run"], 2, "who signs?"),
        (["run", "--by", " "], 2, "who signs?"),
        (["--verify", "run", "--by", "me"], 2, "--by signs, --verify does not"),
        (["run", "--by", "me", "--on", "2027-01-31"], 2, "--on goes with --verify"),
        (["run", "--by", "me", "--intervals"], 2, "--intervals goes with --verify"),
        (["run", "--by", "me", "--new-key", "a.pem"], 2, "--new-key makes keys"),
        (["run", "--by", "me", "--key", "absent.pem"], 1, "absent.pem"),
        (["run", "--by", "me", "--waive", "absent.toml"], 1, "absent.toml"),
        (["run", "--by", "me", "--key", "empty.pem"], 1, "holds no usable private key"),
        (["nowhere", "--by", "me"], 2, "not a record of a run"),
        (["--verify", "run"], 1, "the run was not signed"),
    ],
)
def test_wrong_use(
    folder: Path, failed_line: Callable[[], str], arguments: list[str], code: int, said: str
) -> None:
    """One line that says what is missing, and nothing is written."""
    write_signable_run(folder / "run")
    (folder / "empty.pem").touch()
    before = sorted(folder.rglob("*"))
    assert main(["signoff", *arguments]) == code
    assert said in failed_line()
    assert sorted(folder.rglob("*")) == before
