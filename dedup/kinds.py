"""What a column of a file can hold, as far as matching treats it differently."""

from enum import StrEnum


class Kind(StrEnum):
    """The kind of a column. It decides how its values are standardised, compared, and used to find candidates."""

    ID = "id"  # names the record in its own file: given back with the result, never compared
    IGNORED = "ignored"  # not looked at
    GIVEN_NAME = "given_name"  # a person's given name
    FAMILY_NAME = "family_name"  # a person's family name
    FULL_NAME = "full_name"  # a person's whole name, in either order
    ORGANIZATION = "organization"  # the name of a company, authority, restaurant ...
    EMAIL = "email"  # an e-mail address
    PHONE = "phone"  # a telephone, mobile or fax number
    STREET = "street"  # the street of an address, with or without the house number, or the address on one line
    HOUSE_NUMBER = "house_number"  # the number in the street, where it has a column of its own
    CITY = "city"  # a city, suburb or other place
    REGION = "region"  # a state, county or province, by name or code
    POSTCODE = "postcode"  # a postal code
    COUNTRY = "country"  # a country, by name or code
    DATE = "date"  # a date that belongs to the person or organization, such as the date of birth
    IDENTIFIER = "identifier"  # a number given by others, such as a tax or social security number
    URL = "url"  # a web site or domain
    CATEGORY = "category"  # one of few values that many records share
    NUMBER = "number"  # a measure
    TEXT = "text"  # any other words
