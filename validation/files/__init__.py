"""Files: the door for those from outside, writing whole or not at all, paths given as options."""
