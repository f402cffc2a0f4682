package setup

import (
	"cmp"
	"context"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// repositoriesOf returns the git repositories of an Application, with its project.
func repositoriesOf(app map[string]any) map[string]string {
	project, _, _ := unstructured.NestedString(app, "spec", "project")
	found := map[string]string{}
	note := func(value any) {
		src, _ := value.(map[string]any)
		url, _ := src["repoURL"].(string)
		if chart, _ := src["chart"].(string); url != "" && chart == "" {
			found[url] = cmp.Or(project, v1alpha1.DefaultProject)
		}
	}
	if one, ok, _ := unstructured.NestedMap(app, "spec", "source"); ok {
		note(one)
	}
	several, _, _ := unstructured.NestedSlice(app, "spec", "sources")
	for _, s := range several {
		note(s)
	}
	return found
}

// registriesOf returns the hosts of an Application's images.
func registriesOf(app map[string]any) []string {
	images, _, _ := unstructured.NestedStringSlice(app, "status", "summary", "images")
	var hosts []string
	for _, image := range images {
		host, _, ok := strings.Cut(image, "/")
		if !ok || !strings.ContainsAny(host, ".:") && host != "localhost" || host == "docker.io" {
			host = "registry-1.docker.io"
		}
		hosts = append(hosts, host)
	}
	return hosts
}

// askRegistry asks a registry for its API; any answer will do.
func askRegistry(ctx context.Context, host string) error {
	scheme := "https"
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	if ip := net.ParseIP(name); name == "localhost" || ip != nil && ip.IsLoopback() {
		scheme = "http"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+host+"/v2/", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// atOnce calls do for each name, eight at a time, and returns what failed.
func atOnce(names []string, do func(string) error) map[string]error {
	failures := map[string]error{}
	var mu sync.Mutex
	var all sync.WaitGroup
	turn := make(chan struct{}, 8)
	for _, name := range names {
		turn <- struct{}{}
		all.Go(func() {
			defer func() { <-turn }()
			if err := do(name); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failures[name] = err
			}
		})
	}
	all.Wait()
	return failures
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
