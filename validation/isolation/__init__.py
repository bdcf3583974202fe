"""Work that native code may end: done in child processes, under limits, and watched."""
