// Package page serves the files of the page: what was built, compressed as it was built, and the index for every
// address that people may have kept.
package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strings"
	"time"
)

// Page answers for the files of the page.
type Page struct {
	// Scripts are the hashes of the scripts that are written into the index, such as sha256-…, for the policy that lets
	// browsers run them.
	Scripts []string
	files   map[string]*file
	index   *file
}

// file is a file of the page, in the encodings that it was built in.
type file struct {
	contentType, cache string
	// encodings are by name; that of the file as it is has the name "".
	encodings map[string]encoding
}

// encoding is a file in one encoding.
type encoding struct {
	etag string
	open func() (io.ReadSeekCloser, error)
}

const (
	built   = "dist/page"
	missing = "dist/missing.html"
	// assets have the hash of their content in their name.
	assets = "assets/"

	forever = "public, max-age=31536000, immutable"
	asked   = "no-cache"
)

// sidecars are the names of encodings by what files in them end in.
var sidecars = map[string]string{".br": "br", ".gz": "gzip"}

// New returns the page of a folder that has dist/page or, where it was not built, dist/missing.html. Root is where the
// server is below its address, such as / or /cd/.
func New(files fs.FS, root string) (*Page, error) {
	p := &Page{files: map[string]*file{}}
	index, err := fs.ReadFile(files, built+"/index.html")
	if errors.Is(err, fs.ErrNotExist) {
		index, err = fs.ReadFile(files, missing)
		if err == nil {
			p.Scripts = scriptsOf(index)
			p.index, err = indexOf(index)
		}
		return p, err
	}
	if err != nil {
		return nil, err
	}
	p.Scripts = scriptsOf(index)
	if p.index, err = indexOf(withBase(index, root)); err != nil {
		return nil, err
	}
	below, err := fs.Sub(files, built)
	if err != nil {
		return nil, err
	}
	return p, fs.WalkDir(below, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		return p.add(below, name)
	})
}

// base is the element that addresses of an index are relative to.
var base = regexp.MustCompile(`(?i)<base\b[^>]*>`)

// head is the beginning of what a base has to stand in.
var head = regexp.MustCompile(`(?i)<head\b[^>]*>`)

// withBase returns an index whose addresses are relative to root.
func withBase(index []byte, root string) []byte {
	element := []byte(`<base href="` + html.EscapeString(root) + `">`)
	if at := base.FindIndex(index); at != nil {
		return bytes.Join([][]byte{index[:at[0]], element, index[at[1]:]}, nil)
	}
	if at := head.FindIndex(index); at != nil {
		return bytes.Join([][]byte{index[:at[1]], element, index[at[1]:]}, nil)
	}
	return index
}

// indexOf returns the index, which is made when the program starts, and so has no encodings from the build.
func indexOf(content []byte) (*file, error) {
	var compressed bytes.Buffer
	w, err := gzip.NewWriterLevel(&compressed, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	_, err = w.Write(content)
	if err := errors.Join(err, w.Close()); err != nil {
		return nil, err
	}
	return &file{contentTypes[".html"], asked, map[string]encoding{"": inMemory(content, ""), "gzip": inMemory(compressed.Bytes(), "gzip")}}, nil
}

func inMemory(content []byte, name string) encoding {
	return encoding{etagOf(content, name), func() (io.ReadSeekCloser, error) { return seekCloser{bytes.NewReader(content)}, nil }}
}

type seekCloser struct{ io.ReadSeeker }

// Close does nothing.
func (seekCloser) Close() error { return nil }

// etagOf is of the content and of how it is encoded, so that what is kept in one encoding is not taken for another.
func etagOf(content []byte, name string) string {
	sum := sha256.Sum256(content)
	return `"` + hex.EncodeToString(sum[:12]) + name + `"`
}

// add reads a file once, for its hash.
func (p *Page) add(files fs.FS, name string) error {
	if name == "index.html" || strings.HasPrefix(name, "index.html.") {
		return nil
	}
	content, err := fs.ReadFile(files, name)
	if err != nil {
		return err
	}
	of, in := name, sidecars[path.Ext(name)]
	if in != "" {
		of = strings.TrimSuffix(name, path.Ext(name))
	}
	f := p.files[of]
	if f == nil {
		f = &file{contentTypeOf(of), asked, map[string]encoding{}}
		if strings.HasPrefix(of, assets) {
			f.cache = forever
		}
		p.files[of] = f
	}
	f.encodings[in] = encoding{etagOf(content, in), func() (io.ReadSeekCloser, error) {
		opened, err := files.Open(name)
		if err != nil {
			return nil, err
		}
		if seeker, ok := opened.(io.ReadSeekCloser); ok {
			return seeker, nil
		}
		return nil, errors.Join(fmt.Errorf("%s cannot be read from where one likes", name), opened.Close())
	}}
	return nil
}

// contentTypes are not asked of the machine, which may have others.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
	".json": "application/json", ".map": "application/json", ".webmanifest": "application/manifest+json", ".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon",
	".woff2": "font/woff2", ".txt": "text/plain; charset=utf-8", ".wasm": "application/wasm",
}

func contentTypeOf(name string) string {
	if t, ok := contentTypes[path.Ext(name)]; ok {
		return t
	}
	return "application/octet-stream"
}

// inline is a script that is written into an index.
var inline = regexp.MustCompile(`(?is)<script\b([^>]*)>(.*?)</script>`)

// scriptsOf returns the hashes of the scripts that are written into an index.
func scriptsOf(index []byte) []string {
	var hashes []string
	for _, found := range inline.FindAllSubmatch(index, -1) {
		if len(bytes.TrimSpace(found[2])) > 0 {
			sum := sha256.Sum256(found[2])
			hashes = append(hashes, "sha256-"+base64.StdEncoding.EncodeToString(sum[:]))
		}
	}
	return hashes
}

// ServeHTTP answers with a file where the path names one, with 404 where it names one that an older page had, and else
// with the index, which knows what to show at its address.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(r.URL.Path, "/")
	f := p.files[name]
	switch {
	case f != nil && f.encodings[""].open != nil:
	case isFile(name) && name != "index.html":
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "file not found", http.StatusNotFound)
		return
	default:
		f = p.index
	}
	f.serve(w, r)
}

// isFile reports whether a path can only be that of a file, not of a view: names of objects may have dots in them.
func isFile(name string) bool {
	_, known := contentTypes[path.Ext(name)]
	return strings.HasPrefix(name, assets) || known && !strings.Contains(name, "/")
}

func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	in := preferred(r.Header.Get("Accept-Encoding"), func(name string) bool { return f.encodings[name].open != nil })
	chosen := f.encodings[in]
	opened, err := chosen.open()
	if err != nil {
		http.Error(w, "file cannot be read", http.StatusInternalServerError)
		return
	}
	defer opened.Close()
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("Cache-Control", f.cache)
	h.Set("ETag", chosen.etag)
	if len(f.encodings) > 1 {
		h.Add("Vary", "Accept-Encoding")
	}
	if in != "" {
		h.Set("Content-Encoding", in)
	}
	http.ServeContent(w, r, "", time.Time{}, opened)
}
