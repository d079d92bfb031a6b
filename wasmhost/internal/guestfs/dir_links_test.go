package guestfs

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// linked is a tree with links that lead inside, and a secret outside.
func linked(t *testing.T) (guest tree, dir, outside string) {
	t.Helper()
	guest, dir = newTree(t)
	outside = t.TempDir()
	hostFile(t, "secret", outside, "secret")
	guest.mkdir("d", "d/e")
	guest.put("f", "content")
	guest.put("d/g", "deep")
	hostLink(t, "f", dir, "link")
	hostLink(t, "../f", dir, "d", "up")
	hostLink(t, "d", dir, "way")
	hostLink(t, "link", dir, "chain")
	hostLink(t, "gone", dir, "dangling")
	hostLink(t, "loop", dir, "loop")
	return guest, dir, outside
}

func TestLinksInsideAreFollowed(t *testing.T) {
	t.Parallel()
	guest, _, _ := linked(t)
	for path, want := range map[string]string{
		"link": "content", "d/up": "content", "way/up": "content", "way/g": "deep",
		"chain": "content", "way/../f": "content", "way/e/../g": "deep",
	} {
		guest.holds(path, want)
	}
	guest.lists("way", "e", "g", "up")
	st, e := guest.Stat("link", false)
	if e != OK || st.Type != TypeLink {
		t.Errorf("the link itself: %+v, %v", st, e)
	}
	if st, e = guest.Stat("link", true); e != OK || st.Type != TypeRegular {
		t.Errorf("what the link points to: %+v, %v", st, e)
	}
	if st, e = guest.Stat("way/", false); e != OK || st.Type != TypeDirectory {
		t.Errorf("what way/ is: %+v, %v", st, e)
	}
	if target, e := guest.Readlink("d/up"); target != "../f" || e != OK {
		t.Errorf("readlink: %q, %v", target, e)
	}
	guest.refuse("link", NoFollow, ELOOP)
	guest.refuse("link", Directory, ENOTDIR)
	guest.refuse("loop", 0, ELOOP)
	guest.refuse("dangling", 0, ENOENT)
	guest.refuse("dangling", Create|Exclusive, EEXIST)
	now := time.Unix(1, 0)
	guest.want(guest.SetTimes("link", false, &now, nil), ENOTSUP, "set times of a link")
	guest.want(guest.SetTimes("link", true, &now, &now), OK, "set times through a link")
	if st, _ := guest.Stat("f", true); !st.Modify.Equal(now) {
		t.Errorf("times set through a link: %v", st.Modify)
	}
}

func TestLinksAreEntriesToo(t *testing.T) {
	t.Parallel()
	guest, _, _ := linked(t)
	f := guest.open("dangling", Create|Write)
	add(guest, f, "made")
	guest.holds("gone", "made")
	guest.want(guest.Mkdir("link"), EEXIST, "mkdir over a link")
	guest.want(guest.Rmdir("way"), ENOTDIR, "rmdir a link")
	guest.want(guest.Rename("link", "moved"), OK, "rename a link")
	guest.holds("moved", "content")
	guest.want(guest.Rename("f", "way"), OK, "replace a link")
	guest.holds("way", "content")
	guest.want(guest.Unlink("way"), OK, "unlink")
	guest.want(guest.Unlink("loop"), OK, "unlink a loop")
	guest.holds("d/g", "deep")
}

func TestNoLinkLeadsOut(t *testing.T) {
	t.Parallel()
	guest, dir, outside := linked(t)
	relative, err := filepath.Rel(dir, outside)
	if err != nil {
		t.Fatal(err)
	}
	hostLink(t, filepath.Join(outside, "secret"), dir, "absolute")
	hostLink(t, filepath.Join(relative, "secret"), dir, "relative")
	hostLink(t, "absolute", dir, "chained")
	hostLink(t, outside, dir, "out")
	hostLink(t, "..", dir, "above")
	hostLink(t, "../..", dir, "d", "two")
	hostLink(t, "../out", dir, "d", "far")
	hostLink(t, filepath.Join(dir, "f"), dir, "home") // inside, but from the machine's root
	hostLink(t, filepath.Join(outside, "new"), dir, "fresh")

	for _, path := range []string{
		"absolute", "relative", "chained", "out/secret", "way/../out/secret", "d/far/secret", "d/two", "above",
		"above/" + filepath.Base(dir) + "/f", "out/../f", "home", "out", "fresh", "out/new",
	} {
		guest.refuse(path, 0, EPERM)
		guest.refuse(path, Write, EPERM)
		guest.refuse(path, Create|Write, EPERM)
		guest.refuse(path, Create|Write|Truncate, EPERM)
		_, e := guest.Stat(path, true)
		guest.want(e, EPERM, "stat %q", path)
		now := time.Unix(1, 0)
		guest.want(guest.SetTimes(path, true, &now, &now), EPERM, "set times of %q", path)
	}
	for _, path := range []string{"out/secret", "out/new", "d/far/secret", "above/new"} {
		guest.want(guest.Mkdir(path), EPERM, "mkdir %q", path)
		guest.want(guest.Unlink(path), EPERM, "unlink %q", path)
		guest.want(guest.Rmdir(path), EPERM, "rmdir %q", path)
		guest.want(guest.Rename("f", path), EPERM, "rename to %q", path)
		guest.want(guest.Rename(path, "g"), EPERM, "rename from %q", path)
		_, e := guest.Readlink(path)
		guest.want(e, EPERM, "readlink %q", path)
	}
	for _, path := range []string{"absolute", "out", "home"} {
		_, e := guest.Readlink(path)
		guest.want(e, EPERM, "readlink %q, which tells of the machine", path)
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) != 1 {
		t.Errorf("outside there is now %v, %v", left, err)
	}
	if got, err := os.ReadFile(filepath.Join(outside, "secret")); string(got) != "secret" {
		t.Errorf("the secret is now %q, %v", got, err)
	}
}
