"""A function app of somebody else: a small library with a lending desk."""

import asyncio
import json
import logging
import os
import sys
import threading
import time
from enum import StrEnum
from pathlib import Path
from typing import cast

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
desk = func.Blueprint()


class Genre(StrEnum):
    """A text that only this app knows."""

    NOVEL = "novel"


def note(line: str) -> None:
    """Write to the file that the tests read."""
    with Path(os.environ["SAMPLE_NOTES"]).open("a", encoding="utf-8") as notes:
        notes.write(line + "\n")


@app.route(route="books/{id:int}", methods=["GET"])
async def get_book(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Answer asynchronously, with what the request looked like from here."""
    logging.info("looking for a book")
    return func.HttpResponse(
        json.dumps(
            {
                "params": dict(req.route_params),
                "query": dict(req.params),
                "headers": dict(req.headers),
                "url": req.url,
                "thread": threading.current_thread().name,
                "function": context.function_name,
                "process": os.getpid(),
            }
        ),
        mimetype="application/json",
    )


@app.route(route="books", methods=["POST"])
def add_book(req: func.HttpRequest) -> func.HttpResponse:
    """Answer from a thread."""
    body = req.get_body()
    return func.HttpResponse(
        json.dumps({"length": len(body), "thread": threading.current_thread().name}), status_code=201
    )


@app.route(route="books/{title}", methods=["GET"])
def get_book_by_title(req: func.HttpRequest) -> str:
    """Return a plain string."""
    return f"title {req.route_params['title']}"


@app.route(route="page/{number:int=1}")
def page(req: func.HttpRequest) -> str:
    """Have a parameter with a default."""
    return str(req.route_params["number"])


@app.route(route="shelf/{room?}")
def shelf(req: func.HttpRequest) -> str:
    """Have an optional parameter."""
    return json.dumps(dict(req.route_params))


@app.route(route="zzz/{*rest}")
def catch_all(req: func.HttpRequest) -> str:
    """Take everything below a path, before functions later in the alphabet."""
    return f"caught {req.route_params.get('rest')}"


@app.route(route="zzz/shadowed")
def shadowed(req: func.HttpRequest) -> str:
    """Never run: an earlier function's catch-all takes its path."""
    return "shadowed"


@app.route(route="fail")
def fail(req: func.HttpRequest) -> func.HttpResponse:
    """Raise."""
    raise RuntimeError("the shelf fell down")


@app.route(route="wrong")
def wrong(req: func.HttpRequest) -> func.HttpResponse:
    """Return what the worker refuses."""
    return cast(func.HttpResponse, {"not": "a response"})


@app.route(route="cookies")
def cookies(req: func.HttpRequest) -> func.HttpResponse:
    """Set two cookies."""
    response = func.HttpResponse("set")
    response.headers.add("Set-Cookie", "a=1; Path=/; HttpOnly")
    response.headers.add("Set-Cookie", "b=2; Path=/; Secure")
    return response


@app.route(route="object")
def response_object(req: func.HttpRequest) -> str:
    """Return a string that the host takes for a response object."""
    return json.dumps({"statusCode": 202, "headers": {"x-shape": "object"}, "body": {"ok": True}})


@app.route(route="repeated")
def repeated(req: func.HttpRequest) -> func.HttpResponse:
    """Repeat a header, and set one that host.json sets too."""
    response = func.HttpResponse("set")
    response.headers.add("X-Copy", "first")
    response.headers.add("X-Copy", "last")
    response.headers.add("X-Sample", "own")
    return response


@app.route(route="crash")
def crash(req: func.HttpRequest) -> func.HttpResponse:
    """Take the whole worker down, at once or as a program ends."""
    if "exit" in req.params:
        sys.exit(int(req.params["exit"]))
    os._exit(3)


@app.route(route="standing")
async def standing(req: func.HttpRequest) -> str:
    """Hold the one loop up."""
    note("standing began")
    time.sleep(60)  # noqa: ASYNC251 - this is what it is for
    return "late"


@app.route(route="dozing")
def dozing(req: func.HttpRequest) -> str:
    """Hold one thread up."""
    note("dozing began")
    time.sleep(60)
    return "late"


@app.route(route="shape")
def shape(req: func.HttpRequest) -> func.HttpResponse:
    """Return texts of a class of this app's own, or a header as asked for."""
    if "header" in req.params:
        return func.HttpResponse(headers={"X-Shape": req.params["header"]})
    if "status" in req.params:
        return func.HttpResponse(status_code=int(req.params["status"]))
    return func.HttpResponse(Genre.NOVEL, headers={"X-Genre": Genre.NOVEL})


@app.route(route="gone")
def gone(req: func.HttpRequest) -> func.HttpResponse:
    """Return no content, with content."""
    return func.HttpResponse("ignored", status_code=204)


@app.route(route="guarded", auth_level=func.AuthLevel.FUNCTION)
def guarded(req: func.HttpRequest) -> str:
    """Ask for a key."""
    return "let in"


@app.route(route="switched-off")
def switched_off(req: func.HttpRequest) -> str:
    """Be disabled by a setting."""
    return "on"


@app.route(route="slow")
async def slow(req: func.HttpRequest) -> str:
    """Take a while."""
    note("slow began")
    await asyncio.sleep(float(req.params["seconds"]))
    note("slow ended")
    return "done"


@app.route(route="quiet")
def quiet(req: func.HttpRequest) -> str:
    """Log below the level that host.json sets for it."""
    logging.info("unheard")
    logging.error("heard")
    return "shh"


@app.route(route="admin/books")
def reserved_route(req: func.HttpRequest) -> str:
    """Break a rule of the host: the route begins with admin."""
    return "never"


@app.route(route="Books/", methods=["POST"])
def same_route(req: func.HttpRequest) -> str:
    """Break a rule of the host: the route and method of another."""
    return "never"


@app.route(route="lend", methods=["POST"])
@app.queue_output(arg_name="slips", queue_name="%LENDING_QUEUE%", connection="SampleStorage")
def lend(req: func.HttpRequest, slips: func.Out[str]) -> str:
    """Put what was sent on a queue: as a text, as the list that it is in JSON, or as a text of a class of its own."""
    text = req.get_body().decode()
    match req.params.get("as"):
        case "json":
            slips.set(json.loads(text))
        case "genre":
            slips.set(Genre(text))
        case _:
            slips.set(text)
    return "lent"


@desk.queue_trigger(arg_name="msg", queue_name="%LENDING_QUEUE%", connection="SampleStorage")
@desk.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:00:00")
async def lending(msg: func.QueueMessage) -> None:
    """Note each message; fail or take long on request. Its retry policy is without effect."""
    text = msg.get_body().decode()
    note(f"lending {msg.dequeue_count} {msg.id} {text}")
    if text.startswith("wait "):
        await asyncio.sleep(float(text.removeprefix("wait ")))
        note(f"lending ended {text}")
    if text.startswith("fail"):
        raise ValueError("no such book")


@desk.queue_trigger(arg_name="msg", queue_name="%LENDING_QUEUE%-poison", connection="SampleStorage")
def lost_slips(msg: str) -> None:
    """Read the poison queue of the other."""
    note(f"poison {msg}")


@app.timer_trigger(arg_name="tick", schedule="%CLOSING_SCHEDULE%", use_monitor=True)
def closing_time(tick: func.TimerRequest) -> None:
    """Note each firing."""
    status = tick.schedule_status  # type: ignore[attr-defined]  # missing from the library's abstract class
    note(f"closing past_due={tick.past_due} status={json.dumps(status)}")


@app.timer_trigger(arg_name="tick", schedule="%RETRY_SCHEDULE%")
@app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:00:00")
def stocktaking(tick: func.TimerRequest, context: func.Context) -> None:
    """Fail at every attempt."""
    note(f"stocktaking {context.retry_context.retry_count}/{context.retry_context.max_retry_count}")
    raise RuntimeError("miscounted")


@app.timer_trigger(arg_name="tick", schedule="0 0 0 1 1 *")
@app.retry(
    strategy="exponential_backoff", max_retry_count="-1", minimum_interval="01:00:00", maximum_interval="02:00:00"
)
def restocking(tick: func.TimerRequest) -> None:
    """Fail, to be repeated in an hour."""
    note("restocking")
    raise RuntimeError("sold out")


@app.timer_trigger(arg_name="tick", schedule="0 0 4 * * 7")
def wrong_schedule(tick: func.TimerRequest) -> None:
    """Break a rule of the host: there is no day 7."""


@app.queue_trigger(arg_name="msg", queue_name="q", connection="NoSuchConnection")
def no_connection(msg: str) -> None:
    """Break a rule of the host: its connection is not set."""


app.register_functions(desk)
