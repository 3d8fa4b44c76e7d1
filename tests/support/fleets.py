# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A model of what the delivery of an image costs, for the table in docs/fleets.md: this file prints it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
# In bytes per second.
GIGABIT, TENTH = 125_000_000, 12_500_000
# What a host gets beside the layers that it lacks: the documents, twice, and the form of an archive.
DOCUMENTS = 8 * KIB


class Fleet(NamedTuple):
    """Hosts in sites, and what leads to them.

    new, image: the bytes of the layers that all hosts lack, and of the whole image. source: the link of the controller
    or the registry. wan, lan: the link of a site, and those in it. forks, cores: of the controller. module: the
    processor seconds that Ansible takes for a run of a module, with all that belongs to it, if all of that is on the
    controller (docs/benchmarks.md). turn: the seconds that such a run takes at least.
    """

    hosts: int
    hosts_per_site: int = 100
    new: int = 10 * MIB
    image: int = GIB + 10 * MIB
    source: int = GIGABIT
    wan: int = TENTH
    lan: int = GIGABIT
    forks: int = 50
    cores: int = 8
    module: float = 0.8
    turn: float = 1.0

    @property
    def sites(self) -> int:
        """The number of sites."""
        return -(-self.hosts // self.hosts_per_site)

    @property
    def per_site(self) -> int:
        """The hosts of a site."""
        return min(self.hosts, self.hosts_per_site)

    def ansible(self, hosts: int, modules: int) -> float:
        """Return the seconds that Ansible takes for runs of modules on each of these hosts, without transfers."""
        return modules * max(hosts * self.module / self.cores, -(-hosts // self.forks) * self.turn)

    def sent(self, copies: int, size: int, per_site: int) -> float:
        """Return the seconds for so many bytes from the source, of which each site gets so many copies."""
        return max(copies * size / self.source, per_site * size / self.wan)


class Cost(NamedTuple):
    """What a delivery costs. sent: the bytes that the source sends. per_site: those into each site."""

    sent: int
    per_site: int
    seconds: float


def whole(fleet: Fleet) -> Cost:
    """Copy a whole archive to each host, and load it."""
    seconds = max(fleet.ansible(fleet.hosts, 3), fleet.sent(fleet.hosts, fleet.image, fleet.per_site))
    return Cost(fleet.hosts * fleet.image, fleet.per_site * fleet.image, seconds)


def thin(fleet: Fleet) -> Cost:
    """Send each host the layers that it lacks: image_load with src."""
    size = fleet.new + DOCUMENTS
    seconds = max(fleet.ansible(fleet.hosts, 2), fleet.sent(fleet.hosts, size, fleet.per_site))
    return Cost(fleet.hosts * size, fleet.per_site * size, seconds)


def seeded(fleet: Fleet) -> Cost:
    """Do that for one host of each site, and from this one for the others, in all sites at a time."""
    size = fleet.new + DOCUMENTS
    first = max(fleet.ansible(fleet.sites, 2), fleet.sent(fleet.sites, size, 1))
    rest = max(fleet.ansible(fleet.per_site, 2), fleet.per_site * size / fleet.lan)
    return Cost(fleet.sites * size, size, first + rest)


def registry(fleet: Fleet) -> Cost:
    """Let each host pull from one registry."""
    seconds = max(fleet.ansible(fleet.hosts, 1), fleet.sent(fleet.hosts, fleet.new, fleet.per_site))
    return Cost(fleet.hosts * fleet.new, fleet.per_site * fleet.new, seconds)


def mirrors(fleet: Fleet) -> Cost:
    """Let each host pull from the mirror of its site."""
    return _by_themselves(fleet, fleet.ansible(fleet.hosts, 1), fleet.per_site)


def timers(fleet: Fleet) -> Cost:
    """Do that from a timer of each host, without Ansible's controller."""
    return _by_themselves(fleet, 0, fleet.per_site)


def peers(fleet: Fleet) -> Cost:
    """Let hosts get most from each other, from timers: each sends on as much as it gets."""
    return _by_themselves(fleet, 0, 2)


def _by_themselves(fleet: Fleet, ansible: float, copies: int) -> Cost:
    """Return the cost if each site gets one copy, and one machine of the site sends so many."""
    way = fleet.sent(fleet.sites, fleet.new, 1) + copies * fleet.new / fleet.lan
    return Cost(fleet.sites * fleet.new, fleet.new, max(ansible, way))


WAYS: dict[str, Callable[[Fleet], Cost]] = {
    "copy the whole archive, load it": whole,
    "`image_load` with `src`": thin,
    "the same to one host of each site, and on from there": seeded,
    "`image_pull`, one registry": registry,
    "`image_pull`, a mirror in each site": mirrors,
    "a mirror in each site, each host by a timer": timers,
    "peer to peer, each host by a timer": peers,
}
SIZES = (10, 1_000, 100_000)


def table() -> str:
    """Return the table, in Markdown."""
    heads = [f"{size:,} hosts" for size in SIZES]
    rows = [["way", *heads], ["---"] * (1 + len(heads))]
    for name, way in WAYS.items():
        costs = [way(Fleet(size)) for size in SIZES]
        cells = [f"{_size(cost.sent)}; {_size(cost.per_site)}; {_time(cost.seconds)}" for cost in costs]
        rows.append([name, *cells])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _size(size: float) -> str:
    for unit in ("MiB", "GiB", "TiB"):
        size /= MIB if unit == "MiB" else KIB
        if size < 1000:
            break
    return f"{size:.3g} {unit}"


def _time(seconds: float) -> str:
    for limit, divisor, unit in ((100, 1, "s"), (6000, 60, "min"), (360_000, 3600, "h")):
        if seconds < limit:
            return f"{seconds / divisor:.2g} {unit}"
    return f"{seconds / 86400:.2g} days"


if __name__ == "__main__":
    print(table())
