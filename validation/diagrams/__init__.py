"""Pictures of models: read, folded to what a person can take in, written as Graphviz DOT."""
