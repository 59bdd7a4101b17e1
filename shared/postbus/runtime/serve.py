"""Runs one service as a process: health, metrics, start, graceful stop."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import structlog
import uvicorn
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from postbus.errors import TemporaryError
from postbus.runtime.garbage import spare_what_is_loaded
from postbus.runtime.logging import configure
from postbus.runtime.rounds import end_tasks
from postbus.runtime.settings import ServiceSettings

log = structlog.get_logger("postbus.runtime")

ReadyCheck = Callable[[], Awaitable[list[str]]]
_CHECK_SECONDS = 3.0
_START_AGAIN_SECONDS = 1.0


@dataclass
class Service:
    """One service, built and not yet started.

    `start` may raise TemporaryError while something it needs is away: it is called again, while the
    health pages already answer. A ready check gives the problems it sees; none means ready.
    """

    name: str
    start: Callable[[], Awaitable[None]]
    stop: Callable[[], Awaitable[None]]
    registry: CollectorRegistry
    ready_checks: list[ReadyCheck] = field(default_factory=list)
    api: FastAPI = field(
        default_factory=lambda: FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    )


def mount(service: Service) -> FastAPI:
    """The service's HTTP application with health, metrics, and its life cycle."""
    state = _State(service)
    api = service.api
    api.router.lifespan_context = state.lifespan
    api.add_api_route("/health/live", _live, include_in_schema=False)
    api.add_api_route("/health/ready", state.ready, include_in_schema=False)
    api.add_api_route("/metrics", state.metrics, include_in_schema=False)
    return api


def run(service: Service, settings: ServiceSettings) -> None:
    """Serve until SIGTERM or SIGINT; then drain and return."""
    configure(service.name, log_format=settings.log_format, level=settings.log_level)
    config = uvicorn.Config(
        mount(service),
        host=settings.http_host,
        port=settings.http_port,
        loop="uvloop",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=max(1, int(settings.graceful_seconds)),
    )
    spare_what_is_loaded()
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run()


class _State:
    def __init__(self, service: Service) -> None:
        self._service = service
        self._started = False
        self._stopping = False

    @asynccontextmanager
    async def lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        starting = asyncio.create_task(self._start())
        try:
            yield
        finally:
            self._stopping = True
            await end_tasks([starting])
            await self._service.stop()
            log.info("service_stopped")

    async def _start(self) -> None:
        """Start, and start again while something is away; health answers meanwhile."""
        # The flag, because a driver may swallow the cancellation.
        while not self._stopping:
            try:
                await self._service.start()
            except TemporaryError as error:
                log.warning("service_waits", error=f"{type(error).__name__}: {error}")
                await asyncio.sleep(_START_AGAIN_SECONDS)
            except Exception:
                log.exception("service_cannot_start")
                await asyncio.sleep(_START_AGAIN_SECONDS * 5)
            else:
                self._started = True
                log.info("service_started")
                return

    async def ready(self) -> JSONResponse:
        problems = [] if self._started else ["starting"]
        for check in self._service.ready_checks:
            try:
                problems += await asyncio.wait_for(check(), _CHECK_SECONDS)
            except TimeoutError:
                problems.append("a check took too long")
            except TemporaryError as error:
                problems.append(f"{type(error).__name__}: {error}")
        return JSONResponse(
            {"ready": not problems, "problems": problems}, status_code=503 if problems else 200
        )

    async def metrics(self) -> Response:
        return Response(generate_latest(self._service.registry), media_type=CONTENT_TYPE_LATEST)


async def _live() -> JSONResponse:
    return JSONResponse({"live": True})
