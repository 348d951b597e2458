"""What machines at AWS cost, by AWS's own price list (https://docs.aws.amazon.com/aws-cost-management/)."""

from __future__ import annotations

import json

from coreos_lab.errors import LabError
from coreos_lab.providers.aws.api import Api
from coreos_lab.spelling import counted

HOURS = 24
BESIDE = "Disks, public addresses and traffic come on top."


def an_hour(api: Api) -> float | None:
    """Dollars for an hour of one instance, None where the price list does not tell."""
    wanted = {
        "instanceType": api.stack.size,
        "regionCode": api.stack.region,
        "operatingSystem": "Linux",
        "tenancy": "Shared",
        "preInstalledSw": "NA",
        "capacitystatus": "Used",
    }
    filters = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in wanted.items()]
    try:
        rows = api.rows("pricing", "get_products", "PriceList", ServiceCode="AmazonEC2", Filters=filters)
    except LabError:  # credentials need not be allowed to ask
        return None
    found = [_of(str(row)) for row in rows]
    return max(found) if found else None


def _of(product: str) -> float:
    """The price of a product of the list, which is JSON in a text."""
    terms = json.loads(product)["terms"]["OnDemand"].values()
    return max(float(each["pricePerUnit"]["USD"]) for term in terms for each in term["priceDimensions"].values())


def estimate(api: Api, machines: int) -> str:
    """What so many machines more cost, in words."""
    what = f"{api.place}: {counted(machines, 'instance')} of type {api.stack.size}"
    price = an_hour(api)
    if price is None:
        return f"{what}: the price list does not tell what they cost. {BESIDE}"
    return f"{what}: ${price * machines:.2f} an hour, ${price * machines * HOURS:.2f} a day. {BESIDE}"
