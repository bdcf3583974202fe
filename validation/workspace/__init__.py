"""The products, predictions and session of the models under test, cached by content."""
