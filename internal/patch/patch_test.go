package patch_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	library "github.com/evanphx/json-patch/v5"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/patch"
)

// server is an API server with one Application, as it is stored, which notes what is asked of it.
type server struct {
	client.Client
	t      *testing.T
	stored []byte
	asked  []string
}

func serve(t *testing.T, status string) *server {
	t.Helper()
	stored, err := yaml.YAMLToJSON([]byte("{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: a, namespace: b, resourceVersion: '1'}, spec: {project: default}" + status + "}"))
	if err != nil {
		t.Fatal(err)
	}
	return &server{t: t, stored: stored}
}

func (s *server) Scheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		s.t.Fatal(err)
	}
	return scheme
}

func (s *server) Get(_ context.Context, _ client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	s.asked = append(s.asked, "get")
	return json.Unmarshal(s.stored, into)
}

// Patch applies a patch as an API server does: one that does not fit is invalid, one of another resourceVersion a
// conflict.
func (s *server) Patch(_ context.Context, into client.Object, p client.Patch, _ ...client.PatchOption) error {
	s.asked = append(s.asked, "patch")
	kind := v1alpha1.GroupVersion.WithResource("applications").GroupResource()
	data, err := p.Data(into)
	if err != nil {
		return err
	}
	var after []byte
	if p.Type() == types.MergePatchType {
		after, err = library.MergePatch(s.stored, data)
	} else {
		var operations library.Patch
		if operations, err = library.DecodePatch(data); err == nil {
			if len(operations) > mostOperations {
				return apierrors.NewRequestEntityTooLargeError("too many operations in a JSON patch")
			}
			after, err = operations.Apply(s.stored)
		}
	}
	if err != nil {
		return apierrors.NewGenericServerResponse(http.StatusUnprocessableEntity, "patch", kind, "a", err.Error(), 0, true)
	}
	if s.version(after) != s.version(s.stored) {
		return apierrors.NewConflict(kind, "a", errors.New("the object has been modified"))
	}
	s.stored = bytes.Replace(after, []byte(`"resourceVersion":"`), []byte(`"resourceVersion":"1`), 1)
	return json.Unmarshal(s.stored, into)
}

func (s *server) version(of []byte) string {
	return s.value(of, "metadata", "resourceVersion").(string)
}

func (s *server) value(of []byte, path ...string) any {
	var object map[string]any
	if err := json.Unmarshal(of, &object); err != nil {
		s.t.Fatal(err)
	}
	found, _, err := unstructured.NestedFieldNoCopy(object, path...)
	if err != nil {
		s.t.Fatal(err)
	}
	return found
}

// read returns the Application as it is stored.
func (s *server) read() *v1alpha1.Application {
	app := &v1alpha1.Application{}
	if err := json.Unmarshal(s.stored, app); err != nil {
		s.t.Fatal(err)
	}
	return app
}

// TestUnchanged: a change is written with one request where what was read tells enough, and nothing that the Go type
// does not know is lost in any case.
func TestUnchanged(t *testing.T) {
	health := func(app *v1alpha1.Application) { app.Status.Health.Status = v1alpha1.HealthHealthy }
	for _, c := range []struct {
		name, stored string
		change       func(*v1alpha1.Application)
		asked        []string
		path         []string
		want         any
	}{
		{"a first status", "", health, []string{"patch"}, []string{"status", "health", "status"}, "Healthy"},
		{"a status beside what is not known", ", status: {own: x}", health, []string{"patch"}, []string{"status", "own"}, "x"},
		{"a value that is there", ", status: {own: x, health: {status: Missing}}", health, []string{"patch"}, []string{"status", "health", "status"}, "Healthy"},
		{"a list that grows, beside an empty value that is stored so", ", status: {summary: {}, conditions: [{type: A, message: a, own: x}]}", func(app *v1alpha1.Application) {
			app.Status.Conditions = append(app.Status.Conditions, v1alpha1.ApplicationCondition{Type: "B", Message: "b"})
			app.Status.Summary.Images = []string{"web:1"}
		}, []string{"patch"}, []string{"status", "summary", "images"}, []any{"web:1"}},
		{"a list that grows, beside an empty value that is missing", ", status: {health: {}, sync: {status: '', comparedTo: {source: {repoURL: ''}, destination: {}}}, conditions: [{type: A, message: a, own: x}]}", func(app *v1alpha1.Application) {
			app.Status.Conditions = append(app.Status.Conditions, v1alpha1.ApplicationCondition{Type: "B", Message: "b"})
			app.Status.Summary.Images = []string{"web:1"}
		}, []string{"patch", "get", "patch"}, []string{"status", "summary", "images"}, []any{"web:1"}},
		{"a list that grows, beside a value that holds what is not known", ", status: {summary: {own: x}, conditions: [{type: A, message: a}]}", func(app *v1alpha1.Application) {
			app.Status.Conditions = append(app.Status.Conditions, v1alpha1.ApplicationCondition{Type: "B", Message: "b"})
			app.Status.Summary.Images = []string{"web:1"}
		}, []string{"patch", "get", "patch"}, []string{"status", "summary", "own"}, "x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := serve(t, c.stored)
			before := server.read()
			after := before.DeepCopy()
			c.change(after)
			wanted := after.DeepCopy()
			if err := patch.Unchanged(t.Context(), server, before, after); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(server.asked, c.asked) {
				t.Errorf("asked %v, want %v", server.asked, c.asked)
			}
			if !reflect.DeepEqual(after.Status, wanted.Status) || after.ResourceVersion == before.ResourceVersion {
				t.Errorf("returned %+v, version %s", after.Status, after.ResourceVersion)
			}
			if got := server.value(server.stored, c.path...); !reflect.DeepEqual(got, c.want) {
				t.Errorf("%v: stored %v, want %v", c.path, got, c.want)
			}
		})
	}
}

// mostOperations is how many operations an API server takes in a JSON patch.
const mostOperations = 10_000

// However much of a long list changes, the API server takes the patch, and no field is lost.
func TestUnchangedOfLongLists(t *testing.T) {
	const many = 6000
	for _, c := range []struct {
		name   string
		change func(all []v1alpha1.ResourceStatus) []v1alpha1.ResourceStatus
		// own are the elements that keep what the Go type does not know.
		own int
	}{
		{"each element in two fields", func(all []v1alpha1.ResourceStatus) []v1alpha1.ResourceStatus {
			for i := range all {
				all[i].Status, all[i].Health = v1alpha1.Synced, &v1alpha1.HealthStatus{Status: v1alpha1.HealthHealthy}
			}
			return all
		}, many},
		{"as many others besides", func(all []v1alpha1.ResourceStatus) []v1alpha1.ResourceStatus {
			for i := range many {
				all = append(all, v1alpha1.ResourceStatus{Kind: "Secret", Name: fmt.Sprintf("part-%05d", i)})
			}
			return all
		}, many},
		{"all but one gone", func(all []v1alpha1.ResourceStatus) []v1alpha1.ResourceStatus { return all[many-1:] }, 1},
		{"every other one gone", func(all []v1alpha1.ResourceStatus) []v1alpha1.ResourceStatus {
			return slices.DeleteFunc(all, func(r v1alpha1.ResourceStatus) bool { return r.Name[len(r.Name)-1]%2 == 0 })
		}, many / 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			var list strings.Builder
			for i := range many {
				fmt.Fprintf(&list, "{kind: ConfigMap, name: part-%05d, status: OutOfSync, own: x},", i)
			}
			server := serve(t, ", status: {resources: ["+list.String()+"]}")
			before := server.read()
			after := before.DeepCopy()
			after.Status.Resources = c.change(after.Status.Resources)
			wanted := after.DeepCopy()
			if err := patch.Unchanged(t.Context(), server, before, after); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(after.Status, wanted.Status) {
				t.Error("what is stored is not what was to be written")
			}
			if own := bytes.Count(server.stored, []byte(`"own"`)); own != c.own {
				t.Errorf("%d elements have what is not known, want %d", own, c.own)
			}
		})
	}
}

// TestUnchangedIsRefusedWhenItIsNot: what somebody else has written since stays, however the change is written.
func TestUnchangedIsRefusedWhenItIsNot(t *testing.T) {
	for _, c := range []struct{ name, stored string }{
		{"a first status", ""},
		{"a value that is there", ", status: {health: {status: Missing}}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := serve(t, c.stored)
			before := server.read()
			server.stored = bytes.Replace(server.stored, []byte(`"project":"default"`), []byte(`"project":"another"`), 1)
			server.stored = bytes.Replace(server.stored, []byte(`"resourceVersion":"1"`), []byte(`"resourceVersion":"2"`), 1)
			after := before.DeepCopy()
			after.Status.Health.Status = v1alpha1.HealthHealthy
			if err := patch.Unchanged(t.Context(), server, before, after); !apierrors.IsConflict(err) {
				t.Errorf("got %v, want a conflict", err)
			}
			if err := patch.Object(t.Context(), server, before, after); err != nil || after.Spec.Project != "another" || after.Status.Health.Status != v1alpha1.HealthHealthy {
				t.Errorf("on top of it: %v, %+v", err, after)
			}
		})
	}
}
