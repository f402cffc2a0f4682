package devloop

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// What a builder prints is shown by lines, however it is written, without the values of Secrets, and nothing that has
// no end is kept.
func TestOutput(t *testing.T) {
	var got []string
	r := newReporter(func(e Event) { got = append(got, e.Artifact+": "+e.Text) })
	r.hide([]*metav1.Unstructured{{Object: map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "a"}, "stringData": map[string]any{"password": "hunter2-hunter2"}}}})
	o := &output{line: func(line string) { r.report(Event{Kind: Output, Artifact: "web", Text: line}) }}
	for _, text := range []string{"one\r\ntw", "o\n", "\nthe password is hunter2-", "hunter2\nlast"} {
		if n, err := o.Write([]byte(text)); n != len(text) || err != nil {
			t.Errorf("%q: got %d, %v", text, n, err)
		}
	}
	o.flush()
	o.flush()
	if len(got) != 5 || !slices.Equal(got[:3], []string{"web: one", "web: two", "web: "}) || strings.Contains(got[3], "hunter2") || !strings.HasPrefix(got[3], "web: the password is ") || got[4] != "web: last" {
		t.Errorf("got %q", got)
	}
	got = nil
	if _, err := o.Write([]byte(strings.Repeat("a", 2*longestLine+1))); err != nil || len(got) != 2 || len(o.pending) != 1 {
		t.Errorf("without an end: got %d lines, and %d bytes kept; %v", len(got), len(o.pending), err)
	}
	var none *output
	none.flush()
}

// A container is known by its last run alone, as long as its pod is there.
func TestContainerRuns(t *testing.T) {
	runs := containerRuns{}
	at := func(name, id string) bool { return runs.note("u", corev1.ContainerStatus{Name: name, ContainerID: id}) }
	if !at("web", "1") || at("web", "1") || !at("web", "2") || at("web", "2") || !at("side", "2") {
		t.Errorf("got %v; want each run to be another one once", runs)
	}
	if len(runs) != 1 || len(runs["u"]) != 2 {
		t.Errorf("got %v; want two containers of one pod", runs)
	}
	runs.forget("u")
	if len(runs) != 0 || !at("web", "2") {
		t.Errorf("got %v; want nothing of a pod that is gone", runs)
	}
}
