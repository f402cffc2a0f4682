package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// serving is a program that serves a folder, and that is tar in its own image: it unpacks what it is given.
const serving = `package main

import (
	"archive/tar"
	"io"
	"net/http"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		panic(http.ListenAndServe(":8080", http.FileServer(http.Dir("/srv"))))
	}
	for r := tar.NewReader(os.Stdin); ; {
		h, err := r.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			panic(err)
		}
		data, err := io.ReadAll(r)
		if err == nil {
			err = os.MkdirAll(filepath.Dir("/"+h.Name), 0o755)
		}
		if err == nil {
			err = os.WriteFile("/"+h.Name, data, 0o644)
		}
		if err != nil {
			panic(err)
		}
	}
}
`

const servingDockerfile = `FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod ./
COPY *.go ./
RUN CGO_ENABLED=0 go build -o /tar .

FROM scratch
COPY --from=build /tar /bin/tar
ENTRYPOINT ["/bin/tar", "serve"]
`

const servingDefinition = `apiVersion: skaffold/v4beta11
kind: Config
metadata:
  name: testdevloopcopiesfiles
build:
  artifacts:
    - image: serving
      sync:
        manual:
          - src: static/**
            dest: /srv
            strip: static/
manifests:
  rawYaml: [app.yaml]
`

const servingManifest = `apiVersion: apps/v1
kind: Deployment
metadata: {name: serving}
spec:
  selector: {matchLabels: {app: serving}}
  template:
    metadata: {labels: {app: serving}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: serving
          image: serving
          ports: [{name: http, containerPort: 8080}]
          readinessProbe: {tcpSocket: {port: http}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: serving}
spec:
  selector: {app: serving}
  ports: [{name: http, port: 9321, targetPort: http}]
`

// A file with a rule is copied into the container that runs, without a build; a pod that takes its place gets it again.
func TestDevLoopCopiesFiles(t *testing.T) {
	w := newDevWorld(t)
	w.dir = t.TempDir()
	if err := os.Mkdir(filepath.Join(w.dir, "static"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"main.go": serving, "go.mod": "module example.com/serving\n\ngo 1.26\n", "Dockerfile": servingDockerfile, "skaffold.yaml": servingDefinition, "app.yaml": servingManifest, "static/page.txt": "before"} {
		w.write(name, text)
	}
	w.start()
	w.awaitPrinted("✓ ready")
	address := forwarded.FindStringSubmatch(w.out.String())[1]
	await := func(want string) {
		t.Helper()
		eventually(t, 2*time.Minute, "the page is "+want, func() (bool, string) {
			answer := get(address + "/page.txt")
			return answer == want, answer
		})
	}

	w.write("static/page.txt", "copied")
	await("copied")
	if built := strings.Count(w.out.String(), "✓ built"); built != 1 {
		t.Errorf("built %d times, want once: the file is copied", built)
	}

	if err := w.cluster.Client.DeleteAllOf(context.Background(), &corev1.Pod{}, client.InNamespace(w.namespace), client.MatchingLabels{"app": "serving"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, 2*time.Minute, "another pod runs", func() (bool, string) {
		pods := &corev1.PodList{}
		if err := w.cluster.Client.List(context.Background(), pods, client.InNamespace(w.namespace)); err != nil {
			return false, err.Error()
		}
		return len(pods.Items) == 1 && pods.Items[0].DeletionTimestamp == nil, fmt.Sprint(len(pods.Items))
	})
	await("copied")
	w.end()
	w.awaitGone()
}
