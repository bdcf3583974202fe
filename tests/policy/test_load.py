"""A policy is read strictly and gives each measured value exactly one limit."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.errors import CatalogueError
from validation.policy.limits import Limit
from validation.policy.load import DEFAULT_POLICY, Policy, load_policy, read_policy

_LIMIT = '[[limit]]\ncheck = "c"\nmeasure = "x"\n'


def _policy(path: Path, text: str) -> Policy:
    file = path / "policy.toml"
    file.write_text("version = 1\n" + text)
    return read_policy(file)


def test_later_rule_holds(tmp_path: Path) -> None:
    """General rules stand first, exceptions follow them."""
    policy = _policy(
        tmp_path,
        f'{_LIMIT}max = 1\nreason = "all"\n'
        f'{_LIMIT}max = 2\nreason = "some"\nmodels = "ssd_*"\n'
        f'{_LIMIT}max = 3\nreason = "one"\nmodels = ["ssd_a", "ssd_b"]\nvariants = "int8"\n',
    )
    bounds = {
        key: policy.limit("c", "x", *key).bound
        for key in [("other", "int8"), ("ssd_a", "float"), ("ssd_b", "int8"), ("ssd_c", "int8")]
    }
    assert list(bounds.values()) == [1, 2, 3, 2]


def test_what_a_limit_holds(tmp_path: Path) -> None:
    """Relation, bound, reason and warning arrive as written."""
    policy = _policy(tmp_path, f'{_LIMIT}min = 2\nwarn = 3.5\nreason = "why"\n')
    assert policy.limit("c", "x", "m", "v") == Limit("min", 2, "why", 3.5)
    policy = _policy(tmp_path, f'{_LIMIT}equal = "yes"\nreason = "why"\n')
    assert policy.limit("c", "x", "m", "v") == Limit("equal", "yes", "why")


@pytest.mark.parametrize(("check", "measure"), [("c", "y"), ("d", "x")])
def test_value_without_limit(tmp_path: Path, check: str, measure: str) -> None:
    """A value that nobody set a limit for is an error, never a pass."""
    policy = _policy(tmp_path, f'{_LIMIT}max = 1\nreason = "r"\n')
    with pytest.raises(
        CatalogueError, match=f"check = '{check}', measure = '{measure}'; add it to policy.toml"
    ):
        policy.limit(check, measure, "m", "v")


def test_limit_of_another_variant_does_not_hold(tmp_path: Path) -> None:
    """Patterns are compared whole and with their case."""
    policy = _policy(tmp_path, f'{_LIMIT}max = 1\nreason = "r"\nvariants = "raw"\n')
    for variant in ("uint8-raw", "Raw"):
        with pytest.raises(CatalogueError, match=f"m-{variant}"):
            policy.limit("c", "x", "m", variant)


def test_required_checks_by_pattern(tmp_path: Path) -> None:
    """Each check by one pattern of variants or several, in file order."""
    policy = _policy(tmp_path, '[required]\na = "*"\nb = ["float", "int*"]\nc = "*raw"\n')
    assert policy.required_checks("float") == ("a", "b")
    assert policy.required_checks("uint8-raw") == ("a", "c")


def test_unknown_setting_names_the_closest(tmp_path: Path) -> None:
    """A typing slip in code is told with the word that was meant."""
    policy = _policy(tmp_path, '[setting.timing_rounds]\nvalue = 5\nmin = 1\nreason = "r"\n')
    assert policy.setting("timing_rounds") == 5
    with pytest.raises(
        CatalogueError, match=r"unknown setting 'timing_round' .*mean 'timing_rounds'"
    ):
        policy.setting("timing_round")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[limits]\n", r"unknown key 'limits' \(policy.toml\); did you mean 'limit'"),
        (f"{_LIMIT}maks = 1\n", r"unknown key 'maks' \(.*limit 1\); did you mean 'max'"),
        (f'{_LIMIT}max = 1\nresaon = "r"\n', "unknown key 'resaon' .* did you mean 'reason'"),
        (f'{_LIMIT}reason = "r"\n', "one of max, min, equal, any, got none"),
        (f'{_LIMIT}max = 1\nmin = 0\nreason = "r"\n', "got max, min"),
        (f"{_LIMIT}max = 1\n", r"'reason' is missing \(policy.toml, limit 1\)"),
        (f'{_LIMIT}max = 1\nreason = " "\n', "reason is wrong .*limit 1.*a text"),
        ('[[limit]]\nmeasure = "x"\nmax = 1\nreason = "r"\n', "'check' is missing"),
        ('[[limit]]\ncheck = "c"\nmax = 1\nreason = "r"\n', "'measure' is missing"),
        (f'{_LIMIT}max = nan\nreason = "r"\n', "max is wrong .*limit 1.*a finite number, got nan"),
        (f'{_LIMIT}max = {{ float = "nan" }}\nreason = "r"\n', "max is wrong"),
        (f'{_LIMIT}equal = nan\nreason = "r"\n', "equal is wrong .*finite"),
        (f'{_LIMIT}max = inf\nreason = "r"\n', "is wrong .*expected a.* number"),
        (f'{_LIMIT}min = "1"\nreason = "r"\n', "is wrong .*expected a.* number"),
        (f'{_LIMIT}min = true\nreason = "r"\n', "is wrong .*expected a.* number"),
        (f'{_LIMIT}max = 1\nwarn = "x"\nreason = "r"\n', "warn is wrong .*a number"),
        (f'{_LIMIT}max = 1\nwarn = 1\nreason = "r"\n', "comes no sooner than the limit"),
        (f'{_LIMIT}min = 1\nwarn = 0.5\nreason = "r"\n', "got min = 1, warn = 0.5"),
        (f'{_LIMIT}equal = 1\nwarn = 1\nreason = "r"\n', "comes no sooner"),
        (f'{_LIMIT}any = true\nwarn = 1\nreason = "r"\n', "comes no sooner"),
        (f'{_LIMIT}any = false\nreason = "r"\n', "any is wrong .*true"),
        (f'{_LIMIT}max = 1\nwarn = 0\nbeyond = "warn"\nreason = "r"\n', "only warns has one"),
        (
            f'{_LIMIT}max = 1\nreason = "r"\nmodels = 5\n',
            "models is wrong .*a list of names, got 5",
        ),
        (f'{_LIMIT}max = 1\nreason = "r"\nvariants = []\n', "variants is wrong .*got \\[\\]"),
        (2 * f'{_LIMIT}max = 1\nreason = "r"\n', r"two limits for the same value .* got c\.x for"),
        ("limit = 5\n", "limit is wrong .*a list, got 5"),
        ("limit = [5]\n", "expected a table, got 5"),
        ("setting = 5\n", "expected a table, got 5"),
        ("required = 5\n", "expected a table, got 5"),
        ("[required]\naccuracy = 1\n", "required accuracy is wrong .*a list of names, got 1"),
        ("[required]\naccuracy = [1]\n", "required accuracy is wrong"),
        ("[setting]\nx = 5\n", "setting x is wrong .*a table, got 5"),
        ("[setting.x]\nvalue = 5\nmin = 0\n", "'reason' is missing .*setting x"),
        ('[setting.x]\nvalue = 5\nmin = 0\nreason = ""\n', "reason is wrong .*setting x"),
        (
            '[setting.x]\nvalue = "5"\nmin = 0\nreason = "r"\n',
            "value is wrong .*setting x.*got '5'",
        ),
        ('[setting.x]\nvalue = true\nmin = 0\nreason = "r"\n', "is wrong .*expected a.* number"),
        ('[setting.x]\nvalue = 5\nreason = "r"\n', "'min' is missing .*setting x"),
        (
            '[setting.x]\nvalue = 5\nmin = 6\nreason = "r"\n',
            r"setting x\): expected a number of 6 or more, got 5",
        ),
        ('[setting.x]\nvalue = nan\nmin = 0\nreason = "r"\n', "is wrong .*expected a.* number"),
        ("= 1\n", "the file cannot be read"),
    ],
)
def test_wrong_policy(tmp_path: Path, text: str, message: str) -> None:
    """What the file does not say exactly is refused with its place."""
    with pytest.raises(CatalogueError, match=message):
        _policy(tmp_path, text)


@pytest.mark.parametrize("text", ["", "version = 2\n", 'version = "1"\n'])
def test_other_layout(tmp_path: Path, text: str) -> None:
    """A policy written for another harness is not read by guess."""
    path = tmp_path / "p.toml"
    path.write_text(text)
    with pytest.raises(CatalogueError, match=r"another layout \(p.toml\): expected version = 1"):
        read_policy(path)


def test_policy_that_cannot_be_read(tmp_path: Path) -> None:
    """No file, or one that is no text, is told as such."""
    with pytest.raises(CatalogueError, match=r"cannot be read \(none.toml\)"):
        read_policy(tmp_path / "none.toml")
    (tmp_path / "p.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(CatalogueError, match="cannot be read"):
        read_policy(tmp_path / "p.toml")


_LINES = DEFAULT_POLICY.read_text().splitlines()
# Names of checks that are required are free, every other key is not.
_FREE = ("#", *load_policy().required, *load_policy().required_of_given)
_KEYED = [
    number for number, line in enumerate(_LINES) if "=" in line and not line.startswith(_FREE)
]


@given(st.sampled_from(_KEYED), st.sampled_from("aq_z"))
@settings(max_examples=40, deadline=None)
def test_a_mistyped_key_never_loads(
    tmp_path_factory: pytest.TempPathFactory, line: int, letter: str
) -> None:
    """One more letter in any key of a limit, setting or the head is refused."""
    text = list(_LINES)
    text[line] = letter + text[line]
    path = tmp_path_factory.mktemp("policy") / "policy.toml"
    path.write_text("\n".join(text))
    with pytest.raises(CatalogueError, match=r"unknown key|another layout"):
        read_policy(path)


def test_later_operating_point_holds(tmp_path: Path) -> None:
    """The general one stands first; a model that none covers has none."""
    policy = _policy(
        tmp_path,
        '[[operating_point]]\nmin_score = 0.5\nreason = "all"\nmodels = "ssd_*"\n'
        '[[operating_point]]\nmin_score = 0.2\nreason = "one"\nmodels = ["ssd_a", "ssd_b"]\n',
    )
    assert [policy.operating_point(name).min_score for name in ("ssd_a", "ssd_c")] == [0.2, 0.5]
    with pytest.raises(CatalogueError, match=r"no operating point .*got yolo; add it"):
        policy.operating_point("yolo")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("min_score = 0.5\n", r"'reason' is missing \(policy.toml, operating_point 1\)"),
        ('reason = "r"\n', "'min_score' is missing"),
        ('min_score = 1.5\nreason = "r"\n', "operating_point 1.*a number from 0 to 1, got 1.5"),
        ('min_score = -0.1\nreason = "r"\n', "a number from 0 to 1"),
        ('min_score = nan\nreason = "r"\n', "min_score is wrong .*a finite number"),
        ('min_score = "0.5"\nreason = "r"\n', "min_score is wrong"),
        ('min_score = 0.5\nreason = "r"\nmodels = []\n', "models is wrong"),
        ('min_scores = 0.5\nreason = "r"\n', "'min_scores' .*did you mean 'min_score'"),
        (
            'min_score = 0.5\nreason = "r"\n[[operating_point]]\nmin_score = 0.4\nreason = "r"\n',
            "two operating points for the same models .*operating_point 2",
        ),
    ],
)
def test_wrong_operating_point(tmp_path: Path, text: str, message: str) -> None:
    """What cannot be meant is refused, with the place."""
    with pytest.raises(CatalogueError, match=message):
        _policy(tmp_path, "[[operating_point]]\n" + text)
