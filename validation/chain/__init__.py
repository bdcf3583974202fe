"""The steps for one model, from catalogue entry to judged promises, cached by content."""
