package remote

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// existing is a file as another program has written it.
const existing = `contexts:
- name: cd.example
  server: cd.example
  user: cd.example
- name: core
  server: kubernetes
  user: core
- name: authority
  server: other.example:8443
  user: authority
current-context: cd.example
prompts-enabled: true
servers:
- grpc-web: true
  grpc-web-root-path: /cd
  insecure: true
  server: cd.example
- core: true
  server: kubernetes
- certificate-authority-data: QUJD
  server: other.example:8443
users:
- auth-token: one
  name: cd.example
  refresh-token: two
- name: core
- auth-token: three
  name: authority
`

func written(t *testing.T, text string) *Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "argocd", "config")
	if text != "" {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return again(t, path)
}

func again(t *testing.T, path string) *Config {
	t.Helper()
	c, err := ReadConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLogInsOfOtherPrograms(t *testing.T) {
	c := written(t, existing)
	for name, want := range map[string]struct {
		server Server
		is     bool
		err    string
	}{
		"":           {Server{Address: "cd.example", Root: "cd", Token: "one", Insecure: true}, true, ""},
		"cd.example": {Server{Address: "cd.example", Root: "cd", Token: "one", Insecure: true}, true, ""},
		"core":       {Server{}, false, ""},
		"authority":  {Server{}, false, "certificate-authority-data: not served; give the certificate's file by --server-crt"},
		"nope":       {Server{}, false, "there are: cd.example, core, authority"},
	} {
		got, is, err := c.Server(name)
		if want.err != "" {
			if err == nil || !strings.Contains(err.Error(), want.err) {
				t.Errorf("%q: %v, want %q", name, err, want.err)
			}
			continue
		}
		if err != nil || is != want.is || got.URL("/api") != want.server.URL("/api") && is || got.Token != want.server.Token || got.Insecure != want.server.Insecure {
			t.Errorf("%q: got %+v %v %v, want %+v %v", name, got, is, err, want.server, want.is)
		}
	}
}

// What is not ours in the file stays, and it is for its owner alone.
func TestWhatIsKeptOfTheFile(t *testing.T) {
	c := written(t, existing)
	c.Login("new.example:443", Server{Address: "new.example:443", Token: "four", Plain: true})
	if err := c.Write(); err != nil {
		t.Fatal(err)
	}
	c = again(t, c.path)
	s, is, err := c.Server("")
	if err != nil || !is || c.Current() != "new.example:443" || s.Token != "four" || !s.Plain || s.Insecure {
		t.Errorf("the new log-in: %+v %v %v", s, is, err)
	}
	text, err := os.ReadFile(c.path)
	if err != nil {
		t.Fatal(err)
	}
	for _, kept := range []string{"prompts-enabled: true", "grpc-web: true", "refresh-token: two", "certificate-authority-data: QUJD", "core: true"} {
		if !strings.Contains(string(text), kept) {
			t.Errorf("lost %q:\n%s", kept, text)
		}
	}
	info, err := os.Stat(c.path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v %v", info.Mode(), err)
	}
	if rest, err := os.ReadDir(filepath.Dir(c.path)); err != nil || len(rest) != 1 {
		t.Errorf("the folder has %v %v, want the file alone", rest, err)
	}
	if err := c.Logout("cd.example"); err != nil {
		t.Fatal(err)
	}
	if s, _, _ := c.Server("cd.example"); s.Token != "" || c.find("users", "name", "cd.example")["refresh-token"] != nil {
		t.Errorf("after logging out: %+v", s)
	}
	if err := c.Delete("new.example:443"); err != nil {
		t.Fatal(err)
	}
	if _, is, err := c.Server(""); is || err != nil || len(c.Contexts()) != 3 || c.find("servers", "server", "new.example:443") != nil || c.find("users", "name", "new.example:443") != nil {
		t.Errorf("after deleting it: %v", c.fields)
	}
	for _, err := range []error{c.Use("nope"), c.Logout("nope"), c.Delete("nope")} {
		if err == nil || !strings.Contains(err.Error(), `context "nope": not found`) {
			t.Errorf("an unknown one: %v", err)
		}
	}
}

func TestAFileThatIsNone(t *testing.T) {
	if c := written(t, ""); c.Current() != "" || len(c.Contexts()) != 0 {
		t.Errorf("a missing one: %v", c.fields)
	}
	for _, text := range []string{"contexts: 1", "contexts: [1, {name: 2}]\nusers: {}\ncurrent-context: [x]", "null", "---\n"} {
		c := written(t, text)
		c.Login("a", Server{Address: "a", Token: "t"})
		if s, is, err := c.Server("a"); err != nil || !is || s.Token != "t" {
			t.Errorf("%q: %+v %v %v", text, s, is, err)
		}
	}
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte("\tx"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadConfig(path); err == nil || !strings.Contains(err.Error(), "--core") {
		t.Errorf("no YAML: %v", err)
	}
}

func TestAddressesOfServers(t *testing.T) {
	for text, want := range map[string]string{
		"cd.example": "https://cd.example/x", "cd.example:8443": "https://cd.example:8443/x", "https://cd.example/": "https://cd.example/x", "https://cd.example/cd/": "https://cd.example/cd/x",
		"http://localhost:8080": "http://localhost:8080/x", "[::1]:8080": "https://[::1]:8080/x",
		"": "", "ftp://cd.example": "", "https://": "", "user@cd.example": "", "cd.example/path": "", "a b": "", "cd.example?x": "",
	} {
		s, err := ParseAddress(text)
		got := s.URL("/x")
		if err != nil {
			got = ""
		}
		if got != want {
			t.Errorf("%q: %q %v, want %q", text, got, err, want)
		}
	}
	for address, want := range map[string]bool{"localhost:1": true, "127.0.0.1": true, "[::1]:1": true, "cd.example": false, "localhost.evil.example": false, "127.0.0.1.evil.example:1": false, "0.0.0.0:1": false} {
		if got := (Server{Address: address}).OnThisMachine(); got != want {
			t.Errorf("%s: on this machine %v, want %v", address, got, want)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, seed := range []string{"cd.example", "https://cd.example/cd", "[::1]:80", "a@b", "http://x?y#z"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseAddress(text)
		if err == nil && (s.Address == "" || strings.ContainsAny(s.Address, "/?#@ ")) {
			t.Errorf("%q: address %q", text, s.Address)
		}
	})
}
