package kustomize

import (
	"bytes"
	"log"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/api/provider"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Where kustomize would end the program, it panics instead, which a build turns into an error; other users of the
// standard logger are left alone.
func TestKustomizeEndsNoProgram(t *testing.T) {
	var out bytes.Buffer
	previous := log.Writer()
	log.SetOutput(fatalGuard{&out})
	defer log.SetOutput(previous)

	object, err := provider.NewDefaultDepProvider().GetResourceFactory().FromBytes([]byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"))
	if err != nil {
		t.Fatal(err)
	}
	data, err := yaml.Parse("{1: a}")
	if err != nil {
		t.Fatal(err)
	}
	if err := object.PipeE(yaml.SetField("data", data)); err != nil {
		t.Fatal(err)
	}
	panicked := func() (p any) {
		defer func() { p = recover() }()
		_ = object.MustYaml()
		return nil
	}()
	if text, _ := panicked.(string); !strings.Contains(text, "unsupported type") {
		t.Errorf("kustomize showed an object that it cannot encode: panic %v, want its reason", panicked)
	}
	log.Print("somebody else")
	if got := out.String(); !strings.Contains(got, "somebody else") || strings.Contains(got, "unsupported type") {
		t.Errorf("logged %q, want what others log and nothing of kustomize", got)
	}
}
