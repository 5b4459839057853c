"""What the name of a column says about what it holds, in seven languages."""

import re
from dataclasses import dataclass
from functools import cache

from anyascii import anyascii

from dedup.kinds import Kind


def _all(words: str) -> frozenset[str]:
    return frozenset(words.split())


# English, German, French, Spanish, Italian, Dutch, Portuguese. Words of a phrase may be glued: "firstname".
# Among phrases of equally many words the earlier kind wins: "company city" is a city, "email address" an e-mail.
_PHRASES: dict[Kind, str] = {
    Kind.IDENTIFIER: """
        ssn, soc sec, soc sec id, social security, social security number, socsec, nino, national insurance,
        national id, tax id, tax number, taxid number, tin, ein, vat, vat id, vat number, vat reg no, ust id,
        ustid nr, ust id nr, umsatzsteuer id, steuer, steuer id, steuer nr, steuernummer, siren, siret, nif, cif, dni,
        nie, rut, cuit, nit, partita iva, p iva, iva, codice fiscale, cpf, cnpj, nipc, bsn, kvk, kvk nummer, btw,
        btw nummer, tva, duns, duns number, duns no, lei, iban, bic, passport, passport number, passport no,
        driver license, drivers license, driving licence, license, licence, license number, licence number,
        registration number, registration no, company number, company no, handelsregister, handelsregisternummer, hrb,
        crn, abn, acn, npi, nhs, nhs number, mrn, medicare, medicare number, insurance number, versichertennummer,
        sozialversicherungsnummer, svnr, ahv, ahv nummer, personnummer, isin, isbn, issn, ean, gtin, upc, asin, doi,
        orcid, vin, imei, numero fiscal, numero de securite sociale, securite sociale, numero secu, num contribuinte,
        contribuinte""",
    Kind.EMAIL: """
        email, e mail, mail, email address, e mail address, mail address, email adresse, e mail adresse, mail adresse,
        adresse mail, adresse email, courriel, correo, correo electronico, posta elettronica, correio eletronico""",
    Kind.PHONE: """
        phone, phone number, phone no, phone nr, tel, tel no, tel nr, telephone, telephone number, telefon,
        telefon nummer, telefon nr, telefono, telefoon, telefoon nummer, telefone, mobile, mobile phone,
        mobile number, mobil, mobil nummer, mobil telefon, handy, handy nummer, cell, cell phone, cellulare, celular,
        movil, portable, mobiel, gsm, fax, fax number, fax nummer, telefax, rufnummer, festnetz, landline, whatsapp,
        telemovel, msisdn""",
    Kind.URL: """
        url, website, web site, web, webseite, webpage, web page, homepage, home page, domain, domaine, dominio, site,
        site web, sitio web, pagina web, sito, sito web, internet, www, linkedin, linkedin url, twitter, facebook""",
    Kind.DATE: """
        date of birth, dob, d o b, birth date, birthday, date birth, bday, geburts datum, geburtstag, geb datum,
        gebdat, geb dat, date de naissance, date naissance, naissance, fecha de nacimiento, fecha nacimiento,
        nacimiento, fecha nac, data di nascita, data nascita, nascita, geboorte datum, data de nascimento,
        data nascimento, nascimento, date of death, date de deces, grundungs datum, gruendungs datum, founding date,
        founded on, date""",
    Kind.HOUSE_NUMBER: """
        street number, street no, street nr, house number, house no, house nr, house num, haus nummer, haus nr, hnr,
        strassen nummer, numero civico, civico, numero de rue, numero rue, no rue, num rue, numero de calle,
        num calle, huis nummer, huis nr, numero da rua, numero da porta, building number""",
    Kind.POSTCODE: """
        postcode, post code, postal code, postal, zip, zip code, zip5, plz, postleitzahl, code postal, cp,
        codigo postal, cap, codice postale, codice avviamento postale, cep, codigo de endereco postal""",
    Kind.TEXT: """
        address line 2, address line 3, name suffix, suffix, name prefix, prefix, tussenvoegsel, adresszusatz,
        adress zusatz, complement adresse, complement d adresse, complement, complemento, apartment, apt, unit, suite,
        floor, etage, care of, middle name, middle names, middle initial, second name, zweiter vorname,
        weitere vornamen, deuxieme prenom, segundo nombre, secondo nome, maiden name, birth name, geburtsname,
        nom de naissance, nom de jeune fille, user name, login, nickname, notes, note, notiz, notizen, bemerkung,
        bemerkungen, comment, comments, kommentar, commentaire, remarks, remark, observaciones, osservazioni,
        opmerkingen, description, beschreibung, descripcion, descrizione, omschrijving, descricao, job title,
        jobtitle, position title, beruf, profession, occupation""",
    Kind.CATEGORY: """
        gender, sex, geschlecht, sexe, sexo, sesso, geslacht, salutation, anrede, civilite, tratamiento, type, typ,
        tipo, category, kategorie, categorie, categoria, status, statut, estado civil, marital status, familienstand,
        segment, language, sprache, langue, idioma, lingua, taal, source, quelle, origin, industry, branche, sector,
        secteur, source dataset, source system, race, ethnicity""",
    Kind.GIVEN_NAME: """
        first name, given name, given names, forename, forenames, fore name, fname, f name, firstnames, vorname,
        vor name, vornamen, rufname, prenom, prenoms, primer nombre, nombre de pila, nome di battesimo, voornaam,
        voor naam, roepnaam, primeiro nome, nome proprio, christian name""",
    Kind.FAMILY_NAME: """
        last name, surname, sur name, family name, lname, l name, lastnames, nachname, nach name, familienname,
        familien name, zuname, nom de famille, nom famille, patronyme, apellido, apellidos, primer apellido, cognome,
        achternaam, achter naam, familienaam, geslachtsnaam, sobrenome, apelido, apelidos, ultimo nome""",
    Kind.FULL_NAME: """
        full name, fullname, complete name, person name, contact name, contact person, ansprechpartner, person,
        vollstandiger name, vor und nachname, nom complet, nom et prenom, nom prenom, nombre completo,
        nombre y apellidos, apellidos y nombre, nome completo, nome e cognome, cognome e nome, nominativo,
        volledige naam, author, patient name, employee name, student name, voter name""",
    Kind.COUNTRY: """
        country, country code, country name, nation, nationality, land, laender code, land code, landcode, staat,
        pays, code pays, pais, codigo pais, paese, nazione, country iso, iso country""",
    Kind.REGION: """
        state, state code, state name, province, county, region, bundesland, kanton, canton, departement, provincia,
        regione, estado, comunidad autonoma, provincie, distrito, district, prov, uf, landkreis""",
    Kind.CITY: """
        city, city name, town, suburb, locality, village, municipality, place, birth place, place of birth,
        geburtsort, ort, wohnort, stadt, ortsname, gemeinde, ortsteil, ville, commune, localite, ciudad, localidad,
        municipio, poblacion, citta, comune, localita, plaats, woonplaats, stad, cidade, localidade, concelho,
        hometown, plz ort, plz und ort, zip city, postcode city""",
    Kind.STREET: """
        street, street name, street address, address, addr, address line, add, address street, postal address,
        strasse, str, strassenname, anschrift, adresse, postanschrift, rue, nom de rue, voie, calle, direccion,
        domicilio, via, indirizzo, straat, straatnaam, adres, rua, endereco, morada, logradouro, line, strasse nr,
        strasse und nr, strasse hausnummer, strasse und hausnummer, strasse u hausnummer, street and number""",
    Kind.ORGANIZATION: """
        company, company name, organization, organisation, organization name, organisation name, org, org name, firma,
        firmenname, firmen name, firm, firm name, unternehmen, unternehmensname, betrieb, employer, employer name,
        arbeitgeber, business, business name, trade name, trading name, legal name, account name, corporation,
        societe, entreprise, raison sociale, empresa, razon social, nombre comercial, azienda, societa, impresa,
        ragione sociale, denominazione, bedrijf, bedrijfsnaam, organisatie, razao social, nome fantasia, companhia,
        institution, school, university, hospital, restaurant, hotel, vendor name, supplier name, lieferant""",
    Kind.NUMBER: """
        age, alter, edad, eta, leeftijd, idade, birth year, year of birth, yob, geburtsjahr, annee de naissance,
        amount, betrag, montant, importe, importo, bedrag, valor, price, preis, prix, precio, prezzo, prijs, preco,
        count, anzahl, quantity, score, weight, height, latitude, longitude, lat, lon, lng, salary, income, revenue,
        turnover, umsatz, employees, mitarbeiter, rating, year, jahr""",
}  # fmt: skip
_PRIORITY = {kind: place for place, kind in enumerate(_PHRASES)}

# A name, but of what? The other columns and the values decide.
_BARE_NAMES = _all(
    """name names nom nome nombre naam displayname customername clientname kundenname kundename kunde customer client
    cliente klant nomclient nombrecliente nomecliente klantnaam membername mitglied partnername partner contact kontakt
    businesspartner owner ownername"""
)
_SAID_NAMES = frozenset(("name", "names", "nom", "nome", "nombre", "naam"))
_KEYS = _all(
    """id ids key number nr no num uuid guid rowid pk index idx nummer numero kennung recid oid sid ref reference rownum
    rownumber row record serial"""
)
_NUMBERED = frozenset((Kind.EMAIL, Kind.PHONE, Kind.HOUSE_NUMBER, Kind.IDENTIFIER, Kind.POSTCODE))
_SHORT = {"nm": "name", "nme": "name", "frst": "first", "lst": "last", "cust": "customer", "cmpny": "company"}
_GLUED_KEY = re.compile(r"[a-z]{3,}(?:id|nr|nummer|number|uuid|guid|key)")

_WRITTEN = _all(
    """created create creation updated update modified modification inserted insert loaded load synced sync changed
    change deleted imported import exported ingested ingest extracted processed seen login activity erstellt erstell
    angelegt anlage geandert aenderung anderung erfassung erfasst aktualisiert creado creacion alta modificacion
    modificado cree modifie creato creazione modifica aangemaakt gewijzigd criado criacao modificacao"""
)
_WHEN = _all("""at on am le date datum datetime time timestamp ts zeit uhrzeit fecha data dt by von day el il op em""")
_STAMPS = _all(
    """timestamp systemmodstamp lastmodified lastupdated lastupdate lastmodifieddate anlagedatum erstelldatum
    erstellungsdatum aenderungsdatum anderungsdatum erfassungsdatum createdat updatedat modifiedat createddate
    updateddate createdon updatedon modifiedon createtime updatetime etag rowversion created updated
    modified inserted"""
)


@dataclass(frozen=True)
class Header:
    """What a column's name says. `phrase` are its telling words; `number` the 2 of "address_2", if any."""

    said: Kind | None
    phrase: str
    number: int | None
    bare_name: bool
    key: bool
    bookkeeping: bool


def read(name: str) -> Header:
    """Take the name of a column apart: "addressLine2" -> words address, line; number 2."""
    words, number = _words(name)
    said, phrase = _longest(words)
    if words and words[-1] in _KEYS and not phrase.endswith(words[-1]) and said not in _NUMBERED:
        said, phrase = None, ""  # "company id" holds no company
    if said is Kind.STREET and number is not None and number > 1:
        said, phrase = Kind.TEXT, f"{phrase} {number}"
    glued = "".join(words)
    if said is None and glued in _SAID_NAMES and number is not None and number > 1:
        said, phrase = Kind.TEXT, f"{glued} {number}"
    bare = said is None and (glued in _BARE_NAMES or bool(words and {words[0], words[-1]} & _SAID_NAMES))
    return Header(
        said=said,
        phrase=phrase or " ".join(words),
        number=number,
        bare_name=bare,
        key=_is_key(words),
        bookkeeping=glued in _STAMPS or (bool(_WRITTEN & set(words)) and bool(_WHEN & set(words))),
    )


def _is_key(words: list[str]) -> bool:
    if not words or words[1:2] == ["of"]:  # "number of rooms" counts
        return False
    return bool({words[0], words[-1]} & _KEYS) or _GLUED_KEY.fullmatch(words[-1]) is not None


def _words(name: str) -> tuple[list[str], int | None]:
    plain = anyascii(name)
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=\d+$)", " ", plain)
    words = [_SHORT.get(word, word) for word in re.findall(r"[a-z0-9]+", plain.lower())]
    if len(words) > 1 and words[-1].isdigit():
        return words[:-1], int(words[-1][:9])
    return words, None


def _longest(words: list[str]) -> tuple[Kind | None, str]:
    """The kind of the longest known run of words; of equally long ones, the first in the order of `_PHRASES`."""
    known = _known()
    for length in range(min(len(words), 4), 0, -1):
        runs = (" ".join(words[at : at + length]) for at in range(len(words) - length + 1))
        found = [(known[run.replace(" ", "")], run) for run in runs if run.replace(" ", "") in known]
        if found:
            return min(found, key=lambda each: _PRIORITY[each[0]])
    return None, ""


@cache
def _known() -> dict[str, Kind]:
    """The kind of every phrase, its words glued."""
    return {
        "".join(phrase.split()): kind for kind, phrases in reversed(_PHRASES.items()) for phrase in phrases.split(",")
    }
