package ingress

import (
	"crypto/rand"
	"net/http"
	"net/http/httputil"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cyan-cd/cyan/localcluster/internal/routing"
)

// rewrite makes the request that the backend gets.
func (e *exchange) rewrite(pr *httputil.ProxyRequest, backend *routing.Backend) {
	pr.Out.Host = pr.In.Host
	pr.SetXForwarded()
	h := pr.Out.Header
	scheme := "http"
	if pr.In.TLS != nil {
		scheme = "https"
	}
	h.Set("X-Forwarded-Port", strconv.Itoa(int(e.asked.Port)))
	h.Set("X-Forwarded-Scheme", scheme)
	h.Set("X-Real-Ip", e.asked.Remote.String())
	if h.Get("X-Request-Id") == "" {
		h.Set("X-Request-Id", rand.Text())
	}
	if h.Get("User-Agent") == "" {
		h.Set("User-Agent", "") // the client's own choice: none
	}
	for _, f := range []*routing.Filters{&e.action.Filters, &backend.Filters} {
		if f.Rewrite != nil {
			pr.Out.URL = f.Rewrite.URL(pr.In.URL, e.route.Match.Path)
			if f.Rewrite.Host != "" {
				pr.Out.Host = f.Rewrite.Host
			}
		}
		if f.Prefix != "" {
			h.Set("X-Forwarded-Prefix", f.Prefix)
		}
		change(h, f.Request)
	}
	pr.Out.URL.Scheme = "http"
	if backend.Protocol == routing.HTTPS || backend.Protocol == routing.H2 {
		pr.Out.URL.Scheme = "https"
	}
}

func change(h http.Header, changes []routing.HeaderChange) {
	for _, c := range changes {
		switch c.Operation {
		case routing.SetHeader:
			h.Set(c.Name, c.Value)
		case routing.AddHeader:
			h.Add(c.Name, c.Value)
		case routing.RemoveHeader:
			h.Del(c.Name)
		}
	}
}

// modify changes the answer of the backend.
func (e *exchange) modify(response *http.Response, backend *routing.Backend, asked *attempts) error {
	e.setResponseHeaders(response.Header, backend)
	if sticky := e.action.Sticky; sticky != nil && asked.used != asked.wanted {
		response.Header.Add("Set-Cookie", stickyCookie(sticky, asked.used, e.asked.TLS).String())
	}
	return nil
}

// stickyCookie is how a client says with which endpoint it stays.
func stickyCookie(s *routing.Sticky, endpoint string, secure bool) *http.Cookie {
	cookie := &http.Cookie{Name: s.Name, Value: endpoint, Path: s.Path, MaxAge: s.MaxAge, HttpOnly: true, Secure: s.Secure || secure}
	if s.Expires > 0 {
		cookie.Expires = time.Now().Add(time.Duration(s.Expires) * time.Second)
	}
	cookie.SameSite = map[string]http.SameSite{"None": http.SameSiteNoneMode, "Lax": http.SameSiteLaxMode, "Strict": http.SameSiteStrictMode}[s.SameSite]
	return cookie
}

func (e *exchange) setResponseHeaders(h http.Header, backend *routing.Backend) {
	e.allowOrigin(h)
	change(h, e.action.Filters.Response)
	if backend != nil {
		change(h, backend.Filters.Response)
	}
}

const originHeader = "Origin"

// allowOrigin sets the headers by which a page of another origin may read the answer.
func (e *exchange) allowOrigin(h http.Header) {
	if e.action.CORS == nil || len(e.asked.Header[originHeader]) == 0 {
		return
	}
	c := e.action.CORS
	origin, allowed := c.Allows(e.asked.Header[originHeader][0])
	for _, name := range []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Expose-Headers"} {
		h.Del(name)
	}
	if !allowed {
		return
	}
	h.Set("Access-Control-Allow-Origin", origin)
	if origin != "*" {
		h.Add("Vary", originHeader)
	}
	if c.Credentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	if len(c.Expose) > 0 {
		h.Set("Access-Control-Expose-Headers", strings.Join(c.Expose, ", "))
	}
}

// preflight answers a browser that asks whether a page may ask, and reports whether this was one.
func (e *exchange) preflight(w http.ResponseWriter, r *http.Request) bool {
	c := e.action.CORS
	asks := r.Header.Get("Access-Control-Request-Method")
	if c == nil || r.Method != http.MethodOptions || asks == "" || r.Header.Get(originHeader) == "" {
		return false
	}
	h := w.Header()
	e.allowOrigin(h)
	if h.Get("Access-Control-Allow-Origin") != "" {
		setList(h, "Access-Control-Allow-Methods", c.Methods, asks, c.Credentials)
		setList(h, "Access-Control-Allow-Headers", c.Headers, r.Header.Get("Access-Control-Request-Headers"), c.Credentials)
		if c.MaxAge > 0 {
			h.Set("Access-Control-Max-Age", strconv.Itoa(c.MaxAge))
		}
	}
	w.WriteHeader(http.StatusNoContent)
	return true
}

// setList sets a header to what is allowed. With credentials browsers take no "*" but what they asked for.
func setList(h http.Header, name string, allowed []string, asked string, credentials bool) {
	value := strings.Join(allowed, ", ")
	if credentials && slices.Contains(allowed, "*") {
		value = asked
	}
	if value != "" {
		h.Set(name, value)
	}
}
