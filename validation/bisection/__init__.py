"""The version at which a figure moved: a fresh environment for each version that is tried."""
