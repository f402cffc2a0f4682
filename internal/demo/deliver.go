package demo

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cyan-cd/cyan/internal/deliver"
	"github.com/cyan-cd/cyan/internal/delivery"
	"github.com/cyan-cd/cyan/internal/source"
)

// programs are what the example's images are called by its manifests.
var programs = map[string]string{"app": "app-image", "redis": "redis-image"}

func (s *stage) image(program string) string {
	return programs[program] + "=" + s.ground.registry + "/" + repository + "/" + program
}

// deliveryCommand is what a CI job would call for a program of the example.
func (s *stage) deliveryCommand(program string) []string {
	return []string{"cyan", "delivery", "run", "--repo", ".", "--package", "./cmd/" + program, "--image", s.image(program), "--overlay", overlay, "--push"}
}

// deliver does what that command does, in a checkout of its own as a CI job has one.
func (s *stage) deliver(ctx context.Context, program, commit string) (deliver.Result, error) {
	checkout, err := s.checkout(ctx)
	if err != nil {
		return deliver.Result{}, err
	}
	mirrors, err := source.Open(filepath.Join(s.ground.dir, "delivery-mirrors"), source.Options{OwnConfiguration: true})
	if err != nil {
		return deliver.Result{}, err
	}
	defer mirrors.Close()
	var output bytes.Buffer
	result, err := deliver.Run(ctx, deliver.Options{
		Repo: checkout, Revision: commit, Image: s.image(program), Package: "./cmd/" + program, Overlay: overlay, Branch: branch, Push: true, Mirrors: mirrors,
		Cluster: s.ground.config, Namespace: s.ground.namespace, Output: &output,
	}, func(e deliver.Event) {
		if e.Took == 0 {
			s.now(e.Text)
		}
	})
	if err != nil {
		return result, fmt.Errorf("delivering %s: %w%s", program, err, said(output.String()))
	}
	if result.Verdict != delivery.Commit && result.Verdict != delivery.Nothing {
		return result, fmt.Errorf("delivering %s: %s", program, result.Reason)
	}
	return result, nil
}

func said(output string) string {
	if output = strings.TrimSpace(output); output == "" {
		return ""
	}
	return "\n" + output
}

// checkout is the CI job's clone, brought to a commit.
func (s *stage) checkout(ctx context.Context) (string, error) {
	ci := &workshop{url: s.shop.url, clone: filepath.Join(s.ground.dir, "ci")}
	if _, err := os.Stat(filepath.Join(ci.clone, ".git")); err != nil {
		if err := os.MkdirAll(ci.clone, 0o700); err != nil {
			return "", fmt.Errorf("making the checkout: %w", err)
		}
		if _, err := ci.git(ctx, "init", "--quiet"); err != nil {
			return "", err
		}
		if _, err := ci.git(ctx, "remote", "add", "origin", ci.url); err != nil {
			return "", err
		}
	}
	for _, args := range [][]string{{"remote", "set-url", "origin", ci.url}, {"fetch", "--quiet", "origin", branch}} {
		if _, err := ci.git(ctx, args...); err != nil {
			return "", err
		}
	}
	return ci.clone, nil
}

// isOwn says that a commit is one that Cyan made, which starts nothing.
func (s *stage) isOwn(ctx context.Context, commit string) (bool, error) {
	dir, err := s.checkout(ctx)
	if err != nil {
		return false, err
	}
	checkout, err := source.OpenCheckout(ctx, dir)
	if err != nil {
		return false, err
	}
	c, err := checkout.Commit(ctx, commit)
	if err != nil {
		return false, err
	}
	mark, marked := delivery.ReadMark(c.Trailer)
	if !marked {
		return false, nil
	}
	changed, err := checkout.Changes(ctx, commit)
	if err != nil {
		return false, err
	}
	starts, _ := delivery.Starts(mark, marked, changed)
	return !starts, nil
}

// delivered says that the overlay, as the clone has it, names both images by digest.
func (w *workshop) delivered() bool {
	data, err := os.ReadFile(filepath.Join(w.clone, filepath.FromSlash(overlay), "kustomization.yml"))
	return err == nil && strings.Count(string(data), "digest: sha256:") >= len(programs)
}

// tip is the commit that the clone is on.
func (w *workshop) tip(ctx context.Context) (string, error) { return w.git(ctx, "rev-parse", "HEAD") }
