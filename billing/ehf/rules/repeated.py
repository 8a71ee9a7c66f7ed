"""What may stand once only: the cardinalities of EN 16931 where UBL allows more."""

from typing import Final

from billing.ehf.rules.asking import ALLOWANCE, BUYER, CHARGE, LINE, SELLER, VAT, Rule, wherever

_PARTY: Final = "cac:Party"
_OTHER_TAX: Final = "[translate(cac:TaxScheme/cbc:ID, 'vat', 'VAT') != 'VAT']"
_NOT_SELLER: Final = (
    "cac:PartyName/cbc:Name != ../cac:AccountingSupplierParty/cac:Party/cac:PartyLegalEntity/cbc:RegistrationName"
)

# Where it stands, what stands there more than once, and how a person calls it in both languages.
_AT_MOST_ONCE: Final = (
    ("UBL-SR-01", "/*", "cac:ContractDocumentReference/cbc:ID", "avtalereferanse", "a contract reference"),
    ("UBL-SR-02", "/*", "cac:ReceiptDocumentReference/cbc:ID", "mottaksreferanse", "a receipt reference"),
    ("UBL-SR-03", "/*", "cac:DespatchDocumentReference/cbc:ID", "pakkseddelreferanse", "a despatch reference"),
    (
        "UBL-SR-04",
        "/*",
        "cac:AdditionalDocumentReference[cbc:DocumentTypeCode = '130']/cbc:ID",
        "fakturert objekt",
        "an invoiced object",
    ),
    ("UBL-SR-05", "/*", "cac:PaymentTerms/cbc:Note", "betalingsvilkår", "payment terms"),
    ("UBL-SR-06", "//cac:BillingReference", "cac:InvoiceDocumentReference", "tidligere faktura", "a preceding invoice"),
    ("UBL-SR-08", "/*", "cac:InvoicePeriod", "periode", "a period"),
    (
        "UBL-SR-09",
        SELLER,
        f"{_PARTY}/cac:PartyLegalEntity/cbc:RegistrationName",
        "registrert navn",
        "a registered name",
    ),
    ("UBL-SR-10", SELLER, f"{_PARTY}/cac:PartyName/cbc:Name", "navn på selgeren", "a name of the seller"),
    ("UBL-SR-11", SELLER, f"{_PARTY}/cac:PartyLegalEntity/cbc:CompanyID", "organisasjonsnummer", "a company number"),
    ("UBL-SR-12", SELLER, f"{_PARTY}/cac:PartyTaxScheme{VAT}/cbc:CompanyID", "mva-nummer", "a VAT number"),
    (
        "UBL-SR-13",
        SELLER,
        f"{_PARTY}/cac:PartyTaxScheme{_OTHER_TAX}/cbc:CompanyID",
        "avgiftsregistrering",
        "a tax registration",
    ),
    ("UBL-SR-14", SELLER, f"{_PARTY}/cac:PartyLegalEntity/cbc:CompanyLegalForm", "selskapsform", "a legal form"),
    ("UBL-SR-15", BUYER, f"{_PARTY}/cac:PartyLegalEntity/cbc:RegistrationName", "registrert navn", "a registered name"),
    ("UBL-SR-16", BUYER, f"{_PARTY}/cac:PartyIdentification/cbc:ID", "nummer på kjøperen", "a number of the buyer"),
    ("UBL-SR-17", BUYER, f"{_PARTY}/cac:PartyLegalEntity/cbc:CompanyID", "organisasjonsnummer", "a company number"),
    ("UBL-SR-18", BUYER, f"{_PARTY}/cac:PartyTaxScheme{VAT}/cbc:CompanyID", "mva-nummer", "a VAT number"),
    (
        "UBL-SR-22",
        "//cac:TaxRepresentativeParty",
        "cac:PartyName/cbc:Name",
        "navn på avgiftsrepresentanten",
        "a name of the tax representative",
    ),
    ("UBL-SR-23", "//cac:TaxRepresentativeParty", "cac:PartyTaxScheme/cbc:CompanyID", "mva-nummer", "a VAT number"),
    ("UBL-SR-24", "/*", "cac:Delivery", "levering", "a delivery"),
    ("UBL-SR-25", "//cac:Delivery", "cac:DeliveryParty/cac:PartyName/cbc:Name", "mottaker", "a party delivered to"),
    ("UBL-SR-26", "//cac:PaymentMeans", "cbc:PaymentID", "betalingsreferanse", "a payment reference"),
    ("UBL-SR-27", "//cac:PaymentMeans", "cbc:PaymentMeansCode", "betalingsmåte", "a means of payment"),
    ("UBL-SR-28", "//cac:PaymentMeans", "cac:PaymentMandate/cbc:ID", "fullmakt", "a mandate"),
    (
        "UBL-SR-29",
        "/*",
        ".//cac:PartyIdentification/cbc:ID[translate(@schemeID, 'sepa', 'SEPA') = 'SEPA']",
        "kreditornummer",
        "a creditor's number",
    ),
    ("UBL-SR-30", f"//cac:AllowanceCharge{ALLOWANCE}", "cbc:AllowanceChargeReason", "rabattgrunn", "a reason"),
    ("UBL-SR-31", f"//cac:AllowanceCharge{CHARGE}", "cbc:AllowanceChargeReason", "tilleggsgrunn", "a reason"),
    (
        "UBL-SR-32",
        "//cac:TaxSubtotal",
        "cac:TaxCategory/cbc:TaxExemptionReason",
        "fritaksgrunn",
        "a reason of exemption",
    ),
    (
        "UBL-SR-33",
        "//cac:AdditionalDocumentReference",
        "cbc:DocumentDescription",
        "beskrivelse av vedlegget",
        "a description of the attachment",
    ),
    ("UBL-SR-34", LINE, "cbc:Note", "merknad på en linje", "a note on a line"),
    ("UBL-SR-35", LINE, "cac:OrderLineReference/cbc:LineID", "bestillingslinje", "an order line"),
    ("UBL-SR-36", LINE, "cac:InvoicePeriod", "periode på en linje", "a period on a line"),
    ("UBL-SR-37", LINE, "cac:Price/cac:AllowanceCharge/cbc:Amount", "rabatt på en pris", "a discount on a price"),
    ("UBL-SR-39", "/*", "cac:ProjectReference/cbc:ID", "prosjektreferanse", "a project reference"),
    ("UBL-SR-40", BUYER, f"{_PARTY}/cac:PartyName/cbc:Name", "navn på kjøperen", "a name of the buyer"),
    ("UBL-SR-45", "/*", "cac:PaymentMeans/cbc:PaymentDueDate", "forfallsdato", "a due date"),
    ("UBL-SR-46", "/*", "cac:PaymentMeans/cbc:PaymentMeansCode/@name", "navn på betalingsmåten", "a name of the means"),
    ("UBL-SR-49", "/*", "cac:InvoicePeriod/cbc:DescriptionCode", "kode for avgiftstidspunkt", "a tax point code"),
    ("UBL-SR-50", LINE, "cac:Item/cbc:Description", "beskrivelse på en linje", "a description on a line"),
    (
        "UBL-SR-51",
        "//(cac:PostalAddress|cac:Address)",
        "cac:AddressLine",
        "adresselinje",
        "an address line",
    ),
    ("UBL-SR-52", LINE, "cac:DocumentReference", "objektreferanse på en linje", "an object reference on a line"),
    ("UBL-SR-54", "/*", "cac:PaymentMeans/cac:CardAccount", "betalingskort", "a payment card"),
    ("UBL-SR-55", "/*", "cac:PaymentMeans/cac:PaymentMandate", "betalingsfullmakt", "a payment mandate"),
    ("UBL-SR-56", "/*", "cac:OriginatorDocumentReference/cbc:ID", "anskaffelsesreferanse", "a tender reference"),
    ("PEPPOL-EN16931-R002", "/*", "cbc:Note", "merknad på dokumentet", "a note on the document"),
    (
        "PEPPOL-EN16931-R080",
        "/*[local-name() = 'CreditNote']",
        "cac:AdditionalDocumentReference[cbc:DocumentTypeCode = '50']",
        "prosjektreferanse",
        "a project reference",
    ),
)


def _once(identifier: str, where: str, what: str, nb: str, en: str) -> Rule:
    return wherever(
        identifier,
        f"{where}[count({what}) > 1]",
        f"Dette står mer enn én gang: {nb}.",
        f"This stands more than once: {en}.",
    )


REPEATED: Final[tuple[Rule, ...]] = (
    *(_once(*each) for each in _AT_MOST_ONCE),
    wherever(
        "UBL-SR-19",
        f"//cac:PayeeParty[not(count(cac:PartyName/cbc:Name) <= 1 and {_NOT_SELLER})]",
        "Betalingsmottakeren har flere navn eller er selgeren selv.",
        "The payee has several names or is the seller itself.",
    ),
    wherever(
        "UBL-SR-20",
        "//cac:PayeeParty[count(cac:PartyIdentification/cbc:ID[translate(@schemeID, 'sepa', 'SEPA') != 'SEPA']) > 1]",
        "Betalingsmottakeren har flere numre.",
        "The payee has several numbers.",
    ),
    wherever(
        "UBL-SR-21",
        "//cac:PayeeParty[count(cac:PartyLegalEntity/cbc:CompanyID) > 1]",
        "Betalingsmottakeren har flere organisasjonsnumre.",
        "The payee has several company numbers.",
    ),
    wherever(
        "UBL-SR-42",
        f"{SELLER}/cac:Party[count(cac:PartyTaxScheme) > 2]",
        "Selgeren har mer enn to avgiftsregistreringer.",
        "The seller has more than two tax registrations.",
    ),
    wherever(
        "UBL-SR-44",
        "/*[.//cbc:PaymentID[. != (//cbc:PaymentID)[1]]]",
        "Det står ulike betalingsreferanser (KID).",
        "There are different payment references (KID).",
    ),
    wherever(
        "UBL-SR-47",
        "/*[.//cbc:PaymentMeansCode[. != (//cbc:PaymentMeansCode)[1]]]",
        "Det står ulike betalingsmåter.",
        "There are different means of payment.",
    ),
    wherever(
        "UBL-SR-48",
        f"{LINE}[count(cac:Item/cac:ClassifiedTaxCategory) != 1]",
        "En linje har ikke nøyaktig én avgiftskategori.",
        "A line has not exactly one VAT category.",
    ),
)
