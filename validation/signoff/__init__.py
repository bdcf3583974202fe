"""From what a run recorded to a verdict: `store` keeps the record, `rules` judges it."""
