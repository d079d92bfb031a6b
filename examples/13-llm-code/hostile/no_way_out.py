"""Try every module that could reach the outside or native code."""
import importlib

outcome = {}


def attempt(name, action):
    try:
        outcome[name] = f"REACHED {action()!r}"
    except BaseException as e:
        outcome[name] = type(e).__name__


def module(name):
    return importlib.import_module(name)


attempt("socket", lambda: module("socket").create_connection(("127.0.0.1", 22), 1))
attempt("socketpair", lambda: module("socket").socketpair())
attempt("urllib", lambda: module("urllib.request").urlopen("http://127.0.0.1:1/").read())
attempt("http", lambda: module("http.client").HTTPConnection("127.0.0.1", 22, timeout=1).request("GET", "/"))
attempt("subprocess", lambda: module("subprocess").run(["/bin/sh", "-c", "id"], capture_output=True))
attempt("os.system", lambda: module("os").system("id"))
attempt("os.popen", lambda: module("os").popen("id").read())
attempt("fork", lambda: module("os").fork())
attempt("execv", lambda: module("os").execv("/bin/sh", ["sh"]))
attempt("posix_spawn", lambda: module("os").posix_spawn("/bin/sh", ["sh"], {}))
attempt("kill", lambda: module("os").kill(1, 9))
attempt("ctypes", lambda: module("ctypes").CDLL(None).system(b"id"))
attempt("mmap", lambda: module("mmap").mmap(-1, 4096))
attempt("thread", lambda: module("threading").Thread(target=print).start())
attempt("pool", lambda: module("multiprocessing").Pool(2))
attempt("executor", lambda: module("concurrent.futures").ThreadPoolExecutor().submit(int).result())
attempt("ssl", lambda: module("ssl").create_default_context())
attempt("pip", lambda: module("pip").main(["install", "requests"]))
attempt("signal", lambda: module("signal").alarm(1))
attempt("resource", lambda: module("resource").setrlimit(9, (-1, -1)))
attempt("pty", lambda: module("pty").spawn("/bin/sh"))
attempt("_posixsubprocess", lambda: module("_posixsubprocess").fork_exec())
attempt("tool", lambda: module("graflow").tools["delete"]())

reached = {k: v for k, v in outcome.items() if v.startswith("REACHED")}
print(len(outcome), "attempts")
result = reached
