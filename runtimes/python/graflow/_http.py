"""urllib.request on the host's http_request."""

import base64
import email.message
import io
import json
import urllib.error
import urllib.response

from graflow import _host, _values


class Response(urllib.response.addinfourl):
    """What urlopen returns."""

    def __init__(self, body, headers, url, status):
        super().__init__(io.BytesIO(body), headers, url, status)
        self.msg = self.reason = _reason(status)
        self.length = len(body)
        self.version = 11

    def getheader(self, name, default=None):
        return self.headers.get(name, default)

    def getheaders(self):
        return list(self.headers.items())


def open_request(request):
    """Sends a urllib.request.Request."""
    headers = {**request.unredirected_hdrs, **request.headers}
    headers = {name.title(): str(value) for name, value in headers.items() if name != "Host"}
    document = {"method": request.get_method(), "url": request.full_url, "header": headers}
    if request.data is not None:
        document["body"] = base64.b64encode(_body(request.data)).decode()
    try:
        answer = _host.ask(request.full_url, "http_request", _values.dumps(document, "request"))
    except _host.HostError as error:
        raise urllib.error.URLError(f"{error.kind}: {error}") from None
    return _response(json.loads(answer), request.full_url)


def _body(data):
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data)
    if hasattr(data, "read"):
        return data.read()
    return b"".join(data)


def _response(answer, url):
    headers = email.message.Message()
    for name, values in (answer.get("header") or {}).items():
        for value in values:
            headers[name] = value
    return Response(base64.b64decode(answer.get("body") or ""), headers, url, answer["status"])


def _reason(status):
    from http import HTTPStatus

    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
