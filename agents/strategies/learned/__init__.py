"""Strategies that rest on a trained network."""
