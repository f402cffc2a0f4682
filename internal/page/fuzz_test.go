package page

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Whatever path and headers somebody sends, a file is sent in an encoding that they take, an index where no file can be
// meant, and nothing else.
func FuzzServe(f *testing.F) {
	for _, path := range []string{"/", "/applications/team/shop.js", "/assets/../index.html", "//assets/app-1a2b.js", "/assets/app-1a2b.js.br", "/theme.js", "/%2e%2e/missing.html", "\x00", ""} {
		f.Add(path, "br;q=0.5, gzip;q=0.8", "bytes=0-1", `"x"`)
	}
	f.Add("/theme.js", "*;q=0, br;q=1e3;q=1,;,=", "bytes=-1,0-", "W/*")
	p, err := New(builtFiles(), "/")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path, accept, ranges, match string) {
		r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: path}, Header: http.Header{"Accept-Encoding": {accept}, "Range": {ranges}, "If-None-Match": {match}}}
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		if !slices.Contains([]int{http.StatusOK, http.StatusPartialContent, http.StatusNotModified, http.StatusNotFound, http.StatusRequestedRangeNotSatisfiable}, w.Code) {
			t.Errorf("%q: status %d", path, w.Code)
		}
		name := strings.TrimPrefix(path, "/")
		if _, there := p.files[name]; w.Code == http.StatusOK && strings.HasPrefix(name, "assets/") && !there {
			t.Errorf("%q: what is no asset is sent as one", path)
		}
		switch in := w.Header().Get("Content-Encoding"); {
		case in == "":
		case !slices.Contains(offered, in):
			t.Errorf("%q: unknown encoding %q", path, in)
		case !strings.Contains(strings.ToLower(accept), in) && !strings.Contains(accept, "*"):
			t.Errorf("%q: sent as %q to who takes %q", path, in, accept)
		}
	})
}

// Whatever a root is, it stays within the attribute.
func FuzzWithBase(f *testing.F) {
	f.Add("<head></head>", `/"><script>alert(1)</script>`)
	f.Add(`<HEAD a=b><base href=x>`, "/cd/")
	f.Add("<head<head>", "$1")
	element := regexp.MustCompile(`<base href="[^"<>]*">`)
	f.Fuzz(func(t *testing.T, index, root string) {
		got := string(withBase([]byte(index), root))
		if got == index {
			return
		}
		if !element.MatchString(got) || !strings.Contains(root, "<script") && strings.Count(got, "<script") > strings.Count(index, "<script") {
			t.Errorf("%q at %q: got %q", index, root, got)
		}
		for _, hash := range scriptsOf([]byte(got)) {
			if !strings.HasPrefix(hash, "sha256-") {
				t.Errorf("got the hash %q", hash)
			}
		}
	})
}
