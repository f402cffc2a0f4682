package controller

import (
	"context"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/auth"
	"github.com/cyan-cd/cyan/internal/testkit"
)

const shopManifests = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web}]}
---
apiVersion: v1
kind: Secret
metadata: {name: key}
stringData: {password: hunter2}
`

// A script with the curl lines of the documentation of Argo CD's API deploys, and removes what it deployed.
func TestCurlScripts(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not on this machine")
	}
	cluster := testkit.Cluster(t)
	repo := testkit.GitRepo(t)
	repo.Commit(map[string]string{"k8s/web.yaml": shopManifests})
	control, namespace := cluster.Namespace(t), cluster.Namespace(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := make(chan string, 1)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	// The name of the program is that of the applier, as it is where people run it.
	config := rest.CopyConfig(cluster.Config)
	config.UserAgent = v1alpha1.FieldManager + "/v1.2.3"
	go func() {
		ended <- Run(ctx, config, Options{
			MirrorDir: t.TempDir(), ControlNamespace: control, SkipInstall: true, BesideOthers: true, Log: slog.New(slog.DiscardHandler),
			API: API{Listener: listener, Version: "v1.2.3", Serving: func(at string, _ bool) { address <- at }},
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	var server string
	select {
	case server = <-address:
	case err := <-ended:
		ended <- err
		t.Fatalf("the server has ended: %v", err)
	}
	secret := &corev1.Secret{}
	if err := cluster.Client.Get(ctx, client.ObjectKey{Namespace: control, Name: auth.InitialPasswordName}, secret); err != nil {
		t.Fatal(err)
	}
	script := exec.CommandContext(ctx, "sh", "testdata/curl.sh")
	script.Env = append(os.Environ(), "SERVER="+strings.TrimSuffix(server, "/"), "PASSWORD="+string(secret.Data["password"]), "REPO="+repo.URL, "NAMESPACE="+namespace)
	if out, err := script.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
