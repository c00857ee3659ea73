"""The OpenAPI document: its addresses are those that are answered, and answers are as it says."""

import re
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from studio_client import Answer, Client, usual
from studio_painter import FAILS, WAITS

from stylize.studio.document import openapi
from stylize.studio.fields import OFFERS

DOCUMENT = openapi()
METHODS = {"get", "post", "delete", "put", "patch"}


def checked(answer: Answer, method: str, path: str) -> Any:
    """Return an answer that is as the document says; empty where it is no JSON."""
    told = DOCUMENT["paths"][path][method]["responses"][str(answer.status)]
    kind = answer.headers.get("content-type", "").partition(";")[0]
    if not told.get("content"):
        assert answer.body == b""
        return None
    schema = told["content"][kind].get("schema")
    if kind != "application/json":
        return None
    jsonschema.Draft202012Validator({**schema, **rest()}).validate(answer.told)
    return answer.told


def rest() -> dict[str, Any]:
    return {"components": DOCUMENT["components"]}


def test_it_has_every_address_and_no_other(studio: Callable[..., Client]) -> None:
    from stylize.studio.api import Api

    nobody: Any = None
    routes = Api(nobody, nobody, nobody, nobody).application(None).routes
    answered = {
        (method.lower(), route.path)  # type: ignore[attr-defined]
        for route in routes
        for method in route.methods - {"HEAD"}  # type: ignore[attr-defined]
    }
    told = {
        (method, path)
        for path, operations in DOCUMENT["paths"].items()
        for method in operations.keys() & METHODS
    }
    assert told == answered


def test_it_is_a_document_of_openapi() -> None:
    """Its schemas are schemas, references lead somewhere, and each operation has a name."""
    jsonschema.Draft202012Validator.check_schema(rest()["components"]["schemas"]["Job"])
    text = str(DOCUMENT)
    for name in re.findall(r"#/components/schemas/(\w+)", text):
        assert name in DOCUMENT["components"]["schemas"]
    operations = [operation for path in DOCUMENT["paths"].values() for operation in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert len({*names}) == len(names)
    for path, each in DOCUMENT["paths"].items():
        for operation in each.values():
            named = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
            assert named == {*re.findall(r"\{(\w+)\}", path)}


def test_its_form_has_every_option() -> None:
    form = DOCUMENT["paths"]["/api/jobs"]["post"]["requestBody"]["content"]
    options = form["multipart/form-data"]["schema"]["properties"].keys()
    assert options == {"photo", "painting", "preset", *(each.name for each in OFFERS)}


def test_answers_are_as_it_says(studio: Callable[..., Client]) -> None:
    client = studio()
    job = "/api/jobs/{id}"
    name = checked(client.post(*usual(seed=WAITS, strength=60)), "post", "/api/jobs")["id"]
    waiting, failing = client.start(), client.start(seed=FAILS)
    client.wait(name, lambda job: job["picture"])
    for path in (
        job,
        f"{job}/picture",
        f"{job}/photo",
        f"{job}/recipe",
        f"{job}/paintings/{{number}}",
    ):
        asked = path.replace("{id}", name).replace("{number}", "0")
        checked(client.get(asked), "get", path)
    checked(client.get("/api/jobs"), "get", "/api/jobs")
    checked(client.get("/api/jobs?limit=x"), "get", "/api/jobs")
    checked(client.get(f"/api/jobs/{'0' * 32}"), "get", job)
    checked(client.post(*usual(size="x")), "post", "/api/jobs")
    checked(client.ask("POST", f"/api/jobs/{name}/resume"), "post", f"{job}/resume")
    checked(client.ask("POST", f"/api/jobs/{name}/stop"), "post", f"{job}/stop")
    for each, state in ((name, "stopped"), (waiting, "done"), (failing, "failed")):
        assert client.ended(each)["state"] == state
        checked(client.get(f"/api/jobs/{each}"), "get", job)
    checked(client.ask("POST", f"/api/jobs/{name}/resume"), "post", f"{job}/resume")
    checked(client.ask("DELETE", f"/api/jobs/{waiting}"), "delete", job)
    for path in ("/api/options", "/api/health", "/api/openapi.json", "/config.json"):
        checked(client.get(path), "get", path)
    question = b'{"photo": [64, 64], "paintings": [[64, 48]]}'
    checked(client.ask("POST", "/api/plan", question), "post", "/api/plan")
    checked(client.ask("POST", "/api/plan", b""), "post", "/api/plan")
    checked(client.get("/api/health", Host="evil.example"), "get", "/api/health")


def test_events_are_as_it_says(studio: Callable[..., Client]) -> None:
    client = studio()
    shapes = {"job": "Job", "progress": "Progress", "preview": "Preview"}
    name = client.start(seed=WAITS)
    events, seen = client.events(name), set()
    for kind, told in events:
        schema = {"$ref": f"#/components/schemas/{shapes[kind]}", **rest()}
        jsonschema.Draft202012Validator(schema).validate(told)
        if told.get("picture") and not seen:
            client.ask("POST", f"/api/jobs/{name}/stop")
            seen.add(kind)
    assert seen


def test_an_answer_that_is_not_would_be_seen() -> None:
    wrong = Answer(200, {"content-type": "application/json"}, b'{"status": "ok", "queued": "1"}')
    with pytest.raises(jsonschema.ValidationError):
        checked(wrong, "get", "/api/health")
