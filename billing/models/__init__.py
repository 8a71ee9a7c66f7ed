"""The rows of what it costs. Importing this package makes every table of both halves known to `Base.metadata`."""

from billing.models.forecasts import ForecastVintage
from billing.models.intake import InvoiceReference, VendorAccount, VendorMapping
from billing.models.invoices import Invoice, InvoiceLine
from billing.models.payments import AccrualVoucher, LateInterestRate, Payment, PaymentFile, VoucherTemplate
from billing.models.quarters import Correction, QuarterClosing, QuarterReopening
from billing.models.reconciliations import (
    Dispute,
    DisputedFinding,
    DisputeEvent,
    FindingDecision,
    LinePlacing,
    ReconciliationReopening,
    ReconciliationRun,
    SignOff,
    ToleranceDecision,
    ToleranceDraft,
)
from billing.models.scenarios import Scenario, ScenarioAnswer, ScenarioRevision
from billing.models.usage import (
    UsageEntry,
    UsageEvent,
    UsageImport,
    UsageKey,
    UsageReversal,
    UsageRule,
    UsageSource,
    UsageUpload,
    UsageUploadPart,
)
from contracts.models import Base

__all__ = [
    "AccrualVoucher",
    "Base",
    "Correction",
    "Dispute",
    "DisputeEvent",
    "DisputedFinding",
    "FindingDecision",
    "ForecastVintage",
    "Invoice",
    "InvoiceLine",
    "InvoiceReference",
    "LateInterestRate",
    "LinePlacing",
    "Payment",
    "PaymentFile",
    "QuarterClosing",
    "QuarterReopening",
    "ReconciliationReopening",
    "ReconciliationRun",
    "Scenario",
    "ScenarioAnswer",
    "ScenarioRevision",
    "SignOff",
    "ToleranceDecision",
    "ToleranceDraft",
    "UsageEntry",
    "UsageEvent",
    "UsageImport",
    "UsageKey",
    "UsageReversal",
    "UsageRule",
    "UsageSource",
    "UsageUpload",
    "UsageUploadPart",
    "VendorAccount",
    "VendorMapping",
    "VoucherTemplate",
]
