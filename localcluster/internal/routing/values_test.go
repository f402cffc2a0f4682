package routing

import (
	"net/url"
	"path"
	"strings"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestBounds: what the values of annotations may be at most.
func TestBounds(t *testing.T) {
	for value, want := range map[string]int64{"0": 0, "8": 8, "8k": 8 << 10, "8K": 8 << 10, "1m": 1 << 20, "2G": 2 << 30, "4294967296g": 1 << 62} {
		if got, err := parseSize(value); err != nil || got != want {
			t.Errorf("parseSize(%q): got %d, %v; want %d", value, got, err, want)
		}
	}
	for _, value := range []string{"", "m", "-1", "1.5m", "1mb", "4294967297g", "9999999999999999"} {
		if got, err := parseSize(value); err == nil {
			t.Errorf("parseSize(%q): got %d, want an error", value, got)
		}
	}
	var number int
	for value, fine := range map[string]bool{"300": true, "399": true, "299": false, "400": false, "x": false} {
		if err := setNumber(&number, value, 300, 399); (err == nil) != fine {
			t.Errorf("setNumber(%q): %v", value, err)
		}
	}
	if _, err := compile(strings.Repeat("a", longestPattern)); err != nil {
		t.Error(err)
	}
	if _, err := compile(strings.Repeat("a", longestPattern+1)); err == nil {
		t.Error("a pattern that is too long is compiled")
	}
}

// TestCleanPath: a path as it is meant.
func TestCleanPath(t *testing.T) {
	for p, want := range map[string]string{
		"": "/", "/": "/", "/a": "/a", "/a/": "/a/", "//a//b": "/a/b", "/a/./b": "/a/b", "/a/../b": "/b", "/../a": "/a", "/a/..": "/", "/a/b/..": "/a/",
		"/a/.": "/a/", "/a/..b": "/a/..b", "/.well-known/x": "/.well-known/x", "/a//": "/a/", "/.": "/", "/./": "/",
	} {
		if got := cleanPath(p); got != want {
			t.Errorf("cleanPath(%q): got %q, want %q", p, got, want)
		}
	}
}

// TestHosts: which hosts patterns have, and which two have in common.
func TestHosts(t *testing.T) {
	for _, c := range []struct {
		pattern, host string
		want          bool
	}{
		{"", "a", true}, {"a.b", "a.b", true}, {"a.b", "c.b", false}, {"*.b", "a.b", true}, {"*.b", "x.a.b", true}, {"*.b", "b", false}, {"*.b", ".b", false}, {"a.b", "x.a.b", false},
	} {
		if got := HostMatches(c.pattern, c.host); got != c.want {
			t.Errorf("HostMatches(%q, %q): got %v", c.pattern, c.host, got)
		}
	}
	for _, c := range []struct{ a, b, want string }{
		{"", "", "any"}, {"", "a", "a"}, {"a", "", "a"}, {"a", "a", "a"}, {"a", "b", "none"}, {"*.b", "a.b", "a.b"}, {"a.b", "*.b", "a.b"}, {"*.b", "*.a.b", "*.a.b"}, {"*.a.b", "*.b", "*.a.b"},
		{"*.a", "*.b", "none"}, {"*.b", "b", "none"},
	} {
		got, ok := intersect(c.a, c.b)
		if !ok {
			got = "none"
		} else if got == "" {
			got = "any"
		}
		if got != c.want {
			t.Errorf("intersect(%q, %q): got %s, want %s", c.a, c.b, got, c.want)
		}
	}
}

// FuzzPaths: a path that was cleaned stays as it is, begins with a slash and leads nowhere above; and a rewritten
// path begins with a slash.
func FuzzPaths(f *testing.F) {
	f.Add("/a/../b", "/a", "/c")
	f.Add("//", "/", "")
	f.Fuzz(func(t *testing.T, p, prefix, replacement string) {
		if !strings.HasPrefix(p, "/") {
			p = "/" + p
		}
		cleaned := cleanPath(p)
		if cleanPath(cleaned) != cleaned || cleaned[0] != '/' || strings.TrimSuffix(path.Clean(cleaned), "/") != strings.TrimSuffix(cleaned, "/") {
			t.Errorf("%q becomes %q", p, cleaned)
		}
		match := PathMatch{Value: rooted(prefix)}
		if !match.matches(cleaned) {
			return
		}
		got := (&Rewrite{Path: PathChange{ReplacePrefix, replacement}}).URL(&url.URL{Path: p}, match)
		if !strings.HasPrefix(got.Path, "/") {
			t.Errorf("%q with %q for %q becomes %q", p, replacement, prefix, got.Path)
		}
	})
}

// FuzzAnnotations: whatever an annotation's value is, it is honoured or named, and nothing else fails.
func FuzzAnnotations(f *testing.F) {
	for name := range honoured {
		f.Add(name, "true", "/a(.*)")
		f.Add(name, "$1", "(")
	}
	class := &networkingv1.IngressClass{ObjectMeta: metav1.ObjectMeta{Name: NginxClass}, Spec: networkingv1.IngressClassSpec{Controller: IngressController}}
	nginx := NginxClass
	f.Fuzz(func(t *testing.T, name, value, p string) {
		ingress := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Name: "a", Annotations: map[string]string{nginxPrefix + name: value}}}
		ingress.Spec = networkingv1.IngressSpec{IngressClassName: &nginx, Rules: []networkingv1.IngressRule{{IngressRuleValue: networkingv1.IngressRuleValue{
			HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{Path: p}}},
		}}}}
		result := Build(Observed{IngressClasses: []*networkingv1.IngressClass{class}, Ingresses: []*networkingv1.Ingress{ingress}})
		if honoured[name] == nil && len(result.Findings) == 0 {
			t.Errorf("%s is passed over", name)
		}
		u := &url.URL{Path: "/abc"}
		if _, route := result.Table.Find(&Request{Port: HTTPPort, URL: u}); route != nil && route.Action.Filters.Rewrite != nil {
			_ = route.Action.Filters.Rewrite.URL(u, route.Match.Path)
		}
	})
}

// Annotations that change nothing here have values nevertheless that make sense or none.
func TestValuesThatMakeNoSense(t *testing.T) {
	for name, value := range map[string]string{
		"denylist-source-range": "10.0.0.0/33", "affinity-mode": "sticky", "session-cookie-change-on-failure": "maybe", "proxy-buffer-size": "8q", "proxy-busy-buffers-size": "x",
		"client-body-buffer-size": "-1", "proxy-max-temp-file-size": "1mb", "proxy-buffers-number": "0",
	} {
		if err := honoured[name](&options{}, value); err == nil {
			t.Errorf("%s: %q is taken", name, value)
		}
	}
}
