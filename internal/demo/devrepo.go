package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/server"
	"github.com/cyan-cd/cyan/internal/source/gitserver"
)

const (
	repository = "request-counter"
	branch     = "main"
	// overlay is the part of the repository that the Application deploys.
	overlay = "k8s/kustomize/overlays/local"
	// versionFile is what a change of the example changes.
	versionFile = "cmd/app/version.go"
)

// devRepo is where the example is developed: a repository on a git server of our own, and a developer's clone of it.
type devRepo struct {
	// url is where the repository is served, clone is the developer's folder.
	url, clone string
	listener   net.Listener
	handler    http.Handler
	pushes     chan push
}

// push is a push to the repository's main branch.
type push struct {
	commit string
	at     time.Time
}

// openDevRepo serves the repository at the address of the last time, if it is free. onPush is called after each push to
// the main branch.
func openDevRepo(ctx context.Context, dir string, onPush func()) (*devRepo, error) {
	r := &devRepo{clone: filepath.Join(dir, repository), pushes: make(chan push, 100)}
	git, err := gitserver.New(filepath.Join(dir, "git"), gitserver.Options{OnPush: func(p gitserver.Push) {
		commit := p.Refs["refs/heads/"+branch]
		if commit == "" {
			return
		}
		onPush()
		select {
		case r.pushes <- push{commit, time.Now()}:
		default: // A hundred wait already, and the newest of them is what counts.
		}
	}})
	if err != nil {
		return nil, err
	}
	r.handler = git
	if _, err := git.Create(repository); err != nil {
		return nil, err
	}
	if r.listener, err = listenAtSavedAddress(ctx, filepath.Join(dir, "git-address")); err != nil {
		return nil, err
	}
	r.url = "http://" + r.listener.Addr().String() + "/" + repository + ".git"
	return r, nil
}

// listenAtSavedAddress takes the address that a file remembers, or a free one, which it then remembers.
func listenAtSavedAddress(ctx context.Context, file string) (net.Listener, error) {
	var config net.ListenConfig
	if address, err := os.ReadFile(file); err == nil {
		if l, err := config.Listen(ctx, "tcp", string(address)); err == nil {
			return l, nil
		}
	}
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening on 127.0.0.1: %w", err)
	}
	if err := os.WriteFile(file, []byte(l.Addr().String()), 0o600); err != nil {
		return nil, fmt.Errorf("remembering the git server's address: %w", err)
	}
	return l, nil
}

func (r *devRepo) serve(ctx context.Context) error {
	return server.Serve(ctx, r.listener, r.handler, slog.New(slog.DiscardHandler))
}

// createClone makes the clone: the example as it stands, on the first time; else what is there, with what Cyan
// committed meanwhile.
func (r *devRepo) createClone(ctx context.Context, example string, edit func(dir string) error) error {
	if _, err := os.Stat(filepath.Join(r.clone, ".git")); err == nil {
		if _, err := r.git(ctx, "remote", "set-url", "origin", r.url); err != nil {
			return err
		}
		return r.pull(ctx)
	}
	if err := os.RemoveAll(r.clone); err != nil {
		return fmt.Errorf("making the clone: %w", err)
	}
	if err := os.CopyFS(r.clone, os.DirFS(example)); err != nil {
		return fmt.Errorf("copying the example: %w", err)
	}
	if edit != nil {
		if err := edit(r.clone); err != nil {
			return err
		}
	}
	for _, args := range [][]string{
		{"init", "--quiet", "--initial-branch=" + branch},
		{"config", "user.name", "You"}, {"config", "user.email", "you@example.com"},
		{"remote", "add", "origin", r.url}, {"add", "--all"}, {"commit", "--quiet", "--message", "Count requests"},
		{"push", "--quiet", "--force", "--set-upstream", "origin", branch},
	} {
		if _, err := r.git(ctx, args...); err != nil {
			return errors.Join(err, os.RemoveAll(filepath.Join(r.clone, ".git")))
		}
	}
	return nil
}

func (r *devRepo) pull(ctx context.Context) error {
	_, err := r.git(ctx, "pull", "--quiet", "--rebase", "--autostash", "origin", branch)
	return err
}

// discardPushes forgets the pushes that nobody has waited for.
func (r *devRepo) discardPushes() {
	for {
		select {
		case <-r.pushes:
		default:
			return
		}
	}
}

// awaitPush waits until what the clone pushed has arrived; pushes before it are Cyan's own, of the round before.
func (r *devRepo) awaitPush(ctx context.Context) (push, error) {
	commit, err := r.head(ctx)
	if err != nil {
		return push{}, err
	}
	for {
		select {
		case p := <-r.pushes:
			if p.commit == commit {
				return p, nil
			}
		case <-ctx.Done():
			return push{}, context.Cause(ctx)
		}
	}
}

var versionLine = regexp.MustCompile(`(const version = "v)(\d+)(")`)

// pushNextVersion commits the next version and pushes it. It returns the version, and when the push began.
func (r *devRepo) pushNextVersion(ctx context.Context) (version string, at time.Time, err error) {
	if err := r.pull(ctx); err != nil {
		return "", at, err
	}
	file := filepath.Join(r.clone, filepath.FromSlash(versionFile))
	code, err := os.ReadFile(file)
	if err != nil {
		return "", at, fmt.Errorf("changing the example: %w", err)
	}
	m := versionLine.FindSubmatch(code)
	if m == nil {
		return "", at, fmt.Errorf(`changing the example: %s has no line const version = "v1": put it back, or remove %s to begin anew`, file, r.clone)
	}
	n, err := strconv.Atoi(string(m[2]))
	if err != nil {
		return "", at, fmt.Errorf("changing the example: %s: %w", file, err)
	}
	version = "v" + strconv.Itoa(n+1)
	code = versionLine.ReplaceAll(code, []byte("${1}"+strconv.Itoa(n+1)+"${3}"))
	if err := os.WriteFile(file, code, 0o600); err != nil {
		return "", at, fmt.Errorf("changing the example: %w", err)
	}
	if _, err := r.git(ctx, "commit", "--quiet", "--message", "Report "+version, "--", versionFile); err != nil {
		return "", at, err
	}
	at = time.Now()
	_, err = r.git(ctx, "push", "--quiet", "origin", branch)
	return version, at, err
}

// versionOf returns the version that a commit of the clone reports, or "" when it is unknown.
func (r *devRepo) versionOf(ctx context.Context, commit string) string {
	if _, err := r.git(ctx, "fetch", "--quiet", "origin", branch); err != nil {
		return ""
	}
	code, err := r.git(ctx, "show", commit+":"+versionFile)
	if m := versionLine.FindStringSubmatch(code); err == nil && m != nil {
		return "v" + m[2]
	}
	return ""
}

// git runs in the clone, with nothing of the user's own configuration.
func (r *devRepo) git(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = r.clone
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C")
	var out, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problem
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("git %s in %s: %w: %s", args[0], r.clone, err, bytes.TrimSpace(problem.Bytes()))
	}
	return strings.TrimSpace(out.String()), nil
}

// hasDigests reports whether the overlay, as the clone has it, names both images by digest.
func (r *devRepo) hasDigests() bool {
	data, err := os.ReadFile(filepath.Join(r.clone, filepath.FromSlash(overlay), "kustomization.yml"))
	return err == nil && strings.Count(string(data), "digest: sha256:") >= len(programs)
}

// head returns the commit that the clone is on.
func (r *devRepo) head(ctx context.Context) (string, error) { return r.git(ctx, "rev-parse", "HEAD") }

// sendWebhook sends Cyan the webhook of a push, as Gitea would.
func sendWebhook(ctx context.Context, webhook, repositoryURL string) error {
	body, err := json.Marshal(map[string]any{"repository": map[string]string{"clone_url": repositoryURL}})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, webhook, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("X-Gitea-Event", "push")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("sending the webhook: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusAccepted {
		return fmt.Errorf("sending the webhook: %s", response.Status)
	}
	return nil
}

// findCompiler checks that what is pushed can be built, before anything is started for it.
func findCompiler() error {
	if _, err := exec.LookPath("go"); err != nil {
		return &problem.Error{
			Kind: problem.Refused, Object: "program go", Cause: "not found on the PATH", Remedy: "install Go 1.26.8 or later: the demo compiles what is pushed", Err: err,
		}
	}
	return nil
}

// findExample checks that a folder holds the example.
func findExample(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(versionFile))); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the example is not in %s: run the demo from Cyan's checkout, or name its folder examples/request-counter with --example", dir)
	} else if err != nil {
		return fmt.Errorf("looking for the example: %w", err)
	}
	return nil
}
