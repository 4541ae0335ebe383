"""The API by the standard library alone: for what a client cannot do itself, such as making its zone."""
import json
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor


class Api:
    def __init__(self, node):
        self.base, self.token = node.api_base, node.token

    def call_each(self, method, path, bodies):
        """The results of calls that must succeed and are made at the same time."""
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(lambda body: self.call(method, path, body), bodies))

    def call(self, method, path, body=None):
        """The result of a call that must succeed."""
        request = urllib.request.Request(
            f"{self.base}{path}", method=method, data=json.dumps(body).encode() if body is not None else None,
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:
                return json.load(reply)["result"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path} is answered {error.code}: {error.read().decode()}") from error
