"""What can go wrong on purpose: every error says what, where, and what to do."""


class AdvisorError(Exception):
    """Base of every error that the library raises on purpose."""


class InputError(AdvisorError):
    """An input file or value that cannot be used as it stands.

    The message reads ``file:line:column: what is wrong. How to mend it.``; parts that are not known are left out.
    """

    def __init__(
        self, problem: str, *, fix: str, file: str | None = None, line: int | None = None, column: str | int | None = None
    ) -> None:
        self.problem, self.fix, self.file, self.line, self.column = problem, fix, file, line, column
        place = [str(file)] if file is not None else []
        if line is not None:
            place.append(f"line {line}")
        if column is not None:
            place.append(f"column {column}")
        where = ", ".join(place)
        super().__init__(f"{where}: {problem}. {fix}" if where else f"{problem}. {fix}")


class PlanError(AdvisorError):
    """A plan that ECS would refuse; the message names the rule."""


class OutputError(AdvisorError):
    """Files could not be written; nothing was left half-written."""


class PriceNotFoundError(AdvisorError):
    """The catalog has no price for what was asked."""

    def __init__(
        self,
        *,
        meter: str,
        region: str,
        catalog_date: str,
        similar: tuple[str, ...] = (),
        outdated: str | None = None,
        also: tuple[str, ...] = (),
        without: str | None = "exclude it with `constraints`",
    ) -> None:
        self.meter, self.region, self.catalog_date, self.similar = meter, region, catalog_date, similar
        near = f"closest: {', '.join(similar)}" if similar else "nothing similar in this Region"
        old = f" There is only {outdated}, which prices nothing." if outdated else ""
        super().__init__(
            f"no price for {', '.join((meter, *also))} in {region} (catalog of {catalog_date}; {near}).{old} "
            f"Give the price with `--rates FILE`, {f'{without}, ' if without else ''}or pick another Region."
        )
