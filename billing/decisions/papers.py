"""The decision paper of a submission: made once, in the transaction that freezes it, and filed by its hash.

Page, API and command submit through the same step, so each of them leaves the same paper. It is never made again: who asks
for it gets the bytes that were filed. There are two editions: the whole one for readers of all trusts, and that of the trust's
own readers, who are told no ceiling and of the other trusts only what gives none of them away.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from io import StringIO
from typing import Final

from sqlalchemy.orm import Session

from billing.decisions import gains as gain_balance
from billing.figures import plans
from billing.papers import BudgetYear, DecisionPaper, EffectOnOther, FiledPaper, Gain, GuardAnswer, MonthCost
from contracts import agreements, documents, price_books
from contracts.cases import Case
from contracts.documents import FiledDocument, Version
from contracts.errors import NotFound
from contracts.options import catalogue, dossier, gains
from contracts.options import steps as options
from contracts.options.steps import Submitted
from contracts.papers import Attachment, print_paper
from contracts.papers.writing import Writing
from contracts.people import access
from contracts.people.access import Actor
from contracts.terms import workflow
from contracts.terms.agreement import MarketplaceAlgorithm
from contracts.terms.cost_figures import CostFigures, ToldFigures
from contracts.terms.evidence import REFERENCE_KINDS
from contracts.terms.period import previous_day
from contracts.terms.workflow import OSLO

KIND: Final = "decision_paper"
WHOLE: Final = "decision_paper.whole"

# The paper is written in bokmål, as the trusts' decisions are; a page in English links it as it is.
GUARDS: Final = {
    "option_exercised": "Opsjonen er utløst",
    "named_holder": "Navngitt opsjonshaver",
    "window": "Frist og avtaletid",
    "ceiling": "Avtalens høyeste verdi",
    "prices": "Priser for hele perioden",
    "algorithm": "Algoritmens godkjenning",
    "dossier": "Dokumentene er fullstendige",
    "budget": "Bevilgning for hvert år",
    "no_double": "Ingen annen aktivering av det samme",
}
_WARNINGS: Final = {
    "maximum_unknown": "Avtalen har ingen kjent høyeste verdi å holde kostnaden mot.",
    "overridden": "Kostnaden går ut over avtalens høyeste verdi; overskridelsen er godkjent særskilt.",
    "certificate_expires_soon": "Sertifikatet {certificate} utløper {expires_on}, innen de første tolv månedene.",
    "funding_below_cost": "{year}: av budsjettet på {funded} kr er {bound} kr brukt og bundet; planen koster {cost} kr, "
    "og {cover} kr er igjen etterpå.",
    "call_off_outlives_term": "Avropet varer til {ends_on}, lenger enn rammeavtalen ({term_end}).",
}
_NONE_GIVEN: Final = "Ingen oppgitt"
_GAIN_UNITS: Final = {"minutes": "minutter spart", "waiting": "dager kortere ventetid", "quality": ""}
ITEMS: Final = {
    "decision_and_funding": "Beslutning og finansiering",
    "dpia": "Personvernkonsekvensvurdering (DPIA)",
    "risk_analysis": "ROS-analyse",
    "processor_agreement": "Databehandleravtale",
    "mini_hta": "Mini-metodevurdering",
    "local_it": "Lokal IKT-godkjenning",
    "intended_use": "Bruk i samsvar med tiltenkt formål",
    "ethics": "Etisk vurdering",
    "not_trained_on_images": "Erklæring: ikke trent på våre bilder",
    "call_off_form": "Signert avropsskjema",
    "integration": "Integrasjon i RIS/PACS prøvd",
    "validation_report": "Valideringsrapport",
    "training": "Opplæring",
}


def register(write: Writing) -> None:
    """Let each submission of an activation file its paper, written by ``write``."""
    options.register_paper(partial(file_paper, write=write))


def file_paper(session: Session, submitted: Submitted, actor: Actor, now: datetime, *, write: Writing) -> str | None:
    """Print and file both editions of a submission's paper and give the whole one's hash.

    An option has no cost of its own and no paper.
    """
    case, figures = submitted.case, submitted.facts.figures
    if case.kind != "activation" or figures is None or case.plan is None:
        return None
    number = sum(step.event == "submit" for step in case.steps) + 1
    covers = workflow.cover_by_year(figures, submitted.facts.funding, submitted.facts.bound)
    kept = []
    for kind, scope, mark in ((WHOLE, None, ""), (KIND, case.trust, "-helseforetak")):
        paper = decision_paper(session, submitted, figures, actor, now, write, scope)
        kept.append(
            documents.enclose(
                session,
                kind=kind,
                title=paper.title(write),
                subject=str(case.id),
                trust_id=None if scope is None else case.trust_id,
                filename=f"beslutningsgrunnlag-{case.trust}-{case.algorithm}-{case.id.name}-{number}{mark}.pdf",
                content=print_paper(
                    paper, write, attachments=(_figure_list(case, figures.told(scope), covers, paper, scope),)
                ),
                actor=actor,
                now=now,
            )
        )
    return kept[0].sha256


def _figure_list(
    case: Case, told: ToldFigures, covers: Iterable[workflow.Cover], paper: DecisionPaper, scope: str | None
) -> Attachment:
    """List the paper's figures by id with their exact value, as machines compare them."""
    key = plans.case_key(str(case.id))
    parts: tuple[plans.Part, ...] = ("own", "others", "whole")
    listed = [plans.told_plan(key, part, told) for part in parts]
    listed += [plans.cover(key, year) for year in covers]
    listed.append(plans.gain(key, paper.net_per_year, scope))
    written = StringIO()
    csv.writer(written, delimiter=";", lineterminator="\r\n").writerows(
        [("figure", "value"), *((one.id, one.wire) for one in listed if one.value is not None)]
    )
    return Attachment("tall.csv", written.getvalue().encode(), "text/csv", "Tallene med navn, beløp i øre")


def filed(session: Session, case: Case, actor: Actor) -> FiledDocument | None:
    """Give the filed papers of a case in the reader's edition, one version per submission; ``None`` where none is filed."""
    found = {each.kind: each for each in documents.list_documents(session, subject=str(case.id), actor=actor)}
    # Papers from before there were two editions are under the one kind alone.
    return found.get(WHOLE, found.get(KIND))


def paper_bytes(session: Session, case: Case, actor: Actor, number: int | None = None) -> tuple[Version, bytes]:
    """Give the newest paper of a case (or that of an earlier submission) as it was filed; `NotFound` where none is."""
    found = filed(session, case, actor)
    if found is None:
        raise NotFound("no decision paper is filed for this case")
    return documents.version_bytes(session, found.id, number or found.newest.number, actor=actor)


def decision_paper(
    session: Session,
    submitted: Submitted,
    figures: CostFigures,
    actor: Actor,
    now: datetime,
    write: Writing,
    scope: str | None = None,
) -> DecisionPaper:
    """Put a submission into the paper's shape, as a reader within ``scope`` is told it (None: one of all trusts)."""
    case, facts = submitted.case, submitted.facts
    assert case.plan is not None
    summary = agreements.agreement_summary(session, case.agreement_id)
    product = next(
        one for one in agreements.marketplace(session, case.agreement_id) if one.code == (case.algorithm or "")
    )
    listed = gains.list_gains(session, case)
    told = gain_balance.balance(session, case, listed, now.astimezone(OSLO).date(), scope)
    names = access.names_of(session, {actor.id, *(gain.owner for gain in listed)})
    version = price_books.price_book(session, case.agreement_id).version_on(case.plan.starts_on)
    items = dossier.items(session, case)
    shown = figures.told(scope)
    warnings = submitted.warnings if scope is None else tuple(workflow.within_trust(one) for one in submitted.warnings)
    return DecisionPaper(
        sender=summary.buyer.name,
        agreement=summary.reference,
        reference=f"{summary.code} {case.id}",
        on=now.astimezone(OSLO).date(),
        trust=case.trust_name,
        product=product.product,
        need=product.need_nb,
        vendor=product.vendor_name,
        go_live=case.plan.starts_on,
        agreement_end=previous_day(figures.until),
        submitted_at=now,
        submitted_by=names[actor.id],
        open_points=tuple(_warned(one, write) for one in warnings),
        expected=shown.expected,
        own=shown.own,
        p90=shown.p90,
        first_year=shown.first_year,
        per_examination=told.per_examination,
        months=_months(shown, scope),
        others=(EffectOnOther("De andre helseforetakene samlet", shown.others),) if shown.others else (),
        maximum=facts.ceiling.maximum,
        used=facts.ceiling.used,
        other_requests=facts.ceiling.open_others,
        budget=tuple(
            BudgetYear(one.year, one.budget, one.bound, one.cost)
            for one in workflow.cover_by_year(figures, facts.funding, facts.bound)
        ),
        gains=tuple(
            Gain(gain.description, _size(gain, write), gain.per_year(told.examinations), gain.source, names[gain.owner])
            for gain in listed
        ),
        net_per_year=told.net_per_year,
        break_even=told.break_even,
        evidence=(
            ("Bruk i denne saken", case.plan.intended_use or _NONE_GIVEN),
            *_evidence(session, product, write),
        ),
        documents=tuple(
            FiledPaper(ITEMS.get(one.code, one.code), one.version or 1, _accepted(one, session, write), one.sha256)
            for one in items
            if one.sha256 is not None
        ),
        guards=_answers(warnings, write),
        statement=facts.comment.strip(),
        price_book=f"gyldig fra {write.day(version.valid_from, 'nb')}" if version is not None else "",
        scenario=_scenario(figures, write),
        dossier_hash=submitted.sha256,
        example=summary.example,
        whole=scope is None,
    )


def _scenario(figures: CostFigures, write: Writing) -> str:
    if figures.as_of is None:
        return _NONE_GIVEN
    counted = write.day(previous_day(figures.as_of), "nb")
    return f"Beregnet med og uten aktiveringen, med volum telt til og med {counted} og det som er ventet etter det"


def _months(figures: ToldFigures, scope: str | None) -> tuple[MonthCost, ...]:
    """Give the months through the ramp-up and the first ordinary ones, at most two years; within a trust its own cost."""
    ramp = figures.ramp_end

    def phase(month: date) -> str:
        return "Innføring" if ramp is not None and month < ramp else "Ordinær"

    return tuple(
        MonthCost(f"{each.month:%Y-%m}", phase(each.month), each.own if scope or each.amount is None else each.amount)
        for each in figures.by_month[:24]
    )


def _size(gain: gains.Gain, write: Writing) -> str:
    if gain.per_examination is None:
        return "Ikke tallfestet"
    decimals = max(0, -int(gain.per_examination.normalize().as_tuple().exponent))
    unit = _GAIN_UNITS[gain.kind]
    return f"{write.number(gain.per_examination, 'nb', decimals)} {unit} per undersøkelse".replace("  ", " ")


def _evidence(session: Session, product: MarketplaceAlgorithm, write: Writing) -> tuple[tuple[str, str], ...]:
    """Give what is known of the product; what nobody gave stands as not given."""
    none_given = _NONE_GIVEN
    held = catalogue.certificates(session, product.code)
    references = catalogue.references(session, product.code)
    count = {kind: [one for one in references if one.kind == kind] for kind in REFERENCE_KINDS}

    def told(kind: str) -> str:
        listed = count[kind]
        return f"{len(listed)}, den nyeste fra {max(one.year for one in listed)}" if listed else none_given

    return (
        ("CE-merking", f"klasse {product.ce_class}, {product.ce_year or none_given.lower()}"),
        (
            "Sertifikat",
            "; ".join(f"{one.number}, gyldig til {write.day(one.expires_on, 'nb')}" for one in held) or none_given,
        ),
        ("Referanser for validering", told("validation")),
        ("Referanser for klinisk utprøving", told("clinical")),
    )


def _accepted(item: dossier.DossierItem, session: Session, write: Writing) -> str:
    words = {"accepted": "Godtatt", "offered": "Lagt fram", "refused": "Avvist", "missing": "Mangler"}[item.status]
    if item.by is None or item.at is None:
        return words
    return (
        f"{words} av {access.names_of(session, {item.by})[item.by]}, {write.day(item.at.astimezone(OSLO).date(), 'nb')}"
    )


def _answers(warnings: tuple[workflow.Refusal, ...], write: Writing) -> tuple[GuardAnswer, ...]:
    """Give what each guard of a submission found: it stands here only because none refused."""
    rule = workflow.rule_of("activation", "submit")
    assert rule is not None
    return tuple(_answer(name, warnings, write) for name in rule.guards)


def _answer(name: str, warnings: Iterable[workflow.Refusal], write: Writing) -> GuardAnswer:
    own = [one for one in warnings if one.guard == name]
    if not own:
        return GuardAnswer(GUARDS[name], "passes", "Ingenting å merke.")
    sentences = " ".join(_warned(one, write) for one in own)
    return GuardAnswer(GUARDS[name], "warns", sentences, own[0].clause or None)


def _warned(warning: workflow.Refusal, write: Writing) -> str:
    sentence = _WARNINGS.get(warning.code)
    if sentence is None:
        return warning.detail
    return sentence.format(**{name: _in_norwegian(name, text, write) for name, text in warning.numbers.items()})


def _in_norwegian(name: str, text: str, write: Writing) -> str:
    if name in ("expires_on", "ends_on", "term_end"):
        day = date.fromisoformat(text)
        return write.day(day - timedelta(days=1) if name in ("ends_on", "term_end") else day, "nb")
    if name in ("cost", "funded", "bound", "cover", "request", "headroom", "maximum"):
        return write.amount(Decimal(text), "nb")
    return text
