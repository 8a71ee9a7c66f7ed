"""An agreement led through its life by random acts; after each, every page of every role is walked and its figures compared."""
