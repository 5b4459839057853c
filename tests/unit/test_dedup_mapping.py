"""The guess of what an unknown file's columns hold."""

import datetime as dt
import random

import pyarrow as pa
import pytest

from dedup.kinds import Kind
from dedup.mapping import guess

ROWS = 60
GIVEN = ["james", "mary", "lachlan", "emily", "thomas", "sarah", "jacob", "olivia", "harry", "sophie"]
MORE = ["tiahana", "hamish", "bailee", "samuel", "kayla", "nicholas", "hannah", "matthew", "alisha", "benjamin", "erin"]
FAMILY = ["waller", "berry", "sondergeld", "bruhn", "lanyon", "efthimiou", "neumann", "painter", "mccarthy", "coldbeck"]
PLACES = ["bittern", "st james", "canterbury", "kellerberrin", "winston hills", "dapto"]
STREETS = ["giblin street", "forbes street", "milne cove", "sturdee crescent", "pinkerton circuit"]
FIRMS = ["Nordwind Logistik", "Acme Tools", "Hansen Bau", "Sol y Mar", "Blue Ocean Foods", "Kern Optik", "Delta Druck"]


def kinds(columns, **said):
    return {name: found.kind for name, found in guess(pa.table(columns), **said).items()}


def some(*values):  # one of the values in every row, in no order, and the same in every run
    return [random.Random(f"{values[0]}{row}").choice(values) for row in range(ROWS)]


def each(make):
    return [make(row) for row in range(ROWS)]


def spread(row):
    return (row * 7919 + 104729) % 9_000_000


def test_people_with_addresses():
    assert kinds(
        {
            "rec_id": each(lambda row: f"rec-{row}-org"),
            "given_name": some(*GIVEN, None),
            "surname": some(*FAMILY),
            "street_number": some("6", "69", "373", None),
            "address_1": some(*STREETS),
            "address_2": some("willaroo", "killarney", "kooltuo", "wintersloe", *FAMILY),
            "suburb": some(*PLACES),
            "postcode": some("4011", "4814", "2776"),
            "state": some("wa", "qld", "vic"),
            "date_of_birth": each(lambda row: f"19{row % 90 + 10}02{row % 20 + 10}"),
            "soc_sec_id": each(lambda row: str(1_000_000 + spread(row))),
        }
    ) == {
        "rec_id": Kind.ID,
        "given_name": Kind.GIVEN_NAME,
        "surname": Kind.FAMILY_NAME,
        "street_number": Kind.HOUSE_NUMBER,
        "address_1": Kind.STREET,
        "address_2": Kind.TEXT,
        "suburb": Kind.CITY,
        "postcode": Kind.POSTCODE,
        "state": Kind.REGION,
        "date_of_birth": Kind.DATE,
        "soc_sec_id": Kind.IDENTIFIER,
    }


def test_restaurants_of_two_sources():
    found = kinds(
        {
            "unique_id": list(range(ROWS)),
            "source_dataset": some("fodors", "zagats"),
            "name": some(
                "la caravelle", "chanterelle", "tre visi", "frijoleros", "nickiemotos: a sushi bar", "le cirque"
            ),
            "addr": some("33 w. 55th st.", "2 harrison st.", "3799 las vegas blvd. s."),
            "city": some("new york city", "las vegas", "atlanta"),
            "phone": each(lambda row: f"212-586-{row + 1000}"),
            "type": some("french (classic)", "italian", "tex-mex"),
        }
    )
    assert found == {
        "unique_id": Kind.ID,
        "source_dataset": Kind.CATEGORY,
        "name": Kind.ORGANIZATION,
        "addr": Kind.STREET,
        "city": Kind.CITY,
        "phone": Kind.PHONE,
        "type": Kind.CATEGORY,
    }


def test_contacts_of_a_crm():
    found = kinds(
        {
            "contact_id": some(*(f"CONT-{number:05}" for number in range(40))),
            "first_name": some(*GIVEN),
            "last_name": some(*FAMILY),
            "email": some("a@x.org", "b@y.org", "broken", None),
            "phone": some("+1-450-555-0181 x1948", "(378) 555 0176", None),
            "job_title": some("Chief Technology Officer", "Technician"),
            "company_name": some(*FIRMS),
            "city": some(*PLACES),
            "state_code": some("NSW", "MV", "ACT"),
            "country_code": some("EC", "RU", "AU"),
            "created_at": each(lambda row: f"2020-08-05 03:{row:02}:00"),
            "source_system": some("CRM", "HRIS"),
            "employee_count": each(lambda row: row * row),
            "nothing": pa.nulls(ROWS),
        }
    )
    assert found == {
        "contact_id": Kind.IDENTIFIER,  # duplicates share it, so it names no record
        "first_name": Kind.GIVEN_NAME,
        "last_name": Kind.FAMILY_NAME,
        "email": Kind.EMAIL,
        "phone": Kind.PHONE,
        "job_title": Kind.CATEGORY,
        "company_name": Kind.ORGANIZATION,
        "city": Kind.CITY,
        "state_code": Kind.REGION,
        "country_code": Kind.COUNTRY,
        "created_at": Kind.IGNORED,
        "source_system": Kind.CATEGORY,
        "employee_count": Kind.NUMBER,
        "nothing": Kind.IGNORED,
    }


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("Vorname Nachname Strasse Hausnummer PLZ Ort Geburtsdatum Firma E-Mail Telefon", None),
        ("prénom nom rue no_rue code_postal ville date_de_naissance société courriel téléphone", None),
        ("nombre apellidos calle num_calle codigo_postal población fecha_nacimiento empresa correo móvil", None),
        ("nome cognome indirizzo numero_civico cap città data_di_nascita azienda posta_elettronica cellulare", None),
        ("voornaam achternaam straat huisnr postcode woonplaats geboortedatum bedrijf e-mailadres tel", None),
        ("nome sobrenome rua numero_da_porta cep cidade data_nascimento razao_social email telefone", None),
        ("FirstName LastName StreetAddress HouseNo ZIPCode HomeTown BirthDate EmployerName eMail cell_phone", None),
        ("fname lname addr1 house.number zip town DOB org e-mail mobile2", None),
    ],
)
def test_names_of_columns_in_seven_languages(names, expected):
    values = [
        some(*GIVEN),
        some(*FAMILY),
        some(*STREETS),
        some("6", "69", "12a"),
        some("04011", "48147", "27763"),
        some(*PLACES),
        each(lambda row: f"{row % 28 + 1}.3.19{row % 70 + 20}"),
        some(*FIRMS),
        each(lambda row: f"p{row}@x.org"),
        each(lambda row: f"0711 {100000 + spread(row)}"),
    ]
    columns = dict(zip(names.split(), values, strict=True))
    assert list(kinds(columns).values()) == [
        Kind.GIVEN_NAME,
        Kind.FAMILY_NAME,
        Kind.STREET,
        Kind.HOUSE_NUMBER,
        Kind.POSTCODE,
        Kind.CITY,
        Kind.DATE,
        Kind.ORGANIZATION,
        Kind.EMAIL,
        Kind.PHONE,
    ]


def test_headers_that_say_nothing():
    found = kinds(
        {
            "col1": each(lambda row: f"{spread(row):08x}"),
            "col2": some(*GIVEN, *MORE),
            "col3": some(*FAMILY, *(f"{name}son" for name in FAMILY)),
            "col4": each(lambda row: f"p{row}@x.org"),
            "col5": each(lambda row: f"+49 711 {100000 + spread(row)}"),
            "col6": each(lambda row: dt.date(1960, 1, 1) + dt.timedelta(days=row * 97)),
            "col7": each(lambda row: f"{row + 1} High Street"),
            "col8": some("red", "green", "blue"),
            "col9": each(lambda row: f"https://site{row}.example.org/about"),
            "col10": each(lambda row: row * 1.37),
            "col11": each(lambda row: f"{FIRMS[row % 7]} {row // 7} GmbH"),
            "col12": each(lambda row: dt.datetime(2024, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=row * 5003)),
            "col13": ["always the same"] * ROWS,
            "col14": [[1, 2]] * ROWS,
        }
    )
    assert list(found.values()) == [
        Kind.IGNORED,  # different in every row
        Kind.GIVEN_NAME,
        Kind.FAMILY_NAME,
        Kind.EMAIL,
        Kind.PHONE,
        Kind.DATE,
        Kind.STREET,
        Kind.CATEGORY,
        Kind.URL,
        Kind.NUMBER,
        Kind.ORGANIZATION,
        Kind.IGNORED,  # a time
        Kind.IGNORED,
        Kind.IGNORED,
    ]


def test_companies_only():
    names = each(lambda row: f"{FIRMS[row % 7]} {'Süd' if row % 2 else 'Nord'} {('Ltd', 'GmbH', '')[row % 3]}".strip())
    assert kinds({"name": names, "country": some("DE", "GB", "ES"), "VAT": each(lambda row: f"DE{spread(row)}")}) == {
        "name": Kind.ORGANIZATION,
        "country": Kind.COUNTRY,
        "VAT": Kind.IDENTIFIER,
    }


def test_a_bare_name_depends_on_values_and_other_columns():
    people = each(lambda row: f"{GIVEN[row % 10]} {FAMILY[row * 7 % 10]}")
    foreign = each(lambda row: f"{('Zbyszko', 'Wojmir', 'Dobrawa')[row % 3]} {('Kowal', 'Wilk', 'Sowa')[row % 3]}")
    firms, family, given = some(*FIRMS), some(*FAMILY), some(*GIVEN)
    assert kinds({"name": people, "city": some(*PLACES)})["name"] is Kind.FULL_NAME
    assert kinds({"name": firms, "city": some(*PLACES)})["name"] is Kind.ORGANIZATION
    assert kinds({"name": firms, "price": each(lambda row: row * 1.5)})["name"] is Kind.TEXT
    assert (
        kinds({"name": foreign, "birthday": each(lambda row: f"1960-01-{row % 28 + 1:02}")})["name"] is Kind.FULL_NAME
    )
    assert kinds({"name": foreign, "company": firms})["name"] is Kind.FULL_NAME
    assert kinds({"name": family, "vorname": given})["name"] is Kind.FAMILY_NAME
    assert kinds({"nome": given, "cognome": family})["nome"] is Kind.GIVEN_NAME
    assert kinds({"nom": people, "first_name": given, "last_name": family})["nom"] is Kind.FULL_NAME
    assert kinds({"name": each(lambda row: f"p{row}@x.org"), "city": some(*PLACES)})["name"] is Kind.EMAIL


def test_second_lines_and_house_numbers_beside_a_street_are_told_apart():
    found = kinds(
        {"Straße": some(*STREETS), "Straße Nr.": some("5", "17", "3a"), "Name1": some(*FIRMS), "Name2": some(*FIRMS)}
    )
    assert list(found.values()) == [Kind.STREET, Kind.HOUSE_NUMBER, Kind.ORGANIZATION, Kind.CATEGORY]


def test_values_overrule_a_misleading_name_and_the_reason_says_so():
    found = guess(pa.table({"phone": some("home", "work", "mobile"), "email": some("yes", "no"), "name": some(*GIVEN)}))
    assert found["phone"].kind is found["email"].kind is Kind.CATEGORY
    assert 'the name says "phone", the values do not' in found["phone"].reason


def test_the_first_key_is_the_id_and_others_teach_nothing():
    columns = {
        "customer_no": each(lambda row: f"K{row}"),
        "uuid": each(lambda row: f"{spread(row):032x}"),
        "company_id": some("C1", "C2"),
        "sku": each(lambda row: f"A{spread(row)}"),
        "city": some(*PLACES),
    }
    assert list(kinds(columns).values()) == [Kind.ID, Kind.IGNORED, Kind.CATEGORY, Kind.IGNORED, Kind.CITY]
    assert list(kinds(columns, id="uuid").values())[:2] == [Kind.IGNORED, Kind.ID]


def test_a_key_that_repeats_outside_the_sample_is_no_id():
    rows = 30_000
    values = [str(row) for row in range(rows)]
    values[1] = values[2]
    found = guess(pa.table({"id": values, "city": [PLACES[row % 6] for row in range(rows)]}))
    assert found["id"].kind is not Kind.ID


def test_what_the_user_says_wins():
    columns = {"a": some(*GIVEN), "truth": some("1", "2"), "b": some("x y", "z")}
    found = guess(pa.table(columns), ignore=["truth"], given={"b": Kind.ORGANIZATION, "a": Kind.CITY})
    assert [each.kind for each in found.values()] == [Kind.CITY, Kind.IGNORED, Kind.ORGANIZATION]
    assert found["b"].reason == "you said so"


def test_one_row_and_equal_rows_can_be_compared():
    assert kinds({"first_name": ["Anna"], "city": ["Bern"]}) == {"first_name": Kind.GIVEN_NAME, "city": Kind.CITY}
    assert kinds({"id": [1, 2], "city": ["Bern", "Bern"]}) == {"id": Kind.ID, "city": Kind.CITY}
    assert kinds({"x": ["same"] * 1000})["x"] not in {Kind.IGNORED, Kind.ID}


@pytest.mark.parametrize(
    ("columns", "said", "message"),
    [
        ({"first_name": ["a"]}, {"id": "frist_name"}, "no column 'frist_name': did you mean 'first_name'"),
        ({"first_name": ["a"]}, {"ignore": ["zzz"]}, "no column 'zzz': the columns are 'first_name'"),
        ({"City": ["a"]}, {"given": {"city": Kind.CITY}}, "did you mean 'City'"),
        ({"a": ["x"], "b": ["y"]}, {"id": "a", "given": {"b": Kind.ID}}, "'b' and 'a' cannot both be the id"),
        ({"a": [None, None], "id": [1, 2]}, {}, "no column is left to compare .*a: has no values"),
        ({"a": [], "b": []}, {}, "no column is left"),
        ({}, {}, "no column is left"),
        ({}, {"id": "a"}, "the table has no columns"),
    ],
)
def test_errors_name_the_column(columns, said, message):
    with pytest.raises(ValueError, match=message):
        guess(pa.table(columns), **said)


def test_two_columns_of_one_name_are_refused():
    table = pa.Table.from_arrays([pa.array(["x"]), pa.array(["y"])], names=["mail", "mail"])
    with pytest.raises(ValueError, match="'mail' is there 2 times"):
        guess(table)


def test_a_column_that_is_no_text_is_ignored_with_a_word_and_the_others_are_read():
    found = guess(
        pa.table(
            {
                "first_name": pa.array(some(*GIVEN), pa.string_view()),
                "last_name": pa.array(some(*FAMILY)).dictionary_encode(),
                "stay": each(lambda row: dt.timedelta(days=row)),
                "photo": pa.array([b"x"] * ROWS, pa.binary_view()),
                "born": pa.array([10**9] * ROWS, pa.date32()),
            }
        )
    )
    assert [one.kind for one in found.values()][:4] == [Kind.GIVEN_NAME, Kind.FAMILY_NAME, Kind.IGNORED, Kind.IGNORED]
    assert found["stay"].reason == "holds spans of time, not text"


def test_a_column_that_is_no_text_cannot_be_said_to_be_some():
    with pytest.raises(ValueError, match="'stay' cannot be compared: it holds spans of time"):
        guess(pa.table({"city": ["a"], "stay": [dt.timedelta(1)]}), given={"stay": Kind.TEXT})


def test_a_birth_date_stays_one_in_any_form_that_programs_give_it():
    hours = each(lambda row: dt.datetime(1960, 1, 1, 22 + row % 2, tzinfo=dt.UTC) + dt.timedelta(days=row * 97))
    numbers = each(lambda row: float(f"19{row + 10}0512"))
    found = kinds(
        {"birth_date": hours, "dob": numbers, "Geburtsdatum": list(map(str, numbers)), "date": hours, "x": hours}
    )
    assert list(found.values()) == [Kind.DATE, Kind.DATE, Kind.DATE, Kind.IGNORED, Kind.IGNORED]
