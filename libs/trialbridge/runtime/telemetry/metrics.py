"""The closed list of metrics. A metric that is not here does not exist; docs/metrics.md is generated from it."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY: Final = CollectorRegistry()

RECORDS: Final = Counter(
    "trialbridge_stage_records_total",
    "Records handled, by stage, topic and outcome.",
    ("stage", "topic", "outcome"),
    registry=REGISTRY,
)
EMITTED: Final = Counter(
    "trialbridge_stage_emitted_total", "Records sent, by stage and topic.", ("stage", "topic"), registry=REGISTRY
)
DEAD_LETTERS: Final = Counter(
    "trialbridge_stage_dead_letters_total",
    "Records set aside, by stage and stable code.",
    ("stage", "code"),
    registry=REGISTRY,
)
RETRIES: Final = Counter(
    "trialbridge_stage_retries_total",
    "Passing faults that were waited out, by stage and stable code.",
    ("stage", "code"),
    registry=REGISTRY,
)
BATCH_SECONDS: Final = Histogram(
    "trialbridge_stage_batch_seconds",
    "From taking a batch to the durability of all it caused, by stage.",
    ("stage",),
    registry=REGISTRY,
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
)
LAG: Final = Gauge(
    "trialbridge_stage_lag_messages", "Messages not yet acknowledged, by stage.", ("stage",), registry=REGISTRY
)
READY: Final = Gauge("trialbridge_stage_ready", "1 while the stage takes work.", ("stage",), registry=REGISTRY)
WEBHOOKS: Final = Counter(
    "trialbridge_notifier_webhooks_total", "Webhook attempts, by outcome.", ("outcome",), registry=REGISTRY
)
REQUESTS: Final = Counter(
    "trialbridge_web_requests_total",
    "Requests answered, by service, route template and status class.",
    ("service", "route", "status"),
    registry=REGISTRY,
)
MESSAGES: Final = Counter(
    "trialbridge_gateway_messages_total",
    "HL7 v2 messages answered, by door (http, mllp) and the worst acknowledgement (AA, AE, AR) of what they came in.",
    ("door", "outcome"),
    registry=REGISTRY,
)
ACKNOWLEDGED: Final = Histogram(
    "trialbridge_gateway_acknowledge_seconds",
    "From the last byte of a message to its acknowledgement, by door.",
    ("door",),
    registry=REGISTRY,
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
)
