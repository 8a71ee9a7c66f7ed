"""Keep a second, slow reading of the pricing rules to hold the product's rating against.

The evaluator here was written from the page that defines the amounts, by someone who had not read the product's code.
It places units one at a time, counts days one at a time and knows nothing of the product's types: it takes the JSON
document of a price request and gives the JSON document of the answer. That is its whole worth. It must therefore never
import from `contracts` or `billing`, never be sped up by borrowing from them, and never be changed to agree with them:
where the two differ, the page decides which one is wrong.

`generator` makes random valid price requests, `compare` says in words where two answers differ.
"""
