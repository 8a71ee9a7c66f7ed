"""Every headline figure once: its id, its definition, the one function that computes it and the sentence that explains it.

See the README beside this file for the table of figures, and how to add one.
"""

from billing.figures.figure import Figure, Meaning, Value, means, registered

__all__ = ["Figure", "Meaning", "Value", "means", "registered"]
