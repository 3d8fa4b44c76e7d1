# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Pull images from their registries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.errors import EngineError
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError
from ansible_collections.gantry.docker.plugins.module_utils._image.platform import Platform, parse_platform
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import (
    Reference,
    digests_in,
    parse_reference,
)
from ansible_collections.gantry.docker.plugins.module_utils._plan import Otherwise, Plan, Report, Skipped, Taken
from ansible_collections.gantry.docker.plugins.module_utils._registry.credentials import (
    Access,
    Login,
    parse_access,
    troubles,
)
from ansible_collections.gantry.docker.plugins.module_utils._registry.pulling import (
    Asked,
    ask,
    astray,
    here_for,
    is_current,
    pull,
    undecidable,
)
from ansible_collections.gantry.docker.plugins.module_utils._verifier import (
    Subject,
    Verifier,
    accepted,
    parse_verifier,
    subject_of,
)


class Wanted(NamedTuple):
    """policy: missing, newer or always."""

    references: tuple[Reference, ...]
    platform: Platform | None
    policy: str
    access: Access
    verifier: Verifier | None = None


class Local(NamedTuple):
    """The engine's image of a reference.

    image: the image that the name refers to now, for any platform. fitting: the image for the wanted platform if it is
    whole; a pull repairs one that isn't.
    """

    image: Image | None = None
    fitting: Image | None = None


class Observed(NamedTuple):
    """The image that is here for each reference; and if the registry had to be asked, its answer or the error.

    own: the platform that the engine pulls for if none is named; None if that doesn't matter.
    classic: whether the store is classic, if there is a verifier. verdicts: the verifier's, about the images that have
    to be pulled.
    """

    here: Mapping[Reference, Local]
    asked: Mapping[Reference, Asked | GantryError]
    logins: Mapping[str, Login]
    own: Platform | None = None
    classic: bool = False
    verdicts: Mapping[Subject, str] = {}


class Pull(NamedTuple):
    """Pull one image.

    before: as _before() returns it. digest: the registry's digest of the image to pull; "" if it isn't known. here: the
    Id of the image that the reference names now; "" for none. accepted: whether the verifier accepted that digest, so
    that no other image may come.
    """

    reference: Reference
    platform: Platform | None
    login: Login
    retry_for: int
    before: str | None
    digest: str
    here: str
    accepted: bool = False

    @property
    def sentence(self) -> str:
        """The step as a sentence."""
        return f"Pulled image {self.reference}" + (f" for {self.platform}" if self.platform else "")


def parse(params: Mapping[str, Any]) -> Wanted:
    """Return the wanted values, parsed from the module's parameters; raise InvalidInput."""
    return Wanted(
        references=tuple(dict.fromkeys(parse_reference(name, params["tag"]) for name in params["names"])),
        platform=parse_platform(params["platform"]) if params["platform"] else None,
        policy="missing" if params["policy"] == "not_present" else params["policy"],
        access=parse_access(params),
        verifier=parse_verifier(params),
    )


def observe(engine: Engine, wanted: Wanted, cleanup: ExitStack) -> Observed:
    """Return the images that are here, and the registries' answers about those that may have to be pulled.

    The registry is also asked before a pull. So check mode knows whether it has the name, and the image that the tag
    will refer to. The verifier is asked about that image.
    """
    here = engine.ask_all(lambda one, reference: _local(one, reference, wanted.platform), wanted.references)
    needed = [reference for reference in wanted.references if _needs_registry(reference, here[reference], wanted)]
    logins = wanted.access.logins(reference.registry for reference in needed)

    def asked(one: Engine, reference: Reference) -> Asked:
        return ask(one, reference, here[reference].fitting, logins[reference.registry], wanted.access.retry_for)

    answers = engine.each(asked, needed, wanted.access.parallel)
    observed = Observed(
        here=here,
        asked=dict(zip(needed, answers)),
        logins=logins,
        own=engine.platform if wanted.policy == "always" and not wanted.platform and needed else None,
    )
    if wanted.verifier is None or not needed:
        return observed
    observed = observed._replace(classic=not engine.containerd_store)
    subjects = (subject_of(step.reference, step.digest) for steps in _pulls(wanted, observed) for step in steps)
    return observed._replace(verdicts=wanted.verifier.verdicts(subjects, wanted.access.parallel))


def plan(wanted: Wanted, observed: Observed) -> Plan:
    """Plan to pull images that are not here, are for another platform, or have moved; with always the rest too.

    What a mirror may have otherwise is pulled too: only that tells.
    """
    steps, repeats = _pulls(wanted, observed)
    return Plan(
        steps=steps,
        **_difference(steps),
        at_once=wanted.access.parallel,
        repeats=repeats,
        problems=tuple(why for reference in observed.asked if (why := _obstacle(reference, wanted, observed))),
    )


def apply(engine: Engine, step: Pull) -> str:
    """Pull one image and return its digest in the registry.

    Raise EngineError unless it is whole, Skipped or Otherwise unless it is the foreseen one.
    """
    only = step.digest if step.accepted else ""
    image = pull(engine, step.reference, step.platform, step.login, step.retry_for, only)
    if image.flaw:
        raise EngineError(f"{step.reference} was pulled, but {image.flaw}. {_advice(step.reference, image)}")
    reason = astray(engine, step.reference, image, step.digest)
    if reason and image.id == step.here:
        raise Skipped(f"{step.reference} stays as it is: {reason}")
    known = digests_in(step.reference, image.digests)
    came = step.digest if not known or step.digest in known else known[0]
    if not step.digest and step.here and image.id != step.here:
        reason = f"a mirror has it as {came}, which could not be known before"
    if reason:
        raise Otherwise(step._replace(digest=came), f"{step.reference} is another image than foreseen: {reason}")
    return came


def report(engine: Engine, wanted: Wanted, observed: Observed, planned: Plan, taken: Sequence[Taken]) -> Report:
    """Return the images that are here now, as inspected, and the pulls."""
    pulled = {step.reference for step in (*planned.steps, *planned.repeats)}
    now = engine.ask_all(lambda one, ref: here_for(one, one.images.find(str(ref)), wanted.platform), pulled)
    found = [now[ref] if ref in pulled else observed.here[ref].fitting for ref in wanted.references]
    images = [dict(image.inspected) for image in found if image is not None]
    single = {"image": images[0]} if len(found) == len(images) == 1 else {}
    steps = [step._replace(digest=came or step.digest) for step, came in taken]
    # A mirror brings no other image than the accepted one.
    asked = [] if wanted.verifier else [answer for answer in observed.asked.values() if isinstance(answer, Asked)]
    doubts = {answer.doubt for answer in asked if answer.doubt}
    return Report(
        {
            "images": images,
            "pulled": [
                {"name": str(step.reference), "before": step.before, "after": step.digest or None} for step in steps
            ],
            **single,
            **({"accepted": accepted(observed.verdicts)} if wanted.verifier else {}),
        },
        diff=_difference(steps),
        warnings=(*troubles(observed.logins.values()), *sorted(doubts)),
    )


def _local(engine: Engine, reference: Reference, platform: Platform | None) -> Local:
    image = engine.images.find(str(reference))
    fitting = here_for(engine, image, platform)
    return Local(image, fitting if fitting and fitting.whole else None)


def _advice(reference: Reference, image: Image) -> str:
    """Return the advice for an image that a pull didn't make whole."""
    if image.is_artifact:
        return "An engine has no use for it; other tools get it from its registry."
    return (
        "The engine fetches no layer that it has unpacked already, under this or another image's name, even where its "
        f"content is lost. Remove {reference} and the images that share layers with it (image_info with history names "
        "them), then pull it again; or load it from an archive (image_load)."
    )


def _needs_registry(reference: Reference, local: Local, wanted: Wanted) -> bool:
    """Return whether the registry must be asked; not if the image of a digest is here, as no other one can have it."""
    return local.fitting is None or (wanted.policy != "missing" and not reference.digest)


def _pulls(wanted: Wanted, observed: Observed) -> tuple[tuple[Pull, ...], tuple[Pull, ...]]:
    """Return the pulls that are possible: those that bring an image, and those that only make sure of it."""
    answers = {
        ref: answer
        for ref, answer in observed.asked.items()
        if isinstance(answer, Asked) and not _obstacle(ref, wanted, observed)
    }
    stale = [ref for ref in answers if not is_current(ref, observed.here[ref].fitting, answers[ref], observed.own)]
    repeated = [
        ref
        for ref in answers.keys() - set(stale)
        if wanted.policy == "always" or (answers[ref].doubt and not wanted.verifier)
    ]
    steps, repeats = (
        tuple(_pull(ref, wanted, observed, answers[ref]) for ref in answers if ref in refs)
        for refs in (stale, repeated)
    )
    return steps, repeats


def _pull(reference: Reference, wanted: Wanted, observed: Observed, answer: Asked) -> Pull:
    login, local = observed.logins[reference.registry], observed.here[reference]
    before = _before(reference, local, answer)
    here = local.fitting.id if local.fitting else ""
    return Pull(
        reference,
        wanted.platform,
        login,
        wanted.access.retry_for,
        before,
        _digest(reference, answer),
        here,
        accepted=wanted.verifier is not None,
    )


def _difference(steps: Sequence[Pull]) -> dict[str, dict[str, str | None]]:
    """Return the changes by pulls, by reference."""
    return {
        "before": {str(step.reference): step.before for step in steps},
        "after": {str(step.reference): step.digest or None for step in steps},
    }


def _obstacle(reference: Reference, wanted: Wanted, observed: Observed) -> str | None:
    """Return the reason why the registry's image can't be pulled; None if it can be."""
    answer = observed.asked[reference]
    if isinstance(answer, GantryError):
        return answer.message
    remote, platform = answer.remote, wanted.platform
    if platform and remote and remote.platforms and not any(platform.includes(offered) for offered in remote.platforms):
        offered = ", ".join(sorted({str(entry) for entry in remote.platforms}))
        return f"The registry has no {reference} for {platform}; it has it for {offered}."
    if wanted.verifier and (why := undecidable(reference, answer)):
        return why
    local, digest = observed.here[reference], _digest(reference, answer)
    bound = observed.classic and local.image and digest in digests_in(reference, local.image.digests)
    if bound and local.image and not is_current(reference, local.fitting, answer, observed.own):
        return (
            f"{reference} can't be pulled by the digest that the verifier gets, {digest}: a classic store keeps a "
            f"digest for one platform, and has this one for {local.image.platform}. Remove {reference} first, or pull "
            "it without verifier."
        )
    return observed.verdicts.get(subject_of(reference, digest)) or None


def _digest(reference: Reference, answer: Asked) -> str:
    """Return the digest of the image to pull: the user's, or else the registry's for the tag; "" if it isn't known."""
    return reference.digest or answer.digest


def _before(reference: Reference, local: Local, answer: Asked) -> str | None:
    """Return the registry's digest of the image that is here; its Id if it never came from there; None if none is here.

    None also if the digest is the same, as only an image for another platform is here, or one that isn't whole.
    """
    image = local.fitting or local.image
    if image is None:
        return None
    known = digests_in(reference, image.digests)
    before = known[0] if known else image.id
    return before if before != answer.digest else None
