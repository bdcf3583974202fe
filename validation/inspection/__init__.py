"""What stands in a model's file, for a person or a program that has to use it."""
