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

// repository is what the Applications follow: a bare repository behind a git server, and a clone to commit in.
type repository struct {
	url, clone string
	server     *http.Server
}

// headerTimeout is the time that a client of the git server has for its headers.
const headerTimeout = 10 * time.Second

// serveRepository serves an empty repository below dir.
func serveRepository(ctx context.Context, dir string) (*repository, error) {
	git, err := gitserver.New(filepath.Join(dir, "served"), gitserver.Options{})
	if err != nil {
		return nil, err
	}
	if _, err := git.Create("apps"); err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &repository{
		url: "http://" + listener.Addr().String() + "/apps.git", clone: filepath.Join(dir, "clone"),
		server: &http.Server{Handler: git, ReadHeaderTimeout: headerTimeout},
	}
	go func() { _ = r.server.Serve(listener) }()
	if err := runGit(ctx, "", "init", "--quiet", "--initial-branch=main", "--template=", "--", r.clone); err != nil {
		return nil, err
	}
	return r, runGit(ctx, r.clone, "remote", "add", "origin", r.url)
}

func (r *repository) close() { _ = r.server.Close() }

// commit writes files, commits and pushes them.
func (r *repository) commit(ctx context.Context, subject string, files map[string]string) error {
	for name, content := range files {
		path := filepath.Join(r.clone, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
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
