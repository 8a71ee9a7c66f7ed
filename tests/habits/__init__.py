"""Vendors of many habits: the same quarter billed in other cuts, other words and with other faults than `tests.injector` knows.

`agreements` makes agreements with usage, `cuts` writes what is due as a vendor of a habit would, `mistakes` is what such a
vendor may do wrong, `judging` holds the causes the product names against what was done. The oracle rates; only `reading` knows
the product, and hands it a document through the same reading as a file that came in.
"""
