"""The built-in strategies.  They enter by the same door as a third party's (entry points)."""
