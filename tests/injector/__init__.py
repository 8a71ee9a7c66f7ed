"""Write vendors' documents, right and wrong, apart from the product.

`worlds` makes a realistic agreement with its usage and its quarter, `documents` writes what the slow evaluator says is due as
an invoice at a vendor's grain, `faults` is the catalogue of single faults that a vendor may make, each with its code. None of
them reads the product's code; `presented` alone hands a world and its document to the product, in the product's types.
"""
