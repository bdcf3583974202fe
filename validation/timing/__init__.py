"""Timing: latency of a runtime, measured by pytest-benchmark, judged by the policy."""
