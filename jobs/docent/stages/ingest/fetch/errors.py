"""Define the error for a picture that is not fetched, and its reasons."""

BAD_ADDRESS = "address cannot be used"
OTHER_HOST = "host is not in ingest.rows.image_hosts"
PRIVATE = "private address is not in ingest.rows.image_hosts"
TOO_LARGE = "picture too large"
NOT_FETCHED = "picture cannot be fetched"


class FetchError(Exception):
    """A picture cannot be fetched.

    Attributes:
        reason: one of the constants in this module.
        detail: description of the failure.
        may_pass: whether another try may succeed.
    """

    def __init__(self, reason: str, detail: str = "", may_pass: bool = False) -> None:
        super().__init__(reason, detail)
        self.reason, self.detail, self.may_pass = reason, detail, may_pass
