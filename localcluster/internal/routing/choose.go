package routing

import "strings"

// Choose returns the backend for a request; at is a random number of [0,1). It is nil when there is none.
func (a *Action) Choose(r *Request, at float64) (*Backend, Timeouts) {
	for i := range a.Canaries {
		if c := &a.Canaries[i]; c.takes(r, at) {
			return pick(c.Backends, 0), c.Timeouts
		}
	}
	return pick(a.Backends, at), a.Timeouts
}

// takes reports whether a request goes to the canary: the header decides, else the cookie, else the weight.
func (c *Canary) takes(r *Request, at float64) bool {
	if values, asked := r.Header[c.Header]; asked && c.Header != "" {
		value := strings.Join(values, ",")
		switch {
		case c.HeaderPattern != nil:
			if c.HeaderPattern.MatchString(value) {
				return true
			}
		case c.HeaderValue != "":
			if value == c.HeaderValue {
				return true
			}
		case value == "always":
			return true
		case value == "never":
			return false
		}
	}
	if c.Cookie != "" {
		switch r.Cookies[c.Cookie] {
		case "always":
			return true
		case "never":
			return false
		}
	}
	return at*float64(c.Total) < float64(c.Weight)
}

// pick returns a backend by weight.
func pick(backends []Backend, at float64) *Backend {
	total := 0
	for _, b := range backends {
		total += b.Weight
	}
	left := at * float64(total)
	for i := range backends {
		if left -= float64(backends[i].Weight); left < 0 {
			return &backends[i]
		}
	}
	return nil
}

// Takes reports whether a request is copied; at is a random number of [0,1).
func (m *Mirror) Takes(at float64) bool { return at*float64(m.Of) < float64(m.Parts) }

// Allowed reports whether the client's address may ask.
func (a *Action) Allowed(r *Request) bool {
	for _, prefix := range a.Deny {
		if prefix.Contains(r.Remote) {
			return false
		}
	}
	for _, prefix := range a.Allow {
		if prefix.Contains(r.Remote) {
			return true
		}
	}
	return len(a.Allow) == 0
}

// Allows returns the origin that may be told to a page of origin, and whether it may ask.
func (c *CORS) Allows(origin string) (string, bool) {
	for _, allowed := range c.Origins {
		if allowed == "*" {
			if c.Echo {
				return origin, true
			}
			return "*", true
		}
		if before, after, wild := strings.Cut(allowed, "*"); wild {
			if len(origin) > len(before)+len(after) && strings.HasPrefix(origin, before) && strings.HasSuffix(origin, after) {
				return origin, true
			}
		} else if strings.EqualFold(allowed, origin) {
			return origin, true
		}
	}
	return "", false
}
