package source

import (
	"bufio"
	"bytes"
	"errors"
	"io/fs"
	"strings"
	"testing"
)

// What a host says of its refs is read whole or not at all.
func FuzzRefs(f *testing.F) {
	const sha = "0123456789012345678901234567890123456789"
	f.Add([]byte("ref: refs/heads/main\tHEAD\n" + sha + "\tHEAD\n" + sha + "\trefs/heads/main\n" + sha + "\trefs/tags/v1^{}\n"))
	f.Add([]byte(sha + " refs/heads/main"))
	f.Fuzz(func(t *testing.T, out []byte) {
		r, err := parseRefs(out)
		if err != nil {
			return
		}
		for name, object := range r.tips {
			if name == "" || !objectName.MatchString(object) {
				t.Errorf("%q is %q", name, object)
			}
		}
		if lines := bytes.Count(out, []byte("\n")); len(r.tips) > lines+1 {
			t.Errorf("%d refs in %d lines", len(r.tips), lines)
		}
	})
}

func FuzzCommit(f *testing.F) {
	f.Add([]byte("tree 0123456789012345678901234567890123456789\nauthor A <a@b> 1700000000 +0130\n\nSubject\n\nKey: value\n more\n"))
	f.Add([]byte("tree x\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parseCommit(data)
		if err != nil {
			return
		}
		if !objectName.MatchString(c.Tree) || strings.Contains(c.Subject, "\n") {
			t.Errorf("%+v", c)
		}
		for _, trailer := range c.Trailers {
			if !isTrailerKey(trailer.Key) || strings.Contains(trailer.Value, "\n") {
				t.Errorf("%+v", trailer)
			}
		}
	})
}

// A tree never has a name in it that leads out of it.
func FuzzTree(f *testing.F) {
	f.Add([]byte("100644 a\x0001234567890123456789"))
	f.Add([]byte("40000 ..\x0001234567890123456789"))
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := parseTree(data)
		if err != nil {
			return
		}
		for _, e := range entries {
			if e.name == "." || strings.Contains(e.name, "/") || !fs.ValidPath("x/"+e.name) && strings.ToValidUTF8(e.name, "") == e.name {
				t.Errorf("%q", e.name)
			}
		}
	})
}

func FuzzAnswer(f *testing.F) {
	const sha = "0123456789012345678901234567890123456789"
	f.Add([]byte(sha+" blob 2\nab\n"), true)
	f.Add([]byte(sha+" missing\n"), false)
	f.Fuzz(func(t *testing.T, out []byte, contents bool) {
		const limit = 64
		info, data, err := readAnswer(bufio.NewReader(bytes.NewReader(out)), contents, limit)
		var large *tooLarge
		switch {
		case err == nil && (info.size < 0 || contents && int64(len(data)) != info.size):
			t.Errorf("%+v %q", info, data)
		case errors.As(err, &large) && info.size <= limit:
			t.Errorf("%+v: %v", info, err)
		}
	})
}

// A password is in none of what is shown of a repository.
func FuzzURL(f *testing.F) {
	for _, seed := range []string{"https://ada:pw@Git.Example:443/a/b.git/", "git@github.com:A/B.git", "ssh://git@h:22/a", "file:///a/../b", "/srv/a.git", "https://[::1]:80/x", "ext::sh -c x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		const secret = "s3cr3t"
		if strings.Contains(raw, secret) {
			return
		}
		host := Repository{URL: "https://ada:" + secret + "@git.example/" + strings.TrimLeft(raw, "/")}
		shown := host.String() + host.GoString() + host.Identity()
		if _, _, err := host.split(); err != nil {
			shown += err.Error()
		}
		if strings.Contains(shown, secret) {
			t.Errorf("%q shows it", shown)
		}
	})
}
