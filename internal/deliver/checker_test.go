package deliver

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/testkit"
)

const job = `apiVersion: batch/v1
kind: Job
metadata: {name: migrate, annotations: {argocd.argoproj.io/sync-options: "OPTIONS"}}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: migrate, image: "IMAGE"}]}}}
`

// A delivery is checked as the sync of what it delivers would go about it.
func TestCheckGoesAsASyncWould(t *testing.T) {
	cluster := testkit.Cluster(t)
	namespace := cluster.Namespace(t)
	object := func(image, options string) *unstructured.Unstructured {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(strings.NewReplacer("IMAGE", image, "OPTIONS", options).Replace(job)), &o.Object); err != nil {
			t.Fatal(err)
		}
		return o
	}
	live := object("migrate:v1", "")
	live.SetNamespace(namespace)
	if err := cluster.Client.Create(t.Context(), live); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, image, options, refused string }{
		{"nothing changed", "migrate:v1", "", ""},
		{"what cannot be changed", "migrate:v2", "", "immutable"},
		{"what cannot be changed and is made anew", "migrate:v2", "Replace=true,Force=true", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newChecker(t.Context(), cluster.Config, namespace, true)
			defer c.close()
			found, err := c.check(t.Context(), []render.Rendered{{Object: object(test.image, test.options), Origin: render.Origin{File: "job.yaml", Line: 1}}})
			if err != nil {
				t.Fatal(err)
			}
			text := strings.Join(found, "\n")
			if (test.refused == "") != (text == "") || !strings.Contains(text, test.refused) || test.refused != "" && !strings.HasPrefix(text, "job.yaml:1: ") {
				t.Errorf("got %q, want a refusal that says %q", text, test.refused)
			}
			if want := "tried 1 of 1 objects"; !strings.Contains(c.by(), want) {
				t.Errorf("got %q, want it to say %q", c.by(), want)
			}
		})
	}
}
