"""Feature extractors, one family a module: tables and the few rules that read them."""
