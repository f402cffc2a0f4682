package main

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

func TestTookOf(t *testing.T) {
	for text, want := range map[string]took{
		"✓ built     0.71s  shop/app  sha256:63cbf05ecf39 with go, compiled in 0.52s, pushed in 0.04s": {710 * time.Millisecond, 520 * time.Millisecond, 40 * time.Millisecond},
		"✓ built    12.00s  shop/app  sha256:63cbf05ecf39 with docker":                                 {12 * time.Second, 0, 0},
		"✓ deployed  0.01s  Rollout app":                                                               {},
	} {
		if got := tookOf(text); got != want {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
}

// What is printed and what the cluster shows are put together; the whole is the sum of the parts.
func TestStagesOf(t *testing.T) {
	start := time.Now()
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	l := &loop{lines: []line{
		{at(-500), "● before.go"}, {at(60), "● main.go"}, {at(1000), "✓ built     0.90s  app  with go, compiled in 0.60s, pushed in 0.10s"}, {at(1020), "✓ deployed  0.02s  Rollout app"},
	}}
	seen := &pods{sets: []time.Time{at(-100), at(1050)}, ready: map[string]podTimes{"before": {at(-50), at(500)}, "a": {at(1100), at(1900)}, "b": {at(1110), at(2000)}, "later": {at(1120), at(2500)}}}
	got, err := stagesOf(l, seen, start, at(2100))
	if err != nil {
		t.Fatal(err)
	}
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	want := stages{noticed: ms(60), checked: ms(40), compiled: ms(600), image: ms(200), pushed: ms(100), applied: ms(20), set: ms(30), pods: ms(950), switched: ms(100)}
	if got != want {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if got.total() != ms(2100) || got.own() != ms(450) {
		t.Errorf("total %s, own %s: want 2.1s and 450ms", got.total(), got.own())
	}
	if _, err := stagesOf(l, &pods{}, start, at(2100)); err == nil {
		t.Error("without pods: got no error, want one")
	}
}

func TestNote(t *testing.T) {
	p, now := &pods{ready: map[string]podTimes{}}, time.Now()
	pod := &corev1.Pod{}
	pod.Name = "a"
	p.note(pod, now)
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	p.note(pod, now.Add(time.Second))
	p.note(pod, now.Add(2*time.Second))
	if want := (podTimes{now, now.Add(time.Second)}); p.ready["a"] != want {
		t.Errorf("got %v, want the first times of each", p.ready["a"])
	}
}

func TestVerdict(t *testing.T) {
	for want, r := range map[string]row{"yes": {target: "≤ 1", met: true}, "no": {target: "≤ 1"}, "": {measured: "1"}} {
		if got := r.verdict(); got != want {
			t.Errorf("%+v: got %q, want %q", r, got, want)
		}
	}
	if got := (row{failed: "no cluster"}).verdict(); got != "no" {
		t.Errorf("what has failed: got %q, want no", got)
	}
}

func TestMarkdown(t *testing.T) {
	s := &sheet{rows: []row{{what: "a | b", measured: "1 s"}}}
	if got := s.markdown("Machine"); !strings.Contains(got, `| a \| b | 1 s |`) {
		t.Errorf("got %q, want the bar escaped", got)
	}
}

func TestParse(t *testing.T) {
	for _, args := range [][]string{{"-only", "nothing"}, {"-samples", "0"}, {"more"}} {
		if _, err := parse(args, &strings.Builder{}); err == nil {
			t.Errorf("%v: got no error, want one", args)
		}
	}
	if o, err := parse([]string{"-only", "save,idle"}, &strings.Builder{}); err != nil || len(o.only) != 2 {
		t.Errorf("got %v, %v", o.only, err)
	}
}
