"""The rows of what it costs. Importing this package makes every table of both halves known to `Base.metadata`."""

from billing.models.invoices import Invoice, InvoiceLine
from billing.models.usage import UsageEntry, UsageImport
from contracts.models import Base

__all__ = ["Base", "Invoice", "InvoiceLine", "UsageEntry", "UsageImport"]
