package repository_test

import (
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/repository"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		rule, pattern, url string
		want               bool
		wrong              string
	}{
		{"the same", "https://git.example/a", "https://git.example/a", true, ""},
		{"another spelling", "https://git.example/a", "https://Git.Example:443/a.git/", true, ""},
		{"a pattern", " https://git.example/* ", "https://git.example/a", true, ""},
		{"everything", "*", "ssh://git@git.example/a/b", true, ""},
		{"whatever the user", "ssh://git@git.example/a", "ssh://eve@git.example/a", true, ""},
		{"another", "https://git.example/a", "https://git.example/b", false, ""},
		{"an invalid one", "https://git.example/[", "https://git.example/a", false, "["},
		{"an empty one", " ", "https://git.example/a", false, "pattern is empty"},
		{"one that denies", "!*", "https://git.example/a", false, "a leading ! denies"},
	} {
		u, err := repository.Parse(c.url)
		if err != nil {
			t.Fatal(err)
		}
		got, err := repository.Match(c.pattern, u)
		if got != c.want || (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%s: got %v %v, want %v %s", c.rule, got, err, c.want, c.wrong)
		}
	}
}

// Each row is a rule about patterns.
func TestPermitted(t *testing.T) {
	for _, c := range []struct {
		rule     string
		patterns []string
		url      string
		want     string // what the refusal says; "" when it is permitted
	}{
		{"no pattern permits nothing", nil, "http://h/x", "no pattern permits it"},
		{"a star permits everything", []string{"*"}, "http://h/a/b/c", ""},
		{"two stars permit everything", []string{"**"}, "git@h:a/b", ""},
		{"the URL itself", []string{"http://h/x"}, "http://h/x", ""},
		{"another URL", []string{"http://h/x"}, "http://h/y", "no pattern permits it"},
		{"one of several", []string{"http://h/x", "http://h/y"}, "http://h/y", ""},
		{"a star is one part of the path", []string{"http://h/team-a/*"}, "http://h/team-a/x", ""},
		{"a star is no second part", []string{"http://h/team-a/*"}, "http://h/team-a/sub/x", "no pattern"},
		{"two stars are many parts", []string{"http://h/team-a/**"}, "http://h/team-a/sub/x", ""},
		{"a star in a host is no path", []string{"http://*.git.example/*"}, "http://127.0.0.1:18081/foo.git.example/x", "no pattern"},
		{"a star in a host", []string{"http://*.git.example/*"}, "http://a.git.example/x", ""},
		{"dots lead out of a pattern", []string{"http://h/team-a/*"}, "http://h/team-a/../team-b/secret", "no pattern"},
		{"encoded dots do as well", []string{"http://h/team-a/*"}, "http://h/team-a/%2e%2e/team-b/secret", "no pattern"},
		{"encoded slashes do as well", []string{"http://h/team-a/*"}, "http://h/team-a/..%2fteam-b", "no pattern"},
		{"dots lead into a pattern", []string{"http://h/team-a/*"}, "http://h/x/../team-a/y", ""},
		{".git in the pattern", []string{"https://github.com/org/repo.git"}, "https://github.com/org/repo", ""},
		{".git in the URL", []string{"https://github.com/org/repo"}, "https://github.com/org/repo.git", ""},
		{".git behind a star", []string{"https://h/org/*.git"}, "https://h/org/repo", ""},
		{"scp pattern, ssh URL", []string{"git@host:org/repo"}, "ssh://git@host/org/repo", ""},
		{"ssh pattern, scp URL", []string{"ssh://git@host/org/repo"}, "git@host:org/repo.git", ""},
		{"scp pattern with a star", []string{"git@host:org/*"}, "git@host:org/repo.git", ""},
		{"scp pattern with a star, of another", []string{"git@host:org/*"}, "git@host:other/repo", "no pattern"},
		{"a pattern of ssh without a user permits any", []string{"ssh://host/org/*"}, "git@host:org/x", ""},
		{"a pattern of ssh for any user", []string{"ssh://*@host/org/*"}, "git@host:org/x", ""},
		{"a pattern of ssh with a user permits that one", []string{"ssh://git@host/org/*"}, "ssh://eve@host/org/x", "no pattern"},
		{"a URL of ssh with a user permits that one", []string{"git@host:org/x"}, "eve@host:org/x", "no pattern"},
		{"a URL of ssh with a user, in other letters", []string{"Git@host:org/x"}, "git@host:org/x", ""},
		{"a pattern of ssh with a broken user permits nobody", []string{"ssh://{git@host/org/*"}, "git@host:org/x", "no pattern"},
		{"a host with a wildcard in a pattern without a path", []string{"https://*.example"}, "https://a.example/", ""},
		{"a port in a pattern of one host", []string{"https://h:0443/*"}, "https://h/x", ""},
		{"a pattern of ssh with some users", []string{"ssh://git-*@host/org/*"}, "ssh://git-ci@host/org/x", ""},
		{"case of the host", []string{"https://H.example/x"}, "https://h.EXAMPLE/x", ""},
		{"case of the path, as the hosts have it", []string{"https://h/Org/X"}, "https://h/org/x", ""},
		{"case of a pattern", []string{"https://h/Org/*"}, "https://h/org/X", ""},
		{"default port in the pattern", []string{"https://h:443/x"}, "https://h/x", ""},
		{"default port before a star", []string{"https://h:443/*"}, "https://h/x", ""},
		{"default port in a pattern of hosts", []string{"https://*.example:443/*"}, "https://a.example/x", ""},
		{"another port", []string{"https://h/*"}, "https://h:8443/x", "no pattern"},
		{"another transport", []string{"https://h/*"}, "http://h/x", "no pattern"},
		{"a user in a pattern of https", []string{"https://ada@h/*"}, "https://h/x", ""},
		{"a slash at the end", []string{"https://h/x/"}, "https://h/x", ""},
		{"an encoded space", []string{"https://h/a%20b"}, "https://h/a b", ""},
		{"an encoded space before a star", []string{"https://h/a%20b/*"}, "https://h/a%20b/c", ""},
		{"an encoded star is no star", []string{"https://h/%2a/x*"}, "https://h/a/x", "no pattern"},
		{"one of two", []string{"https://h/{a,b}/*"}, "https://h/b/x", ""},
		{"a class of characters", []string{"https://h/team-[ab]/x"}, "https://h/team-b/x", ""},
		{"one character", []string{"https://h/team-?/x"}, "https://h/team-b/x", ""},
		{"an address of version 6", []string{"http://[::1]:8080/*"}, "http://[0:0::1]:8080/x", ""},
		{"an address of version 6 is no class", []string{"http://[::1]/*"}, "http://1/x1", "URL"},
		{"a directory", []string{"/srv/git/*"}, "file:///srv/git/x", ""},
		{"a directory in a URL", []string{"file:///srv/git/**"}, "/srv/git/a/b.git", ""},
		{"a root", []string{"https://h"}, "https://h/", ""},
		{"space round it", []string{" https://h/x "}, "https://h/x", ""},
		{"everything, by two stars between others", []string{"**://**"}, "https://registry.example/charts", ""},
		{"what is no URL permits only that", []string{"registry.example/charts"}, "https://registry.example/charts", "no pattern"},
		{"an invalid pattern permits nothing", []string{"https://h/{a"}, "https://h/a", "no pattern"},
		{"a pattern beyond all length", []string{"https://h/" + strings.Repeat("*", 3000)}, "https://h/a", "no pattern"},

		{"denied", []string{"*", "!http://h/evil/x"}, "http://h/evil/x", `denied by the pattern "!http://h/evil/x"`},
		{"denied before it is permitted", []string{"!http://h/evil/x", "*"}, "http://h/evil/x", "denied by"},
		{"not denied", []string{"*", "!http://h/evil/x"}, "http://h/good/x", ""},
		{"denied, by another case of the scheme", []string{"*", "!http://h/evil/x"}, "HTTP://h/evil/x", "denied by"},
		{"denied, with a user", []string{"*", "!http://h/evil/x"}, "http://x@h/evil/x", "denied by"},
		{"denied, with a slash", []string{"*", "!http://h/evil/x"}, "http://h/evil/x/", "denied by"},
		{"denied, with .git", []string{"*", "!http://h/evil/x"}, "http://h/evil/x.git", "denied by"},
		{"denied, with the directory .git", []string{"*", "!http://h/evil/x"}, "http://h/evil/x/.git", "denied by"},
		{"denied, with the port", []string{"*", "!https://h/evil/x"}, "https://h:443/evil/x", "denied by"},
		{"denied, by another case of the path", []string{"*", "!http://h/evil/x"}, "http://h/EVIL/x", "denied by"},
		{"denied, with a dot after the host", []string{"*", "!http://h/evil/x"}, "http://h./evil/x", "denied by"},
		{"denied, with an address spelt otherwise", []string{"*", "!http://127.0.0.1/*"}, "http://[::ffff:127.0.0.1]/x", "denied by"},
		{"denied, as another user", []string{"*", "!ssh://git@h/evil/*"}, "eve@h:evil/x", "denied by"},
		{"denied, without a user", []string{"*", "!git@h:evil/*"}, "ssh://h/evil/x", "denied by"},
		{"denied, by a pattern", []string{"http://h/**", "!http://h/evil/**"}, "http://h/evil/a/b", "denied by"},
		{"denied, all", []string{"http://h/x", "!*"}, "http://h/x", "denied by"},
		{"only denials permit nothing", []string{"!http://h/evil/x"}, "http://h/x", "no pattern"},
		{"an invalid denial denies everything", []string{"*", "!http://h/{evil"}, "http://h/x", "is invalid"},
		{"a denial beyond all length denies everything", []string{"*", "!http://h/" + strings.Repeat("x", 3000)}, "http://h/x", "is invalid"},
	} {
		u, err := repository.Parse(c.url)
		if err == nil {
			err = repository.Permitted(c.patterns, u)
		}
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %q and %s: got %v, want it permitted", c.rule, c.patterns, c.url, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %q and %s: got %v, want %q", c.rule, c.patterns, c.url, err, c.want)
		}
	}
}

func TestARefusalIsAProblem(t *testing.T) {
	err := repository.Permitted([]string{"http://h/y"}, parse(t, "http://u:secret@h/x"))
	if want := "repository http://h/x: no pattern permits it; permit its URL, or a pattern of it"; err == nil || err.Error() != want || problem.KindOf(err) != problem.Refused {
		t.Errorf("got %v of kind %v, want %q", err, problem.KindOf(err), want)
	}
}
