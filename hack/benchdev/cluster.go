package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// cluster is one of this machine, with real pods.
type cluster struct {
	program, local, kubeconfig string
	clients                    kubernetes.Interface
}

// bench is what the scenarios share: a cluster of their own, and what they have found out about this machine.
type bench struct {
	options
	*cluster
	dir   string
	sheet *sheet

	// saves are the times from a save to its answer, for the script to be held against.
	saves []time.Duration
	// redis is the image of the example's redis, once there is one.
	redis string
}

// cleanUpWithin bounds the removal of a cluster.
const cleanUpWithin = time.Minute

// inCluster makes a cluster with a real node, has it used, and removes everything again.
func inCluster(ctx context.Context, o options, s *sheet, use func(*bench) error) (err error) {
	dir, err := os.MkdirTemp("", "cyan-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := &bench{options: o, dir: dir, sheet: s, cluster: &cluster{program: filepath.Join(o.bin, "cyan-local"), local: filepath.Join(dir, "cluster")}}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpWithin)
		defer cancel()
		_, down := b.cyanLocal(ctx, "down", "--delete")
		err = errors.Join(err, down)
	}()
	if _, err := b.cyanLocal(ctx, "up", "--nodes", "real", "--kubeconfig-update=false"); err != nil {
		return err
	}
	var status struct{ Kubeconfig string }
	if err := b.status(ctx, &status); err != nil {
		return err
	}
	b.kubeconfig = status.Kubeconfig
	config, err := clientcmd.BuildConfigFromFlags("", b.kubeconfig)
	if err != nil {
		return err
	}
	config.QPS = -1
	if b.clients, err = kubernetes.NewForConfig(config); err != nil {
		return err
	}
	return use(b)
}

// cyanLocal runs a command of the local cluster, and returns what it printed.
func (c *cluster) cyanLocal(ctx context.Context, command string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, c.program, append([]string{command, "--dir", c.local}, args...)...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("cyan local %s: %w\n%s%s", command, err, out, said.Bytes())
	}
	return out, nil
}

func (c *cluster) status(ctx context.Context, into any) error {
	out, err := c.cyanLocal(ctx, "status", "-o", "json")
	if err != nil {
		return err
	}
	return json.Unmarshal(out, into)
}

// tree copies the example, under a project name of its own.
func (b *bench) tree(name string) (string, error) {
	dir := filepath.Join(b.dir, name)
	if err := os.CopyFS(dir, os.DirFS(b.example)); err != nil {
		return "", err
	}
	file := filepath.Join(dir, "skaffold.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	return dir, os.WriteFile(file, []byte(strings.Replace(string(text), "name: request-counter\n", "name: "+name+"\n", 1)), 0o600)
}

// setVersion changes the example's program.
func setVersion(dir, version string) error {
	return os.WriteFile(filepath.Join(dir, "cmd/app/version.go"), fmt.Appendf(nil, "package main\n\nconst version = %q\n", version), 0o600)
}

const (
	// askEach is the time between two requests for the new answer, and answersWithin how long it is asked for.
	askEach       = 5 * time.Millisecond
	answersWithin = 5 * time.Minute
)

// until calls so again and again until it is true.
func until(ctx context.Context, each time.Duration, what string, so func() (bool, string)) error {
	ctx, cancel := context.WithTimeout(ctx, answersWithin)
	defer cancel()
	tick := time.NewTicker(each)
	defer tick.Stop()
	for {
		ok, state := so()
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: not within %s: %.300s", what, answersWithin, state)
		case <-tick.C:
		}
	}
}

// answers waits until a URL answers with a text, and returns when it did.
func answers(ctx context.Context, url, text string) (time.Time, error) {
	// A connection for each request: none is kept to a pod that goes.
	web := http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	err := until(ctx, askEach, url+" answers "+text, func() (bool, string) {
		response, err := web.Get(url)
		if err != nil {
			return false, err.Error()
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		return err == nil && response.StatusCode == http.StatusOK && strings.Contains(string(body), text), string(body)
	})
	return time.Now(), err
}

// awaitPods waits until a condition holds of the pods of a namespace.
func (c *cluster) awaitPods(ctx context.Context, namespace, what string, so func([]corev1.Pod) bool) error {
	return until(ctx, 50*time.Millisecond, what, func() (bool, string) {
		all, err := c.clients.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, err.Error()
		}
		return so(all.Items), fmt.Sprintf("%d pods", len(all.Items))
	})
}

// settle waits until no pod of a namespace is on its way out or in, so that one sample does not disturb the next.
func (c *cluster) settle(ctx context.Context, namespace string) error {
	return c.awaitPods(ctx, namespace, "the pods before are gone", func(all []corev1.Pod) bool { return len(all) <= running })
}

// bash runs bash in a folder against the cluster. The error has what it printed.
func (b *bench) bash(ctx context.Context, dir string, args ...string) error {
	cmd := exec.CommandContext(ctx, "bash", args...)
	cmd.Dir, cmd.Env = dir, b.environment()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("bash: %w\n%s", err, out)
	}
	return nil
}

func (b *bench) environment() []string {
	return append(os.Environ(), "KUBECONFIG="+b.kubeconfig, "XDG_DATA_HOME="+filepath.Join(b.dir, "data"), "NO_COLOR=1", "CYAN_LOCAL="+filepath.Join(b.bin, "cyan-local"))
}
