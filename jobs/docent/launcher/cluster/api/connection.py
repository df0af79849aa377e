"""Call an API server through `kubernetes.dynamic`, with retries and errors that a user can act on.

The package `kubernetes` handles credentials, TLS, proxies and token refresh (KUBECONFIG, ~/.kube/config, or the
service account of the pod). This module adds a time limit for every call, bounded retries, and plain error messages.
"""

import json
import os
import random
import time
from collections.abc import Callable
from typing import Any, TypeVar

import urllib3

from docent.errors import LauncherError

CONNECT_S = 5.0
READ_S = 30.0
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
LONGEST_RETRY_AFTER_S = 30.0
TRIED_AGAIN = frozenset({500, 502, 503, 504})
TOO_MANY = 429

T = TypeVar("T")


class ApiError(LauncherError):
    """The API server could not be reached (status 0) or refused the request.

    Attributes:
        status: the HTTP status.
        reason: the reason that Kubernetes gives, e.g. AlreadyExists.
    """

    status: int = 0
    reason: str = ""


class Connection:
    """Sends requests, and retries them for a while if that is safe.

    Args:
        configuration: a `kubernetes.client.Configuration`.
        patience_s: how long requests to an unreachable or overloaded API server are retried.
        pause: waits the given number of seconds; may raise to end the waiting.
    """

    def __init__(
        self, configuration: Any, patience_s: float = 20.0, pause: Callable[[float], object] = time.sleep
    ) -> None:
        from kubernetes.client import ApiClient
        from kubernetes.dynamic import DynamicClient

        self.configuration, self.patience_s, self.pause = configuration, patience_s, pause
        configuration.retries = False  # urllib3's own retries would also repeat requests that must not be repeated
        # No discovery: it takes several requests at each start and caches its result in /tmp. KINDS replaces it.
        self.dynamic = DynamicClient(ApiClient(configuration), discoverer=lambda *_: None)

    @property
    def host(self) -> str:
        """URL of the API server."""
        return str(self.configuration.host).rstrip("/")

    def headers(self) -> dict[str, str]:
        """Return the authentication headers; call this for each request, since tokens are refreshed."""
        settings = self.configuration.auth_settings().values()
        return {setting["key"]: setting["value"] for setting in settings if setting["in"] == "header"}

    def json(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Send a request to a path outside KINDS and return the response.

        Raises:
            ApiError: see `attempt`.
        """
        limits = (CONNECT_S, READ_S)
        send = self.dynamic.request
        return self.attempt(
            f"{method} {path}",
            lambda: read_json(send(method, path, body=body, serialize=False, _request_timeout=limits)),
            repeatable=method != "POST",
        )

    def attempt(self, where: str, send: Callable[[], T], repeatable: bool = True) -> T:
        """Call `send` until it succeeds, `patience_s` runs out, or an error occurs that a retry cannot fix.

        Args:
            where: the request, as named in error messages.
            send: sends the request.
            repeatable: whether the request may be sent again after it may have been executed.

        Raises:
            ApiError: 4 unreachable or forbidden, 5 refused at admission, 102 not found.
        """
        from kubernetes.client import ApiException

        give_up_s, attempt = time.monotonic() + self.patience_s, 0
        while True:
            try:
                return send()
            except (ApiException, urllib3.exceptions.HTTPError, json.JSONDecodeError) as error:
                if not _may_repeat(error, repeatable) or time.monotonic() >= give_up_s:
                    raise self._explained(where, error) from None
                retry_after_s = _retry_after_s(error)
            backoff_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**attempt) * random.uniform(0.5, 1.0)
            self.pause(max(backoff_s, retry_after_s))
            attempt += 1

    def _explained(self, where: str, error: Exception) -> ApiError:
        if status := _status_of(error):
            return refusal(where, status, getattr(error, "body", None) or b"")
        text = str(getattr(error, "reason", "") or error).split(": ", 1)[-1]
        return unreachable(self.host, text)


def load_configuration() -> Any:
    """Return the configuration from the kubeconfig, or the service account of the pod if there is no kubeconfig.

    Raises:
        LauncherError: (4) there is neither, or the package kubernetes is missing.
    """
    try:
        from kubernetes import client, config
    except ModuleNotFoundError:
        raise LauncherError(4, "the package kubernetes is missing", "", 'pip install "docent[launcher]"') from None
    configuration = client.Configuration()
    try:
        if "KUBECONFIG" not in os.environ and "KUBERNETES_SERVICE_HOST" in os.environ:
            config.load_incluster_config(client_configuration=configuration)
        else:
            config.load_kube_config(client_configuration=configuration)
    except config.ConfigException as error:
        where = os.environ.get("KUBECONFIG", "~/.kube/config")
        raise LauncherError(4, f"no cluster is configured: {error}", where, "export KUBECONFIG=FILE") from None
    return configuration


def read_json(answer: urllib3.BaseHTTPResponse) -> dict[str, Any]:
    """Read a response completely and parse it."""
    parsed: dict[str, Any] = json.loads(answer.data)
    return parsed


def unreachable(host: str, reason: str) -> ApiError:
    """Return the error for a server that does not respond."""
    return ApiError(4, f"the cluster cannot be reached: {reason}", host, "kubectl cluster-info")


def refusal(where: str, code: int, body: str | bytes | dict[str, Any]) -> ApiError:
    """Return the error for an HTTP status and its body, with the step that a user can take.

    Args:
        where: the request, ending in the namespace.
        code: the HTTP status.
        body: a Status object of Kubernetes, parsed or not, or any other text.
    """
    status, text = (body, "") if isinstance(body, dict) else _parsed(body)
    message = str(status.get("message") or text[:300].strip() or f"HTTP {code}")
    if code == 401:
        means = 4, f"the cluster does not accept these credentials: {message}", "kubectl auth whoami"
    elif code == 403 and " cannot " in message:
        means = 4, f"forbidden: {message}", "request the permission named above"
    elif code == 404:
        means = 102, f"not found: {message}", "docent status --backend kubernetes"
    elif code in TRIED_AGAIN or code == TOO_MANY:
        means = 4, f"the API server is not working properly: {message}", "kubectl get --raw /readyz"
    elif "exceeded quota" in message:
        namespace = where.rpartition(" ")[2]
        means = 5, f"refused: {message}", f"kubectl describe quota -n {namespace}, then raise it or request less"
    else:
        means = 5, f"refused: {message}", "fix the error above; to see the objects: docent render"
    exit_code, what, next_step = means
    error = ApiError(exit_code, what, where, next_step)
    error.status, error.reason = code, str(status.get("reason", ""))
    return error


def _parsed(body: str | bytes) -> tuple[dict[str, Any], str]:
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    try:
        status = json.loads(text)
    except json.JSONDecodeError:
        status = {}
    return (status if isinstance(status, dict) else {}), text


def _status_of(error: Exception) -> int:
    """Return the HTTP status of an error, or 0 if there was no response."""
    return int(getattr(error, "status", None) or 0)


def _may_repeat(error: Exception, repeatable: bool) -> bool:
    if status := _status_of(error):
        return status == TOO_MANY or (repeatable and status in TRIED_AGAIN)
    # An untrusted certificate stays untrusted; without a connection the request cannot have been executed.
    trusted = "CERTIFICATE_VERIFY_FAILED" not in str(error)
    return trusted and (repeatable or isinstance(error, urllib3.exceptions.NewConnectionError))


def _retry_after_s(error: Exception) -> float:
    headers = getattr(error, "headers", None) or {}
    value = str(headers.get("Retry-After", ""))
    return min(LONGEST_RETRY_AFTER_S, float(value)) if value.isdigit() else 0.0
