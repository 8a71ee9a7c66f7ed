"""Change the pricing modules one small step at a time and see whether anything notices.

Run by hand, ``python -m tests.mutation``: it takes longer than a test may. A *mutant* is a module with one changed
operator, constant, condition or statement. Each is imported in a forked child of its own and held against rated
agreements first (`amounts`), then against the tests of the module; a mutant that nothing notices has *survived*, and
either a test is missing or the change changes nothing. The README of `billing` lists and argues the survivors.
"""
