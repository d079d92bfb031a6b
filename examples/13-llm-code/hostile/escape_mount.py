"""Leave a mounted directory by links, by .. and by renaming."""
import os

escaped = []


def attempt(name, action):
    try:
        got = action()
    except (OSError, ValueError, NotImplementedError, AttributeError):
        return
    if got:
        escaped.append(f"{name}: {got!r}")


def through_link(target):
    link = f"/tmp/link{abs(hash(target))}"
    os.symlink(target, link)
    return open(os.path.join(link, "passwd") if not target.endswith("passwd") else link).read(40)


for target in ("/etc/passwd", "/etc", "../../../../etc", "..", "/proc/self/root/etc", "/tmp/../../etc"):
    attempt(f"symlink {target}", lambda: through_link(target))

attempt("hard link", lambda: os.link("/etc/passwd", "/tmp/hard") or open("/tmp/hard").read(40))
attempt("rename", lambda: os.rename("/etc/passwd", "/tmp/mine") or open("/tmp/mine").read(40))
attempt("rename out", lambda: os.rename("/tmp", "/../../tmp2") or "renamed")
attempt("openat", lambda: os.open("../etc/passwd", os.O_RDONLY, dir_fd=3))
attempt("nul", lambda: open("/tmp/\0/etc/passwd").read())
attempt("chroot", lambda: os.chroot("/") or "done")
attempt("mount", lambda: os.mknod("/tmp/disk", 0o60660, 0x0801) or open("/tmp/disk", "rb").read(1))

result = escaped
