package engines

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// daemon serves Docker's API on a socket, and has one image.
func daemon(t *testing.T, image string) socket {
	t.Helper()
	path := filepath.Join(t.TempDir(), "engine.sock")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, _ := strings.CutPrefix(r.URL.EscapedPath(), "/images/")
		name, get := strings.CutSuffix(name, "/get")
		if unescaped, err := url.PathUnescape(name); err != nil || !get || unescaped != image {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write([]byte("archive of " + image))
	})}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return socket{"Docker", path}
}

// program puts a program into the PATH, and nothing else is there but a shell.
func program(t *testing.T, name, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
}

func TestEachEngine(t *testing.T) {
	write := `while [ $# -gt 0 ]; do case "$1" in *image.tar*) f=${1#docker-archive:}; f=${f%%:*};; esac; all="$all $1"; shift; done; echo "$all" > "$f"`
	for _, test := range []struct{ program, image, args string }{
		{"docker", "team/app:1", "image save --output FILE team/app:1"},
		{"podman", "team/app:1", "image save --format docker-archive --output FILE team/app:1"},
		{"nerdctl", "team/app:1", "image save --output FILE team/app:1"},
		{"ctr", "app", "images export FILE docker.io/library/app:latest"},
		{"ctr --namespace k8s.io", "app", "--namespace k8s.io images export FILE docker.io/library/app:latest"},
		{"ctr", "registry.example/app:2", "images export FILE registry.example/app:2"},
		{"buildah", "team/app:1", "push team/app:1 docker-archive:FILE:team/app:1"},
	} {
		name, of, elsewhere := strings.Cut(test.program, " ")
		script := write
		if elsewhere { // it has the image there alone
			script = `case "$*" in "` + of + `"*) ;; *) exit 1;; esac; ` + write
		}
		program(t, name, script)
		file := filepath.Join(t.TempDir(), "image.tar")
		from, err := save(context.Background(), test.image, file, all(func(string) string { return "" }))
		text, reading := os.ReadFile(file)
		want := strings.ReplaceAll(test.args, "FILE", file)
		if err != nil || reading != nil || from != test.program || strings.TrimSpace(string(text)) != want {
			t.Errorf("%s: got %q by %q, %v; want %q", test.program, text, from, err, want)
		}
	}
}

// TestByItsSocket: the first engine that has the image is taken.
func TestByItsSocket(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	without, with := daemon(t, "other:1"), daemon(t, "team/app:1")
	engines := []engine{{"first", without.save}, {"second", with.save}, {"third", without.save}}
	file := filepath.Join(t.TempDir(), "image.tar")
	from, err := save(context.Background(), "team/app:1", file, engines)
	text, reading := os.ReadFile(file)
	if err != nil || reading != nil || from != "second" || string(text) != "archive of team/app:1" {
		t.Errorf("got %q from %q, %v, %v", text, from, err, reading)
	}
}

// TestWhatWasTried is listed, each with what it came to.
func TestWhatWasTried(t *testing.T) {
	program(t, "podman", `echo "Trying"; echo "Error: team/none:1: image not known" >&2; exit 125`)
	dead := socket{"Docker", filepath.Join(t.TempDir(), "dead.sock")}
	listener, err := net.Listen("unix", dead.path)
	if err != nil {
		t.Fatal(err)
	}
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	_ = listener.Close()
	engines := all(func(name string) string {
		return map[string]string{"DOCKER_HOST": "unix://" + dead.path, "XDG_RUNTIME_DIR": "/nowhere"}[name]
	})
	_, err = save(context.Background(), "team/none:1", filepath.Join(t.TempDir(), "image.tar"), append([]engine{{"here", daemon(t, "x").save}}, engines...))
	if err == nil {
		t.Fatal("it was found")
	}
	for _, want := range []string{
		`image "team/none:1": neither a file nor an image`, "here: does not have it", "Docker at " + dead.path + ": no answer",
		"podman at /nowhere/podman/podman.sock: not there", "docker: not installed", "podman: Error: team/none:1: image not known", "nerdctl: not installed",
		"ctr: not installed", "buildah: not installed", "build or pull it",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %q; want in it %q", err, want)
		}
	}
}

// TestANameIsNoOption: what begins with a dash is never given to a program.
func TestANameIsNoOption(t *testing.T) {
	program(t, "docker", `exit 0`)
	if from, err := save(context.Background(), "--help", filepath.Join(t.TempDir(), "image.tar"), all(func(string) string { return "" })); err == nil {
		t.Errorf("%s took it for a name", from)
	}
}
