"""List the licence identifiers that the hub accepts in a card, and guess which one a text means.

The list is that of https://huggingface.co/docs/hub/repositories-licenses. The hub may know more by now, so a licence
that is not listed is rejected only if the hub, where it can be reached, rejects it too.
"""

from __future__ import annotations

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
    """Return whether the hub accepts a licence by this name, in upper or lower case."""
    return licence.strip().lower() in LICENCES


def nearest(licence: str) -> str:
    """Return the identifier that a name such as `CC BY 4.0` most likely means; `other` where none is near."""
    spelled = re.sub(r"[\s_/]+", "-", licence.strip().lower())
    spelled = re.sub(r"^(?:creative-commons|creativecommons)-?", "cc-", spelled)
    if spelled in LICENCES:
        return spelled
    if spelled.startswith("cc"):  # one letter off is another licence: -nd, -nc and -sa mean something
        return OTHER
    return next(iter(difflib.get_close_matches(spelled, sorted(LICENCES), 1, 0.85)), OTHER)
