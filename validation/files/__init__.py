"""Files: those from outside read within bounds, others written whole, paths given as options."""
