# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts of the benchmark, the most important first."""

from ansible_collections.gantry.docker.tests.bench.parts import archives, containers, fleet, images

PARTS = (
    images.HERE,
    archives.UNCHANGED,
    *archives.SAVES,
    archives.LOAD,
    archives.THIN,
    containers.COMMIT,
    containers.CONNECTION,
    containers.EXEC,
    images.PULL,
    images.PRUNE,
    fleet.FLEET,
    archives.GROWTH,
)
