package console

import (
	"cmp"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/graflow/graflow-wasm/internal/ops"
)

// Cookie is the name of the cookie that holds the token of who has logged in, unless
// [Config.Cookie] is another. An API on the same listener may take the token from it, if
// it refuses requests from other origins.
const Cookie = "graflow_wasm_token"

// caller is who asks, if their cookie has a token.
func (c *Console) caller(r *http.Request) (who, bool) {
	cookie, err := r.Cookie(c.Cookie)
	if err != nil {
		return who{}, false
	}
	role, name, ok := c.Authenticate(cookie.Value)
	return who{role, name}, ok && role.Valid()
}

// guard has f answer who may do what a role may. Others are asked to log in, or told
// that they may not.
func (c *Console) guard(needs ops.Role, limit int64, f answer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		by, ok := c.caller(r)
		switch {
		case !ok && r.Method == http.MethodGet:
			http.Redirect(w, r, "/login?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
			return
		case !ok:
			c.fail(w, r, by, problem{Status: http.StatusUnauthorized, Title: "You are not logged in", Text: "Nothing was done. Log in, and do it again.", Link: "/login", LinkText: "Log in"})
			return
		case !by.Role.May(needs):
			c.fail(w, r, by, problem{Status: http.StatusForbidden, Title: "Your role may not do this", Text: "It is for the role " + string(needs) + ", and you are " + string(by.Role) + ". Log in with another token, or ask who has one."})
			return
		}
		most := limit
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			most = maxRead
		}
		r.Body = http.MaxBytesReader(w, r.Body, most)
		if err := f(w, r, by); err != nil {
			c.fail(w, r, by, problemOf(err))
		}
	})
}

// loginForm is what the login page shows.
type loginForm struct {
	Next  string
	Wrong bool
	Later bool // too many tries; the token was not looked at
}

func (c *Console) loginPage(w http.ResponseWriter, r *http.Request) {
	next := local(r.URL.Query().Get("next"))
	if _, ok := c.caller(r); ok {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return
	}
	c.show(w, r, who{}, http.StatusOK, "login", page{Title: "Log in", Data: loginForm{Next: next}})
}

func (c *Console) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	token, next := strings.TrimSpace(r.PostFormValue("token")), local(r.PostFormValue("next"))
	if wait := c.TryLogin(r.RemoteAddr); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		c.show(w, r, who{}, http.StatusTooManyRequests, "login", page{Title: "Log in", Data: loginForm{Next: next, Later: true}})
		return
	}
	role, _, ok := c.Authenticate(token)
	if !ok || !role.Valid() {
		c.show(w, r, who{}, http.StatusUnauthorized, "login", page{Title: "Log in", Data: loginForm{Next: next, Wrong: true}})
		return
	}
	http.SetCookie(w, c.cookie(r, token, 0))
	http.Redirect(w, r, next, http.StatusSeeOther)
}

func (c *Console) logout(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, c.cookie(r, "", -1))
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// cookie is for this browser until it is closed, and for requests of the console's own
// pages alone.
func (c *Console) cookie(r *http.Request, value string, age int) *http.Cookie {
	return &http.Cookie{
		Name: c.Cookie, Value: value, Path: "/", MaxAge: age,
		HttpOnly: true, Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https", SameSite: http.SameSiteStrictMode,
	}
}

// local is a path of this server to go to, else /.
func local(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") || strings.ContainsAny(next, "\\\t\r\n") {
		return "/"
	}
	return cmp.Or(u.RequestURI(), "/")
}
