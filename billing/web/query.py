"""What a page is asked: its parameters, the agreement, and as of which knowledge.

One permalink gives one page: a parameter that a page does not know is an error that names it, because silently ignoring it
would show other figures than the address says. `kjent` (a date or a moment) and `agreement` are understood everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, NoReturn, TypeVar

from flask import abort, current_app, g, make_response, render_template, request, url_for
from flask_babel import gettext as _

from billing.quarters import coverage
from billing.quarters.coverage import Counted
from billing.web import words
from contracts import agreements, clock, price_books
from contracts.agreements import AgreementSummary
from contracts.errors import NotFound
from contracts.extensions import db
from contracts.people.access import Actor
from contracts.terms.agreement import OptionHolder
from contracts.terms.period import Period
from contracts.web import acts, formatting, layout
from contracts.web.acts import today
from contracts.web.agreements.page import read_moment
from contracts.web.guard import current_actor
from contracts.web.i18n import current_language

T = TypeVar("T")

EVERYWHERE = ("kjent", "agreement")


@dataclass(frozen=True, slots=True)
class Query:
    """What a request asks for: which agreement, as known when, and the page's own parameters as text."""

    actor: Actor
    agreement: AgreementSummary
    known_at: datetime | None
    today: date
    values: dict[str, str]

    def asked(self, use_case: Callable[..., T], **given: Any) -> T:
        """Ask what ``use_case`` tells the reader of the agreement."""
        return acts.asked(use_case, agreement_id=self.agreement.id, **given)

    def acted(self, use_case: Callable[..., T], **given: Any) -> T:
        """Do an act on the agreement now; whoever calls commits it."""
        return acts.acted(use_case, agreement_id=self.agreement.id, **given)

    def done(self, use_case: Callable[..., T], **given: Any) -> T:
        """Do an act on the agreement now and commit it; what it raises leaves nothing behind."""
        return acts.done(use_case, agreement_id=self.agreement.id, **given)

    def holders(self) -> tuple[OptionHolder, ...]:
        """Give the agreement's option holders; asked for once in a request."""
        kept: dict[Any, tuple[OptionHolder, ...]] = g.setdefault("trinnvis_holders", {})
        key = (self.agreement.id, self.known_at)
        if key not in kept:
            kept[key] = agreements.option_holders(db.session, *key)
        return kept[key]

    def readable_holders(self) -> list[OptionHolder]:
        """Give the option holders whose figures the reader may ask for."""
        scope = self.actor.scope("read")
        return [holder for holder in self.holders() if scope in (None, holder.party.code)]

    def names(self) -> words.Names:
        """Give what the agreement's trusts and algorithms are called."""
        return words.Names.of(self.holders(), agreements.marketplace(db.session, self.agreement.id))

    def link(self, endpoint: str, **values: Any) -> str:
        """Give the address of another page about the same agreement, as known at the same moment."""
        kept = {name: request.args[name] for name in EVERYWHERE if request.args.get(name)}
        return url_for(endpoint, **{**kept, **values})

    def period(self, name: str = "periode") -> Period | None:
        """Give the period of a parameter, ``None`` where it is not given; a page for what is no period."""
        text = self.values.get(name)
        if not text:
            return None
        try:
            return Period.parse(text)
        except ValueError:
            refuse(
                _(
                    "“%(value)s” in %(name)s is not a month (2026-09), a quarter (2026-Q3) or a year.",
                    value=text,
                    name=name,
                )
            )

    def counted(self) -> Counted:
        """Find how far the agreement's counts are in; once for a request."""
        key = (self.agreement.id, self.known_at)
        kept: dict[Any, Counted] = g.setdefault("trinnvis_counted", {})
        if key not in kept:
            kept[key] = coverage.counted(
                db.session, agreement_id=self.agreement.id, today=self.today, known_at=self.known_at
            )
        return kept[key]

    def page(self, template: str, *, as_of: date | None, version: date | None, **values: Any) -> str:
        """Render a page with its data line and the links it needs; without a ``version``, the one valid by then."""
        if version is None:
            book = price_books.price_book(db.session, self.agreement.id, self.known_at)
            valid = book.version_on(as_of or self.today)
            version = None if valid is None else valid.valid_from
        return render_template(
            template,
            query=self,
            link=self.link,
            as_of=as_of,
            counted=self.counted() if as_of is not None or g.get("trinnvis_counted") else None,
            known_at=self.shown_moment(as_of),
            price_book=None if version is None else _("of %(day)s", day=formatting.day(version, current_language())),
            **values,
        )

    def fixed_moment(self) -> str:
        """Give the moment that keeps this page as it is for good, as `kjent` reads it: nothing known now is after it."""
        moment = self.known_at or max(datetime.now(UTC), self.shown_moment(None))
        return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

    def shown_moment(self, as_of: date | None) -> datetime:
        """Give the moment as of which the page knows what it shows; in the example, the example's today."""
        if self.known_at is not None:
            return self.known_at
        now = datetime.now(UTC)
        if current_app.config["EXAMPLE_MODE"] and (as_of is None or as_of <= self.today):
            return datetime.combine(self.today, now.astimezone(clock.OSLO).time(), tzinfo=clock.OSLO)
        return now


def read_query(*own: str, code: str | None = None, past: bool = True) -> Query:
    """Read a page's query; ``own`` are the parameters it knows beside the common ones, ``code`` an agreement in its path.

    ``past`` is false for a page that looks ahead from what is known now.

    Answers by itself where there is no agreement yet (what to do first), where there are several and none is named (a
    choice), and where the address is not understood (400, naming what).
    """
    if not past and request.args.get("kjent"):
        refuse(_("This page cannot be asked as of an earlier day: leave out kjent."))
    values = parameters(*own)
    actor = current_actor()
    known_at = read_moment(values.pop("kjent", ""))
    code = code or values.pop("agreement", None) or None
    return Query(actor, _agreement(code, known_at), known_at, today(), values)


def parameters(*own: str) -> dict[str, str]:
    """Give the request's parameters as text; an unknown or a repeated one is refused by name."""
    values: dict[str, str] = {}
    for name, value in request.args.items(multi=True):
        if name not in (*own, *EVERYWHERE):
            refuse(_("The parameter “%(name)s” is unknown here.", name=name))
        if name in values:
            refuse(_("The parameter “%(name)s” stands twice.", name=name))
        values[name] = value.strip()
    return values


def reads() -> bool:
    """Tell whether somebody is signed in who reads amounts: what the navigation shows."""
    actor: Actor | None = g.get("trinnvis_actor")
    return actor is not None and actor.may("read")


def reads_all() -> bool:
    """Tell whether somebody is signed in who reads the amounts of all trusts."""
    return reads() and current_actor().scope("read") is None


def refuse(sentence: str) -> NoReturn:
    """Answer 400 with one sentence."""
    abort(make_response(*layout.error_page(400, details=[sentence])))


def _agreement(code: str | None, known_at: datetime | None) -> AgreementSummary:
    listed = agreements.readable(db.session, current_actor())
    if not listed:
        abort(make_response(render_template("contracts/agreements/nothing_yet.html")))
    if code is None and len(listed) > 1:
        abort(make_response(render_template("billing/choose_agreement.html", agreements=listed, address=_with_code)))
    found = next((each for each in listed if code in (None, each.code)), None)
    if found is None:
        raise NotFound(_("There is no agreement “%(code)s”.", code=code))
    return agreements.agreement_summary(db.session, found.id, known_at)


def _with_code(code: str) -> str:
    return url_for(request.endpoint or "", **{**(request.view_args or {}), **request.args, "agreement": code})
