"""A user's policy file is laid over the built-in one, and what it changed is known."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import pytest

from validation.errors import CatalogueError
from validation.policy.limits import Limit
from validation.policy.load import DEFAULT_POLICY, Policy, load_policy
from validation.policy.preference import Prefer, Preference

_LATENCY = """[[limit]]
check = "latency"
measure = "p95_ms"
max = 40
reason = "two frames of the camera"
"""
_BUILT_IN_SETTINGS = tomllib.loads(DEFAULT_POLICY.read_text())["setting"]


def _laid_over(folder: Path, text: str, checks: tuple[str, ...] = ()) -> Policy:
    path = folder / "own.toml"
    path.write_text("version = 1\n" + text)
    return load_policy(path, checks)


def test_a_limit_of_the_same_scope_replaces_the_built_in_one(tmp_path: Path) -> None:
    """It holds for every model, those included for which a built-in exception holds."""
    policy = _laid_over(tmp_path, _LATENCY)
    own = Limit("max", 40, "two frames of the camera")
    for model in ("ssd_mobilenet_v1", "ssd_resnet50"):
        assert policy.limit("latency", "p95_ms", model, "float") == own
    assert len(policy.rules) == len(load_policy().rules)
    assert policy.overlay is not None
    (changed,) = policy.overlay.limits
    assert [rule.limit.bound for rule in changed.built_in] == [2000]


def test_a_limit_of_another_scope_comes_last(tmp_path: Path) -> None:
    """The built-in limits stay for all that the user's own does not name."""
    policy = _laid_over(tmp_path, _LATENCY + 'models = ["*v1"]\nvariants = "int8"\n')
    assert policy.limit("latency", "p95_ms", "ssd_v1", "int8").bound == 40
    assert policy.limit("latency", "p95_ms", "ssd_v1", "float").bound == 2000
    assert policy.overlay is not None
    (changed,) = policy.overlay.limits
    assert [rule.limit.bound for rule in changed.built_in] == [2000, 20_000]


def test_built_in_limits_of_other_variants_are_not_named(tmp_path: Path) -> None:
    """What is replaced for float is the limit of float, not that of int8."""
    text = _LATENCY.replace("latency", "accuracy").replace("p95_ms", "ap_drop")
    policy = _laid_over(tmp_path, text + 'variants = ["float"]\n')
    assert policy.overlay is not None
    (changed,) = policy.overlay.limits
    assert [rule.limit.bound for rule in changed.built_in] == [0.001]


def test_settings_and_required_checks_are_replaced_by_key(tmp_path: Path) -> None:
    """Those that the file does not name stay built in."""
    built_in = load_policy()
    policy = _laid_over(
        tmp_path,
        '[setting.timing_rounds]\nvalue = 200\nreason = "p99"\n'
        '[required]\nlatency = []\naccuracy = "int8"\ncanaries = ["float"]\n',
    )
    assert policy.settings == {**built_in.settings, "timing_rounds": 200}
    without = {"latency", "accuracy"}
    required = {variant: set(built_in.required_checks(variant)) for variant in ("float", "int8")}
    assert set(policy.required_checks("float")) == required["float"] - without | {"canaries"}
    assert set(policy.required_checks("int8")) == required["int8"] - {"latency"}
    assert policy.overlay is not None
    (setting,) = policy.overlay.settings
    assert (setting.name, setting.value, setting.built_in) == ("timing_rounds", 200, 50)
    assert [each.built_in for each in policy.overlay.required] == [("*",), ("*",), ()]


def test_what_decides_which_file_is_shipped(tmp_path: Path) -> None:
    """A user's own preference takes the place of the built-in one; the record makes it again."""
    assert load_policy().ship.prefer is Prefer.SMALLEST
    assert _laid_over(tmp_path, _LATENCY).ship == load_policy().ship
    policy = _laid_over(tmp_path, '[ship]\nprefer = "fastest"\nreason = "25 frames a second"\n')
    assert policy.ship == Preference(Prefer.FASTEST, "25 frames a second")
    assert policy.overlay is not None
    assert policy.overlay.ship is not None
    assert policy.overlay.ship.built_in is Prefer.SMALLEST
    assert load_policy().overlaid(policy.overlay) == policy


def test_an_operating_point_of_the_users_app_holds(tmp_path: Path) -> None:
    """For the models that it names; the same patterns take the place of the built-in one."""
    point = '[[operating_point]]\nmin_score = 0.6\nreason = "our app"\n'
    everywhere, some = _laid_over(tmp_path, point), _laid_over(tmp_path, point + 'models = "a*"\n')
    built_in = load_policy().operating_points
    assert [len(each.operating_points) - len(built_in) for each in (everywhere, some)] == [0, 1]
    for policy, scores in ((everywhere, [0.6, 0.6]), (some, [0.6, 0.3])):
        assert [policy.operating_point(name).min_score for name in ("abc", "b")] == scores
        assert policy.overlay is not None
        (changed,) = policy.overlay.operating_points
        assert (changed.point.reason, changed.built_in) == ("our app", built_in)
        assert load_policy().overlaid(policy.overlay) == policy


def test_both_files_are_known_by_their_hashes(tmp_path: Path) -> None:
    """The built-in policy keeps its sha256, the user's file has its own."""
    policy = _laid_over(tmp_path, _LATENCY)
    assert policy.overlay is not None
    assert policy.sha256 == load_policy().sha256
    assert policy.overlay.file == "own.toml"
    assert policy.overlay.sha256 == hashlib.sha256((tmp_path / "own.toml").read_bytes()).hexdigest()


def test_an_overlay_alone_makes_the_same_policy_again(tmp_path: Path) -> None:
    """A record holds the overlay, so that the file itself is not needed any more."""
    policy = _laid_over(tmp_path, _LATENCY + '[required]\nlatency = "float"\n')
    assert load_policy().overlaid(policy.overlay) == policy
    assert load_policy().overlaid(None) == load_policy()


def test_checks_of_a_plugin_can_be_limited(tmp_path: Path) -> None:
    """A check that is not built in has measures that no built-in limit names."""
    text = _LATENCY.replace("latency", "blur")
    policy = _laid_over(tmp_path, text, ("blur",))
    assert policy.limit("blur", "p95_ms", "m", "float").bound == 40
    with pytest.raises(CatalogueError, match="unknown check 'blur'"):
        _laid_over(tmp_path, text)


def test_the_example_of_the_readme_loads(tmp_path: Path) -> None:
    """What users copy is a policy."""
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    example = readme.split("```toml\n")[1].split("```")[0]
    (tmp_path / "own.toml").write_text(example)
    overlay = load_policy(tmp_path / "own.toml").overlay
    assert overlay is not None
    assert overlay.limits and overlay.settings and overlay.required


def _setting(name: str, value: float) -> str:
    return f'[setting.{name}]\nvalue = {value}\nreason = "tried"\n'


@pytest.mark.parametrize(("name", "table"), _BUILT_IN_SETTINGS.items())
def test_each_setting_has_a_range(tmp_path: Path, name: str, table: dict[str, float]) -> None:
    """The built-in value lies in it; its ends are accepted, and nothing outside of it."""
    low, high = table["min"], table.get("max")
    assert low <= table["value"] <= (table["value"] if high is None else high)
    for value in {low, table["value"], high} - {None}:
        assert _laid_over(tmp_path, _setting(name, value)).setting(name) == value
    wrong = [low - 1, *([] if high is None else [high + 1])]
    if table.get("whole"):
        assert {low % 1, table["value"] % 1} == {0}
        wrong.append(low + 0.5)
    for value in wrong:
        with pytest.raises(CatalogueError, match=rf"wrong \(own.toml, setting {name}\)"):
            _laid_over(tmp_path, _setting(name, value))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("timing_rounds", 0, "expected a whole number of 1 or more, got 0"),
        ("parity_images", -3, "expected a whole number of 1 or more, got -3"),
        ("parity_images", 5.5, "expected a whole number of 1 or more, got 5.5"),
        ("parity_score_epsilon", 10, "expected a number from 0 to 0.1, got 10"),
    ],
)
def test_a_setting_out_of_range(tmp_path: Path, name: str, value: float, message: str) -> None:
    """The message says where the value stands and what it could have been."""
    with pytest.raises(CatalogueError) as caught:
        _laid_over(tmp_path, _setting(name, value))
    assert str(caught.value) == f"value is wrong (own.toml, setting {name}): {message}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (_setting("parity_images", 8) + "min = 0\n", "unknown key 'min' .*parity_images"),
        (_LATENCY.replace("latency", "latnecy"), r"check 'latnecy' \(own.toml, limit 1.*'latency'"),
        (_LATENCY.replace("p95_ms", "p99_ms"), "measure of latency 'p99_ms' .*mean 'p95_ms'"),
        (_LATENCY + 'variants = "flaot"\n', "unknown variant 'flaot' .*did you mean 'float'"),
        (_LATENCY.replace("max", "min"), "the other side .* expected max, .*got min"),
        (_LATENCY.replace("reason", "warn"), "'reason' is missing"),
        ('[setting.timing_round]\nvalue = 1\nreason = "r"\n', "setting 'timing_round' .*_rounds'"),
        ("[setting.timing_rounds]\nvalue = 1\n", "'reason' is missing .*timing_rounds"),
        ('[required]\nlatency = "flaot"\n', "unknown variant 'flaot' .*mean 'float'"),
        ("[required]\nlatnecy = []\n", "unknown check 'latnecy' .*mean 'latency'"),
        ('[ship]\nprefer = "fastest"\n', "'reason' is missing"),
        ('[ship]\nprefer = "fast"\nreason = "r"\n', "smallest.*fastest.*most_accurate"),
        (
            "[[operating_point]]\nmin_score = 2\nreason = 'r'\n",
            r"wrong \(own.toml, operating_point 1",
        ),
        ("[limits]\n", r"unknown key 'limits' \(own.toml\)"),
    ],
)
def test_a_slip_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """What would change nothing is an error with the closest name that there is."""
    with pytest.raises(CatalogueError, match=message):
        _laid_over(tmp_path, text)
