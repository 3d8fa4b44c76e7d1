# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The shapes of the engine's answers, with the fields that this collection reads (moby, api/docs: v1.41 and newer).

Engines leave out empty fields, newer engines more of them. No engine leaves out a field that is needed here.
"""

from __future__ import annotations

from ansible_collections.gantry.docker.plugins.module_utils._transport.answers import (
    anything,
    flag,
    listing,
    mapping,
    number,
    optional,
    record,
    table,
    text,
)

_texts = listing(text)
_config = record(
    {},
    {
        "Cmd": _texts,
        "Entrypoint": _texts,
        "Env": _texts,
        "ExposedPorts": mapping,
        "Healthcheck": record({}, {"Test": _texts}),
        "Image": text,
        "Labels": table(text),
        "OnBuild": _texts,
        "Shell": _texts,
        "StopSignal": text,
        "StopTimeout": number,
        "User": text,
        "Volumes": mapping,
        "WorkingDir": text,
    },
)
_platform = {"os": text, "architecture": text, "variant": text}
_descriptor = {"mediaType": text, "digest": text, "size": number}
_sizes = {"Total": number, "Content": number, "Unpacked": number}
_manifest = record(
    {"ID": text},
    {
        "Available": flag,
        "Descriptor": record({}, {**_descriptor, "platform": record({}, _platform)}),
        "ImageData": record({}, {"Platform": record({}, _platform), "Size": record({}, _sizes)}),
        "Kind": text,
        "Size": record({}, _sizes),
    },
)

_host = record(
    {},
    {
        "Binds": _texts,
        "CapAdd": _texts,
        "CapDrop": _texts,
        "Mounts": listing(
            record(
                {"Type": text, "Target": text},
                {"Source": text, "ReadOnly": flag, "TmpfsOptions": record({}, {"SizeBytes": number})},
            )
        ),
        "NanoCpus": number,
        "PortBindings": table(optional(listing(record({}, {"HostIp": text, "HostPort": text})))),
        "Privileged": flag,
        "ReadonlyRootfs": flag,
        "RestartPolicy": mapping,
    },
)
_endpoint = record({}, {"Aliases": _texts, "IPAMConfig": record({}, {"IPv4Address": text})})

INFO = record(
    {},
    {
        "Architecture": text,
        "Containerd": record({}, {"Address": text}),
        "DockerRootDir": text,
        "Driver": text,
        "DriverStatus": listing(_texts),
        "Name": text,
        "OSType": text,
        "RegistryConfig": record(
            {},
            {
                "IndexConfigs": table(record({}, {"Secure": flag})),
                "InsecureRegistryCIDRs": _texts,
                "Mirrors": _texts,
            },
        ),
        "ServerVersion": text,
        "SystemTime": text,
    },
)
IMAGE = record(
    {"Id": text},
    {
        "Architecture": text,
        "Config": _config,
        "Created": text,
        "Descriptor": record({}, _descriptor),
        "Manifests": listing(_manifest),
        "Metadata": record({}, {"LastTagTime": text}),
        "Os": text,
        "RepoDigests": _texts,
        "RepoTags": _texts,
        "RootFS": record({}, {"Layers": _texts}),
        "Size": number,
        "Variant": text,
    },
)
IMAGES = listing(
    record(
        {"Id": text},
        {
            "Created": number,
            "Descriptor": record({}, _descriptor),
            "Labels": table(text),
            "Manifests": listing(_manifest),
            "ParentId": text,
            "RepoDigests": _texts,
            "RepoTags": _texts,
            "SharedSize": number,
            "Size": number,
        },
    )
)
HISTORY = optional(listing(record({}, {"Created": number, "CreatedBy": text, "Id": text, "Size": number})))
REMOVED = optional(listing(record({}, {"Untagged": text, "Deleted": text})))
_used = listing(record({"Id": text, "Size": number, "SharedSize": number}))
# ImageUsage comes from API 1.52 on; Images and LayersSize come before it, and for some versions beside it.
DISK_USAGE = record(
    {},
    {
        "ImageUsage": record({}, {"Items": _used, "TotalCount": number, "TotalSize": number}),
        "Images": _used,
        "LayersSize": number,
    },
)
_cached = listing(
    record(
        {"ID": text},
        {
            " Parents": _texts,
            "Description": text,
            "InUse": flag,
            "LastUsedAt": text,
            "Parent": text,
            "Parents": _texts,
            "Shared": flag,
            "Size": number,
            "Type": text,
        },
    )
)
# BuildCacheUsage comes from API 1.52 on, BuildCache before it.
BUILD_CACHE = record(
    {},
    {
        "BuildCache": _cached,
        "BuildCacheUsage": record({}, {"Items": _cached, "TotalCount": number}),
    },
)
PRUNED_CACHE = record({}, {"CachesDeleted": _texts})
CONTAINER = record(
    {
        "Id": text,
        "Name": text,
        "Image": text,
        "State": record(
            {"Status": text, "Running": flag},
            {
                "ExitCode": number,
                "Health": record({"Status": text}, {"Log": listing(record({}, {"Output": text}))}),
            },
        ),
        "Config": _config,
        "HostConfig": _host,
        "NetworkSettings": record({}, {"Networks": table(optional(_endpoint))}),
    }
)
CONTAINERS = listing(
    record(
        {"Id": text, "ImageID": text, "Image": text, "State": text},
        {"Names": _texts, "Mounts": listing(record({}, {"Type": text, "Name": text}))},
    )
)
EVENT = record(
    {"Action": text, "Actor": record({"Attributes": table(text)}), "timeNano": number},
)
CHANGES = optional(listing(record({"Path": text, "Kind": number})))
PROCESSES = record({"Titles": _texts}, {"Processes": listing(_texts)})
NETWORKS = listing(record({"Name": text}))
MADE = record({"Id": text})
COMMAND = record({"Running": flag, "Pid": number}, {"ExitCode": optional(number)})
PATH = record({"linkTarget": text})
REMOTE_IMAGE = record({"Descriptor": record({"digest": text})}, {"Platforms": listing(record({}, _platform))})
PROGRESS = record({}, {"error": anything, "errorDetail": record({}, {"message": text}), "status": text, "stream": text})
