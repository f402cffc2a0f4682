package dev

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"

	"github.com/cyan-cd/cyan/internal/cli/dev/dashboard"
	"github.com/cyan-cd/cyan/internal/devloop"
)

// place is FILE:LINE as compilers and linters print it.
var place = regexp.MustCompile(`([A-Za-z0-9_./@+-]+\.[A-Za-z0-9_]+|[A-Za-z0-9_./-]*Dockerfile):(\d+)`)

// mostLinks bounds the links of a text.
const mostLinks = 200

// fileLinks finds the files of a project in what compilers print.
type fileLinks struct{ root, host string }

func newFileLinks(root string) fileLinks {
	host, err := os.Hostname()
	if err != nil {
		host = ""
	}
	return fileLinks{root, host}
}

// in returns links to the files that an event about what is wrong names. Terminals open them; the line is in the
// fragment, where editors look for it.
func (l fileLinks) in(e devloop.Event) []dashboard.Link {
	if e.Err == nil || l.root == "" {
		return nil
	}
	var links []dashboard.Link
	for _, found := range place.FindAllStringSubmatchIndex(e.Text, mostLinks) {
		file, line := e.Text[found[2]:found[3]], e.Text[found[4]:found[5]]
		at := l.file(file)
		if at == "" {
			continue
		}
		address := url.URL{Scheme: "file", Host: l.host, Path: filepath.ToSlash(at), Fragment: line}
		links = append(links, dashboard.Link{From: found[0], To: found[1], Address: address.String()})
	}
	return links
}

// file returns where a file of the project is that is named from its root; "" when there is none.
func (l fileLinks) file(name string) string {
	if !filepath.IsAbs(name) {
		name = filepath.Join(l.root, filepath.FromSlash(name))
	}
	inside, err := filepath.Rel(l.root, name)
	if err != nil || !filepath.IsLocal(inside) {
		return ""
	}
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	return name
}
