"""What a file is, by its content, and what to do with one of another kind than was asked for."""
