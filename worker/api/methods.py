"""OPTIONS of the paths that have a handler for each of their methods."""

from __future__ import annotations

from typing import Any

from litestar import HttpMethod, Request, Response, route


@route(
    ["/predict", "/recommend"],
    http_method=HttpMethod.OPTIONS,
    status_code=204,
    include_in_schema=False,
    sync_to_thread=False,
)
def methods(request: Request[Any, Any, Any]) -> Response[None]:
    """The methods of the path; the framework's own answer has those of the path's first handler alone."""
    allowed = request.app.route_handler_method_map[request.scope["path_template"]]
    return Response(None, headers={"Allow": ", ".join(sorted(allowed))})
