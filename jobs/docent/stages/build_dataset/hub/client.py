"""Open a hub client that has a timeout for every request; `HF_ENDPOINT` selects another hub."""

import os
from typing import Any

TYPE = "dataset"
"""The type of docent's repositories on the hub."""
CONNECT_TIMEOUT_S, ANSWER_TIMEOUT_S = 10.0, 180.0
"""In seconds. The hub cancels a commit after a minute, but its client would wait forever."""


def allow_network() -> None:
    """Allow the library to reach the hub unless the user forbids it; the library reads this setting at import."""
    os.environ.setdefault("HF_HUB_OFFLINE", "0")


def open_hub(token: str) -> Any:
    """Return a client with the token, and without progress bars, which logs cannot show."""
    allow_network()
    import httpx2
    from huggingface_hub import HfApi, set_client_factory
    from huggingface_hub.utils._http import hf_request_event_hook
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    timeout = httpx2.Timeout(ANSWER_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
    set_client_factory(
        lambda: httpx2.Client(event_hooks={"request": [hf_request_event_hook]}, follow_redirects=True, timeout=timeout)
    )
    return HfApi(os.environ.get("HF_ENDPOINT"), token=token, library_name="docent")
