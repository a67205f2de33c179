"""Scans: how they are read, which of their patterns are neighbours, how they reach the network."""
