package auth

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	sessionCookie = "argocd.token"
	stateCookie   = "argocd.oauthstate"
	deviceCookie  = "cyan.device"

	// longestCookie is what browsers keep of a cookie, name and all; a longer value is divided.
	longestCookie = 4093
	mostCookies   = 20
)

// Cookies are how this server sets cookies.
type Cookies struct {
	// Path is where the server is below its address, such as / or /cd.
	Path string
	// Insecure is set where the server is reached by plain HTTP, and Secure reports whether a request came by TLS all the
	// same, to a proxy in front of it; nil for never.
	Insecure bool
	Secure   func(*http.Request) bool
}

// of returns how cookies are set in the answer to a request.
func (c Cookies) of(r *http.Request) Cookies {
	c.Insecure = c.Insecure && (c.Secure == nil || !c.Secure(r))
	return c
}

func (c Cookies) new(name, value string, expires time.Time) *http.Cookie {
	path := c.Path
	if path == "" {
		path = "/"
	}
	cookie := &http.Cookie{Name: name, Value: value, Path: path, HttpOnly: true, Secure: !c.Insecure, SameSite: http.SameSiteLaxMode, Expires: expires}
	if value == "" {
		cookie.MaxAge = -1
	}
	return cookie
}

func partName(i int) string {
	if i == 0 {
		return sessionCookie
	}
	return fmt.Sprintf("%s-%d", sessionCookie, i)
}

// session returns the cookies of a session: one, or as many as its token needs, the first with their number before it.
func (c Cookies) session(token string, expires time.Time) ([]*http.Cookie, error) {
	room := longestCookie - len(partName(mostCookies)) - len("20:")
	if len(token) <= room {
		return []*http.Cookie{c.new(sessionCookie, token, expires)}, nil
	}
	count := (len(token) + room - 1) / room
	if count > mostCookies {
		return nil, fmt.Errorf("a session of %d bytes is too long for cookies", len(token))
	}
	cookies := make([]*http.Cookie, count)
	for i := range cookies {
		part := token[i*room : min(len(token), (i+1)*room)]
		if i == 0 {
			part = strconv.Itoa(count) + ":" + part
		}
		cookies[i] = c.new(partName(i), part, expires)
	}
	return cookies, nil
}

// ended returns the cookies that end the session of a request.
func (c Cookies) ended(r *http.Request) []*http.Cookie {
	cookies := []*http.Cookie{c.new(sessionCookie, "", time.Time{})}
	for i := 1; i < mostCookies; i++ {
		if _, err := r.Cookie(partName(i)); err == nil {
			cookies = append(cookies, c.new(partName(i), "", time.Time{}))
		}
	}
	return cookies
}

// mostSessions bounds the sessions of a request that are looked at.
const mostSessions = 4

// sessionsOf puts the tokens of a request's cookies together: one, unless several cookies have its name.
func sessionsOf(r *http.Request) []string {
	var tokens []string
	for _, first := range r.CookiesNamed(sessionCookie) {
		if token := sessionOf(r, first.Value); token != "" && !slices.Contains(tokens, token) {
			tokens = append(tokens, token)
		}
	}
	return tokens
}

// sessionOf puts the token together that begins in a cookie; "" where a part is missing.
func sessionOf(r *http.Request, first string) string {
	number, rest, divided := strings.Cut(first, ":")
	if !divided {
		return first
	}
	count, err := strconv.Atoi(number)
	if err != nil || count < 1 || count > mostCookies {
		return ""
	}
	var token strings.Builder
	token.WriteString(rest)
	for i := 1; i < count; i++ {
		part, err := r.Cookie(partName(i))
		if err != nil {
			return ""
		}
		token.WriteString(part.Value)
	}
	return token.String()
}

// bearerOf returns the token in the header Authorization; "" where there is none.
func bearerOf(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
