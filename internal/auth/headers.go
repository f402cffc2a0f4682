package auth

import (
	"mime"
	"net/http"
	"strings"
)

// contentPolicy lets the page run what this server serves, and nothing that is written into it.
var contentPolicy = strings.Join([]string{
	"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "font-src 'self'", "connect-src 'self'", "manifest-src 'self'", "worker-src 'self'",
	"base-uri 'self'", "form-action 'self'", "frame-ancestors 'none'", "object-src 'none'",
}, "; ")

// Headers sets the headers by which browsers guard the page. scripts are hashes of scripts that are written into the
// page when it is built, such as sha256-…; there are none else.
func Headers(next http.Handler, scripts ...string) http.Handler {
	policy := contentPolicy
	if len(scripts) > 0 {
		policy = strings.Replace(policy, "script-src 'self'", "script-src 'self' '"+strings.Join(scripts, "' '")+"'", 1)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		if r.TLS != nil {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// SameOrigin refuses what another site has a browser send: a request that would change something has to come from this
// origin, and to be JSON, which no form of another site can send. It goes round what browsers call, not round webhooks.
// refused is told of each that was refused, with why.
func SameOrigin(next http.Handler, refused func(r *http.Request, why string)) http.Handler {
	json := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if changes(r.Method) && !isJSON(r.Header.Get("Content-Type")) {
			refused(r, "content type is not application/json")
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnsupportedMediaType)
			_, _ = w.Write([]byte(`{"error":"Invalid content type","code":3,"message":"Invalid content type: send application/json"}` + "\n"))
			return
		}
		next.ServeHTTP(w, r)
	})
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refused(r, "request comes from another site")
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"error":"request comes from another site","code":7,"message":"request comes from another site"}` + "\n"))
	}))
	return protection.Handler(json)
}

func changes(method string) bool {
	return method != http.MethodGet && method != http.MethodHead && method != http.MethodOptions
}

func isJSON(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && media == "application/json"
}
