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

// What a save asks for with the usual programs. Scripts are started by hand, so that they need not notice the save.
var (
	//go:embed testdata/script.sh
	goBuildScript string
	//go:embed testdata/dockerfile.sh
	dockerfileScript string
	//go:embed testdata/base.sh
	baseScript string
)

// scripted is a way to do what the loop does by a script, in a namespace of its own.
type scripted struct {
	namespace, what, script string
	// most bounds the samples, of a way that takes long.
	most int
}

// measureScript has who knows Go compile on this machine.
func measureScript(ctx context.Context, b *bench) error {
	return b.measureScripted(ctx, scripted{"scripted", "the same by a script of go build, buildah, image load, kubectl apply", goBuildScript, b.samples})
}

// dockerfileSamples are few: each compiles everything that the program stands on.
const dockerfileSamples = 2

// measureDockerfile has who does not know Go build the Dockerfile, on a base image made of this machine's toolchain.
func measureDockerfile(ctx context.Context, b *bench) (err error) {
	// Images of a store of its own: golang:1.26 may be there, and somebody's.
	store := b.imageStore()
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpWithin)
		defer cancel()
		err = errors.Join(err, b.bash(ctx, b.dir, "-c", `buildah --root "$1" --runroot "$1.run" rmi -a -f >/dev/null`, "clean", store))
	}()
	if err := b.bash(ctx, b.dir, "-c", baseScript, "base", b.example, store); err != nil {
		return err
	}
	return b.measureScripted(ctx, scripted{"dockerfile", "the same by the Dockerfile: buildah bud, image load, kubectl apply", dockerfileScript, dockerfileSamples})
}

// imageStore is where buildah keeps the images of the Dockerfile's way.
func (b *bench) imageStore() string { return filepath.Join(b.dir, "images") }

// measureScripted runs a script again and again, on the same change and the same pods.
func (b *bench) measureScripted(ctx context.Context, way scripted) error {
	for _, program := range []string{"bash", "go", "buildah", "kubectl"} {
		if _, err := exec.LookPath(program); err != nil {
			return err
		}
	}
	if b.redis == "" {
		return errors.New("measured only behind save, whose redis it uses")
	}
	dir, err := b.tree("bench-" + way.namespace)
	if err != nil {
		return err
	}
	if err := b.asDeployment(dir, way.namespace); err != nil {
		return err
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: way.namespace}}
	if _, err := b.clients.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
		return err
	}
	var all []time.Duration
	address := ""
	for k := range min(b.samples, way.most) + 1 {
		took, err := b.oneScript(ctx, way, dir, fmt.Sprintf("scripted-%d", k), &address)
		if err != nil {
			return err
		}
		if k > 0 {
			all = append(all, took)
		}
	}
	times := float64(median(all)) / float64(median(b.saves))
	b.sheet.add(row{
		what: way.what + ": p50, p90", measured: spread(all), limit: fmt.Sprintf("%.1f × the loop", times),
		target: fmt.Sprintf("≥ %d × the loop", timesFaster), met: times >= timesFaster,
	})
	return nil
}

// asDeployment has the example's Rollout be a Deployment, which nothing but Kubernetes carries out.
func (b *bench) asDeployment(dir, namespace string) error {
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
`, namespace, name, digest)
	return errors.Join(os.WriteFile(file, []byte(deployment), 0o600), os.WriteFile(overlay, []byte(kustomization), 0o600))
}

// oneScript is a sample. Where the Service is offered is found out behind the first run.
func (b *bench) oneScript(ctx context.Context, way scripted, dir, version string, address *string) (time.Duration, error) {
	start := time.Now()
	if err := setVersion(dir, version); err != nil {
		return 0, err
	}
	run := func() error {
		return b.bash(ctx, dir, "-c", way.script, "script", version, b.program, b.local, way.namespace, b.imageStore())
	}
	if *address == "" {
		if err := run(); err != nil {
			return 0, err
		}
		var err error
		if *address, err = b.offered(ctx, way.namespace, "active-service"); err != nil {
			return 0, err
		}
	}
	ended := make(chan error, 1)
	go func() { ended <- run() }()
	answered, err := answers(ctx, *address, version)
	return answered.Sub(start), errors.Join(err, <-ended, b.settle(ctx, way.namespace))
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
