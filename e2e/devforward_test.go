package e2e

import (
	"context"
	"fmt"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// naming is a program that answers with a name, as the example does with its version.
func naming(name string) string {
	return fmt.Sprintf(`package main

import "net/http"

func main() {
	println("serving")
	panic(http.ListenAndServe(":8080", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(%q)) })))
}
`, `{"version":"`+name+`"}`)
}

// A port that leads to the pods of a Deployment stays open while these are replaced: by a save, and when one is
// deleted. One that is taken on this machine is another, which is said; logs are those with a text.
func TestDevLoopForwardsWorkloads(t *testing.T) {
	w := newDevWorld(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	number := taken.Addr().(*net.TCPAddr).Port
	w.dir = t.TempDir()
	definition := strings.Replace(servingDefinition, "testdevloopcopiesfiles", "testdevloopforwardsworkloads", 1) + fmt.Sprintf(`portForward:
  - {resourceType: deployment, resourceName: serving, port: http, localPort: %d}
`, number)
	for name, text := range map[string]string{"main.go": naming("first"), "go.mod": "module example.com/serving\n\ngo 1.26\n", "Dockerfile": servingDockerfile, "skaffold.yaml": definition, "app.yaml": servingManifest} {
		w.write(name, text)
	}
	w.start("--log-filter", "no line has this")
	w.awaitPrinted("✓ ready")
	w.awaitPrinted(fmt.Sprintf("Deployment serving, port http: port %d is taken", number))
	load := w.load()
	address := forwarded.FindStringSubmatch(w.out.String())[1]

	w.write("main.go", naming("second"))
	eventually(t, 2*time.Minute, "the save runs", func() (bool, string) { return strings.Count(w.out.String(), "✓ ready") == 2, w.out.String() })
	if err := w.cluster.Client.DeleteAllOf(context.Background(), &corev1.Pod{}, client.InNamespace(w.namespace), client.MatchingLabels{"app": "serving"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, 2*time.Minute, "the page is answered", func() (bool, string) {
		answer := get(address + "/")
		return strings.Contains(answer, "second"), answer
	})
	noneFailed(t, load)
	if lines := regexp.MustCompile(`(?m)^serving [a-z0-9]+ │`).FindAllString(w.out.String(), -1); len(lines) > 0 {
		t.Errorf("logs are shown that do not have the text: %q", lines)
	}
	w.end()
	w.awaitGone()
}
