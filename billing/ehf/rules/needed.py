"""What has to be there: every element that EN 16931 asks for, by the path of what lacks it."""

from collections.abc import Iterator
from typing import Final

from billing.ehf.parse import line_of
from billing.ehf.rules.asking import (
    ALLOWANCE,
    BUYER,
    CHARGE,
    LINE,
    NAMESPACES,
    SELLER,
    VAT,
    Failure,
    Reading,
    Rule,
    nodes,
    place,
    wherever,
)
from billing.ehf.rules.published import code_lists

_NO_REASON: Final = "[not(cbc:AllowanceChargeReason) and not(cbc:AllowanceChargeReasonCode)]"
_NO_CATEGORY: Final = f"[count(cac:TaxCategory) != 1 or not(cac:TaxCategory{VAT}/cbc:ID)]"
_REPRESENTATIVE: Final = "//cac:TaxRepresentativeParty"
_ENDS_FIRST: Final = (
    "[cbc:StartDate and cbc:EndDate]"
    "[not(number(translate(cbc:EndDate, '-', '')) >= number(translate(cbc:StartDate, '-', '')))]"
)
_TRANSFER: Final = "[normalize-space(cbc:PaymentMeansCode) = '30' or normalize-space(cbc:PaymentMeansCode) = '58']"
_select_vat_ids = nodes(f"//cac:PartyTaxScheme{VAT}")


def _vat_id_country(reading: Reading) -> Iterator[Failure]:
    [countries] = code_lists()["BR-CO-09"]
    for node in _select_vat_ids(reading):
        number = node.findtext("cbc:CompanyID", "", NAMESPACES)
        if len(number) > 1 and number[:2] not in countries:
            yield line_of(node), f"the VAT number '{number}' does not begin with a country's two letters: {place(node)}"


def _head(identifier: str, test: str, nb: str, en: str) -> Rule:
    return wherever(identifier, f"/*[not({test})]", nb, en)


def _line(identifier: str, test: str, nb: str, en: str) -> Rule:
    return wherever(identifier, f"{LINE}[not({test})]", nb, en)


HEAD: Final = (
    _head(
        "BR-01",
        "normalize-space(cbc:CustomizationID)",
        "Dokumentet sier ikke hvilke regler det følger.",
        "The document does not name the rules it follows.",
    ),
    _head("BR-02", "normalize-space(cbc:ID)", "Fakturanummeret mangler.", "The invoice number is missing."),
    _head("BR-03", "normalize-space(cbc:IssueDate)", "Fakturadatoen mangler.", "The issue date is missing."),
    _head(
        "BR-04",
        "normalize-space(cbc:InvoiceTypeCode) or normalize-space(cbc:CreditNoteTypeCode)",
        "Typekoden mangler.",
        "The type code is missing.",
    ),
    _head("BR-05", "normalize-space(cbc:DocumentCurrencyCode)", "Valutaen mangler.", "The currency is missing."),
    _head(
        "BR-06",
        "normalize-space(cac:AccountingSupplierParty/cac:Party/cac:PartyLegalEntity/cbc:RegistrationName)",
        "Selgerens registrerte navn mangler.",
        "The seller's registered name is missing.",
    ),
    _head(
        "BR-07",
        "normalize-space(cac:AccountingCustomerParty/cac:Party/cac:PartyLegalEntity/cbc:RegistrationName)",
        "Kjøperens registrerte navn mangler.",
        "The buyer's registered name is missing.",
    ),
    _head(
        "BR-08",
        "cac:AccountingSupplierParty/cac:Party/cac:PostalAddress",
        "Selgerens adresse mangler.",
        "The seller's address is missing.",
    ),
    wherever(
        "BR-09",
        f"{SELLER}/cac:Party/cac:PostalAddress[not(normalize-space(cac:Country/cbc:IdentificationCode))]",
        "Selgerens land mangler.",
        "The seller's country is missing.",
    ),
    _head(
        "BR-10",
        "cac:AccountingCustomerParty/cac:Party/cac:PostalAddress",
        "Kjøperens adresse mangler.",
        "The buyer's address is missing.",
    ),
    wherever(
        "BR-11",
        f"{BUYER}/cac:Party/cac:PostalAddress[not(normalize-space(cac:Country/cbc:IdentificationCode))]",
        "Kjøperens land mangler.",
        "The buyer's country is missing.",
    ),
    wherever(
        "BR-12",
        "//cac:LegalMonetaryTotal[not(cbc:LineExtensionAmount)]",
        "Summen av linjene mangler.",
        "The sum of the lines is missing.",
    ),
    wherever(
        "BR-13",
        "//cac:LegalMonetaryTotal[not(cbc:TaxExclusiveAmount)]",
        "Totalen uten mva. mangler.",
        "The total excluding VAT is missing.",
    ),
    wherever(
        "BR-14",
        "//cac:LegalMonetaryTotal[not(cbc:TaxInclusiveAmount)]",
        "Totalen med mva. mangler.",
        "The total including VAT is missing.",
    ),
    wherever(
        "BR-15",
        "//cac:LegalMonetaryTotal[not(cbc:PayableAmount)]",
        "Beløpet å betale mangler.",
        "The amount to pay is missing.",
    ),
    _head(
        "BR-16", "cac:InvoiceLine or cac:CreditNoteLine", "Dokumentet har ingen linjer.", "The document has no lines."
    ),
    wherever(
        "BR-53",
        "//cbc:TaxCurrencyCode[not(//cac:TaxTotal/cbc:TaxAmount/@currencyID = string(.))]",
        "Merverdiavgiften i regnskapsvalutaen mangler.",
        "The VAT in the accounting currency is missing.",
    ),
    wherever(
        "BR-CO-03",
        "/*[cbc:TaxPointDate and cac:InvoicePeriod/cbc:DescriptionCode]",
        "Avgiftstidspunktet er oppgitt både som dato og som kode.",
        "The tax point is given both as a date and as a code.",
    ),
    _head(
        "BR-CO-18",
        "cac:TaxTotal/cac:TaxSubtotal",
        "Merverdiavgiften er ikke spesifisert.",
        "The VAT is not broken down.",
    ),
    wherever(
        "BR-29",
        f"//cac:InvoicePeriod[not(parent::cac:InvoiceLine or parent::cac:CreditNoteLine)]{_ENDS_FIRST}",
        "Perioden slutter før den begynner.",
        "The period ends before it begins.",
    ),
    wherever(
        "BR-CO-19",
        "//cac:InvoicePeriod[not(parent::cac:InvoiceLine or parent::cac:CreditNoteLine)]"
        "[not(cbc:StartDate or cbc:EndDate or cbc:DescriptionCode)]",
        "En periode har verken første eller siste dag.",
        "A period has neither a first nor a last day.",
    ),
)

PARTIES: Final = (
    wherever(
        "BR-62",
        f"{SELLER}/cac:Party/cbc:EndpointID[not(@schemeID)]",
        "Selgerens elektroniske adresse sier ikke hvilket register den er fra.",
        "The seller's electronic address does not name its scheme.",
    ),
    wherever(
        "BR-63",
        f"{BUYER}/cac:Party/cbc:EndpointID[not(@schemeID)]",
        "Kjøperens elektroniske adresse sier ikke hvilket register den er fra.",
        "The buyer's electronic address does not name its scheme.",
    ),
    Rule(
        "BR-CO-09",
        "fatal",
        "Et mva-nummer begynner ikke med landets to bokstaver.",
        "A VAT number does not begin with its country's two letters.",
        _vat_id_country,
    ),
    wherever(
        "BR-CO-26",
        f"//cac:AccountingSupplierParty[not(cac:Party/cac:PartyTaxScheme{VAT}/cbc:CompanyID or "
        "cac:Party/cac:PartyIdentification/cbc:ID[not(@schemeID = 'SEPA')] or "
        "cac:Party/cac:PartyLegalEntity/cbc:CompanyID)]",
        "Selgeren har ikke noe nummer å kjennes på.",
        "The seller has no number to be known by.",
    ),
    wherever(
        "BR-17",
        "//cac:PayeeParty[not(cac:PartyName/cbc:Name) or "
        "cac:PartyName/cbc:Name = ../cac:AccountingSupplierParty/cac:Party/cac:PartyName/cbc:Name or "
        "cac:PartyIdentification/cbc:ID = ../cac:AccountingSupplierParty/cac:Party/cac:PartyIdentification/cbc:ID]",
        "Betalingsmottakeren mangler navn eller er selgeren selv.",
        "The payee has no name or is the seller itself.",
    ),
    wherever(
        "BR-18",
        f"{_REPRESENTATIVE}[not(normalize-space(cac:PartyName/cbc:Name))]",
        "Avgiftsrepresentantens navn mangler.",
        "The tax representative's name is missing.",
    ),
    wherever(
        "BR-19",
        f"{_REPRESENTATIVE}[not(cac:PostalAddress)]",
        "Avgiftsrepresentantens adresse mangler.",
        "The tax representative's address is missing.",
    ),
    wherever(
        "BR-20",
        f"{_REPRESENTATIVE}/cac:PostalAddress[not(normalize-space(cac:Country/cbc:IdentificationCode))]",
        "Avgiftsrepresentantens land mangler.",
        "The tax representative's country is missing.",
    ),
    wherever(
        "BR-56",
        f"{_REPRESENTATIVE}[not(cac:PartyTaxScheme{VAT}/cbc:CompanyID)]",
        "Avgiftsrepresentantens mva-nummer mangler.",
        "The tax representative's VAT number is missing.",
    ),
    wherever(
        "BR-57",
        "//cac:Delivery/cac:DeliveryLocation/cac:Address[not(cac:Country/cbc:IdentificationCode)]",
        "Leveringsadressens land mangler.",
        "The country of the delivery address is missing.",
    ),
    wherever(
        "UBL-SR-53",
        "//cac:PartyTaxScheme[not(cac:TaxScheme/cbc:ID and cbc:CompanyID)]",
        "En avgiftsregistrering mangler nummer eller ordning.",
        "A tax registration lacks its number or its scheme.",
    ),
)

PAYMENT_AND_REFERENCES: Final = (
    wherever(
        "BR-49",
        "//cac:PaymentMeans[not(cbc:PaymentMeansCode)]",
        "Betalingsmåten mangler kode.",
        "The means of payment has no code.",
    ),
    wherever(
        "BR-50",
        f"//cac:PaymentMeans{_TRANSFER}/cac:PayeeFinancialAccount[not(normalize-space(cbc:ID))]",
        "Bankkontoen mangler nummer.",
        "The bank account has no number.",
    ),
    wherever(
        "BR-61",
        f"//cac:PaymentMeans{_TRANSFER}[not(cac:PayeeFinancialAccount/cbc:ID)]",
        "Det skal betales til konto, og kontoen mangler.",
        "It is to be paid to an account, and the account is missing.",
    ),
    wherever(
        "BR-52",
        "//cac:AdditionalDocumentReference[not(normalize-space(cbc:ID))]",
        "Et vedlegg mangler referanse.",
        "An attachment has no reference.",
    ),
    wherever(
        "BR-55",
        "//cac:BillingReference[not(cac:InvoiceDocumentReference/cbc:ID)]",
        "En tidligere faktura er nevnt uten nummer.",
        "A preceding invoice is named without its number.",
    ),
    wherever(
        "UBL-DT-06",
        "//cbc:EmbeddedDocumentBinaryObject[not(@mimeCode)]",
        "Et vedlegg sier ikke hvilken filtype det er.",
        "An attachment does not say what type of file it is.",
    ),
    wherever(
        "UBL-DT-07",
        "//cbc:EmbeddedDocumentBinaryObject[not(@filename)]",
        "Et vedlegg mangler filnavn.",
        "An attachment has no file name.",
    ),
    wherever(
        "UBL-SR-43",
        "//cac:AdditionalDocumentReference[not(cbc:DocumentTypeCode = '130')]"
        "[not(local-name(/*) = 'CreditNote' and cbc:DocumentTypeCode = '50')]"
        "[cbc:ID/@schemeID or cbc:DocumentTypeCode]",
        "Et vedlegg har en typekode eller et register som ikke er tillatt.",
        "An attachment has a type code or a scheme that is not allowed.",
    ),
    wherever(
        "UBL-CR-666",
        "//cac:AdditionalDocumentReference[cbc:DocumentTypeCode = '130'][cac:Attachment]",
        "Det fakturerte objektet har en fil.",
        "The invoiced object has a file.",
    ),
    wherever(
        "UBL-CR-673",
        "//cac:AdditionalDocumentReference[cbc:DocumentTypeCode = '130'][cbc:DocumentDescription]",
        "Det fakturerte objektet har en beskrivelse.",
        "The invoiced object has a description.",
    ),
)

ON_LINES: Final = (
    _line("BR-21", "normalize-space(cbc:ID)", "En linje mangler nummer.", "A line has no number."),
    _line(
        "BR-22", "cbc:InvoicedQuantity or cbc:CreditedQuantity", "En linje mangler antall.", "A line has no quantity."
    ),
    _line(
        "BR-23",
        "cbc:InvoicedQuantity/@unitCode or cbc:CreditedQuantity/@unitCode",
        "En linje mangler enhet.",
        "A line has no unit.",
    ),
    _line("BR-24", "cbc:LineExtensionAmount", "En linje mangler beløp.", "A line has no amount."),
    _line(
        "BR-25",
        "normalize-space(cac:Item/cbc:Name)",
        "En linje sier ikke hva den gjelder.",
        "A line does not say what it is for.",
    ),
    _line("BR-26", "cac:Price/cbc:PriceAmount", "En linje mangler pris.", "A line has no price."),
    _line("BR-27", "cac:Price/cbc:PriceAmount >= 0", "En pris er negativ.", "A price is negative."),
    _line(
        "BR-28",
        "not(cac:Price/cac:AllowanceCharge/cbc:BaseAmount) or cac:Price/cac:AllowanceCharge/cbc:BaseAmount >= 0",
        "En bruttopris er negativ.",
        "A gross price is negative.",
    ),
    _line(
        "BR-CO-04",
        f"cac:Item/cac:ClassifiedTaxCategory{VAT}/cbc:ID",
        "En linje mangler avgiftskategori.",
        "A line has no VAT category.",
    ),
    wherever(
        "BR-30",
        f"{LINE}/cac:InvoicePeriod{_ENDS_FIRST}",
        "En linjes periode slutter før den begynner.",
        "A line's period ends before it begins.",
    ),
    wherever(
        "BR-CO-20",
        f"{LINE}/cac:InvoicePeriod[not(cbc:StartDate or cbc:EndDate)]",
        "En linjes periode har verken første eller siste dag.",
        "A line's period has neither a first nor a last day.",
    ),
    wherever(
        "BR-54",
        "//cac:AdditionalItemProperty[not(cbc:Name and cbc:Value)]",
        "En egenskap ved en vare mangler navn eller verdi.",
        "A property of an item lacks its name or value.",
    ),
    wherever(
        "BR-64",
        f"{LINE}/cac:Item/cac:StandardItemIdentification/cbc:ID[not(@schemeID)]",
        "Et varenummer sier ikke hvilket register det er fra.",
        "An item's number does not name its scheme.",
    ),
    wherever(
        "BR-65",
        f"{LINE}/cac:Item/cac:CommodityClassification/cbc:ItemClassificationCode[not(@listID)]",
        "En varegruppe sier ikke hvilken liste den er fra.",
        "An item's class does not name its list.",
    ),
)

ON_ALLOWANCES: Final = (
    wherever(
        "BR-31",
        f"//cac:AllowanceCharge[not(ancestor::cac:*)]{ALLOWANCE}[not(cbc:Amount)]",
        "En rabatt mangler beløp.",
        "An allowance has no amount.",
    ),
    wherever(
        "BR-32",
        f"//cac:AllowanceCharge[not(ancestor::cac:*)]{ALLOWANCE}{_NO_CATEGORY}",
        "En rabatt har ikke én avgiftskategori.",
        "An allowance has not one VAT category.",
    ),
    wherever(
        "BR-33",
        f"//cac:AllowanceCharge[not(ancestor::cac:*)]{ALLOWANCE}{_NO_REASON}",
        "En rabatt har ingen grunn.",
        "An allowance has no reason.",
    ),
    wherever(
        "BR-36",
        f"//cac:AllowanceCharge[not(ancestor::cac:*)]{CHARGE}[not(cbc:Amount)]",
        "Et tillegg mangler beløp.",
        "A charge has no amount.",
    ),
    wherever(
        "BR-37",
        f"//cac:AllowanceCharge[not(ancestor::cac:*)]{CHARGE}{_NO_CATEGORY}",
        "Et tillegg har ikke én avgiftskategori.",
        "A charge has not one VAT category.",
    ),
    wherever(
        "BR-38",
        f"//cac:AllowanceCharge[not(ancestor::cac:*)]{CHARGE}{_NO_REASON}",
        "Et tillegg har ingen grunn.",
        "A charge has no reason.",
    ),
    wherever(
        "BR-41",
        f"{LINE}/cac:AllowanceCharge{ALLOWANCE}[not(cbc:Amount)]",
        "En rabatt på en linje mangler beløp.",
        "An allowance on a line has no amount.",
    ),
    wherever(
        "BR-42",
        f"{LINE}/cac:AllowanceCharge{ALLOWANCE}{_NO_REASON}",
        "En rabatt på en linje har ingen grunn.",
        "An allowance on a line has no reason.",
    ),
    wherever(
        "BR-43",
        f"{LINE}/cac:AllowanceCharge{CHARGE}[not(cbc:Amount)]",
        "Et tillegg på en linje mangler beløp.",
        "A charge on a line has no amount.",
    ),
    wherever(
        "BR-44",
        f"{LINE}/cac:AllowanceCharge{CHARGE}{_NO_REASON}",
        "Et tillegg på en linje har ingen grunn.",
        "A charge on a line has no reason.",
    ),
)

ON_TAX: Final = (
    wherever(
        "BR-45",
        "//cac:TaxTotal/cac:TaxSubtotal[not(cbc:TaxableAmount)]",
        "Avgiftsgrunnlaget mangler.",
        "The taxable amount is missing.",
    ),
    wherever(
        "BR-46",
        "//cac:TaxTotal/cac:TaxSubtotal[not(cbc:TaxAmount)]",
        "Avgiftsbeløpet mangler.",
        "The amount of tax is missing.",
    ),
    wherever(
        "BR-47",
        f"//cac:TaxTotal/cac:TaxSubtotal[not(cac:TaxCategory{VAT}/cbc:ID)]",
        "Avgiftskategorien mangler.",
        "The VAT category is missing.",
    ),
    wherever(
        "BR-48",
        f"//cac:TaxTotal/cac:TaxSubtotal[not(cac:TaxCategory{VAT}/cbc:Percent)]"
        f"[not(normalize-space(cac:TaxCategory{VAT}/cbc:ID) = 'O')]",
        "Avgiftssatsen mangler.",
        "The VAT rate is missing.",
    ),
)

NEEDED: Final[tuple[Rule, ...]] = (
    *HEAD,
    *PARTIES,
    *PAYMENT_AND_REFERENCES,
    *ON_LINES,
    *ON_ALLOWANCES,
    *ON_TAX,
)
