"""Long proofs (`python -m tests.soak`); the tests run them small."""
