package repository_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/repository"
)

func parse(t *testing.T, raw string) repository.URL {
	t.Helper()
	u, err := repository.Parse(raw)
	if err != nil {
		t.Fatalf("Parse(%q): %v", raw, err)
	}
	return u
}

// spellings are texts that name one place, and what it is called.
var spellings = map[string][]string{
	"http://h/team/x": {
		"http://h/team/x", "HTTP://h/team/x", "http://H/team/x", "http://h:80/team/x", "http://h:080/team/x", "http://h:/team/x", "http://h./team/x", "http://u@h/team/x", "http://u:p@h/team/x",
		"http://h/team/x/", "http://h/team/x.git", "http://h/team/x.git/", "http://h/team/x/.git", "http://h/team/x.git.git", "http://h/team/x.GIT", "http://h//team//x", "http://h/./team/x", "http://h/other/../team/x",
		"http://h/%74eam/x", "http://h/other/%2e%2e/team/x", "http://h/other/%2E./team/x", "http://h/team%2fx", "http://h/../team/x", " http://h/team/x\n",
	},
	"https://h/x":                {"https://h/x", "https://h:443/x", "HTTPS://H/x.git"},
	"https://h:80/x":             {"https://h:80/x", "https://h:0080/x"},
	"ssh://git@h/org/repo":       {"git@h:org/repo", "git@h:org/repo.git", "git@H:/org/repo", "ssh://git@h/org/repo", "ssh://git@h:22/org/repo.git", "SSH://git@h//org/repo/", "git@h:org/./x/../repo"},
	"ssh://h/x":                  {"ssh://h/x"},
	"ssh://host/x":               {"ssh://host/x", "host.:x"},
	"ssh://git@[::1]/x":          {"git@[::1]:x", "ssh://git@[::1]/x", "ssh://git@[0:0::1]:22/x"},
	"http://127.0.0.1/x":         {"http://127.0.0.1/x", "http://127.0.0.1:80/x", "http://[::ffff:127.0.0.1]/x", "http://[::FFFF:7f00:1]/x"},
	"https://github.com/org/x":   {"https://github.com/Org/X.git", "https://GitHub.com/org/x"},
	"git://h/x":                  {"git://h/x", "git://h:9418/x.git"},
	"file:///srv/x":              {"/srv/x", "file:///srv/x", "/srv/./y/../x/", "FILE:///srv//x", "file:///srv/%78"},
	"file:///srv/x.git":          {"/srv/x.git"},
	"http://h/a%20b":             {"http://h/a%20b", "http://h/a b"},
	"https://h/x/_git/y":         {"https://org@h/x/_git/y"},
	"https://h:8443":             {"https://h:8443", "https://h:8443/", "https://h:8443/a/.."},
	"ssh://git@h/~bob/x":         {"git@h:~bob/x", "ssh://git@h/~bob/x.git"},
	"https://gitlab.com/a/tree/": nil,
}

func TestOnePlaceHasOneString(t *testing.T) {
	for want, all := range spellings {
		for _, raw := range all {
			u := parse(t, raw)
			if u.String() != want {
				t.Errorf("%q: got %q, want %q", raw, u, want)
			}
			if again := parse(t, u.Remote()); again.String() != want {
				t.Errorf("%q: git gets %q, which is %q, want %q", raw, u.Remote(), again, want)
			}
			if !repository.Same(raw, all[0]) {
				t.Errorf("%q and %q: not the same", raw, all[0])
			}
		}
	}
}

func TestOtherPlacesHaveOtherStrings(t *testing.T) {
	places := []string{
		"http://h/x", "https://h/x", "http://h:8080/x", "http://h/X", "http://h/x/y", "http://g/x", "ssh://h/x", "ssh://git@h/x", "git://h/x", "/srv/x", "/srv/x.git", "http://h/x%3fy", "http://h/xgit",
	}
	seen := map[string]string{}
	for _, raw := range places {
		u := parse(t, raw)
		if other, ok := seen[u.String()]; ok {
			t.Errorf("%q and %q: both are %q", raw, other, u)
		}
		seen[u.String()] = raw
	}
	if repository.Same("http://h/x", "http://h/y") || !repository.Same("no url", " no url") || repository.Same("no url", "http://h/x") {
		t.Error("Same: texts that are no URLs are the same only as they are written")
	}
	// A path in the home directory is not kept with one from the root: on a plain host they are two.
	for raw, want := range map[string]string{"git@h:x.git": "ssh://git@h/x in the home directory", "git@h:/x": "ssh://git@h/x", "ssh://git@h/x.git": "ssh://git@h/x"} {
		if got := parse(t, raw).Identity(); got != want {
			t.Errorf("%q: identity: got %q, want %q", raw, got, want)
		}
	}
	if repository.Same("no url", "http://h/x") || repository.Same("http://h/x", "no url") {
		t.Error("Same: a URL and what is none are the same")
	}
}

func TestWhatGitIsGiven(t *testing.T) {
	for raw, want := range map[string]string{
		"http://u:p@H:80/a/../team/x.git/": "http://h/team/x.git",
		"http://h/x":                       "http://h/x",
		"http://h/x/.git":                  "http://h/x/.git",
		"git@h:org/x.git":                  "git@h:org/x.git",
		"git@h:/org/x":                     "ssh://git@h/org/x",
		"h.example:x":                      "h.example:x",
		"ssh://git@h:2222/x.git":           "ssh://git@h:2222/x.git",
		"file:///srv/x.git":                "/srv/x.git",
		"https://github.com/Org/X.git":     "https://github.com/Org/X.git",
		"http://h/a%20b":                   "http://h/a%20b",
	} {
		if got := parse(t, raw).Remote(); got != want {
			t.Errorf("%q: got %q, want %q", raw, got, want)
		}
	}
}

// What does not name one place for certain, or would make git or ssh run something, is refused.
func TestRefused(t *testing.T) {
	for _, c := range []struct{ rule, raw, want string }{
		{"empty", "", "URL is empty"},
		{"an option", "--upload-pack=touch /tmp/x", "begins with a dash"},
		{"an option of ssh as user", "-oProxyCommand=x@host:path", "begins with a dash"},
		{"an option of ssh as host", "ssh://-oProxyCommand=touch/x", "dash"},
		{"an option of ssh as user in a URL", "ssh://-x@host/x", "user begins with a dash"},
		{"an option of ssh as path", "host:-path", "path begins with a dash"},
		{"an option of ssh as path behind a slash", "ssh://h//-path", "path begins with a dash"},
		{"an option of ssh as path behind dots", "ssh://h/a/../-path", "path begins with a dash"},
		{"a transport helper", "ext::sh -c id", "transport helper"},
		{"a helper before a URL", "transport::http://x", "transport helper"},
		{"a line break", "http://h/x\ny", "control characters"},
		{"an encoded line break", "http://h/x%0ay", "control characters"},
		{"bytes that are no text", "http://h/x%ff", "not UTF-8"},
		{"another transport", "ftp://h/x", `transport "ftp" is not allowed`},
		{"ssh by another name", "git+ssh://h/x", "is not allowed"},
		{"a registry", "oci://h/x", "OCI registries are not served"},
		{"a file on another machine", "file://h/x", "another machine"},
		{"no host", "http:///x", "host is missing"},
		{"a relative path", "relative/path", "neither a URL nor user@host:path"},
		{"a drive", "c:path", "a drive"},
		{"a password for ssh", "ssh://u:secret@h/x", "never used"},
		{"a query", "http://h/x?ref=main", "query or fragment"},
		{"an empty query", "http://h/x?", "query or fragment"},
		{"a fragment", "http://h/x#main", "query or fragment"},
		{"an empty fragment", "http://h/x#", "query or fragment"},
		{"dots that are encoded twice", "http://h/a/%252e%252e/b", "encoded twice"},
		{"a backslash", `http://h/a\..\b`, `\`},
		{"an encoded backslash", "http://h/a%5cb", `\`},
		{"dots with parameters", "http://h/team-a/..;/team-b/x", "parameters"},
		{"an address as one number", "http://2130706433/x", "looks like an address"},
		{"an address in hexadecimal", "http://0x7f.0.0.1/x", "looks like an address"},
		{"an address that is cut short", "http://127.1/x", "looks like an address"},
		{"an address in octal", "http://0177.0.0.1/x", "looks like an address"},
		{"an address with a zone", "http://[fe80::1%25eth0]/x", "is invalid"},
		{"letters that look like others", "http://h\u2024example/x", "is invalid"},
		{"an empty part of a host", "http://a..b/x", "is invalid"},
		{"a wildcard as host", "http://*.example/x", "is invalid"},
		{"port 0", "http://h:0/x", `port "0" is invalid`},
		{"a port beyond all", "http://h:65536/x", `port "65536" is invalid`},
		{"a user of ssh with a slash", "ssh://a%2fb@h/x", "user is invalid"},
		{"a user of ssh with a space", "a;b@h:x", "user is invalid"},
		{"half an encoding", "http://h/%2", "URL is invalid"},
		{"a transport helper behind a dot", "https.:./:0", "begins with a colon"},
		{"a space at the end", "http://h/x%20", "ends with a space"},
		{"too long", "http://h/" + strings.Repeat("x", 2040), "longer than"},
	} {
		_, err := repository.Parse(c.raw)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: Parse(%q): got %v, want %q", c.rule, c.raw, err, c.want)
		}
		if p := problem.Of(err); p == nil || p.Kind != problem.Usage || p.Remedy == "" || !strings.HasPrefix(p.Object, "repository") {
			t.Errorf("%s: got %#v, want a problem of use with a remedy", c.rule, p)
		}
	}
	parse(t, "http://h/"+strings.Repeat("x", 2039)) // 2048 bytes
	if _, err := repository.Parse("ssh://u:secret@h/x"); strings.Contains(err.Error(), "secret") {
		t.Error("a password is shown:", err)
	}
	if _, err := repository.Parse("http://u:secret@%zz/x"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Error("a password is shown:", err)
	}
}

func TestAPageIsToldFromARepository(t *testing.T) {
	for raw, want := range map[string]string{
		"https://github.com/a/b/tree/main/k8s/x":      "give the repository https://github.com/a/b and the revision main, with the path k8s/x",
		"https://github.com/a/b/blob/v1":              "give the repository https://github.com/a/b and the revision v1",
		"https://gitlab.com/g/s/b/-/tree/main/k8s":    "give the repository https://gitlab.com/g/s/b and the revision main, with the path k8s",
		"https://gitlab.com/g/b/tree/main/k8s":        "",
		"https://github.com/a/tree":                   "",
		"https://github.com/tree/main":                "",
		"https://gitlab.com/g/tree/b":                 "",
		"https://git.example/a/b/tree/main/k8s":       "",
		"https://github.com/a/b/tree":                 "",
		"https://gitlab.com/g/s/b/-/issues/tree/main": "",
	} {
		_, err := repository.Parse(raw)
		got := ""
		if p := problem.Of(err); p != nil {
			got = p.Remedy
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", raw, got, want)
		}
	}
}

// Credentials that are given for a prefix open what is below it, and nothing that is only spelt alike.
func TestWithin(t *testing.T) {
	for _, c := range []struct {
		prefix, url string
		want        bool
	}{
		{"https://h", "https://h/org/x", true},
		{"https://h/org", "https://h/org/x", true},
		{"https://h/org/", "https://h/org/x", true},
		{"https://h/org", "https://h/org", true},
		{"https://h/org", "https://h/organ/x", false},
		{"https://h/org/x", "https://h/org/x.git", true},
		{"https://h/org/x", "https://h/org/x-private", false},
		{"https://h/org", "https://h/org/../other/x", false},
		{"https://h/org", "http://h/org/x", false},
		{"https://h/org", "https://h:444/org/x", false},
		{"https://h/org", "https://h.evil/org/x", false},
		{"https://h/Org", "https://h/org/x", false},
		{"https://github.com/Org", "https://github.com/org/x", true},
		{"git@h:org", "git@h:org/x", true},
		{"git@h:org", "ssh://git@h/org/x", true},
		{"ssh://h/org", "git@h:org/x", true},
		{"ssh://git@h/org", "ssh://other@h/org/x", false},
	} {
		if got := parse(t, c.url).Within(parse(t, c.prefix)); got != c.want {
			t.Errorf("%s within %s: got %v, want %v", c.url, c.prefix, got, c.want)
		}
	}
}

func TestSamePlace(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"https://h/org/x.git", "git@h:org/x", true},
		{"https://h:8443/org/x", "ssh://git@h:7999/org/X", true},
		{"https://h/org/x", "https://g/org/x", false},
		{"https://h/org/x", "https://h/org/y", false},
	} {
		if got := parse(t, c.a).SamePlace(parse(t, c.b)); got != c.want {
			t.Errorf("%s and %s: got %v, want %v", c.a, c.b, got, c.want)
		}
	}
}

func TestPartsOfAURL(t *testing.T) {
	u := parse(t, "https://Ada:secret@H:8443/a/b.git")
	got := []string{u.Scheme(), u.User(), u.Host(), u.Origin(), u.Port(), u.Path(), repository.Password("https://ada:secret@h/x"), parse(t, "git@h:x").Port()}
	if want := []string{"https", "Ada", "h", "https://h:8443", "8443", "/a/b", "secret", "22"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := (repository.URL{}).String(); got != "" {
		t.Errorf("no URL: got %q", got)
	}
	if repository.Password("https://ada@h/x") != "" || repository.Password("git@h:x") != "" || repository.Password("http://%zz") != "" {
		t.Error("a password was found where there is none")
	}
}

// A URL that is shown has nothing in it that opens the repository, however it was written and whether or not it is one.
func TestShown(t *testing.T) {
	for raw, want := range map[string]string{
		"https://ada:s3cret@h/x":           "https://h/x",
		"https://s3cret@h/x":               "https://h/x",
		" https://ada:s3/cret@h/x ":        "https://h/x",
		"https://ada:s3?cret@h/x":          "https://h/x",
		"https://ada:s3#cret@h:8443/x":     "https://h:8443/x",
		"https://h/x?private_token=s3cret": "https://h/x?…",
		"https://h/x?token=s3cret@b":       "https://h/x?…",
		"ssh://git:s3cret@h/x":             "ssh://git@h/x",
		"git:s3cret@h:x":                   "git@h:x",
		"git@h:org/x":                      "git@h:org/x",
		"https://h:8443/x@y":               "https://h:8443/x@y",
		"https://[::1]:8443/x@y":           "https://[::1]:8443/x@y",
		"/srv/git/x":                       "/srv/git/x",
		"":                                 "",
	} {
		if got := repository.Shown(raw); got != want {
			t.Errorf("%q: got %q, want %q", raw, got, want)
		}
		if _, err := repository.Parse(raw); err != nil && strings.Contains(err.Error(), "cret") {
			t.Errorf("%q: the error has it: %v", raw, err)
		}
	}
}

// Whatever is typed: what is a URL has one string, which is a URL of the same place; git gets that place; no part of
// the path leads upwards; and what is denied is denied in every spelling.
func FuzzParse(f *testing.F) {
	for _, all := range spellings {
		for _, raw := range all {
			f.Add(raw)
		}
	}
	f.Add("http://h/%2e%2e;/x")
	f.Add("http://h/a%2f..%2f.git/.git")
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := repository.Parse(raw)
		if err != nil || len(raw) > 600 {
			return // encoding makes it up to three times as long
		}
		again, err := repository.Parse(u.String())
		if err != nil || again.String() != u.String() {
			t.Fatalf("%q is %q, which is %q, %v", raw, u, again, err)
		}
		remote, err := repository.Parse(u.Remote())
		if err != nil || remote.String() != u.String() {
			t.Fatalf("%q is %q, and git gets %q, which is %q, %v", raw, u, u.Remote(), remote, err)
		}
		if strings.HasPrefix(u.Remote(), "-") || slices.Contains(strings.Split(u.Path(), "/"), "..") {
			t.Fatalf("%q: git gets %q", raw, u.Remote())
		}
		if strings.ContainsAny(u.String(), "*?[]{}\\!") || strings.ContainsAny(u.Path(), "*?[]{}\\!") {
			return
		}
		if err := repository.Permitted([]string{"*", "!" + u.String()}, u); err == nil {
			t.Fatalf("%q is not denied by its own name %q", raw, u)
		}
		if err := repository.Permitted([]string{u.String()}, u); err != nil {
			t.Fatalf("%q is not permitted by its own name: %v", raw, err)
		}
	})
}
