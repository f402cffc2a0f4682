package server

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"
)

// OnlyHosts answers requests for this machine's own names and for those that known reports. A page of a stranger can
// have its name lead to this machine, and would then be taken for the server's own page; but it cannot send another
// name than its own.
func OnlyHosts(next http.Handler, known func(r *http.Request, host string) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := strings.ToLower(hostOf(r.Host))
		if isOwnName(host) || known(r, host) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "host of the request: unknown name; use localhost, or write the address into url of ConfigMap argocd-cm", http.StatusMisdirectedRequest)
	})
}

// isOwnName reports whether a host is an address, or a name that leads nowhere but to this machine.
func isOwnName(host string) bool {
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil || host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// hostOf returns a host without its port.
func hostOf(text string) string {
	if host, _, err := net.SplitHostPort(text); err == nil {
		return host
	}
	return text
}

// Below serves what is below root at the root: a path such as /cd. What a proxy has taken root from already is served
// as it is. A path with empty parts or dots is sent on to what it means within root: what serves it would leave root
// out, and lead to what else there is at the address, with a token in its hands.
func Below(root string, next http.Handler) http.Handler {
	root = strings.TrimSuffix(root, "/")
	if root == "" {
		return next
	}
	stripped := http.StripPrefix(root, next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == root:
			http.Redirect(w, r, root+"/", http.StatusPermanentRedirect)
		case strings.HasPrefix(r.URL.Path, root+"/"):
			asked, ok := strings.CutPrefix(r.URL.EscapedPath(), root)
			if means := cleaned(asked); ok && means != asked {
				to := url.URL{RawQuery: r.URL.RawQuery}
				http.Redirect(w, r, root+means+to.String(), http.StatusTemporaryRedirect)
				return
			}
			stripped.ServeHTTP(w, r)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// cleaned returns an escaped path without empty parts and dots.
func cleaned(escaped string) string {
	means := path.Clean(escaped)
	if strings.HasSuffix(escaped, "/") && means != "/" {
		means += "/"
	}
	return means
}

// CheckRoot returns a path that a server may be below as /cd, or "" for none.
func CheckRoot(root string) (string, error) {
	root = strings.Trim(root, "/")
	if root == "" {
		return "", nil
	}
	for part := range strings.SplitSeq(root, "/") {
		if part == "" || part == "." || part == ".." || strings.ContainsFunc(part, isUnusual) {
			return "", fmt.Errorf("invalid path %q; give one of letters, digits, dots and dashes, such as /cd", root)
		}
	}
	if first, _, _ := strings.Cut(root, "/"); slices.Contains(taken, first) {
		return "", fmt.Errorf("path /%s is taken by the server itself; choose another", first)
	}
	return "/" + root, nil
}

// taken are the first parts of the paths of calls and of views.
var taken = []string{"api", "auth", "assets", "healthz", "applications", "login", "settings"}

func isUnusual(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._~", r)
}
