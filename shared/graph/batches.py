"""``$batch``: up to twenty writes in one request, each with its own answer (facts C58, S58)."""

from collections.abc import Sequence

from shared.core.event import OutlookState
from shared.errors import OutcomeUnknown, SyncFault, Throttled, Unavailable
from shared.graph.client import GraphClient
from shared.graph.memory import PlainEvents
from shared.graph.protocol import SERVICE, GraphRequest, GraphResponse, batch, batch_answers, members
from shared.graph.refusals import fault_of
from shared.graph.wire import read_event
from shared.graph.writes import RefusedZones, body_read, needs_body, request_of, with_body
from shared.log import Metric, log_metric
from shared.ports import BatchItem, BatchUpdate
from shared.retry import LONGEST_WAIT

Answer = GraphResponse | SyncFault
_WAITS = 2


class Batches:
    """Sends batches. Throttled items alone are sent again, and items whose zone was refused, in UTC."""

    def __init__(self, client: GraphClient, *, plain: PlainEvents, zones: RefusedZones) -> None:
        self._client = client
        self._plain = plain
        self._zones = zones

    async def carry_out(
        self, integration_id: str, items: Sequence[BatchItem]
    ) -> tuple[OutlookState | Exception | None, ...]:
        """Return the state, None after a delete, or the error of each item, in the order of the items."""
        if not items:
            return ()
        requests: dict[int, GraphRequest] = {}
        answers: dict[int, Answer] = {}
        for place, item in enumerate(items):
            requests[place] = request_of(item, zones=self._zones)
        await self._read_bodies(integration_id, items, requests, answers)
        await self._exchange(integration_id, requests, answers)
        moved = {
            place: again
            for place, request in requests.items()
            if (again := self._zones.in_utc(request, answers.get(place))) is not None
        }
        if moved:
            await self._exchange(integration_id, moved, answers)
            for place in moved:
                if isinstance(answers[place], GraphResponse):
                    self._zones.note(requests[place])
        return tuple(self._result(answers[place]) for place in range(len(items)))

    async def _read_bodies(
        self,
        integration_id: str,
        items: Sequence[BatchItem],
        requests: dict[int, GraphRequest],
        answers: dict[int, Answer],
    ) -> None:
        """Put the join blocks into the updates that need them; one whose event cannot be read is answered already."""
        wanted = {
            place: item
            for place, item in enumerate(items)
            if isinstance(item, BatchUpdate) and needs_body(item, self._plain)
        }
        if not wanted:
            return
        found: dict[int, Answer] = {}
        reads = {place: body_read(item.event_id) for place, item in wanted.items()}
        await self._exchange(integration_id, reads, found)
        for place, item in wanted.items():
            answer = found[place]
            try:
                if isinstance(answer, SyncFault):
                    raise answer
                requests[place] = with_body(requests[place], item, members(answer.body))
            except SyncFault as fault:
                answers[place] = fault
                del requests[place]

    async def _exchange(
        self, integration_id: str, requests: dict[int, GraphRequest], answers: dict[int, Answer]
    ) -> None:
        """Send the requests and note their answers under the same places."""
        pending = dict(requests)
        for attempt in range(_WAITS + 1):
            if not pending:
                return
            places = list(pending)
            whole = batch([pending[place] for place in places])
            answer = await self._client.send(integration_id, whole, parts=len(places))
            for place, response in zip(places, batch_answers(answer.body, len(places)), strict=True):
                answers[place] = _answer(pending[place], response)
            if throttled := sum(isinstance(answers[place], Throttled) for place in places):
                log_metric(Metric.GRAPH_THROTTLED, throttled, integration=integration_id)
            waits = {place: wait for place in places if (wait := _short_wait(answers[place])) is not None}
            if not waits or attempt == _WAITS:
                return
            await self._client.pause(max(waits.values()))
            pending = {place: pending[place] for place in waits}

    def _result(self, answer: Answer) -> OutlookState | Exception | None:
        if isinstance(answer, SyncFault):
            return answer
        return self._plain.note(read_event(members(answer.body))) if members(answer.body) else None


def _answer(request: GraphRequest, response: GraphResponse | None) -> Answer:
    if response is None:
        return (Unavailable if request.reads else OutcomeUnknown)(SERVICE, code="NoAnswerInBatch")
    return fault_of(request, response) or response


def _short_wait(answer: Answer) -> float | None:
    """Return how long a throttled item asks to wait, if that can be done here."""
    return answer.retry_after if isinstance(answer, Throttled) and answer.retry_after <= LONGEST_WAIT else None
