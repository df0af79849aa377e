"""Licences by the identifiers that the hub takes in a card, and which of them a text probably means.

The list is that of https://huggingface.co/docs/hub/repositories-licenses. A hub may know more by now: whoever refuses
a licence for not being listed asks the hub first, where it can be reached.
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
    """Whether the hub takes a licence as it is named, in upper or lower case."""
    return licence.strip().lower() in LICENCES


def nearest(licence: str) -> str:
    """The identifier that a name such as `CC BY 4.0` most likely means; `other` where none is near."""
    spelled = re.sub(r"[\s_/]+", "-", licence.strip().lower())
    spelled = re.sub(r"^(?:creative-commons|creativecommons)-?", "cc-", spelled)
    if spelled in LICENCES:
        return spelled
    if spelled.startswith("cc"):  # one letter off is another licence: -nd, -nc and -sa mean something
        return OTHER
    return next(iter(difflib.get_close_matches(spelled, sorted(LICENCES), 1, 0.85)), OTHER)
