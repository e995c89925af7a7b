"""The lookups' HTTP app."""

from __future__ import annotations

from importlib.metadata import version
from typing import Final

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, ScalarRenderPlugin
from prometheus_client import CollectorRegistry

from lfm_online.replica import Replica
from worker.api.basket import recommend_basket
from worker.api.bodies import ClosedBodies, StrictRequest
from worker.api.explain import explain
from worker.api.known import history, item, user
from worker.api.methods import methods
from worker.api.metrics import LookupMetrics, count_lookups
from worker.api.model import model
from worker.api.parameters import check_query
from worker.api.popular import popular
from worker.api.predict import predict, predict_many
from worker.api.problems import problem_details
from worker.api.recommend import recommend
from worker.api.similar import similar
from worker.common_metrics import register_common
from worker.http_health import Problems, health_routes

LOOKUPS: Final = (
    predict,
    predict_many,
    recommend,
    recommend_basket,
    popular,
    similar,
    explain,
    user,
    item,
    history,
    model,
)


def create_app(replica: Replica, *, live: Problems, ready: Problems, registry: CollectorRegistry) -> Litestar:
    """The app.

    Args:
        replica: Answers the lookups; somebody else keeps it true.
        live: What only a restart of the process would mend.
        ready: Why lookups can't be answered now.
        registry: Where the process's metrics are; those of the lookups are added.
    """
    register_common(registry, ready=lambda: not ready(), rows=replica.row_counts)
    metrics = LookupMetrics(registry, replica, [str(handler.name) for handler in LOOKUPS])
    lookups = Router(
        "/v1",
        route_handlers=[methods, *LOOKUPS],  # behind a lookup of its path it would come too late
        dependencies={"replica": Provide(lambda: replica, sync_to_thread=False)},
        middleware=[count_lookups(metrics)],
        before_request=check_query,
        request_class=StrictRequest,
    )
    return Litestar(
        [lookups, *health_routes(live, ready, registry)],
        openapi_config=OpenAPIConfig(
            title="lfm-online lookups",
            version=version("lfm-online"),
            description="Predictions, recommendations, neighbours and explanations of a model that learns "
            "while the ratings stream in. Errors are problem details (RFC 9457).",
            path="/schema",
            use_handler_docstrings=True,
            render_plugins=[
                JsonRenderPlugin(path=["/", "/openapi.json"]),
                ScalarRenderPlugin(path="/page"),
            ],
        ),
        plugins=[problem_details(), ClosedBodies()],
        logging_config=None,
    )
