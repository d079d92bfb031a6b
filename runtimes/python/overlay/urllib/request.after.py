# Requests go through the host, under its rules; there are no sockets.
from graflow._http import open_request as _open_request


class HTTPHandler(AbstractHTTPHandler):
    def http_open(self, req):
        return _open_request(req)

    https_open = http_open
    http_request = https_request = AbstractHTTPHandler.do_request_
