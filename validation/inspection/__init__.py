"""What a model's file holds, for a person or a program that has to use it."""
