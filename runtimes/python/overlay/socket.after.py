def _no_sockets(*args, **named):
    raise OSError("sockets are not available in the sandbox: use urllib.request or ctx.http")


class socket(socket):
    __init__ = _no_sockets


create_connection = create_server = socketpair = fromfd = _no_sockets
getaddrinfo = gethostbyname = gethostbyname_ex = gethostbyaddr = getnameinfo = _no_sockets
