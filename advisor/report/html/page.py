"""The page put together from its sections."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from advisor.pricing import Source
from advisor.recommend.result import Recommendation
from advisor.report.html.changes import changes, saving_steps
from advisor.report.html.commitments import commitments
from advisor.report.html.comparison import comparison
from advisor.report.html.drawings import CHANGES, COSTS, charts_by_service, drawn_charts, first_chart
from advisor.report.html.first_screen import first_screen
from advisor.report.html.money import money_made_of
from advisor.report.html.next_section import next_section
from advisor.report.html.origin import origin
from advisor.report.html.template import policy, tables_script, templates
from advisor.report.lost_zone import lost_zone_sentences
from advisor.report.spot import spot_sentences
from advisor.report.sure import proof_sentence, replay_sentence


def render_html(
    recommendation: Recommendation, *, charts: Mapping[str, str] | None = None, sources: Mapping[str, Source] | None = None
) -> str:
    """The page: verdict, money and saving first, then a section for each question.

    Parameters
    ----------
    charts
        Name, such as ``charts/costs.svg``, and SVG text of each chart, in order. ``stairs-NAME`` of the costliest service
        stands on the first screen, ``costs`` beside the alternatives, ``stairs-NAME`` and ``load-NAME`` with their service.
    sources
        Where rates were read, by source id; an id without one is shown alone.

    Raises
    ------
    InputError
        A chart is not SVG.

    Notes
    -----
    The page fetches nothing, and of all that is in it only one script runs, which sorts and searches its tables: the policy
    names the script by its hash, so that no name in the input can become another one.
    """
    drawn = drawn_charts(recommendation, charts or {})
    first = first_chart(recommendation, drawn)
    rest = [chart for chart in drawn if chart is not first]
    of_all = [chart for chart in rest if chart.service is None]
    page = {
        **first_screen(recommendation),
        **comparison(recommendation),
        **changes(recommendation),
        **commitments(recommendation),
        **saving_steps(recommendation),
        **money_made_of(recommendation, sources or {}),
        **next_section(recommendation),
        **origin(recommendation),
        "warnings": recommendation.warnings,
        "replay": replay_sentence(recommendation),
        "spot": spot_sentences(recommendation),
        "lost_zones": lost_zone_sentences(recommendation),
        "proof": proof_sentence(recommendation),
        "has_load": recommendation.recommended.replay is not None
        or any(not chart.stem.startswith((COSTS, *CHANGES)) for chart in of_all),
        "first_chart": first,
        "cost_charts": [chart for chart in of_all if chart.stem.startswith(COSTS)],
        "load_charts": [chart for chart in of_all if not chart.stem.startswith((COSTS, *CHANGES))],
        "change_charts": [chart for chart in of_all if chart.stem.startswith(CHANGES)],
        "service_charts": charts_by_service(recommendation, rest),
    }
    shown = [section for section in SECTIONS if section.is_shown(page)]
    script = tables_script()
    return (
        templates("advisor.report")
        .get_template("page.html.j2")
        .render(
            page,
            policy=policy(script),
            script=script,
            sections=[section.template for section in shown],
            headings={section.id: section.heading for section in shown},
            questions=[(section.id, section.question) for section in shown],
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A question that a reader asks next."""

    template: str
    id: str
    """Of its heading, for links."""
    heading: str
    question: str
    """In two or three words, for the list of contents."""
    needs: str = ""
    """What has to be there for it to be shown."""

    def is_shown(self, page: Mapping[str, Any]) -> bool:
        return not self.needs or bool(page[self.needs])


SECTIONS = (
    Section(
        template="warnings", id="warnings", heading="What needs a look before acting?", question="Look at", needs="warnings"
    ),
    Section(template="services", id="services", heading="Which service goes where?", question="Services"),
    Section(
        template="savings",
        id="savings",
        heading="What does each step save?",
        question="Savings",
        needs="saving_steps",
    ),
    Section(template="alternatives", id="alternatives", heading="Which alternatives were compared?", question="Alternatives"),
    Section(
        template="load",
        id="load",
        heading="How does the load move, and what follows it?",
        question="Load",
        needs="has_load",
    ),
    Section(template="changes", id="changes", heading="What would change the answer?", question="What if"),
    Section(
        template="commitments",
        id="commitments",
        heading="What could be committed to?",
        question="Commitments",
        needs="commitment_headline",
    ),
    Section(template="line_items", id="line-items-section", heading="What is this number made of?", question="Line items"),
    Section(template="assumed", id="assumed", heading="What was assumed?", question="Assumed"),
    Section(template="missing", id="missing", heading="What is missing?", question="Missing"),
    Section(template="next", id="next", heading="What comes next?", question="Next"),
    Section(template="made_from", id="made-from", heading="What was this made from?", question="Made from"),
)
"""In the order of the page."""
