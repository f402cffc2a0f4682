package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/cyan-cd/cyan/internal/source/gitserver"
)

// gitHost serves repositories from below a folder.
type gitHost struct {
	dir, address string
	git          *gitserver.Server
	server       *http.Server
}

// repository is what Applications follow: a bare repository of the host, and a clone to commit in.
type repository struct{ url, clone string }

// headerTimeout is the time that a client of the git server has for its headers.
const headerTimeout = 10 * time.Second

// serveGit serves repositories below dir, and those of others by their own handler.
func serveGit(ctx context.Context, dir string, others http.Handler) (*gitHost, error) {
	git, err := gitserver.New(filepath.Join(dir, "served"), gitserver.Options{})
	if err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", git)
	mux.Handle(endlessPath, others)
	h := &gitHost{dir: dir, address: "http://" + listener.Addr().String(), git: git, server: &http.Server{Handler: mux, ReadHeaderTimeout: headerTimeout}}
	go func() { _ = h.server.Serve(listener) }()
	return h, nil
}

func (h *gitHost) close() { _ = h.server.Close() }

// create makes a repository with some files.
func (h *gitHost) create(ctx context.Context, name string, files map[string]string) (*repository, error) {
	if _, err := h.git.Create(name); err != nil {
		return nil, err
	}
	r := &repository{url: h.address + "/" + name + ".git", clone: filepath.Join(h.dir, "clones", name)}
	if err := runGit(ctx, "", "init", "--quiet", "--initial-branch=main", "--template=", "--", r.clone); err != nil {
		return nil, err
	}
	if err := runGit(ctx, r.clone, "remote", "add", "origin", r.url); err != nil {
		return nil, err
	}
	return r, r.commit(ctx, "Manifests", files)
}

// commit writes files, commits and pushes them.
func (r *repository) commit(ctx context.Context, subject string, files map[string]string) error {
	for name, content := range files {
		path := filepath.Join(r.clone, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := writeFile(path, content); err != nil {
			return err
		}
	}
	for _, args := range [][]string{{"add", "--all"}, {"commit", "--quiet", "--message", subject}, {"push", "--quiet", "origin", "HEAD"}} {
		if err := runGit(ctx, r.clone, args...); err != nil {
			return err
		}
	}
	return nil
}

// linkTo is the content of a file that stands for a symbolic link.
const linkTo = "link: "

func writeFile(path, content string) error {
	if to, ok := strings.CutPrefix(content, linkTo); ok {
		return os.Symlink(to, path)
	}
	return os.WriteFile(path, []byte(content), 0o600)
}

func runGit(ctx context.Context, dir string, args ...string) error {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull,
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("git %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

// appName is the name of the i-th Application.
func appName(i int) string { return fmt.Sprintf("app-%04d", i) }

// settingsName is the name of the ConfigMap of the i-th Application.
func settingsName(i int) string { return appName(i) + "-settings" }

// settingsFile is the file that the i-th Application alone reads.
func settingsFile(i int) string { return "apps/" + appName(i) + "/settings.yaml" }

// settings is the content of settingsFile.
func settings(value string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  own: " + value + "\n"
}

// baseSettings is the content of base/settings.yaml, which all Applications read.
func baseSettings(value string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  shared: " + value + "\n"
}

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 0
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: web
        image: registry.example/web:v1
        ports:
        - containerPort: 8080
        resources:
          requests: {cpu: 10m, memory: 16Mi}
`

// applicationFiles are the manifests of n Applications.
func applicationFiles(n int) map[string]string {
	files := map[string]string{
		"base/kustomization.yaml": "resources:\n- web.yaml\n- settings.yaml\n",
		"base/web.yaml":           deployment,
		"base/settings.yaml":      baseSettings("first"),
	}
	for i := range n {
		files["apps/"+appName(i)+"/kustomization.yaml"] = "namePrefix: " + appName(i) + "-\nresources:\n- ../../base\npatches:\n- path: settings.yaml\n"
		files[settingsFile(i)] = settings("first")
	}
	return files
}
