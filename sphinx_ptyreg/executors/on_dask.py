"""Dask's ``distributed`` as the engine: its scheduler places, its workers measure.

A worker offers itself by the resource ``ptyreg``; one each means one selector at a time. Dask
starts a task again by itself when a worker is lost; here that must not go unseen, because the
record keeps its attempt. So every attempt has one token on the scheduler: who begins it takes the
token, and who finds none knows that a worker was lost.
"""

from __future__ import annotations

import json
import logging
import re
import uuid
from collections.abc import Callable, Collection
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Self

from ..declared import Selector
from ..errors import InfrastructureError
from ..interpreter import unmet
from .fanout import Abandoned, WorkerLost
from .messages import Task, decode, encode
from .work import perform

if TYPE_CHECKING:
    from distributed import Queue

__all__ = ["REQUIRES", "RESOURCE", "DaskEngine", "perform_on_dask"]

REQUIRES = ("distributed>=2024.1",)

#: The resource that a worker offers when selectors may be measured on it.
RESOURCE = "ptyreg"

_CONNECT_S = 10
_GONE = frozenset({"closing", "closed", "failed"})
_ADDRESS = re.compile(r"(tcp|tls|ucx|wss?)://.+:\d+")


class DaskEngine:
    """A Dask scheduler and its workers.

    A scheduler that one may submit to is as good as a shell on each of its workers; certificates
    come from Dask's own configuration (``distributed.comm.tls``).

    Args:
        address: Of the scheduler: ``tcp://host:8786``, ``tls://host:8786``.
        told: Called with a selector's name and where and how far it is.

    Raises:
        InfrastructureError: distributed is not installed, or nothing answers at the address.
    """

    def __init__(self, address: str, told: Callable[[str, str], None]) -> None:
        if missing := unmet(REQUIRES):
            raise InfrastructureError(
                f"Expected {', '.join(missing)} to hand selectors to Dask. "
                "Install sphinx-ptyreg[run,dask]."
            )
        import distributed  # noqa: PLC0415 - an extra

        # Its client logs tracebacks of what is an error of ours, told in one line.
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
        security = distributed.Security()
        _check_address(address, security.get_connection_args("client").get("ssl_context"))
        self.topic = f"ptyreg-{uuid.uuid4().hex}"
        self._tokens: dict[str, Queue] = {}
        try:
            self._client = distributed.Client(
                address, timeout=_CONNECT_S, set_as_default=False, security=security
            )
        except (OSError, ValueError, TypeError, RuntimeError) as error:
            raise InfrastructureError(
                f"Expected a Dask scheduler at {address}, but got: {_last_line(error)}."
            ) from error

        def tell(event: tuple[float, str]) -> None:
            told(*json.loads(event[1]))

        self._client.subscribe_topic(self.topic, tell)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def submit(self, task: Task, selector: Selector, without: Collection[str]) -> Future[str]:
        """Hand a task to a worker that offers what the selector asks for.

        Raises:
            InfrastructureError: There is no such worker.
        """
        wanted = {RESOURCE: 1.0, **selector.resources}
        fitting = self._fitting(wanted, without)
        if not fitting:
            asked = " ".join(f"{name}={amount:g}" for name, amount in wanted.items())
            other = "another worker" if without else "a worker"
            raise InfrastructureError(
                f"Expected {other} that offers {asked}, but there is none. Start one in the "
                f'project: dask worker SCHEDULER --nthreads 1 --resources "{asked}"'
            )
        self._issue(_token(task))
        executor = self._client.get_executor(
            pure=False, retries=0, resources=wanted, **({"workers": fitting} if without else {})
        )
        return executor.submit(perform_on_dask, encode(task))  # type: ignore[no-any-return]

    def _fitting(self, wanted: dict[str, float], without: Collection[str]) -> list[str]:
        workers: dict[str, Any] = self._client.scheduler_info(n_workers=-1)["workers"]
        return [
            address
            for address, worker in workers.items()
            if address not in without
            and all(worker["resources"].get(name, 0) >= least for name, least in wanted.items())
        ]

    def _issue(self, name: str) -> None:
        """Put the one token of an attempt on the scheduler; a refused attempt keeps its own."""
        from distributed import Queue  # noqa: PLC0415 - an extra

        if name not in self._tokens:
            self._tokens[name] = Queue(name, client=self._client)
            self._tokens[name].put(1)


def perform_on_dask(text: str) -> str:
    """Answer a task on a Dask worker: the one function that travels, by its name."""
    from distributed import Queue, get_client, get_worker  # noqa: PLC0415 - an extra

    worker, task = get_worker(), decode(text, Task)
    key = worker.get_current_task()

    def tell(text: str) -> None:
        worker.log_event(task.topic, json.dumps([task.selector, text]))

    def claim() -> None:
        if not Queue(_token(task), client=get_client()).get(batch=True):
            raise WorkerLost("the worker that began it is gone")
        tell(f"running on {worker.address}")

    def wanted() -> None:
        state = worker.state.tasks.get(key)
        gone = worker.status.name in _GONE  # the scheduler is lost, and who asked with it
        if gone or state is None or state.state not in {"executing", "long-running"}:
            raise Abandoned(f"attempt {task.attempt} of {task.selector} is not wanted any more")

    def progress(name: str, stage: str, seconds: float) -> None:
        tell(f"{seconds:.0f} s{f', in {stage}' if stage else ''}")

    return perform(text, worker=worker.address, claim=claim, wanted=wanted, progress=progress)


def _check_address(address: str, certificates: object) -> None:
    """Refuse what a client would choke on, half made."""
    if not _ADDRESS.fullmatch(address):
        raise InfrastructureError(
            f"Expected the scheduler as tcp://HOST:PORT or tls://HOST:PORT, but got {address!r}."
        )
    if address.startswith("tls:") and certificates is None:
        raise InfrastructureError(
            f"Expected certificates for {address}, but Dask's configuration names none. "
            "Set distributed.comm.tls.ca-file, client.cert and client.key."
        )


def _token(task: Task) -> str:
    return f"{task.topic}-{task.selector}-{task.attempt}"


def _last_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[-1].rstrip(".")
