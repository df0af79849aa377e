"""One HTTPS connection to an API server, and what its answers mean to a person.

Reads the kubeconfig (KUBECONFIG, ~/.kube/config) or, inside a pod, the service account. Of the package `kubernetes`
only what finds credentials, sets up TLS and proxies, and keeps tokens fresh is used: its typed calls differ between
versions 35 and 37, these parts do not. Requests are plain JSON over urllib3.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import urllib3

from docent.errors import LauncherError

CONNECT_S = 5.0
READ_S = 30.0
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
TRIED_AGAIN = frozenset({500, 502, 503, 504})
TOO_MANY = 429


class ApiError(LauncherError):
    """The API server could not be reached (status 0) or said no.

    Attributes:
        status: HTTP status.
        reason: Kubernetes' word for it, e.g. AlreadyExists.
    """

    status: int = 0
    reason: str = ""


class Connection:
    """Sends requests, again for a while where that cannot do a thing twice.

    Args:
        configuration: a `kubernetes.client.Configuration`.
        patience_s: how long an API server that is away or overloaded is tried again.
        pause: waits so many seconds; may raise to end the waiting.
    """

    def __init__(
        self, configuration: Any, patience_s: float = 20.0, pause: Callable[[float], object] = time.sleep
    ) -> None:
        from kubernetes.client.rest import RESTClientObject

        self.configuration, self.patience_s, self.pause = configuration, patience_s, pause
        self.pool: urllib3.PoolManager = RESTClientObject(configuration).pool_manager

    @property
    def host(self) -> str:
        """URL of the API server."""
        return str(self.configuration.host).rstrip("/")

    def headers(self) -> dict[str, str]:
        """What proves who asks; asked for every time, since tokens are renewed."""
        settings = self.configuration.auth_settings().values()
        return {setting["key"]: setting["value"] for setting in settings if setting["in"] == "header"}

    def json(self, method: str, path: str, query: dict[str, Any] | None = None, body: Any = None) -> dict[str, Any]:
        """An answer read whole.

        Raises:
            ApiError: as `open`, and when the answer broke off.
        """
        give_up_s = time.monotonic() + self.patience_s
        while True:
            try:
                found: dict[str, Any] = json.loads(self.open(method, path, query, body).read())
                return found
            except (urllib3.exceptions.HTTPError, json.JSONDecodeError) as error:
                if method == "POST" or time.monotonic() >= give_up_s:
                    raise _unreachable(self.host, error) from None
                self.pause(FIRST_PAUSE_S)

    def open(
        self,
        method: str,
        path: str,
        query: dict[str, Any] | None = None,
        body: Any = None,
        read_s: float | None = READ_S,
    ) -> urllib3.BaseHTTPResponse:
        """An answer still to be read.

        GET, PATCH (always a server-side apply), PUT and DELETE are tried again after 5xx and broken connections; POST
        only where it was certainly not carried out.

        Raises:
            ApiError: 4 unreachable or forbidden, 5 refused at admission, 102 not found.
        """
        give_up_s, attempt = time.monotonic() + self.patience_s, 0
        while True:
            answer, error = self._once(method, path, query, body, read_s)
            if answer is not None and answer.status < 300:
                return answer
            last = time.monotonic() >= give_up_s
            if answer is None:
                if last or not _may_repeat(method, error):
                    raise _unreachable(self.host, error)
                asked_s = 0.0
            else:
                again = answer.status == TOO_MANY or (answer.status in TRIED_AGAIN and method != "POST")
                if last or not again:
                    raise _refusal(method, path, answer)
                asked_s = _retry_after_s(answer)
                answer.drain_conn()
            backoff_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**attempt) * random.uniform(0.5, 1.0)
            self.pause(max(backoff_s, asked_s))
            attempt += 1

    def _once(
        self, method: str, path: str, query: dict[str, Any] | None, body: Any, read_s: float | None
    ) -> tuple[urllib3.BaseHTTPResponse | None, Exception | None]:
        content = "application/apply-patch+yaml" if method == "PATCH" else "application/json"
        given = {name: value for name, value in (query or {}).items() if value not in (None, "", False)}
        url = f"{self.host}{path}" + (f"?{urlencode(_texts(given))}" if given else "")
        try:
            answer = self.pool.request(
                method,
                url,
                body=None if body is None else json.dumps(body).encode(),
                headers={"Accept": "application/json", "Content-Type": content, **self.headers()},
                timeout=urllib3.Timeout(connect=CONNECT_S, read=read_s),
                retries=False,
                preload_content=False,
            )
        except urllib3.exceptions.HTTPError as error:
            return None, error
        return answer, None


def _texts(query: dict[str, Any]) -> list[tuple[str, str]]:
    """Query parameters as Kubernetes spells them; a list is a parameter given several times."""
    found: list[tuple[str, str]] = []
    for name, value in query.items():
        for one in value if isinstance(value, (list, tuple)) else [value]:
            found.append((name, "true" if one is True else str(one)))
    return found


def load_configuration() -> Any:
    """Credentials of the kubeconfig, or of the pod where there is none.

    Raises:
        LauncherError: (4) there is neither.
    """
    try:
        from kubernetes import client, config
    except ModuleNotFoundError:
        raise LauncherError(4, "the package kubernetes is missing", "", 'pip install "docent[launcher]"') from None
    found = client.Configuration()
    try:
        if "KUBECONFIG" not in os.environ and "KUBERNETES_SERVICE_HOST" in os.environ:
            config.load_incluster_config(client_configuration=found)  # type: ignore[no-untyped-call]
        else:
            config.load_kube_config(client_configuration=found)  # type: ignore[no-untyped-call]
    except config.ConfigException as error:
        where = os.environ.get("KUBECONFIG", "~/.kube/config")
        raise LauncherError(4, f"no cluster to talk to: {error}", where, "export KUBECONFIG=FILE") from None
    return found


def _may_repeat(method: str, error: Exception | None) -> bool:
    """Whether trying again cannot do it twice. A certificate that is not trusted will not be in a second either."""
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return False
    return method != "POST" or isinstance(error, urllib3.exceptions.NewConnectionError)


def _retry_after_s(answer: urllib3.BaseHTTPResponse) -> float:
    given = answer.headers.get("Retry-After", "")
    return min(30.0, float(given)) if given.isdigit() else 0.0


def _unreachable(host: str, error: Exception | None) -> ApiError:
    said = str(error).split(": ", 1)[-1] if error else ""
    return ApiError(4, f"the cluster cannot be reached: {said}", host, "kubectl cluster-info")


def _refusal(method: str, path: str, answer: urllib3.BaseHTTPResponse) -> ApiError:
    """What a status means: RBAC, admission and a missing object are different things to do for a person."""
    raw = answer.read()
    try:
        status: dict[str, Any] = json.loads(raw)
    except (json.JSONDecodeError, UnicodeDecodeError):
        status = {}
    return refusal(
        method, path, answer.status, status if isinstance(status, dict) else {}, raw.decode("utf-8", "replace")
    )


def refusal(method: str, path: str, code: int, status: dict[str, Any], raw: str = "") -> ApiError:
    """The error for an HTTP status and the Status object that came with it."""
    said = str(status.get("message") or raw[:300].strip() or f"HTTP {code}")
    if code == 401:
        means = 4, f"the cluster does not know these credentials: {said}", "kubectl auth whoami"
    elif code == 403 and " cannot " in said:
        means = 4, f"forbidden: {said}", "ask for the permission named above"
    elif code == 404:
        means = 102, f"not found: {said}", "docent status --backend kubernetes"
    elif code in TRIED_AGAIN or code == TOO_MANY:
        means = 4, f"the API server is in trouble: {said}", "kubectl get --raw /readyz"
    elif "exceeded quota" in said:
        namespace = path.partition("/namespaces/")[2].partition("/")[0]
        means = 5, f"refused: {said}", f"kubectl describe quota -n {namespace}, then raise it or ask for less"
    else:
        means = 5, f"refused: {said}", "fix what is named above; what was sent: docent render"
    exit_code, what, next_step = means
    error = ApiError(exit_code, what, f"{method} {path}", next_step)
    error.status, error.reason = code, str(status.get("reason", ""))
    return error
