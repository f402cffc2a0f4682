package crds_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/crds"
)

// keyed are the lists of a pod template whose elements have to differ for a Deployment as well.
var keyed = []string{
	"containers", "initContainers", "ephemeralContainers", "volumes", "volumeMounts", "volumeDevices", "resourceClaims", "claims",
	"schedulingGates", "topologySpreadConstraints",
}

// The template of a Rollout takes what a Deployment's takes: the definition is compared with the Go type of the
// template, field by field.
func TestTemplateTakesWhatDeploymentsTake(t *testing.T) {
	data, err := crds.Files.ReadFile("argoproj.io_rollouts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.UnmarshalStrict(data, crd); err != nil {
		t.Fatal(err)
	}
	template := crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"].Properties["template"]
	w := &templateWalk{seen: map[string]int{}}
	w.compare("template", reflect.TypeFor[corev1.PodTemplateSpec](), template, true)
	for _, problem := range w.problems {
		t.Error(problem)
	}
	// So that the walk is known to reach what it is about.
	for what, least := range map[string]int{"quantity": 10, "integer or string": 10, "list": 100, "field": 700} {
		if w.seen[what] < least {
			t.Errorf("%d of %s were compared, want at least %d", w.seen[what], what, least)
		}
	}
}

type templateWalk struct {
	seen     map[string]int
	problems []string
}

func (w *templateWalk) problem(path, format string, args ...any) {
	w.problems = append(w.problems, path+": "+fmt.Sprintf(format, args...))
}

func (w *templateWalk) compare(path string, goType reflect.Type, schema apiextensionsv1.JSONSchemaProps, optional bool) {
	if goType.Kind() == reflect.Pointer {
		goType = goType.Elem()
	}
	keepsAll := schema.XPreserveUnknownFields != nil && *schema.XPreserveUnknownFields
	switch {
	case goType == reflect.TypeFor[resource.Quantity]():
		w.seen["quantity"]++
		if schema.Type != "" || !keepsAll || schema.Pattern != "" {
			w.problem(path, "a quantity may be a number such as 0.5")
		}
		return
	case goType == reflect.TypeFor[intstr.IntOrString]():
		w.seen["integer or string"]++
		if !schema.XIntOrString || schema.Pattern != "" {
			w.problem(path, "an integer or a string is taken")
		}
		return
	case optional && schema.Default == nil && !schema.Nullable && path != "template":
		w.problem(path, "null is taken for a field that is left out")
	}
	if goType == reflect.TypeFor[metav1.Time]() || goType == reflect.TypeFor[metav1.FieldsV1]() {
		return
	}
	switch goType.Kind() {
	case reflect.Struct:
		w.compareFields(path, goType, schema)
	case reflect.Slice:
		w.compareList(path, goType, schema)
	case reflect.Map:
		if schema.AdditionalProperties == nil {
			w.problem(path, "a map is taken")
			return
		}
		w.compare(path+"{}", goType.Elem(), *schema.AdditionalProperties.Schema, true)
	}
}

func (w *templateWalk) compareList(path string, goType reflect.Type, schema apiextensionsv1.JSONSchemaProps) {
	if goType.Elem().Kind() == reflect.Uint8 {
		return
	}
	w.seen["list"]++
	name := path[strings.LastIndexAny(path, ".]")+1:]
	if kind := schema.XListType; kind != nil && *kind != "atomic" && !slices.Contains(keyed, name) {
		w.problem(path, "an element may be there twice, but the list is a %s", *kind)
	}
	if schema.Items != nil {
		w.compare(path+"[]", goType.Elem(), *schema.Items.Schema, false)
	}
}

func (w *templateWalk) compareFields(path string, goType reflect.Type, schema apiextensionsv1.JSONSchemaProps) {
	for i := range goType.NumField() {
		field := goType.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" {
			w.compareFields(path, field.Type, schema)
			continue
		}
		w.seen["field"]++
		// A field that is not listed is kept as it is.
		if property, listed := schema.Properties[name]; listed {
			w.compare(path+"."+name, field.Type, property, !slices.Contains(schema.Required, name))
		}
	}
}
