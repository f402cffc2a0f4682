package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The script does what a save asks for with the usual programs. It is started by hand, so that it need not notice the
// save.
//
//go:embed testdata/script.sh
var script string

// scripted is the namespace that the script deploys to.
const scripted = "scripted"

// measureScript runs the script again and again, on the same change and the same pods.
func measureScript(ctx context.Context, b *bench) error {
	for _, program := range []string{"bash", "go", "buildah", "kubectl"} {
		if _, err := exec.LookPath(program); err != nil {
			return err
		}
	}
	if b.redis == "" {
		return errors.New("measured only behind save, whose redis it uses")
	}
	dir, err := b.tree("bench-script")
	if err != nil {
		return err
	}
	if err := b.asDeployment(dir); err != nil {
		return err
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: scripted}}
	if _, err := b.clients.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
		return err
	}
	var all []time.Duration
	address := ""
	for k := range b.samples + 1 {
		took, err := b.oneScript(ctx, dir, fmt.Sprintf("scripted-%d", k), &address)
		if err != nil {
			return err
		}
		if k > 0 {
			all = append(all, took)
		}
	}
	times := float64(median(all)) / float64(median(b.saves))
	b.sheet.add(row{
		what: "the same by a script of go build, buildah, image load, kubectl apply: p50, p90", measured: spread(all), limit: fmt.Sprintf("%.1f × the loop", times),
		target: fmt.Sprintf("≥ %d × the loop", timesFaster), met: times >= timesFaster,
	})
	return nil
}

// asDeployment has the example's Rollout be a Deployment, which nothing but Kubernetes carries out.
func (b *bench) asDeployment(dir string) error {
	file := filepath.Join(dir, "k8s/kustomize/base/app/rollout.yml")
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	rollout, _, ok := strings.Cut(string(text), "  strategy:\n    blueGreen:")
	if !ok {
		return fmt.Errorf("%s has no strategy", file)
	}
	deployment := strings.NewReplacer("argoproj.io/v1alpha1", "apps/v1", "kind: Rollout", "kind: Deployment").Replace(rollout)
	overlay := filepath.Join(dir, "k8s/kustomize/overlays/local/kustomization.yml")
	name, digest, ok := strings.Cut(b.redis, "@")
	if !ok {
		return fmt.Errorf("image %s has no digest", b.redis)
	}
	kustomization := fmt.Sprintf(`apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: %s
resources:
  - ../../base/redis
  - ../../base/app
images:
  - name: redis-image
    newName: %s
    digest: %s
  - name: app-image
    newName: localhost/bench/app
    newTag: none
`, scripted, name, digest)
	return errors.Join(os.WriteFile(file, []byte(deployment), 0o600), os.WriteFile(overlay, []byte(kustomization), 0o600))
}

// oneScript is a sample. Where the Service is offered is found out behind the first run.
func (b *bench) oneScript(ctx context.Context, dir, version string, address *string) (time.Duration, error) {
	start := time.Now()
	if err := setVersion(dir, version); err != nil {
		return 0, err
	}
	run := func() error {
		err := b.run(ctx, dir, "bash", "-c", script, "script", version, b.program, b.local)
		return err
	}
	if *address == "" {
		if err := run(); err != nil {
			return 0, err
		}
		var err error
		if *address, err = b.offered(ctx, scripted, "active-service"); err != nil {
			return 0, err
		}
	}
	ended := make(chan error, 1)
	go func() { ended <- run() }()
	answered, err := answers(ctx, *address, version)
	return answered.Sub(start), errors.Join(err, <-ended, b.settle(ctx, scripted))
}

// offered returns where a Service is on this machine.
func (c *cluster) offered(ctx context.Context, namespace, service string) (string, error) {
	found := ""
	err := until(ctx, 100*time.Millisecond, "Service "+service+" is offered", func() (bool, string) {
		var status struct {
			Ports []struct{ Namespace, Service, Address string }
		}
		if err := c.status(ctx, &status); err != nil {
			return false, err.Error()
		}
		for _, p := range status.Ports {
			if p.Namespace == namespace && p.Service == service {
				found = "http://" + p.Address + "/"
			}
		}
		return found != "", "not offered"
	})
	return found, err
}
