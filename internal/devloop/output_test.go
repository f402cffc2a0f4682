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
	for range 3 {
		if _, err := o.Write([]byte(strings.Repeat("a", longestLine))); err != nil || len(got) > 1 || len(o.pending) > longestLine {
			t.Errorf("without an end: got %d lines, and %d bytes kept; %v", len(got), len(o.pending), err)
		}
	}
	if _, err := o.Write([]byte("b\nnext\n")); err != nil || len(got) != 2 || got[1] != "web: next" {
		t.Errorf("behind a line that is too long: got %d lines, the last %.20q; %v", len(got), got[len(got)-1], err)
	}
	var none *output
	none.flush()
}

// No part of a Secret is shown, however long it is, wherever it stands in a line, and in whatever pieces it is printed:
// what is left of it is shorter than what is looked for.
func TestOutputHidesLongSecrets(t *testing.T) {
	const shown = 7
	for _, length := range []int{16, 4000, 4095, 4096, 4097, 5000, longestLine - 1, longestLine, longestLine + 1, 40_000} {
		value := strings.Repeat("0123456789abcdefghijklmnopqrstuv", length/32+1)[:length]
		for _, before := range []int{0, 1, 4080, 4090, 4096, longestLine - 10, longestLine - 3, longestLine} {
			var got strings.Builder
			r := newReporter(func(e Event) { got.WriteString(e.Text + "\n") })
			r.hide([]*metav1.Unstructured{{Object: map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "a"}, "stringData": map[string]any{"key": value}}}})
			o := &output{line: func(line string) { r.report(Event{Kind: Output, Text: line}) }}
			text := []byte(strings.Repeat("=", before) + value + "\nnext")
			for piece := range slices.Chunk(text, 1000) {
				_, _ = o.Write(piece)
			}
			o.flush()
			if !strings.HasSuffix(got.String(), "\nnext\n") {
				t.Errorf("%d bytes behind %d: got %.30q at the end, want the next line", length, before, got.String()[max(0, got.Len()-30):])
			}
			for i := 0; i+shown < len(value); i++ {
				if strings.Contains(got.String(), value[i:i+shown+1]) {
					t.Errorf("%d bytes behind %d: %q is shown", length, before, value[i:i+shown+1])
					break
				}
			}
		}
	}
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
