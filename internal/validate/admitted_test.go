package validate

import (
	"fmt"
	"strings"
	"testing"
)

// What an API server takes, and does not do what was meant.
func TestAdmitted(t *testing.T) {
	of := func(metadata string) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  " + metadata + "\n"
	}
	image := func(image string) string { return with(webApp, "containers: [{name: a, image: "+image+"}]") }
	const before, remedy = "an API server sets it itself: ", "; remove it: a manifest does not have what was read from a cluster\n"
	const asWritten = "; write [HOST[:PORT]/]NAME[:TAG][@DIGEST], the name in small letters and without blanks\n"
	for _, c := range []struct{ rule, manifest, want string }{
		{"a uid", of("uid: abc"), "warning set-by-server a.yaml:5: ConfigMap a: metadata.uid: " + before + "an object that is there has another one, and server-side apply is refused" + remedy},
		{"a resource version", of("resourceVersion: '7'"), "warning set-by-server a.yaml:5: ConfigMap a: metadata.resourceVersion: " + before + "server-side apply is refused once the object has changed" + remedy},
		{"managed fields", of("managedFields: []"), "warning set-by-server a.yaml:5: ConfigMap a: metadata.managedFields: " + before + "server-side apply is refused" + remedy},
		{"a time of deletion", of("deletionTimestamp: 2020-01-01T00:00:00Z"), "warning set-by-server a.yaml:5: ConfigMap a: metadata.deletionTimestamp: " + before + "an object that is there is not changed, since it cannot be" + remedy},
		{"a time to delete in", of("deletionGracePeriodSeconds: 3"), "warning set-by-server a.yaml:5: ConfigMap a: metadata.deletionGracePeriodSeconds: " + before + "an object that is there is not changed, since it cannot be" + remedy},
		{"a time of creation", of("creationTimestamp: 2020-01-01T00:00:00Z"), "note set-by-server a.yaml:5: ConfigMap a: metadata.creationTimestamp: " + before + "what is written is passed over" + remedy},
		{"a generation", of("generation: 7"), "note set-by-server a.yaml:5: ConfigMap a: metadata.generation: " + before + "what is written is passed over" + remedy},
		{"a link to itself", of("selfLink: /api"), "note set-by-server a.yaml:5: ConfigMap a: metadata.selfLink: " + before + "what is written is passed over" + remedy},
		{"what generators leave", of("creationTimestamp: null\n  resourceVersion: ''"), ""},

		{"an image", image("example.com:5000/team/web:v1@sha256:" + strings.Repeat("a", 64)), ""},
		{"an image that is not named yet", image("''"), ""},
		{"an image with a blank before it", image("' i'"), "warning image-name a.yaml:1: Deployment web: spec.template.spec.containers[0].image: no container runtime takes the name \" i\"" + asWritten},
		{"an image in capital letters", image("Foo/Bar"), "warning image-name a.yaml:1: Deployment web: spec.template.spec.containers[0].image: no container runtime takes the name \"Foo/Bar\"" + asWritten},
		{"an image of a volume", with(webApp, "containers: [{name: a, image: a}], volumes: [{name: v, image: {reference: 'A B'}}]"), "warning image-name a.yaml:1: Deployment web: spec.template.spec.volumes[0].image.reference: no container runtime takes the name \"A B\"" + asWritten},

		{"keys that are words of truth", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  n: x\n", "warning boolean-key a.yaml:5: ConfigMap a: data.n: the key n is read as false, so that the object has \"false\"; put the key in quotes\n"},
		{"keys in quotes", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {'n': x, \"on\": y, true: z, tea: w}\n", ""},
		{"keys below a list", "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: a}\n  data:\n    Off: x\n", "warning boolean-key a.yaml:8: ConfigMap a: data.Off: the key Off is read as false, so that the object has \"false\"; put the key in quotes\n"},
		{"keys in an element of a list", "apiVersion: a.example/v1\nkind: App\nmetadata: {name: a}\nspec:\n- a: b\n- on:\n    no: x\n", "warning boolean-key a.yaml:6: App a: spec[1].on: the key on is read as true, so that the object has \"true\"; put the key in quotes\n" +
			"warning boolean-key a.yaml:7: App a: spec[1].on.no: the key no is read as false, so that the object has \"false\"; put the key in quotes\n"},
		{"keys of what stands for two", "apiVersion: a.example/v1\nkind: App\nmetadata: {name: a}\nspec: {a: &x {n: y}, b: *x}\n", "warning boolean-key a.yaml:4: App a: spec.a.n: the key n is read as false, so that the object has \"false\"; put the key in quotes\n"},
		{"a key in quotes that has nothing, beside a truth", "apiVersion: a.example/v1\nkind: App\nmetadata: {name: a}\nspec: {'n': null, false: x}\n", ""},
		{"two keys that are read as one", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  y: x\n  on: z\n", "warning boolean-key a.yaml:5: ConfigMap a: data.y: the key y is read as true, so that the object has \"true\"; put the key in quotes\n" +
			"warning boolean-key a.yaml:6: ConfigMap a: data.on: the key on is read as true, so that the object has \"true\"; put the key in quotes\n" +
			"error duplicate-key a.yaml:6: ConfigMap a: data.on: duplicate key: y in line 5 is read as true as well, and one of them is lost; put both in quotes\n"},
	} {
		if got := texts(admitted(fromManifest(t, c.manifest))); got != c.want {
			t.Errorf("%s: got\n%swant\n%s", c.rule, got, c.want)
		}
	}
}

// A key stands where it is written, and the second of two as well.
func TestAdmittedKeysHavePlaces(t *testing.T) {
	var got []string
	for _, f := range admitted(fromManifest(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {y: x,   on: z}\n")) {
		got = append(got, fmt.Sprintf("%s %s:%d:%d", f.Rule, f.File, f.Line, f.Column))
	}
	if want := "boolean-key a.yaml:4:8 boolean-key a.yaml:4:16 duplicate-key a.yaml:4:16"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

// kustomize leaves such keys as they are written.
func TestAdmittedByKustomize(t *testing.T) {
	result := rendered(t, map[string]string{"kustomization.yaml": "resources: [a.yaml]\n", "a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {n: x}\n"})
	if got := texts(admitted(result.Objects)); got != "" {
		t.Errorf("got %s", got)
	}
}
