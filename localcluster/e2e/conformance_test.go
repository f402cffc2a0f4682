package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// notConformant are the tests of the Gateway API that do not pass, each with the reason.
var notConformant = map[string]string{}

// echoImages are the images that those tests name; one server of echoes stands for all of them. That of a DNS server
// belongs to kinds that are not tested.
var echoImages = []string{"k8s-staging-gateway-api/echo-basic:v20260204-monthly-2026.01-60-g28382302", "coredns/coredns:v1.12.2"}

// TestGatewayConformance runs the tests of the Gateway API, those of what GatewayClass cyan says it supports. They
// take minutes, and their own Gateways take port 80, so that they are asked for: CONFORMANCE=1.
func TestGatewayConformance(t *testing.T) {
	if os.Getenv("CONFORMANCE") == "" {
		t.Skip("takes minutes: set CONFORMANCE=1")
	}
	needReal(t)
	dir := os.Getenv("CONFORMANCE_PROGRAMS")
	if dir == "" { // in a network of its own nothing can be fetched
		dir = t.TempDir()
		build(t, "build", "-ldflags", "-s -w", "-o", filepath.Join(dir, "echo-basic"), "sigs.k8s.io/gateway-api/conformance/echo-basic")
		build(t, "test", "-c", "-o", filepath.Join(dir, "suite"), ".")
		inOwnNetwork(t, "CONFORMANCE_PROGRAMS="+dir)
		return
	}
	echo, suite := filepath.Join(dir, "echo-basic"), filepath.Join(dir, "suite")
	c := newCluster(t)
	for _, image := range echoImages {
		c.pushProgram(echo, image)
	}
	var skipped []string
	for test := range notConformant {
		skipped = append(skipped, test)
	}
	args := []string{
		"-test.v", "-test.timeout=30m", "-gateway-class=cyan", "-conformance-profiles=GATEWAY-HTTP,GATEWAY-GRPC,GATEWAY-TLS", "-allow-crds-mismatch", "-cleanup-base-resources=false",
		"-skip-tests=" + strings.Join(skipped, ","),
	}
	if only := os.Getenv("CONFORMANCE_TEST"); only != "" {
		args = append(args, "-run-test="+only)
	}
	run := exec.Command(suite, args...)
	run.Dir, run.Env = dir, append(os.Environ(), "KUBECONFIG="+c.Kubeconfig)
	run.Stdout, run.Stderr = os.Stdout, os.Stderr
	if err := run.Run(); err != nil {
		t.Error(err)
	}
}

// inOwnNetwork runs this test once more in a network and with mounts of its own, where no other program has the ports
// that it needs, after the commands that it needs besides.
func inOwnNetwork(t *testing.T, environment string, before ...string) {
	t.Helper()
	commands := strings.Join(append([]string{"ip link set lo up"}, before...), " && ")
	again := exec.Command("unshare", "--net", "--mount", "--", "sh", "-c", commands+` && exec "$0" "$@"`, os.Args[0],
		"-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=40m")
	again.Env = append(os.Environ(), environment)
	again.Stdout, again.Stderr = os.Stdout, os.Stderr
	if err := again.Run(); err != nil {
		t.Error(err)
	}
}

// build builds in the module of the tests.
func build(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Env = filepath.Join("..", "conformance"), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// pushProgram puts an image of one program into the cluster's registry.
func (c *testCluster) pushProgram(program, path string) {
	c.t.Helper()
	layer, err := layerOf(program, "program")
	if err != nil {
		c.t.Fatal(err)
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		c.t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		c.t.Fatal(err)
	}
	config.OS, config.Architecture, config.Config.Entrypoint = "linux", runtime.GOARCH, []string{"/program"}
	if image, err = mutate.ConfigFile(image, config); err != nil {
		c.t.Fatal(err)
	}
	target, err := name.NewTag(c.Registry+"/"+path, name.Insecure)
	if err == nil {
		err = remote.Write(target, image, c.login())
	}
	if err != nil {
		c.t.Fatalf("pushing %s: %v", path, err)
	}
}
