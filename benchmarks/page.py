"""``docs/benchmarks.md``: the table of one run between two marks, and a chart of how time and memory grow."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from benchmarks.measure import COLUMNS, ROOT, Row, Skipped, machine

PAGE = ROOT / "docs" / "benchmarks.md"
CHART = ROOT / "docs" / "assets" / "benchmarks-growth.svg"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
AXES = {
    "services": "services screened, a year of 5 minutes",
    "hours": "hours of one service, full advice",
    "types": "instance types of one service, a year",
}
Growth = Mapping[str, Sequence[tuple[float, float, float]]]


def write_page(rows: Sequence[Row | Skipped], growth: Growth, *, is_quick: bool) -> None:
    """Put the table and the figures of the chart between the marks; the words around them are written by hand."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    lines = [f"{datetime.now(UTC):%Y-%m-%d}{', quick' if is_quick else ''}: {machine()}.", ""]
    lines += [f"| {' | '.join(COLUMNS)} |", "| --- | ---: | --- | ---: | ---: | --- |"]
    lines += [f"| {' | '.join(cell.replace('|', '/') for cell in row.cells())} |" for row in rows]
    for name, points in growth.items():
        lines += ["", f"| {AXES[name]} | seconds | peak MB |", "| ---: | ---: | ---: |"]
        lines += [f"| {size:,.0f} | {seconds:.2f} | {mb:,.0f} |" for size, seconds, mb in points]
    PAGE.write_text("\n".join([before.rstrip(), "", BEGIN, "", *lines, "", END]) + after, encoding="utf-8")
    CHART.write_bytes(_chart(growth))


def _chart(growth: Growth) -> bytes:
    import io

    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.hashsalt": "benchmarks", "svg.fonttype": "none"}):
        figure = Figure(figsize=(10, 3.2), layout="constrained")
        FigureCanvasSVG(figure)
        for axes, (name, points) in zip(figure.subplots(1, len(growth)), growth.items(), strict=True):
            sizes, seconds, mb = zip(*points, strict=True)
            axes.plot(sizes, seconds, "o-", color="#0072b2")
            axes.set(xlabel=AXES[name], ylabel="seconds", xlim=(0, None), ylim=(0, None))
            memory = axes.twinx()
            memory.plot(sizes, mb, "s--", color="#d55e00")
            memory.set(ylabel="peak MB (dashed)", ylim=(0, None))
        out = io.BytesIO()
        figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()
