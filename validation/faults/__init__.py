"""Known faults, injected into what a user has: real files, judged as a stranger's are."""
