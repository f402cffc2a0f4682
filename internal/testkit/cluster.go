// Package testkit provides tests with the real things: an API server of their own, git repositories behind a real git
// server, and ways to wait for an outcome.
package testkit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kruntime "k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/controller/install"
)

// startsWithin bounds the start of a control plane on a busy machine.
const startsWithin = 3 * time.Minute

// LocalCluster is a cluster that `cyan local` runs for tests.
type LocalCluster struct {
	// Dir holds the cluster's state; it is removed with the cluster.
	Dir string
	// Config has no client-side rate limit: a test should wait for the server alone.
	Config *rest.Config
	// Client reads and writes core kinds, CustomResourceDefinitions and Cyan's kinds, uncached.
	Client client.Client
	// Kubeconfig is the path of a kubeconfig with cluster-admin rights.
	Kubeconfig string
	// Registry is host:port of the cluster's image registry.
	Registry string

	guard *guard
}

var shared struct {
	once    sync.Once
	cluster *LocalCluster
	err     error
}

// Main runs a package's tests and takes the shared cluster down afterwards. Call it from TestMain. No test sees the
// cluster that whoever runs it works with.
func Main(m *testing.M) {
	home, err := withoutCluster()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := os.RemoveAll(home); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	if shared.cluster != nil {
		if err := shared.cluster.Delete(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// withoutCluster has programs find no cluster: the kubeconfig is empty, and so is the folder that a local cluster would
// be found in, which is returned.
func withoutCluster() (string, error) {
	home, err := os.MkdirTemp("", "cyan-home-")
	if err != nil {
		return "", err
	}
	config := filepath.Join(home, "kubeconfig")
	return home, errors.Join(os.WriteFile(config, nil, 0o600), os.Setenv("KUBECONFIG", config), os.Setenv("XDG_DATA_HOME", home))
}

// Cluster returns the cluster that all tests of this binary share: a real control plane whose pods are simulated,
// with Cyan's definitions installed. It is started by the first call. The binary's TestMain must call Main.
func Cluster(t testing.TB) *LocalCluster {
	t.Helper()
	shared.once.Do(func() {
		shared.cluster, shared.err = StartCluster("--nodes", "simulated")
		if shared.err == nil {
			shared.err = install.CRDs(context.Background(), shared.cluster.Config)
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.cluster
}

// StartCluster starts a cluster of its own in a temporary directory, with the given flags of `cyan local up`. The
// caller deletes it.
func StartCluster(flags ...string) (*LocalCluster, error) {
	dir, err := os.MkdirTemp("", "cyan-test-")
	if err != nil {
		return nil, err
	}
	program, err := localProgram()
	if err != nil {
		return nil, errors.Join(err, os.Remove(dir))
	}
	cluster := &LocalCluster{Dir: dir}
	if cluster.guard, err = startGuard(program, dir); err != nil {
		return nil, errors.Join(err, os.Remove(dir))
	}
	up := append([]string{"up", "--kubeconfig-update=false", "--dir", dir}, flags...)
	if _, err := cluster.Local(up...); err != nil {
		return nil, errors.Join(err, cluster.Delete())
	}
	if err := cluster.connect(); err != nil {
		return nil, errors.Join(err, cluster.Delete())
	}
	return cluster, nil
}

// Local runs a `cyan local` command and returns what it printed on stdout.
func (c *LocalCluster) Local(args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startsWithin)
	defer cancel()
	program, err := localProgram()
	if err != nil {
		return nil, err
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("running cyan local %s: %w\n%s%s", strings.Join(args, " "), err, stdout.Bytes(), stderr.Bytes())
	}
	return stdout.Bytes(), nil
}

// Delete takes the cluster down and removes everything of it.
func (c *LocalCluster) Delete() error {
	_, err := c.Local("down", "--delete", "--dir", c.Dir)
	return errors.Join(err, os.RemoveAll(c.Dir), c.guard.dismiss())
}

// Namespace makes a fresh namespace and deletes it when the test ends.
func (c *LocalCluster) Namespace(t testing.TB) string {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	if err := c.Client.Create(context.Background(), namespace); err != nil {
		t.Fatalf("creating a namespace: %v", err)
	}
	t.Cleanup(func() {
		err := c.Client.Delete(context.Background(), namespace)
		if client.IgnoreNotFound(err) != nil {
			t.Errorf("deleting namespace %s: %v", namespace.Name, err)
		}
	})
	return namespace.Name
}

// Scheme knows the core kinds, CustomResourceDefinitions and Cyan's kinds.
func Scheme() *kruntime.Scheme {
	scheme := kruntime.NewScheme()
	for _, add := range []func(*kruntime.Scheme) error{clientgoscheme.AddToScheme, apiextensionsv1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			panic(err)
		}
	}
	return scheme
}

func (c *LocalCluster) connect() error {
	out, err := c.Local("status", "--dir", c.Dir, "-o", "json")
	if err != nil {
		return err
	}
	var status struct{ Kubeconfig, Registry string }
	if err := json.Unmarshal(out, &status); err != nil {
		return fmt.Errorf("reading the status of the cluster in %s: %w\n%s", c.Dir, err, out)
	}
	c.Kubeconfig, c.Registry = status.Kubeconfig, status.Registry
	c.Config, err = clientcmd.BuildConfigFromFlags("", c.Kubeconfig)
	if err != nil {
		return fmt.Errorf("reading %s: %w", c.Kubeconfig, err)
	}
	c.Config.QPS = -1
	c.Client, err = client.New(c.Config, client.Options{Scheme: Scheme()})
	return err
}

// localProgram finds the program behind `cyan local`: $CYAN_LOCAL, or bin/cyan-local of this checkout.
func localProgram() (string, error) {
	path := os.Getenv("CYAN_LOCAL")
	if path == "" {
		path = filepath.Join(Root(), "bin", "cyan-local")
	}
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("finding the local cluster's program: %w: run `make build` first", err)
	}
	return path, nil
}

// Root is the top of this checkout: the nearest folder above the test's own that holds the Makefile.
func Root() string {
	dir, err := os.Getwd()
	if err != nil {
		return "."
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "Makefile")); err == nil {
			if _, err := os.Stat(filepath.Join(dir, "ARCHITECTURE.md")); err == nil {
				return dir
			}
		}
	}
	return "."
}
