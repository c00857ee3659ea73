"""The API: what each address answers. `document` describes the same as OpenAPI; tests hold both."""

import asyncio
import errno
import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from stylize.models.errors import StylizeError
from stylize.runtime.pictures.reading import read_chunk
from stylize.runtime.plans.recipe import KEYWORD
from stylize.studio import document
from stylize.studio.desk import Desk
from stylize.studio.errors import NotThereError, RefusedError
from stylize.studio.events import stream
from stylize.studio.gallery import ID, Entry, Gallery, Upload
from stylize.studio.guard import refused
from stylize.studio.inputs import download_name
from stylize.studio.pages import page_route
from stylize.studio.painting import PICTURE
from stylize.studio.progress import version_of
from stylize.studio.shapes import Accepted, Config, Fields, Health, Jobs, Question
from stylize.studio.workshop import Workshop, newest

LONGEST_QUESTION = 64 * 1024
"""Bytes of a body that is no form."""
PAGE, MOST_ON_PAGE = 50, 500
"""Jobs in an answer: unasked, and at most."""

PIECE = 256 * 1024
"""Bytes of a file that are sent at a time."""

KEPT = "private, max-age=3600, immutable"
"""For what does not change under its address."""

EVENTS = "text/event-stream"

log = logging.getLogger(__name__)


class Api:
    """Answers requests.

    Parameters
    ----------
    gallery : Gallery
        All jobs.
    workshop : Workshop
        Paints them.
    desk : Desk
        Takes them in.
    health : function
        Tells what answers.
    """

    def __init__(
        self, gallery: Gallery, workshop: Workshop, desk: Desk, health: Callable[[], Health]
    ) -> None:
        self._gallery, self._workshop, self._desk = gallery, workshop, desk
        self._health = health

    def application(self, page: Path | None) -> Starlette:
        """Return the application, with the page if there is one."""
        routes = [
            Route("/api/jobs", self.post_job, methods=["POST"]),
            Route("/api/jobs", self.get_jobs, methods=["GET"]),
            Route("/api/jobs/{id}", self.get_job, methods=["GET"]),
            Route("/api/jobs/{id}", self.delete_job, methods=["DELETE"]),
            Route("/api/jobs/{id}/stop", self.stop_job, methods=["POST"]),
            Route("/api/jobs/{id}/resume", self.resume_job, methods=["POST"]),
            Route("/api/jobs/{id}/events", self.get_events, methods=["GET"]),
            Route("/api/jobs/{id}/picture", self.get_picture, methods=["GET"]),
            Route("/api/jobs/{id}/photo", self.get_photo, methods=["GET"]),
            Route("/api/jobs/{id}/paintings/{number}", self.get_painting, methods=["GET"]),
            Route("/api/jobs/{id}/recipe", self.get_recipe, methods=["GET"]),
            Route("/api/plan", self.post_plan, methods=["POST"]),
            Route("/api/options", self.get_options, methods=["GET"]),
            Route("/api/health", self.get_health, methods=["GET"]),
            Route("/api/openapi.json", self.get_document, methods=["GET"]),
            Route("/config.json", self.get_config, methods=["GET"]),
        ]
        handlers = {
            HTTPException: _unknown,
            StylizeError: _refused,
            ClientDisconnect: _gone,
            OSError: _failed,
            sqlite3.Error: _failed,
            Exception: _bug,
        }
        more = [page_route(page)] if page else []
        return Starlette(routes=[*routes, *more], exception_handlers=handlers)  # type: ignore[arg-type]

    async def post_job(self, request: Request) -> Response:
        """Take a job into the queue."""
        length = request.headers.get("content-length", "")
        name = await self._desk.take(
            request.headers.get("content-type", ""),
            int(length) if length.isdecimal() else None,
            request.stream(),
        )
        self._workshop.ring()
        return _json(Accepted(name), 202, {"Location": f"/api/jobs/{name}"})

    async def get_jobs(self, request: Request) -> Response:
        """List jobs."""
        limit = _limit(request.query_params.get("limit"))
        before = request.query_params.get("before")
        found = self._gallery.newest(limit, _id(before) if before else None)
        return _json(Jobs([*map(self._workshop.told, found)]))

    async def get_job(self, request: Request) -> Response:
        """Tell of a job, with the curve of its losses."""
        entry = self._entry(request)
        job = self._workshop.told(entry)
        if job.progress:
            losses = await asyncio.to_thread(self._workshop.losses, entry)
            progress = msgspec.structs.replace(job.progress, losses=losses)
            job = msgspec.structs.replace(job, progress=progress)
        return _json(job)

    async def delete_job(self, request: Request) -> Response:
        """Remove a job and its files."""
        await self._workshop.remove(_id(request.path_params["id"]))
        return Response(status_code=204)

    async def stop_job(self, request: Request) -> Response:
        """Stop a job, and keep what there is."""
        name = _id(request.path_params["id"])
        self._workshop.stop(name)
        return _json(Accepted(name), 202)

    async def resume_job(self, request: Request) -> Response:
        """Put a job back into the queue."""
        name = _id(request.path_params["id"])
        self._workshop.resume(name)
        return _json(Accepted(name), 202)

    async def get_events(self, request: Request) -> Response:
        """Tell of a job as it goes on."""
        name = self._entry(request).id
        return StreamingResponse(
            stream(self._workshop, name),
            media_type=EVENTS,
            headers={"X-Accel-Buffering": "no"},  # a proxy would wait for more
        )

    async def get_picture(self, request: Request) -> Response:
        """Give the picture, or the picture so far."""
        entry = self._entry(request)
        path = newest(self._gallery.folder_of(entry.id))
        name = download_name(entry.asked.photo.name, [each.name for each in entry.asked.paintings])
        same = request.query_params.get("version") == str(version_of(path))
        headers = {"Cache-Control": KEPT if same else "no-cache"}
        if request.query_params.get("download") == "1":
            headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
        return await _file(path, "image/png", "There is no picture yet.", headers)

    async def get_photo(self, request: Request) -> Response:
        """Give the photo as it was uploaded."""
        entry = self._entry(request)
        return await self._uploaded(entry, entry.asked.photo)

    async def get_painting(self, request: Request) -> Response:
        """Give a painting as it was uploaded; they are counted from 0."""
        entry, number = self._entry(request), request.path_params["number"]
        paintings = entry.asked.paintings
        if not (number.isascii() and number.isdecimal() and int(number[:9]) < len(paintings)):
            raise NotThereError("The job has no such painting. They are counted from 0.")
        return await self._uploaded(entry, paintings[int(number[:9])])

    async def get_recipe(self, request: Request) -> Response:
        """Give what the picture tells of how it was made."""
        entry = self._entry(request)
        path = self._gallery.folder_of(entry.id) / PICTURE
        if not path.exists():
            raise NotThereError("There is no recipe yet: a picture has one when it is saved.")
        text = await asyncio.to_thread(read_chunk, path, KEYWORD)
        return Response(text or "{}", media_type="application/json")

    async def post_plan(self, request: Request) -> Response:
        """Tell what a picture would take."""
        body = await _body(request)
        try:
            question = msgspec.json.decode(body, type=Question)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise RefusedError(f"The question cannot be read: {error}.") from error
        return _json(await self._desk.plan(question))

    async def get_options(self, request: Request) -> Response:
        """List the options that a job takes."""
        return _json(Fields(self._desk.menu.fields()))

    async def get_health(self, request: Request) -> Response:
        """Tell what answers, and how busy it is."""
        return _json(self._health())

    async def get_document(self, request: Request) -> Response:
        """Give the description of all this."""
        return Response(document.as_json(), media_type="application/json")

    async def get_config(self, request: Request) -> Response:
        """Tell the page which engine is here."""
        return _json(Config("server"))

    def _entry(self, request: Request) -> Entry:
        return self._gallery.get(_id(request.path_params["id"]))

    async def _uploaded(self, entry: Entry, upload: Upload) -> Response:
        path = self._gallery.folder_of(entry.id) / upload.file
        return await _file(path, upload.type, "The file is gone.", {"Cache-Control": KEPT})


def _id(text: str) -> str:
    """Return an id, or raise NotThereError if a text is none; nothing else is ever looked up."""
    if ID.fullmatch(text):
        return text
    raise NotThereError("There is no such job. It may have been removed.")


def _limit(text: str | None) -> int:
    if text is None:
        return PAGE
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text[:9]) <= MOST_ON_PAGE:
        raise RefusedError(f"The limit must be a whole number from 1 to {MOST_ON_PAGE}.")
    return int(text[:9])


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_QUESTION:
            raise RefusedError("The question is too long.", 413)
    return body


async def _file(path: Path, type_: str, missing: str, headers: dict[str, str]) -> Response:
    """Return a file as it is now: it may be replaced while it is sent."""
    try:
        file = await asyncio.to_thread(path.open, "rb")
    except OSError:
        raise NotThereError(missing) from None
    size = os.fstat(file.fileno()).st_size
    told = {**headers, "Content-Length": str(size)}
    return StreamingResponse(_pieces(file), media_type=type_, headers=told)


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE):
            yield piece


def _json(
    answer: msgspec.Struct, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    return Response(msgspec.json.encode(answer), status, headers, media_type="application/json")


# Errors: each becomes a sentence.


async def _refused(request: Request, error: StylizeError) -> Response:
    return refused(error.status if isinstance(error, RefusedError) else 400, str(error))


async def _unknown(request: Request, error: HTTPException) -> Response:
    if error.status_code == 405:
        return refused(405, f"{request.method} is not for this address.", error.headers)
    return refused(error.status_code, "There is nothing at this address.", error.headers)


async def _gone(request: Request, error: ClientDisconnect) -> Response:
    return refused(400, "The sender went away.")


async def _failed(request: Request, error: Exception) -> Response:
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
        return refused(507, "The disk is full. Remove pictures that you no longer need.")
    log.error("%s %s", request.method, request.url.path, exc_info=error)
    reason = getattr(error, "strerror", None) or error
    return refused(500, f"Reading or writing failed: {reason}. Try it again.")


async def _bug(request: Request, error: Exception) -> Response:
    return refused(500, f"This is a bug of stylize: {error!r}. Please report it.")
