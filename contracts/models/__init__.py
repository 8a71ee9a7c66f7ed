"""The rows of what was agreed. Importing this package makes every table of this half known to `Base.metadata`."""

from contracts.models.agreements import (
    Activation,
    Agreement,
    AgreementAlgorithm,
    AgreementExtension,
    AgreementTerms,
    Algorithm,
    Option,
    OptionState,
    Organisation,
)
from contracts.models.audit import AuditAnchor, AuditEvent, AuditLink
from contracts.models.base import Base
from contracts.models.ceiling import Budget, CeilingEntry, CeilingOverride, CeilingOverrideDecision, Certificate
from contracts.models.cost_centres import AgreementPayer, CostCentre
from contracts.models.documents import Document, DocumentVersion, TitledDocument
from contracts.models.indexation import (
    IndexClause,
    IndexRequest,
    IndexRequestState,
    IndexValue,
    IndexValueImport,
)
from contracts.models.jobs import Job, JobRun
from contracts.models.options import (
    ActivationSlot,
    Approval,
    Delegation,
    DossierEntry,
    WorkflowCase,
    WorkflowEvent,
    WorkflowPlan,
    WorkflowSubmission,
)
from contracts.models.people import IdempotencyKey, Person, RoleGrant, SessionEvent, Setting, SignInAttempt, Token
from contracts.models.price_books import (
    IndexAdjustment,
    PriceBookCharge,
    PriceBookConventions,
    PriceBookDraft,
    PriceBookDraftEvent,
    PriceBookDraftRevision,
    PriceBookVersion,
)

__all__ = [
    "Activation",
    "ActivationSlot",
    "Agreement",
    "AgreementAlgorithm",
    "AgreementExtension",
    "AgreementPayer",
    "AgreementTerms",
    "Algorithm",
    "Approval",
    "AuditAnchor",
    "AuditEvent",
    "AuditLink",
    "Base",
    "Budget",
    "CeilingEntry",
    "CeilingOverride",
    "CeilingOverrideDecision",
    "Certificate",
    "CostCentre",
    "Delegation",
    "Document",
    "DocumentVersion",
    "DossierEntry",
    "IdempotencyKey",
    "IndexAdjustment",
    "IndexClause",
    "IndexRequest",
    "IndexRequestState",
    "IndexValue",
    "IndexValueImport",
    "Job",
    "JobRun",
    "Option",
    "OptionState",
    "Organisation",
    "Person",
    "PriceBookCharge",
    "PriceBookConventions",
    "PriceBookDraft",
    "PriceBookDraftEvent",
    "PriceBookDraftRevision",
    "PriceBookVersion",
    "RoleGrant",
    "SessionEvent",
    "Setting",
    "SignInAttempt",
    "TitledDocument",
    "Token",
    "WorkflowCase",
    "WorkflowEvent",
    "WorkflowPlan",
    "WorkflowSubmission",
]
