"""The page's routes."""

from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from local.wedsync.page.lists import Lists
from local.wedsync.page.proxy import Proxy
from local.wedsync.page.site import HERE, Site
from local.wedsync.page.sync import Sync


def page_routes(site: Site) -> list[BaseRoute]:
    """Return every route of the page, its style sheet and its script."""
    sync = Sync(site)
    static = Mount("/static", StaticFiles(directory=HERE / "static"))
    return [*Lists(site, sync).routes(), *sync.routes(), *Proxy(site).routes(), static]
