"""The rows of what it costs. Importing this package makes every table of both halves known to `Base.metadata`."""

from billing.models.intake import InvoiceReference, VendorAccount, VendorMapping
from billing.models.invoices import Invoice, InvoiceLine
from billing.models.quarters import Correction, QuarterClosing, QuarterReopening
from billing.models.usage import (
    UsageEntry,
    UsageEvent,
    UsageImport,
    UsageKey,
    UsageReversal,
    UsageRule,
    UsageSource,
)
from contracts.models import Base

__all__ = [
    "Base",
    "Correction",
    "Invoice",
    "InvoiceLine",
    "InvoiceReference",
    "QuarterClosing",
    "QuarterReopening",
    "UsageEntry",
    "UsageEvent",
    "UsageImport",
    "UsageKey",
    "UsageReversal",
    "UsageRule",
    "UsageSource",
    "VendorAccount",
    "VendorMapping",
]
