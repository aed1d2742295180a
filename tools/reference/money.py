"""Meters and the price catalog."""

import inspect
import re
from collections import Counter
from csv import DictReader
from typing import Any

from tools.reference.markup import ROOT, UNDESCRIBED, attribute_docs, code, first_paragraph, markdown, table
from tools.reference.words import METERS


def meters_page() -> str:
    """What AWS bills, in the names of the catalog."""
    from advisor import meters

    docs, rows = attribute_docs(meters), []
    for name, value in vars(meters).items():
        if isinstance(value, meters.Meter):
            rows.append((value.id, value.unit, markdown(docs.get(name) or METERS.get(value.id, UNDESCRIBED))))
        elif inspect.isfunction(value) and inspect.signature(value).return_annotation is meters.Meter:
            made = value(**{p: _stand_in(p) for p in inspect.signature(value).parameters})
            id_ = made.id.replace(":architecture:", ":ARCHITECTURE:").replace("surplus:TYPE", "surplus:FAMILY")
            rows.append((id_, made.unit, markdown(first_paragraph(value.__doc__))))
    kinds = ", ".join(code(kind.value) for kind in meters.CommitmentKind)
    payments = ", ".join(code(option.value) for option in meters.PaymentOption)
    listed = table(("meter", "unit", "what it is"), [(code(i), u, d) for i, u, d in sorted(rows)])
    return "\n".join(
        [
            "# Meters\n",
            "A *meter* is one thing that AWS bills. Line items, rates files and `advisor prices show` name meters by these ids. Words in",
            "capitals stand for a value: `TYPE` an instance type, `FAMILY` its family, `ARCHITECTURE` `x86_64` or `arm64`, `OPTION`",
            "`on_demand` or `spot`, `METER` the meter that a commitment covers. GiB are 1,024³ bytes: AWS's price list writes GB and means",
            "that.\n",
            listed,
            f"Kinds of commitments: {kinds}; terms of {' and '.join(map(str, meters.COMMITMENT_YEARS))} years; payment {payments}.",
            "\n`advisor prices show 'PATTERN' --region R` prints the rate of every meter that matches, with its source and date.",
        ]
    )


def _stand_in(parameter: str) -> Any:
    from advisor.meters import Meter

    if parameter == "covered":
        return Meter(id="METER", unit="that of the meter")
    return {"instance_type": "TYPE", "purchase_option": "OPTION"}.get(parameter, parameter.upper())


def catalog_page() -> str:
    """The tables of the price catalog, with what the shipped one holds."""
    from advisor.sources.catalog import regions

    data, names = ROOT / "pricing_data", sorted(regions())
    by_file: dict[str, Counter[str]] = {}
    heads: dict[str, list[str]] = {}
    for path in sorted(data.rglob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            reader = DictReader(file)
            statuses = Counter((row.get("status") or "current") for row in reader)
        key = f"REGION/{path.name}" if path.parent != data else path.name
        by_file.setdefault(key, Counter()).update({**statuses, "files": 1})
        heads.setdefault(key, list(reader.fieldnames or ()))
    said = dict(
        re.findall(r"^\| `([^`]+\.csv)` \| [^|]* \| (.+) \|$", (data / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    )
    rows = [
        (
            code(key),
            said.get(key, UNDESCRIBED),
            ", ".join(map(code, heads[key])),
            f"{n['files']}" if key.startswith("REGION/") else "1",
            f"{n['current']:,}",
        )
        for key, n in sorted(by_file.items())
    ]
    columns = {
        "usd": "Price of one `unit`, in USD before tax and private discounts.",
        "unit": "What one of is priced.",
        "source_id": "Key into `sources.csv`: where, date, note, licence.",
        "as_of": "Date on which the source says it was true; `undated` where it gives none.",
        "status": "`current` rows price; `superseded` and `stale` rows are kept and price nothing.",
    }
    return "\n".join(
        [
            "# Price catalog\n",
            f"The package ships list prices of {len(names)} Regions as CSV (`pricing_data/`); `advisor prices refresh` makes the same files anew",
            "in a cache. What could not be sourced is absent, never estimated; `gaps.csv` lists what is missing. How rates were collected and",
            "checked stands in `pricing_data/README.md`; how to fetch new ones in [refreshing prices](../prices-refresh.md).\n",
            f"Regions: {', '.join(names)}.\n",
            table(("table", "what it holds", "columns", "files", "current rows"), rows),
            "## Columns of every price\n",
            table(("column", "meaning"), [(code(name), meaning) for name, meaning in columns.items()]),
        ]
    )
