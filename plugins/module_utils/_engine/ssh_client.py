# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The SDK's client for an engine that is reached over ssh, by the program of that name.

The SDK has two ways of its own (docker/transport/sshconn.py). Both take a library more, paramiko; the one that uses it
knows little of a user's configuration of ssh, and the other calls the program, with a login for every question, and
waits that never end. Here requests get connections of _transport/ssh.py: one login for all that is asked one after the
other, and sockets that keep the timeout.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.docker.plugins.module_utils._engine.client import Client
from ansible_collections.gantry.docker.plugins.module_utils._engine.sdk import requests, urllib3
from ansible_collections.gantry.docker.plugins.module_utils._transport.ssh import Ssh

# There may be no SDK, which is told when one connects.
_HttpAdapter: Any = requests.adapters.HTTPAdapter if requests else object
_HttpPool: Any = urllib3.connectionpool.HTTPConnectionPool if urllib3 else object
_HttpConnection: Any = urllib3.connection.HTTPConnection if urllib3 else object


class SshClient(Client):
    """As Client. options: the resolved ones; raises InvalidInput if their docker_host can't be."""

    def __init__(self, options: Mapping[str, Any], version: str) -> None:
        # A client for a socket is what ssh leads to; the socket of this name is never opened.
        super().__init__(base_url="unix:///ssh", version=version, timeout=options["timeout"])
        # No proxy leads there, and no netrc helps.
        self.trust_env = False
        self._custom_adapter = _Adapter(Ssh(options["docker_host"], options["timeout"]))
        self.mount("http+docker://", self._custom_adapter)


class _Adapter(_HttpAdapter):  # type: ignore[misc]
    """Gives every request a connection from one pool."""

    def __init__(self, way: Ssh) -> None:
        super().__init__()
        self._way = way
        self._pool = _Pool(way)

    def get_connection(self, url: Any, proxies: Any = None) -> Any:
        """For requests before 2.32.2."""
        return self._pool

    def get_connection_with_tls_context(self, request: Any, verify: Any, proxies: Any = None, cert: Any = None) -> Any:
        """For requests since then."""
        return self._pool

    def request_url(self, request: Any, proxies: Any) -> Any:
        """The URL as the engine takes it."""
        return request.path_url

    def send(self, *arguments: Any, **options: Any) -> Any:
        """Send a request; what ssh said is what is wrong where it ended."""
        try:
            return super().send(*arguments, **options)
        except requests.exceptions.ConnectionError as error:
            problem = error
        # Not in there: the end of a connection would be among the error's causes, and say less.
        said = self._way.said()
        raise requests.exceptions.ConnectionError(f"ssh said: {said}") if said else problem

    def close(self) -> None:
        """Let go of all connections, and end their programs."""
        super().close()
        self._pool.close()
        self._way.close()


class _Pool(_HttpPool):  # type: ignore[misc]
    def __init__(self, way: Ssh) -> None:
        # One for what lasts, and one to ask meanwhile whether the engine is still there.
        super().__init__("localhost", maxsize=2)
        self._way = way

    def _new_conn(self) -> Any:
        return _Connection(self._way)


class _Connection(_HttpConnection):  # type: ignore[misc]
    def __init__(self, way: Ssh) -> None:
        super().__init__("localhost")
        self._way = way

    def connect(self) -> None:
        """Have ssh log in."""
        self.sock = self._way.dial()
        self.sock.settimeout(self.timeout)
