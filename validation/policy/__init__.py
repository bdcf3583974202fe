"""Limits and the policy that sets them; `policy.toml` beside this file is the built-in one."""
