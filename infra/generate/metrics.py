"""``docs/metrics.md``: the closed list of metrics."""

from pathlib import Path

from prometheus_client.metrics import Histogram, MetricWrapperBase

from infra.generate.markdown import code, codes, notice, table
from trialbridge.runtime.telemetry import metrics

TEXT = """\
# Metrics

Every metric there is; a service shows those that it touches at `/metrics` of its health port (`TRIALBRIDGE_HEALTH_PORT`), in the
Prometheus text format. Labels hold names of stages, topics, routes and stable codes, never ids and never anything of a patient.

"""
HEADER = ("metric", "kind", "labels", "what it counts")


def listed() -> list[MetricWrapperBase]:
    """Return the metrics of the closed list, in its order."""
    return [one for one in vars(metrics).values() if isinstance(one, MetricWrapperBase)]


def render(_root: Path) -> str:
    """Return the page."""
    return notice("libs/trialbridge/runtime/telemetry/metrics.py") + TEXT + table(HEADER, map(_row, listed()))


def _row(metric: MetricWrapperBase) -> tuple[str, ...]:
    described = next(iter(metric.describe()))
    # Prometheus names a counter without its ending and adds it to each sample.
    name = described.name + ("_total" if described.type == "counter" else "")
    about = described.documentation
    if isinstance(metric, Histogram):
        bounds = ", ".join(f"{bound:g}" for bound in metric._upper_bounds[:-1])  # noqa: SLF001 - told nowhere else
        about = f"{about} Buckets: {bounds}."
    labels = codes(metric._labelnames)  # noqa: SLF001 - told nowhere else
    return code(name), described.type, labels, about
