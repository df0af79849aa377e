"""List the licence identifiers that the hub accepts in a card, and find the one that matches a name best.

The list comes from https://huggingface.co/docs/hub/repositories-licenses. The hub may have added licences since, so an
unlisted licence is rejected only if the hub rejects it too or cannot be reached.
"""

import difflib
import re

OTHER = "other"
LICENCES = frozenset(
    """
    afl-3.0 agpl-3.0 apache-2.0 artistic-2.0 bigcode-openrail-m bigscience-bloom-rail-1.0 bigscience-openrail-m bsd
    bsd-2-clause bsd-3-clause bsd-3-clause-clear bsl-1.0 c-uda cc cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-nc-2.0
    cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0
    cc-by-nd-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc0-1.0 cdla-permissive-1.0 cdla-permissive-2.0 cdla-sharing-1.0
    creativeml-openrail-m deepfloyd-if-license ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 gemma gfdl gpl gpl-2.0
    gpl-3.0 isc lgpl lgpl-2.1 lgpl-3.0 lgpl-lr llama2 lppl-1.3c mit mpl-2.0 ms-pl ncsa odbl odc-by ofl-1.1 openrail
    openrail++ osl-3.0 other pddl postgresql unknown unlicense wtfpl zlib
    """.split()
)


def is_known(licence: str) -> bool:
    """Return whether the hub accepts the licence under this name, ignoring case."""
    return licence.strip().lower() in LICENCES


def nearest(licence: str) -> str:
    """Return the identifier that a name such as `CC BY 4.0` most likely means, or `other` if none is similar."""
    spelled = re.sub(r"[\s_/]+", "-", licence.strip().lower())
    spelled = re.sub(r"^(?:creative-commons|creativecommons)-?", "cc-", spelled)
    if spelled in LICENCES:
        return spelled
    if spelled.startswith("cc"):  # no guessing: one letter makes another licence, as -nd, -nc and -sa have a meaning
        return OTHER
    return next(iter(difflib.get_close_matches(spelled, sorted(LICENCES), 1, 0.85)), OTHER)
