# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates for servers of the tests."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path
from typing import NamedTuple


class Certificate(NamedTuple):
    """A certificate that is its own authority, and its key."""

    cert: Path
    key: Path

    def context(self, wanted_of_clients: bool = False) -> ssl.SSLContext:
        """Return the settings of a server that shows this certificate.

        wanted_of_clients: whether clients must show it too.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self)
        if wanted_of_clients:
            context.load_verify_locations(self.cert)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


def certificate_for(name: str, directory: Path) -> Certificate:
    """Make a certificate for a host."""
    made = Certificate(directory / "cert.pem", directory / "key.pem")
    names = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", *names]
    subprocess.run([*command, "-keyout", made.key, "-out", made.cert, "-days", "2"], check=True, capture_output=True)
    return made
