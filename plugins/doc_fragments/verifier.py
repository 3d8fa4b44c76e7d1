# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of options that the modules share."""

from __future__ import annotations


class ModuleDocFragment:
    """The options for the verifier, which module_utils/_verifier.py parses."""

    DOCUMENTATION = r"""
options:
  verifier:
    description:
      - A command that decides whether an image may come, as a list of its program and its arguments. No shell runs it.
      - In each argument, C({name}) stands for the image's name with its registry and its tag, such as
        C(docker.io/library/busybox:latest), and C({digest}) for the digest that determines its content. At least one
        argument must contain C({digest}).
      - The image is accepted if the command ends with exit code 0, as containerd has it for its image verifiers.
        Otherwise the image is refused, and the task fails with the end of the command's output. It is also refused if
        the command takes longer than O(verifier_timeout). If the command can't be run, nothing is done.
      - The command also runs in check mode, so that a check run reports the images that will be refused. So it must not
        change anything.
      - It runs as the user of the task and with the environment of the task. See the guide on verifiers.
    type: list
    elements: str
  verifier_timeout:
    description:
      - The number of seconds that O(verifier) may take for an image.
    type: int
    default: 60
"""
