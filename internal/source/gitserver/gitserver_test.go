package gitserver_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/source/gitserver"
	"github.com/cyan-cd/cyan/internal/testkit"
)

func TestPushIsToldOnceWithWhatChanged(t *testing.T) {
	pushes := make(chan gitserver.Push, 10)
	repo := testkit.GitRepoWith(t, gitserver.Options{OnPush: func(p gitserver.Push) { pushes <- p }})
	first := repo.Commit(map[string]string{"a": "1"})
	if p := <-pushes; p.Repository != "app" || len(p.Refs) != 1 || p.Refs["refs/heads/main"] != first {
		t.Errorf("%+v", p)
	}
	// More than git sends at once, so the request has no length.
	second := repo.Commit(map[string]string{"large": noise(3 << 20)})
	if p := <-pushes; len(p.Refs) != 1 || p.Refs["refs/heads/main"] != second {
		t.Errorf("%+v", p)
	}
	repo.Push("HEAD:refs/heads/other", "HEAD~1:refs/tags/old")
	if p := <-pushes; len(p.Refs) != 2 || p.Refs["refs/heads/other"] != second || p.Refs["refs/tags/old"] != first {
		t.Errorf("%+v", p)
	}
	repo.Push(":refs/heads/other")
	if p := <-pushes; len(p.Refs) != 1 || p.Refs["refs/heads/other"] != "" {
		t.Errorf("%+v", p)
	}
	repo.Push("HEAD")
	select {
	case p := <-pushes:
		t.Errorf("a push that changed nothing was told: %+v", p)
	default:
	}
}

// noise cannot be compressed.
func noise(n int) string {
	b := make([]byte, n)
	x := uint32(2463534242)
	for i := range b {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b[i] = byte(x)
	}
	return string(b)
}

func TestDoors(t *testing.T) {
	guarded := testkit.GitRepoWith(t, gitserver.Options{Users: map[string]string{"ada": "pw"}})
	public := testkit.GitRepoWith(t, gitserver.Options{Users: map[string]string{"ada": "pw"}, PublicRead: true})
	open := testkit.GitRepo(t)
	const read, write = "/info/refs?service=git-upload-pack", "/info/refs?service=git-receive-pack"
	for _, c := range []struct {
		name, url, user, password string
		want                      int
	}{
		{"no password", guarded.URL + read, "", "", 401},
		{"wrong password", guarded.URL + read, "ada", "no", 401},
		{"unknown user", guarded.URL + read, "eve", "", 401},
		{"right password", guarded.URL + write, "ada", "pw", 200},
		{"reading what is public", public.URL + read, "", "", 200},
		{"pushing to what is public", public.URL + write, "", "", 401},
		{"open", open.URL + write, "", "", 200},
		{"dumb protocol", open.URL + "/info/refs", "", "", 403},
		{"a file", open.URL + "/config", "", "", 404},
		{"out of the folder", open.Server.URL + "/../../etc" + read, "", "", 404},
		{"encoded dots", open.Server.URL + "/%2e%2e/app.git" + read, "", "", 404},
		{"another repository", open.Server.URL + "/absent.git" + read, "", "", 404},
		{"a dash", open.Server.URL + "/-x.git" + read, "", "", 404},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.user != "" {
			req.SetBasicAuth(c.user, c.password)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%s: %d %s, want %d", c.name, resp.StatusCode, body, c.want)
		}
		if c.want == 401 && !strings.HasPrefix(resp.Header.Get("WWW-Authenticate"), "Basic ") {
			t.Errorf("%s: git asks for a password only when told to: %v", c.name, resp.Header)
		}
	}
}

func TestCreate(t *testing.T) {
	s, err := gitserver.New(t.TempDir(), gitserver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	one, err := s.Create("team/app.git")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := s.Create("team/app"); again != one || err != nil {
		t.Error(again, err)
	}
	for _, name := range []string{"", "../x", "-x", "a//b", "/a", "a/../b", ".hidden", "a b"} {
		if got, err := s.Create(name); err == nil {
			t.Errorf("%q was created at %s", name, got)
		}
	}
}
