from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from html import escape

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from crawler.interchange import article_from_json
from crawler.model import Role
from crawler.pipeline.cpu import CpuPool, linker
from crawler.resources import sample
from crawler.settings import FetchSettings, LinkSettings
from crawler.store import Store
from crawler.web.api import tracing
from crawler.web.api.rate import Rate
