package page

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

const indexText = `<!doctype html><html><head><meta charset="utf-8"><script src="./theme.js"></script></head><body></body></html>`

func builtFiles() fstest.MapFS {
	return fstest.MapFS{
		"dist/missing.html":               {Data: []byte("<p>make ui</p>")},
		"dist/page/index.html":            {Data: []byte(indexText)},
		"dist/page/index.html.br":         {Data: []byte("an index without its base")},
		"dist/page/theme.js":              {Data: []byte("theme()")},
		"dist/page/assets/app-1a2b.js":    {Data: []byte("the application")},
		"dist/page/assets/app-1a2b.js.br": {Data: []byte("br")},
		"dist/page/assets/app-1a2b.js.gz": {Data: []byte("gz")},
		"dist/page/assets/_private-1.css": {Data: []byte("body{}")},
	}
}

func newPage(t *testing.T, files fstest.MapFS, root string) *Page {
	t.Helper()
	p, err := New(files, root)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func get(p http.Handler, path string, headers ...string) *http.Response {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w.Result()
}

func TestWhatIsServedWhere(t *testing.T) {
	p := newPage(t, builtFiles(), "/")
	for _, c := range []struct {
		path, contentType, cache, body string
		status                         int
	}{
		{"/assets/app-1a2b.js", "text/javascript; charset=utf-8", forever, "the application", 200},
		{"/assets/_private-1.css", "text/css; charset=utf-8", forever, "body{}", 200},
		{"/theme.js", "text/javascript; charset=utf-8", asked, "theme()", 200},
		{"/", "text/html; charset=utf-8", asked, `<base href="/">`, 200},
		{"/index.html", "text/html; charset=utf-8", asked, `<base href="/">`, 200},
		{"/applications", "text/html; charset=utf-8", asked, `<base href="/">`, 200},
		{"/applications/team/shop.js", "text/html; charset=utf-8", asked, `<base href="/">`, 200},
		{"/applications/shop.v2", "text/html; charset=utf-8", asked, `<base href="/">`, 200},
		{"/settings/repos", "text/html; charset=utf-8", asked, `<base href="/">`, 200},
		{"/login", "text/html; charset=utf-8", asked, `<base href="/">`, 200},
		// A tab of an older page must not take the index for a script.
		{"/assets/app-0000.js", "text/plain; charset=utf-8", "no-store", "not found", 404},
		{"/assets/", "text/plain; charset=utf-8", "no-store", "not found", 404},
		{"/assets/app-1a2b.js.br", "text/plain; charset=utf-8", "no-store", "not found", 404},
		{"/favicon.ico", "text/plain; charset=utf-8", "no-store", "not found", 404},
		{"/assets/../../missing.html", "text/plain; charset=utf-8", "no-store", "not found", 404},
	} {
		answer := get(p, c.path)
		body := make([]byte, 1<<12)
		n, _ := answer.Body.Read(body)
		if answer.StatusCode != c.status || answer.Header.Get("Content-Type") != c.contentType || answer.Header.Get("Cache-Control") != c.cache || !strings.Contains(string(body[:n]), c.body) {
			t.Errorf("%s: %d %q %q %q, want %d %q %q %q", c.path, answer.StatusCode, answer.Header.Get("Content-Type"), answer.Header.Get("Cache-Control"), body[:n], c.status, c.contentType, c.cache, c.body)
		}
	}
	r, w := httptest.NewRequest(http.MethodPost, "/", nil), httptest.NewRecorder()
	if p.ServeHTTP(w, r); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d, allowed %q, want 405", w.Code, w.Header().Get("Allow"))
	}
	files := builtFiles()
	files["dist/page/assets/video.xyz"] = &fstest.MapFile{Data: []byte("x")}
	if got := get(newPage(t, files, "/"), "/assets/video.xyz").Header.Get("Content-Type"); got != "application/octet-stream" {
		t.Errorf("a file of a kind that nobody knows: got %q", got)
	}
}

func TestEncodings(t *testing.T) {
	for _, c := range []struct{ path, accept, want string }{
		{"/assets/app-1a2b.js", "", ""},
		{"/assets/app-1a2b.js", "gzip, deflate, br, zstd", "br"},
		{"/assets/app-1a2b.js", "gzip, deflate", "gzip"},
		{"/assets/app-1a2b.js", "GZIP", "gzip"},
		{"/assets/app-1a2b.js", "br;q=0, gzip", "gzip"},
		{"/assets/app-1a2b.js", "br;q=0.000, gzip;q=0", ""},
		{"/assets/app-1a2b.js", "br;q=0.5, gzip;q=0.8", "gzip"},
		{"/assets/app-1a2b.js", "gzip;q=0.9, br;q=1", "br"},
		{"/assets/app-1a2b.js", "*", "br"},
		{"/assets/app-1a2b.js", "*, br;q=0", "gzip"},
		{"/assets/app-1a2b.js", "*;q=0", ""},
		{"/assets/app-1a2b.js", "identity;q=1, *;q=0", ""},
		{"/assets/app-1a2b.js", "br;q=NaN", ""},
		{"/assets/app-1a2b.js", "br;q=2", ""},
		{"/assets/app-1a2b.js", "bread, gzip2", ""},
		{"/assets/_private-1.css", "br, gzip", ""},
		// The index has another base than it was built with.
		{"/", "br", ""},
		{"/applications", "br, gzip", "gzip"},
	} {
		answer := get(newPage(t, builtFiles(), "/"), c.path, "Accept-Encoding", c.accept)
		if got := answer.Header.Get("Content-Encoding"); got != c.want || answer.StatusCode != http.StatusOK {
			t.Errorf("%s with %q: %d %q, want %q", c.path, c.accept, answer.StatusCode, got, c.want)
		}
		if vary := answer.Header.Get("Vary"); (vary == "Accept-Encoding") != !strings.HasSuffix(c.path, ".css") {
			t.Errorf("%s: Vary %q", c.path, vary)
		}
	}
}

func TestWhatABrowserHasIsNotSentAgain(t *testing.T) {
	p := newPage(t, builtFiles(), "/")
	for _, path := range []string{"/", "/assets/app-1a2b.js"} {
		plain, compressed := get(p, path).Header.Get("ETag"), get(p, path, "Accept-Encoding", "gzip").Header.Get("ETag")
		if plain == "" || plain == compressed {
			t.Errorf("%s: ETags %q and, compressed, %q; want two", path, plain, compressed)
		}
		if answer := get(p, path, "If-None-Match", plain); answer.StatusCode != http.StatusNotModified {
			t.Errorf("%s again: %d, want 304", path, answer.StatusCode)
		}
		if answer := get(p, path, "If-None-Match", compressed); answer.StatusCode != http.StatusOK {
			t.Errorf("%s with the ETag of another encoding: %d, want 200", path, answer.StatusCode)
		}
	}
}

func TestTheBaseIsWhereTheServerIs(t *testing.T) {
	for _, c := range []struct{ index, root, want string }{
		{"<html><head><title></title></head>", "/cd/", `<html><head><base href="/cd/"><title></title></head>`},
		{`<html><HEAD lang="en"><base href="/"></head>`, "/cd/", `<html><HEAD lang="en"><base href="/cd/"></head>`},
		{"<html><head></head>", `/"><script>/`, `<html><head><base href="/&#34;&gt;&lt;script&gt;/"></head>`},
		{"<header></header>", "/", "<header></header>"},
	} {
		if got := string(withBase([]byte(c.index), c.root)); got != c.want {
			t.Errorf("%s at %s: got %s, want %s", c.index, c.root, got, c.want)
		}
	}
}

func TestScriptsOfTheIndexAreNamedByTheirHash(t *testing.T) {
	files := builtFiles()
	for index, want := range map[string][]string{
		indexText: nil,
		// The hash of what is between the tags, as browsers take it.
		"<head><script>alert(1)</script></head>": {"sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI="},
	} {
		files["dist/page/index.html"] = &fstest.MapFile{Data: []byte(index)}
		if got := newPage(t, files, "/").Scripts; !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", index, got, want)
		}
	}
}

func TestWithoutAPageThereIsAWord(t *testing.T) {
	p := newPage(t, fstest.MapFS{"dist/missing.html": {Data: []byte("<p>make ui</p>")}}, "/")
	for path, status := range map[string]int{"/": 200, "/applications/shop": 200, "/assets/app.js": 404} {
		answer := get(p, path)
		body := make([]byte, 64)
		n, _ := answer.Body.Read(body)
		if answer.StatusCode != status || status == 200 && string(body[:n]) != "<p>make ui</p>" {
			t.Errorf("%s: %d %q", path, answer.StatusCode, body[:n])
		}
	}
	if _, err := New(fstest.MapFS{}, "/"); err == nil {
		t.Error("nothing at all: no error")
	}
	p = newPage(t, fstest.MapFS{"dist/missing.html": {Data: []byte("<script>alert(1)</script>")}}, "/")
	if len(p.Scripts) != 1 {
		t.Errorf("the hashes of its scripts: got %v", p.Scripts)
	}
}

// The index is compressed when the program starts, and is the same.
func TestTheCompressedIndexIsTheIndex(t *testing.T) {
	p := newPage(t, builtFiles(), "/cd/")
	compressed := get(p, "/", "Accept-Encoding", "gzip")
	r, err := gzip.NewReader(compressed.Body)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	plain, _ := io.ReadAll(get(p, "/").Body)
	if err != nil || !bytes.Equal(got, plain) || !bytes.Contains(got, []byte(`<base href="/cd/">`)) {
		t.Errorf("%v: got %s, want %s", err, got, plain)
	}
}

// troubled is a tree of files in which some cannot be read, or only from the beginning.
type troubled struct {
	fstest.MapFS
	unreadable, unseekable string
}

var errTrouble = errors.New("broken")

func (f troubled) Open(name string) (fs.File, error) {
	opened, err := f.MapFS.Open(name)
	switch name {
	case f.unreadable:
		return nil, errTrouble
	case f.unseekable:
		return struct{ fs.File }{opened}, err
	}
	return opened, err
}

// ReadFile is that of Open: a file system that is embedded has its own.
func (f troubled) ReadFile(name string) ([]byte, error) {
	if name == f.unreadable {
		return nil, errTrouble
	}
	return f.MapFS.ReadFile(name)
}

func (f troubled) Sub(dir string) (fs.FS, error) {
	if dir == f.unreadable {
		return nil, errTrouble
	}
	below, err := f.MapFS.Sub(dir)
	return struct{ fs.FS }{inFolder{f, dir, below}}, err
}

// inFolder is a folder of a troubled tree.
type inFolder struct {
	troubled
	dir string
	fs.FS
}

func (f inFolder) Open(name string) (fs.File, error) { return f.troubled.Open(path.Join(f.dir, name)) }

// A page that cannot be read as a whole is not served in part.
func TestAPageThatCannotBeRead(t *testing.T) {
	for _, name := range []string{"dist/page/index.html", "dist/page", "dist/page/theme.js", "dist/page/assets"} {
		if _, err := New(troubled{MapFS: builtFiles(), unreadable: name}, "/"); !errors.Is(err, errTrouble) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	p, err := New(troubled{MapFS: builtFiles(), unseekable: "dist/page/theme.js"}, "/")
	if err != nil {
		t.Fatal(err)
	}
	if answer := get(p, "/theme.js"); answer.StatusCode != http.StatusInternalServerError {
		t.Errorf("a file that is not read from where one likes: %d, want 500", answer.StatusCode)
	}
	late := builtFiles()
	if p, err = New(late, "/"); err != nil {
		t.Fatal(err)
	}
	delete(late, "dist/page/theme.js")
	if answer := get(p, "/theme.js"); answer.StatusCode != http.StatusInternalServerError || answer.Header.Get("Cache-Control") == forever {
		t.Errorf("a file that is gone since: %d, want 500", answer.StatusCode)
	}
}
