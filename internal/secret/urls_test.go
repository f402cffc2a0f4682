package secret_test

import (
	"encoding/json"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/internal/secret"
)

func TestWithoutCredentials(t *testing.T) {
	for text, want := range map[string]string{
		"https://ada:secret@h/x and ssh://git:secret@h/x": "https://h/x and ssh://git@h/x",
		"HTTP://token@h/x":                            "HTTP://h/x",
		"git@h:org/x":                                 "git@h:org/x",
		"https://h/x@y":                               "https://h/x@y",
		"https://a@b:c@h/path":                        "https://h/path",
		"https://ada:se/cret@h/x":                     "https://h/x",
		"https://ada:12x/cret@h/x":                    "https://h/x",
		"https://h:8443/x@y":                          "https://h:8443/x@y",
		"https://[::1]:8443/x@y":                      "https://[::1]:8443/x@y",
		`see "https://h:port/x", write to "ada@mail"`: `see "https://h:port/x", write to "ada@mail"`,
	} {
		if got := secret.WithoutCredentials(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// An object of argoproj.io has no credentials in any of its fields when it is shown; the object itself stays, and so do
// objects of other kinds.
func TestObjectsThatNameRepositories(t *testing.T) {
	text := `{"apiVersion":"argoproj.io/v1alpha1","kind":"Application","metadata":{"name":"shop","annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"spec\":{\"source\":{\"repoURL\":\"https://ada:se\\\"cret@h/x\"}}}"}},
		"spec":{"sources":[{"repoURL":"https://ada:secret@h/x"},{"repoURL":"https://h/y@v1"}]},"status":{"history":[{"id":1,"source":{"repoURL":"https://secret@h/x"}}]}}`
	written := map[string]any{}
	if err := json.Unmarshal([]byte(text), &written); err != nil {
		t.Fatal(err)
	}
	object := &unstructured.Unstructured{Object: written}
	before := object.DeepCopy()
	shown, err := json.Marshal(secret.Masker{}.Mask(object).Object)
	if err != nil || strings.Contains(string(shown), "cret") || !strings.Contains(string(shown), `"https://h/y@v1"`) {
		t.Errorf("got %s, %v", shown, err)
	}
	if got, want := jsonOf(t, object.Object), jsonOf(t, before.Object); got != want {
		t.Errorf("the object itself: got %s, want %s", got, want)
	}
	if whole, err := secret.ShownJSON(object.Object); err != nil || string(whole) != string(shown) {
		t.Errorf("as JSON: got %s, %v, want %s", whole, err, shown)
	}
	other := object.DeepCopy()
	other.SetAPIVersion("v1")
	other.SetKind("ConfigMap")
	clean := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "spec": map[string]any{"source": map[string]any{"repoURL": "https://h/x"}}}}
	for _, same := range []*unstructured.Unstructured{other, clean} {
		if got := (secret.Masker{}).Mask(same); got != same {
			t.Errorf("%s: got a copy, want the object as it is", same.GetKind())
		}
	}
}

// Numbers are as they were, however long.
func TestShownJSONKeepsNumbers(t *testing.T) {
	for text, want := range map[string]string{
		`{"n":12345678901234567890,"u":"https://a@h"}`: `{"n":12345678901234567890,"u":"https://h"}`,
		`{"u":"https://h/x","v":"a@b"}`:                `{"u":"https://h/x","v":"a@b"}`,
		`{"u":"https://h/\"@","v":"ftp://x y@z"}`:      `{"u":"https://h/\"@","v":"ftp://x y@z"}`,
	} {
		if got, err := secret.ShownJSON(json.RawMessage(text)); err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v, want %s", text, got, err, want)
		}
	}
	if _, err := secret.ShownJSON(func() {}); err == nil {
		t.Error("a function: got no error")
	}
}

func jsonOf(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
