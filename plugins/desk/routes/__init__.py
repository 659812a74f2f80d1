"""The routes of the desk, one module for each topic; each has a ``router``, and every module here is a topic."""

from importlib import import_module
from pkgutil import iter_modules

TOPICS = tuple(sorted(found.name for found in iter_modules(__path__)))
ROUTERS = tuple(import_module(f"{__name__}.{topic}").router for topic in TOPICS)
