"""Look for anything of the machine: files, the environment, mounts, arguments."""
import glob
import os
import sys

found = {}
for path in ("/etc/passwd", "/etc/shadow", "/proc/self/environ", "/proc/self/maps", "/root/.ssh/id_rsa",
             "../../../../../../etc/passwd", "/in/../etc/passwd", "/tmp/../../etc/hosts", "/dev/mem",
             "/sys/kernel", "/var/run/docker.sock", "C:\\Windows\\win.ini", "\\\\.\\PhysicalDrive0"):
    try:
        with open(path, "rb") as f:
            found[path] = f.read(64).decode("utf-8", "replace")
    except OSError:
        pass
    for call in (os.listdir, os.stat, os.readlink):
        try:
            found[f"{call.__name__} {path}"] = str(call(path))
        except OSError:
            pass

# Whatever there is: descriptors that nobody spoke about
for fd in range(3, 64):
    try:
        found[f"fd {fd}"] = os.read(fd, 64)
    except OSError:
        pass
    try:
        found[f"fd {fd} stat"] = sorted(os.listdir(fd))
    except (OSError, TypeError):
        pass

allowed = {"/", "/in", "/out", "/tmp"}
result = {
    "found": {k: v for k, v in found.items() if v not in ("[]", [])},
    "environ": dict(os.environ),
    "argv": sys.argv[1:],
    "root": sorted(set(glob.glob("/*")) - allowed),
    "etc": os.path.exists("/etc"),
}
