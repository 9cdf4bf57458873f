"""Errors as answers: problem details (RFC 9457) that say no more than the asker may know."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from shopctl.http.errors import NothingHere, Unavailable
from shopctl.kernel import logging
from shopctl.kernel.errors import InvalidData, ShopctlError
from shopctl.provisioning.errors import DownloadOver, DownloadRefused
from shopctl.workflow.answering import NobodyWaits, TooManyAnswers
from shopctl.workflow.callbacks import CallbackRefused
from shopctl.workflow.errors import RunNotFound

_BY_EXIT_CODE = {2: 400, 3: 404, 4: 403, 5: 409, 7: 503, 11: 503, 12: 422}
_BY_CLASS: dict[type[ShopctlError], int] = {NobodyWaits: 410, DownloadOver: 410, TooManyAnswers: 429}
# Who guesses tokens must not learn whether it was the signature, or the run or file that does not exist.
_HIDDEN = (CallbackRefused, RunNotFound, DownloadRefused)
_RETRY_AFTER = "5"  # seconds


class RequestInvalid(InvalidData):
    """The request is not as it should be: {reason}."""

    code = "http.request_invalid"


def add_problems(app: FastAPI) -> None:
    """Have an application answer every error with problem details."""
    app.add_exception_handler(ShopctlError, _known)
    app.add_exception_handler(HTTPException, _by_status)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _unknown)


def problem(error: ShopctlError) -> Response:
    """The answer to an error: its status by its class, else by its exit code; nothing of what is wrong inside."""
    if isinstance(error, _HIDDEN):
        error = NothingHere()
    status = getattr(error, "status", None) or _BY_CLASS.get(type(error)) or _BY_EXIT_CODE.get(error.exit_code, 500)
    if status >= 500 and not isinstance(error, Unavailable):
        logging.error("a request could not be answered", code=error.code, error=error.message)
    detail = error.message if status < 500 else Unavailable().message
    return _answer(status, error.code if status < 500 else Unavailable.code, detail, retryable=error.retryable)


def failure() -> Response:
    """The answer to what nobody foresaw."""
    return _answer(500, "internal", "Something went wrong; it was logged under the request's id.", retryable=False)


async def _known(request: Request, error: Exception) -> Response:
    assert isinstance(error, ShopctlError)
    return problem(error)


async def _by_status(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return problem(NothingHere())
    phrase = HTTPStatus(error.status_code).phrase
    answer = _answer(error.status_code, f"http.{error.status_code}", f"{phrase}.", retryable=False)
    answer.headers.update(error.headers or {})
    return answer


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    # Where and why, never what was sent: it may be a secret.
    reasons = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
    return problem(RequestInvalid(reason="; ".join(reasons)))


async def _unknown(request: Request, error: Exception) -> Response:
    return failure()


def _answer(status: int, code: str, detail: str, *, retryable: bool) -> Response:
    content = {
        "type": f"urn:shopctl:error:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "retryable": retryable,
    }
    headers = {"Retry-After": _RETRY_AFTER} if status in (429, 503) else None
    return JSONResponse(content, status, headers, media_type="application/problem+json")
