"""Solidity sources, their compiled artifacts, and the loader of those artifacts."""
