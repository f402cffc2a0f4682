package validate

import (
	"strings"
	"testing"
	"testing/fstest"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/internal/render"
)

const (
	monitorCRD = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: servicemonitors.monitoring.example.org}
spec:
  group: monitoring.example.org
  names: {kind: ServiceMonitor, plural: servicemonitors}
  scope: Namespaced
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {port: {type: string}}}}}}}]
`
	monitorSchema = `{"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "additionalProperties": false, "properties": {
		"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"},
		"spec": {"type": "object", "additionalProperties": false, "properties": {"port": {"type": ["string", "null"]}, "target": {"format": "int-or-string", "oneOf": [{"type": "string"}, {"type": "integer"}]}}}}}`
	monitor    = "{apiVersion: monitoring.example.org/v1, kind: ServiceMonitor, metadata: {name: m}, spec: {port: web}}"
	badMonitor = "{apiVersion: monitoring.example.org/v1, kind: ServiceMonitor, metadata: {name: m}, spec: {prot: web, port: 80}}"
)

// Custom kinds are known by a folder of schemas, or allowed by name.
func TestKindsWithoutACluster(t *testing.T) {
	catalog := fstest.MapFS{"monitoring.example.org/servicemonitor_v1.json": {Data: []byte(monitorSchema)}, "README.md": {Data: []byte("x")}}
	plain := fstest.MapFS{"crds/all.yaml": {Data: []byte("apiVersion: v1\nkind: ConfigMap\n---\n" + monitorCRD)}}
	const unknown = "kind: unknown kind monitoring.example.org/v1 ServiceMonitor"
	for name, c := range map[string]struct {
		folder fstest.MapFS
		known  Known
		object string
		want   []string
	}{
		"no schema":               {nil, Known{}, monitor, []string{unknown}},
		"a definition":            {plain, Known{}, monitor, nil},
		"a definition, violated":  {plain, Known{}, badMonitor, []string{`spec has no field "prot"; did you mean port?`, "spec.port: must be of type string"}},
		"a JSON schema":           {catalog, Known{}, monitor, nil},
		"a JSON schema, violated": {catalog, Known{}, badMonitor, []string{`spec has no field "prot"; did you mean port?`, "spec.port: must be of type string"}},
		"an int or a string":      {catalog, Known{}, strings.Replace(monitor, "port: web", "target: 80", 1), nil},
		"another version":         {catalog, Known{}, strings.Replace(monitor, "/v1", "/v2", 1), []string{"monitoring.example.org/v2 ServiceMonitor is not served; use monitoring.example.org/v1"}},
		"its kind":                {nil, Known{Skip: []string{"ServiceMonitor"}}, badMonitor, nil},
		"its group and kind":      {nil, Known{Skip: []string{"monitoring.example.org/ServiceMonitor"}}, badMonitor, nil},
		"all of it":               {nil, Known{Skip: []string{"monitoring.example.org/v1/ServiceMonitor"}}, badMonitor, nil},
		"another kind":            {nil, Known{Skip: []string{"PodMonitor", "other/ServiceMonitor"}}, monitor, []string{unknown}},
		"whatever is missing":     {nil, Known{IgnoreMissing: true}, badMonitor, nil},
		"known and violated, whatever is missing": {plain, Known{IgnoreMissing: true}, badMonitor, []string{`spec has no field "prot"`, "spec.port"}},
		"Kubernetes' own, whatever is missing":    {nil, Known{IgnoreMissing: true}, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, dat: {}}", []string{`no field "dat"`}},
		"removed, whatever is missing":            {nil, Known{IgnoreMissing: true}, "{apiVersion: extensions/v1beta1, kind: Ingress, metadata: {name: a}}", []string{"is not served since v1.22"}},
	} {
		t.Run(name, func(t *testing.T) {
			if c.folder != nil {
				found, err := ReadSchemas(c.folder)
				if err != nil {
					t.Fatal(err)
				}
				c.known.CRDs = found
			}
			findings := Check([]render.Rendered{object(t, c.object)}, &c.known)
			if len(findings) != len(c.want) {
				t.Fatalf("got\n%s\nwant %d", lines(findings), len(c.want))
			}
			for _, want := range c.want {
				if !strings.Contains(lines(findings), want) {
					t.Errorf("got\n%s\nwithout %s", lines(findings), want)
				}
			}
		})
	}
}

// A cluster that was asked is believed.
func TestSchemasDoNotAddToACluster(t *testing.T) {
	found, err := ReadSchemas(fstest.MapFS{"a.yaml": {Data: []byte(monitorCRD)}})
	if err != nil {
		t.Fatal(err)
	}
	known := &Known{Kinds: map[schema.GroupVersionKind]bool{}, CRDs: found}
	if findings := Check([]render.Rendered{object(t, monitor)}, known); len(findings) != 1 {
		t.Errorf("got %s, want that the cluster does not serve it", lines(findings))
	}
}

func TestSchemaFilesHaveABound(t *testing.T) {
	_, err := ReadSchemas(fstest.MapFS{"a.yaml": {Data: make([]byte, maxSchemaFile+1)}})
	if err == nil || !strings.Contains(err.Error(), "a.yaml: 8388609 bytes are more than the limit of 8388608") {
		t.Errorf("got %v", err)
	}
}
