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

// deliveries brings commits of the example into its images and its overlay, as a CI job does.
type deliveries struct {
	target *target
	// url is where the repository is served.
	url string
	// progress shows what a delivery does.
	progress func(string)
}

func (d deliveries) image(program string) string {
	return programs[program] + "=" + d.target.registry + "/" + repository + "/" + program
}

// command returns what a CI job would call for a program of the example.
func (d deliveries) command(program string) []string {
	return []string{"cyan", "delivery", "run", "--repo", ".", "--package", "./cmd/" + program, "--image", d.image(program), "--overlay", overlay, "--push"}
}

// run does what that command does, in a checkout of its own as a CI job has one.
func (d deliveries) run(ctx context.Context, program, commit string) (deliver.Result, error) {
	checkout, err := d.checkout(ctx)
	if err != nil {
		return deliver.Result{}, err
	}
	mirrors, err := source.Open(filepath.Join(d.target.dir, "delivery-mirrors"), source.Options{OwnConfiguration: true, LocalDirectories: []string{"/"}})
	if err != nil {
		return deliver.Result{}, err
	}
	defer mirrors.Close()
	var output bytes.Buffer
	result, err := deliver.Run(ctx, deliver.Options{
		Repo: checkout, Revision: commit, Image: d.image(program), Package: "./cmd/" + program, Overlay: overlay, Branch: branch, Push: true, Mirrors: mirrors,
		Cluster: d.target.config, Namespace: d.target.namespace, Output: &output,
	}, func(e deliver.Event) {
		if e.Took == 0 {
			d.progress(e.Text)
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
func (d deliveries) checkout(ctx context.Context) (string, error) {
	ci := &devRepo{url: d.url, clone: filepath.Join(d.target.dir, "ci")}
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

// isOwn reports whether a commit is one that Cyan made, which starts nothing.
func (d deliveries) isOwn(ctx context.Context, commit string) (bool, error) {
	dir, err := d.checkout(ctx)
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
