"""Known faults are caught and not blamed on what is right; run with ``-m faults`` only."""

import pytest


@pytest.mark.faults
def test_fault_is_caught(fault, judge_fault):
    """Each fault makes a verdict worse, and its first diagnosis names no other place."""
    judge_fault(fault)


@pytest.mark.faults
def test_clean_model_is_not_blamed(clean_model, judge_clean):
    """No check fails a clean model, and nothing is said to be wrong with it."""
    judge_clean(clean_model)
