"""The generated documents say what the catalogue says, and stand in docs/generated as they are made now."""

import json
from pathlib import Path

import jsonschema_rs
import pytest

from regulars import events
from regulars.events import schemas

GENERATED = Path(__file__).parents[3] / "docs" / "generated"


def test_generated_documents_are_current() -> None:
    documents = events.documents()
    stale = [path for path, text in documents.items() if (GENERATED / path).read_text(encoding="utf-8") != text]
    assert stale == []
    assert {f"events/{path.name}" for path in (GENERATED / "events").iterdir()} | {"events.md"} == set(documents)


@pytest.mark.parametrize("topic", events.TOPICS)
def test_examples_are_valid_and_nothing_may_be_missing(topic: str) -> None:
    schema = json.loads(events.documents()[f"events/{topic}.json"])
    jsonschema_rs.meta.validate(schema)
    validator = jsonschema_rs.Draft202012Validator(schema)
    for example in schemas.examples(events.TOPICS[topic].type):
        validator.validate(example)
        validator.validate({**example, "to_follow": 1})
        for name in schema["required"]:
            assert not validator.is_valid({key: value for key, value in example.items() if key != name})
            assert not validator.is_valid({**example, name: None})
    assert all(shown["description"].endswith(".") for shown in schema["properties"].values())


def test_every_message_of_the_asyncapi_document_points_to_a_valid_schema() -> None:
    document = events.asyncapi()
    assert set(document["channels"]["events"]["messages"]) == set(events.TOPICS)
    for message in document["components"]["messages"].values():
        validator = jsonschema_rs.Draft202012Validator({**message["payload"], "components": document["components"]})
        for example in message["examples"]:
            validator.validate(example["payload"])
            assert not validator.is_valid({**example["payload"], "business_name": None})
            assert not validator.is_valid({**example["payload"], list(example["payload"])[-1]: None})


def test_the_page_names_every_property_and_needs_nothing_else() -> None:
    page = events.asyncapi_page()
    for topic in events.TOPICS.values():
        assert f'id="{topic.topic}"' in page
        assert all(f"<code>{name}</code>" in page for name in topic.type.__struct_fields__)
    assert "<script" not in page
    assert "<link" not in page
    assert "src=" not in page
