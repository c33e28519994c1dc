"""The pipeline as a Mermaid picture, made from pipeline.yaml: `make picture` writes it into
README.md.

A box is a function, with the New York times at which a schedule starts it; an arrow is a topic.
Left out are dead-letter topics, alerts, topics that only operators read, and what a function asks
of itself.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from shared.core.pipeline import PIPELINE_FILE, FunctionSpec, Pipeline, Schedule, load_pipeline

FIRST, LAST = "<!-- made by `make picture` from pipeline.yaml -->", "<!-- end of the picture -->"
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def picture(pipeline: Pipeline) -> str:
    """Mermaid flowchart in the order of pipeline.yaml; where no time is to be told, arrows draw the
    box.
    """
    arrows = [line for function in pipeline.functions.values() for line in _arrows(function, pipeline)]
    drawn = set(re.findall(r"\w+", " ".join(arrows)))
    # what people ask by HTTP has neither a time nor an arrow
    asked = [name for name, function in pipeline.functions.items() if not function.http]
    boxes = [_box(name, times) for name in asked if (times := _times(name, pipeline)) or name not in drawn]
    return "\n".join(["flowchart TD", *boxes, *arrows])


def _box(name: str, times: list[str]) -> str:
    return f'  {name}["{"<br/>".join(filter(None, [name, ", ".join(times)]))}"]'


def _times(name: str, pipeline: Pipeline) -> list[str]:
    topics = pipeline.functions[name].topics
    return sorted(_time(schedule) for schedule in pipeline.schedules.values() if schedule.topic in topics)


def _time(schedule: Schedule) -> str:
    """As people read a cron: 06:30, Mon 04:00, every 10 min. Raises ConfigError for a form that no
    schedule has yet.
    """
    times = schedule.times
    if times.every_minutes is not None:
        return f"every {times.every_minutes} min"
    week = "" if times.weekday is None else f"{WEEKDAYS[times.weekday - 1]} "
    return f"{week}{times.at:%H:%M}"


def _arrows(function: FunctionSpec, pipeline: Pipeline) -> list[str]:
    """What announces or asks is an arrow with its topic; what recovery restarts is one dotted line,
    and who sends nothing has none.
    """
    topics = [topic for topic in (function.announces, *function.publishes) if topic is not None]
    reached = {topic: pipeline.function_of_topic(topic) for topic in topics}
    if function.announces is None:
        restarted = sorted({name for names in reached.values() for name in names})
        return [f"  {function.name} -.-> {' & '.join(restarted)}"] if restarted else []
    others = [(topic, name) for topic, names in reached.items() for name in names if name != function.name]
    return [f"  {function.name} -->|{topic}| {name}" for topic, name in others]


def with_picture(text: str, pipeline: Pipeline) -> str:
    """A document with the picture between its two marks.

    Raises ValueError where they are not there once each.
    """
    if (text.count(FIRST), text.count(LAST)) != (1, 1):
        raise ValueError(f"The document needs {FIRST!r} and {LAST!r}, once each and in lines of their own.")
    before, _, rest = text.partition(FIRST)
    after = rest.partition(LAST)[2]
    return f"{before}{FIRST}\n```mermaid\n{picture(pipeline)}\n```\n{LAST}{after}"


def main(readme: Path) -> int:
    """Write the picture into a document; says whether that changed anything."""
    text = readme.read_text(encoding="utf-8")
    made = with_picture(text, load_pipeline())
    readme.write_text(made, encoding="utf-8")
    print(f"The picture in {readme.name} was {'up to date' if made == text else 'made anew'}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(PIPELINE_FILE.parent / "README.md"))
