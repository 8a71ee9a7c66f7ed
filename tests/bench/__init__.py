"""Benchmarks: what is measured, both sides in one run (`python -m tests.bench`)."""
