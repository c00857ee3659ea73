"""The description of the API: OpenAPI 3.1, its schemas out of the shapes that are answered."""

from functools import cache
from typing import Any

import msgspec

from stylize.installation import release
from stylize.studio import shapes
from stylize.studio.fields import OFFERS, PRESET
from stylize.studio.inputs import MOST_PAINTINGS, TYPES

JSON, PNG, EVENTS = "application/json", "image/png", "text/event-stream"
SCHEMAS = "#/components/schemas/"

ANSWERS = (
    shapes.Accepted,
    shapes.Config,
    shapes.Fault,
    shapes.Fields,
    shapes.Health,
    shapes.Job,
    shapes.Jobs,
    shapes.Plan,
    shapes.Preview,
    shapes.Progress,
    shapes.Question,
)

FAULTS = {
    "400": "It cannot be done as it was asked.",
    "401": "The token is missing or wrong.",
    "403": "A page of another site asked.",
    "404": "There is no such thing.",
    "408": "Nothing came for too long.",
    "409": "It is not in a state in which this can be done.",
    "413": "It is too large.",
    "415": "It is no form.",
    "421": "The request names another host.",
    "500": "Something failed that should not.",
    "503": "Too many pictures wait.",
    "507": "The disk is full, or as full as it may be.",
}
"""What each status tells; the body says more."""
ALWAYS = ("401", "403", "421", "500")


@cache
def as_json() -> bytes:
    """Return the document as JSON."""
    return msgspec.json.encode(openapi())


def openapi() -> dict[str, Any]:
    """Return the document."""
    _, schemas = msgspec.json.schema_components(ANSWERS, ref_template=f"{SCHEMAS}{{name}}")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "stylize studio",
            "version": release(),
            "summary": "Renders photos in the manner of paintings.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": _paths(),
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Needed where the studio was started with --host.",
                }
            },
        },
        "security": [{}, {"token": []}],
    }


def _paths() -> dict[str, Any]:
    job = "/api/jobs/{id}"
    return {
        "/api/jobs": {
            "get": _operation(
                "listJobs",
                "List jobs, newest first.",
                _answer("Jobs", shapes.Jobs),
                faults=("400", "404"),
                parameters=[
                    _query("before", "Only jobs that are older than this one.", _id_schema()),
                    _query(
                        "limit",
                        "How many at most; 50 unless told.",
                        {"type": "integer", "minimum": 1, "maximum": 500},
                    ),
                ],
            ),
            "post": _operation(
                "postJob",
                "Ask for a picture.",
                _answer("The job is in the queue.", shapes.Accepted),
                status="202",
                faults=("400", "408", "413", "415", "503", "507"),
                body=_form(),
            ),
        },
        job: {
            "get": _job("getJob", "Tell of a job.", _answer("The job", shapes.Job)),
            "delete": _job(
                "deleteJob",
                "Remove a job and its files; one that is painted is ended.",
                {"description": "It is gone."},
                "204",
            ),
        },
        f"{job}/stop": {
            "post": _job(
                "stopJob",
                "Stop a job, and keep the picture so far; it can be gone on with.",
                _answer("It will stop after its step.", shapes.Accepted),
                "202",
                ("409",),
            )
        },
        f"{job}/resume": {
            "post": _job(
                "resumeJob",
                "Put a job that was stopped or has failed back into the queue.",
                _answer("It waits.", shapes.Accepted),
                "202",
                ("409",),
            )
        },
        f"{job}/events": {
            "get": _job(
                "getEvents",
                "Follow a job: events 'job' (Job), 'progress' (Progress) and 'preview' (Preview), "
                "until it ends.",
                {
                    "description": "Server-sent events, whose data is JSON.",
                    "content": {EVENTS: {"schema": {"type": "string"}}},
                },
            )
        },
        f"{job}/picture": {
            "get": _job(
                "getPicture",
                "Give the picture with its recipe, or the picture so far.",
                _binary("The picture", PNG),
                parameters=[
                    _query("version", "Any number, against caches.", {"type": "integer"}),
                    _query("download", "1: as a file to be saved.", {"enum": ["1"]}),
                ],
            )
        },
        f"{job}/photo": {
            "get": _job("getPhoto", "Give the photo as it was uploaded.", _binary("It", *_types()))
        },
        f"{job}/paintings/{{number}}": {
            "get": _job(
                "getPainting",
                "Give a painting as it was uploaded.",
                _binary("It", *_types()),
                parameters=[
                    {
                        "name": "number",
                        "in": "path",
                        "required": True,
                        "description": "From 0.",
                        "schema": {"type": "integer", "minimum": 0},
                    }
                ],
            )
        },
        f"{job}/recipe": {
            "get": _job(
                "getRecipe",
                "Give what the picture tells of how it was made.",
                {
                    "description": "The recipe",
                    "content": {JSON: {"schema": {"type": "object"}}},
                },
            )
        },
        "/api/plan": {
            "post": _operation(
                "postPlan",
                "Tell what a picture would take; nothing is made.",
                _answer("The plan", shapes.Plan),
                faults=("400", "413"),
                body={"required": True, "content": {JSON: {"schema": _ref(shapes.Question)}}},
            )
        },
        "/api/options": {
            "get": _operation(
                "getOptions", "List the options of a job.", _answer("Options", shapes.Fields)
            )
        },
        "/api/health": {
            "get": _operation("getHealth", "Tell what answers.", _answer("It", shapes.Health))
        },
        "/api/openapi.json": {
            "get": _operation(
                "getDocument",
                "Give this document.",
                {"description": "It", "content": {JSON: {"schema": {"type": "object"}}}},
            )
        },
        "/config.json": {
            "get": _operation(
                "getConfig", "Tell a page which engine is here.", _answer("It", shapes.Config)
            )
        },
    }


def _operation(
    name: str,
    summary: str,
    answer: dict[str, Any],
    status: str = "200",
    faults: tuple[str, ...] = (),
    parameters: list[dict[str, Any]] | None = None,
    body: dict[str, Any] | None = None,
) -> dict[str, Any]:
    found: dict[str, Any] = {"operationId": name, "summary": summary}
    if parameters:
        found["parameters"] = parameters
    if body:
        found["requestBody"] = body
    told = {code: _answer(FAULTS[code], shapes.Fault) for code in sorted({*faults, *ALWAYS})}
    return {**found, "responses": {status: answer, **told}}


def _job(
    name: str,
    summary: str,
    answer: dict[str, Any],
    status: str = "200",
    faults: tuple[str, ...] = (),
    parameters: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Return an operation on one job."""
    which = {"name": "id", "in": "path", "required": True, "schema": _id_schema()}
    return _operation(name, summary, answer, status, ("404", *faults), [which, *(parameters or [])])


def _form() -> dict[str, Any]:
    """Return what a job is sent as; the options are texts, which GET /api/options tells of."""
    file = {"type": "string", "contentMediaType": "application/octet-stream"}
    paintings = {"type": "array", "items": file, "minItems": 1, "maxItems": MOST_PAINTINGS}
    options = {
        name: {"type": "string", "description": text}
        for name, text in [
            *((each.name, each.help) for each in OFFERS),
            (PRESET, "Settings by the name of their source."),
        ]
    }
    schema = {
        "type": "object",
        "required": ["photo", "painting"],
        "properties": {"photo": file, "painting": paintings, **options},
        "additionalProperties": False,
    }
    return {"required": True, "content": {"multipart/form-data": {"schema": schema}}}


def _answer(text: str, shape: type[msgspec.Struct]) -> dict[str, Any]:
    return {"description": text, "content": {JSON: {"schema": _ref(shape)}}}


def _binary(text: str, *types: str) -> dict[str, Any]:
    return {"description": text, "content": {each: {} for each in types}}


def _types() -> list[str]:
    return sorted({type_ for _, type_ in TYPES.values()})


def _ref(shape: type[msgspec.Struct]) -> dict[str, str]:
    return {"$ref": f"{SCHEMAS}{shape.__name__}"}


def _query(name: str, text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": text, "schema": schema}


def _id_schema() -> dict[str, Any]:
    return {"type": "string", "pattern": "^[0-9a-f]{32}$"}
