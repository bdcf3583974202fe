"""The policy gives each measured value exactly one limit, each with its reason."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.checks.registry import CHECKS
from validation.comparison.ap_difference import check_accuracy, check_accuracy_alone
from validation.comparison.canary_matching import check_canaries
from validation.comparison.decoded_outputs import DecodedSides, compare_decoded
from validation.comparison.detections import compare_detections
from validation.comparison.evidence_rules import (
    CalibrationEvidence,
    EvidenceFacts,
    check_evidence,
)
from validation.comparison.fake_quant_ranges import check_fake_quant
from validation.comparison.guide_facts import GuideFacts, check_guide
from validation.comparison.operating_point import check_operating_point
from validation.comparison.operating_sides import LabelledImage, OperatingRule
from validation.comparison.output_errors import check_quantisation
from validation.comparison.postprocess_slots import check_postprocess
from validation.comparison.reference_differences import check_reference_contract
from validation.comparison.structure import check_tflite_contract
from validation.comparison.tensors import compare_tensors
from validation.errors import CatalogueError
from validation.export.fake_quant_facts import FakeQuantFacts
from validation.inference.saved_model import RawDetections
from validation.policy.limits import Limit
from validation.policy.load import DEFAULT_POLICY, Policy, load_policy, read_policy
from validation.record.detections import Detections
from validation.record.difference_facts import DifferenceKind, Fact
from validation.record.reference_differences import ReferenceDifference, ReferenceDifferences
from validation.record.types import Accuracy, CocoFigures, ModelKey, Timing
from validation.specs.contracts import (
    ANCHORS_NAME,
    BOX_ENCODINGS_NAME,
    CLASS_PREDICTIONS_NAME,
    INPUT_NAME,
    POSTPROCESS_OUTPUTS,
    PostprocessAttributes,
    Preprocessing,
    SsdContract,
)
from validation.specs.input_stats import InputStats
from validation.specs.references import ReferenceKind
from validation.specs.tensors import TensorSpec
from validation.specs.variants import VARIANTS
from validation.tflite.facts import TfliteFile
from validation.timing.sampling import check_latency
from validation.zoo.canaries import Canary

_ROOT = Path(__file__).parents[2]
_KEY = ModelKey("m", "float")
_LIMIT = '[[limit]]\ncheck = "c"\nmeasure = "x"\n'
# A signature does without them: most models know no class of the canaries, an archive without
# pipeline.config has one route only, and the guide is tried on the first model of a session.
_NEVER_REQUIRED = {"canaries", "route_parity", "guide"}


def _policy(path: Path, text: str) -> Policy:
    file = path / "policy.toml"
    file.write_text("version = 1\n" + text)
    return read_policy(file)


class _Spy(Policy):
    """The shipped policy; notes what it was asked for."""

    def __init__(self) -> None:
        shipped = load_policy()
        super().__init__(shipped.rules, shipped.settings, shipped.required, shipped.sha256)
        object.__setattr__(self, "asked", set())

    def limit(self, check: str, measure: str, model: str, variant: str) -> Limit:
        self.asked.add((check, measure))  # type: ignore[attr-defined]
        return super().limit(check, measure, model, variant)


def _run_every_check(policy: Policy) -> None:
    found = Detections(((0.1, 0.1, 0.5, 0.5),), (0.9,), (1,))
    canary = Canary(Path("a.jpg"), "person", (0.1, 0.1, 0.5, 0.5), "", "")
    accuracy = Accuracy("m", "float", "", CocoFigures(*[0.5] * 12), 1, (1,), 1, 0.0)
    raw = {
        BOX_ENCODINGS_NAME: np.zeros((1, 2, 4), np.float32),
        CLASS_PREDICTIONS_NAME: np.zeros((1, 2, 2), np.float32),
    }
    compare_tensors(raw, raw, policy=policy, key=_KEY)
    routes = {**raw, ANCHORS_NAME: np.zeros((2, 4), np.float32)}
    compare_tensors(routes, routes, policy=policy, key=_KEY, check="route_parity")
    sides = DecodedSides(*(RawDetections(np.ones((1, 2, 4)), np.ones((1, 2, 2))),) * 2)
    compare_decoded(sides, sides, 1, (8, 8), policy=policy, key=_KEY, images=["a"])
    check_postprocess([found], [found], ["a"], anchors_steps_off=0, policy=policy, key=_KEY)
    compare_detections(
        {"a": found},
        {"a": found},
        policy=policy,
        key=_KEY,
        min_score=0.3,
        score_epsilon=0.001,
        min_iou=0.5,
    )
    check_canaries(
        [canary], {"a.jpg": found}, {1: "person"}, policy=policy, key=_KEY, min_score=0.3
    )
    check_accuracy(accuracy, accuracy, policy)
    check_accuracy_alone(accuracy, policy)
    check_operating_point(
        {"a": found},
        {"a": found},
        {"a": LabelledImage(100, 100, found, Detections((), (), ()))},
        OperatingRule(0.3, 0.001, 0.5, 0.75),
        asked=0.3,
        names={},
        unlabelled=(),
        exact=True,
        policy=policy,
        key=_KEY,
    )
    _check_reference_contract(policy)
    check_quantisation(
        raw,
        raw,
        {name: TensorSpec(name, "int8", array.shape, 0.1, 0) for name, array in raw.items()},
        policy=policy,
        key=ModelKey("m", "int8"),
        images=["a"],
    )
    names = (INPUT_NAME,), POSTPROCESS_OUTPUTS
    check_guide(GuideFacts("", 0, "", 0, *names, False, "graph", "refused"), policy, _KEY)
    check_fake_quant(FakeQuantFacts((), (), (), (), ()), policy, _KEY)
    check_latency(Timing("m", "float", "LiteRT", 1, 0, (1.0,)), policy)
    calibration = CalibrationEvidence(1, 0)
    facts = EvidenceFacts(1, {"a": 1}, 1, "built", True, 2, calibration)
    check_evidence(facts, policy, _KEY)
    _check_quantised_file(policy)


def _check_reference_contract(policy: Policy) -> None:
    unstated = ReferenceDifference(
        DifferenceKind.OUTPUT_ORDER, 2, (Fact("order", ["a"], ["b"]),), is_stated=False
    )
    kinds = tuple(kind for kind in DifferenceKind if kind is not DifferenceKind.GUIDE_DEFAULTS)
    found = ReferenceDifferences("m", "float", ReferenceKind.NONE, (unstated,), kinds)
    check_reference_contract(found, policy, _KEY)


def _check_quantised_file(policy: Policy) -> None:
    sizes = (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)
    attributes = PostprocessAttributes(1, 1, 0.5, 0.5, 1, 1.0, 1.0, 1.0, 1.0, 1, True)
    contract = SsdContract(Preprocessing(8, 8, *sizes), 1, 1, "SIGMOID", attributes)
    image = TensorSpec("image", "uint8", (1, 8, 8, 3), 1.0, 0)
    file = TfliteFile((image,), (), {}, {}, (), 0, None, (), (), (), "", 10**9, 1)
    check_tflite_contract(
        file,
        (),
        contract,
        ModelKey("m", "uint8-raw"),
        policy=policy,
        input_stats=InputStats(0, 1),
        float_counterpart=file,
    )


def test_shipped_policy_loads() -> None:
    """It is read without complaint, and its hash is that of the file."""
    policy = load_policy()
    assert policy.rules
    assert policy.sha256 == hashlib.sha256(DEFAULT_POLICY.read_bytes()).hexdigest()


def test_every_value_that_is_judged_has_a_limit() -> None:
    """No check asks in vain, and no limit waits for a value that nobody measures."""
    spy = _Spy()
    _run_every_check(spy)
    assert spy.asked == {(rule.check, rule.measure) for rule in spy.rules}  # type: ignore[attr-defined]


def test_every_shipped_reason_says_something() -> None:
    """A reason of a word or two explains no figure."""
    assert [rule for rule in load_policy().rules if len(rule.limit.reason.split()) < 4] == []


def _settings_asked() -> Iterator[str]:
    for path in (_ROOT / "validation").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("policy.setting"):
                yield ast.literal_eval(node.args[0])


def test_settings_are_those_that_code_asks_for() -> None:
    """None is missing and none is left over."""
    assert set(_settings_asked()) == set(load_policy().settings)


def test_required_checks_can_be_recorded() -> None:
    """What a signature cannot lack is a check that speaks of that variant, and vice versa."""
    policy = load_policy()
    for variant in VARIANTS:
        covering = {check.name for check in CHECKS if check.covers(ModelKey("m", variant))}
        assert set(policy.required_checks(variant)) == covering - _NEVER_REQUIRED


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


def test_shipped_required_checks() -> None:
    """What a signature of each variant cannot lack, written out."""
    first = ("archive", "evidence", "export_contract", "tflite_contract")
    last = ("end_to_end_parity", "accuracy", "operating_point", "latency")
    quantised = (*first, "postprocess_parity", "quantisation", *last)
    expected = {
        "float": (*first, "postprocess_parity", *last),
        "raw": (*first, "raw_parity", *last),
        **dict.fromkeys(("float16", "dynamic", "int8"), quantised),
        "uint8": (*first[:3], "fake_quant_lint", *quantised[3:]),
        **dict.fromkeys(("float16-raw", "dynamic-raw", "int8-raw", "uint8-raw"), (*first, *last)),
    }
    policy = load_policy()
    assert {variant: policy.required_checks(variant) for variant in VARIANTS} == expected


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
# Names of checks in [required] are free, every other key is not.
_FREE = ("#", *load_policy().required)
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


def test_shipped_operating_point_is_that_of_parity() -> None:
    """Every model has one."""
    policy = load_policy()
    assert policy.operating_point("any").min_score == policy.setting("parity_min_score")


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
