package main

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

func TestQuantile(t *testing.T) {
	var all []time.Duration
	for i := range 100 {
		all = append(all, time.Duration(100-i))
	}
	for q, want := range map[float64]time.Duration{0: 1, 0.5: 50, 0.99: 99, 1: 100} {
		if got := quantile(all, q); got != want {
			t.Errorf("quantile %g = %d, want %d", q, got, want)
		}
	}
	if got := quantile(nil, 0.5); got != 0 {
		t.Errorf("quantile of nothing = %d, want 0", got)
	}
}

func TestPlace(t *testing.T) {
	for _, c := range []struct {
		places, n int
		want      []int
	}{
		{3, 1000, []int{0, 499, 999}},
		{1, 10, []int{0}},
		{4, 4, []int{0, 1, 2, 3}},
		{5, 2, []int{0, 1, 0, 1, 0}},
	} {
		var got []int
		for k := range c.places {
			got = append(got, place(k, c.places, c.n))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%d places of %d: %v, want %v", c.places, c.n, got, c.want)
		}
	}
}

const metrics = `# HELP rest_client_requests_total Number of HTTP requests
rest_client_requests_total{code="200",host="127.0.0.1:6443",method="GET"} 7
rest_client_requests_total{code="201",host="127.0.0.1:6443",method="POST"} 2
rest_client_requests_total{code="409",host="127.0.0.1:6443",method="POST"} 1
argocd_app_reconcile_bucket{dest_server="",namespace="argocd",le="0.005"} 90
argocd_app_reconcile_count{dest_server="",namespace="argocd"} 5
argocd_app_reconcile_count{dest_server="far",namespace="argocd"} 1
`

func TestUsage(t *testing.T) {
	before, after := usage{requests: map[string]float64{}, renders: -1}, usage{requests: map[string]float64{}, renders: -1, cpu: 3}
	before.count([]byte(metrics))
	after.count([]byte(metrics + "cyan_renders_total{kind=\"kustomize\"} 4\nrest_client_requests_total{method=\"PATCH\"} 6\n"))
	if before.calls() != 10 || before.writes() != 3 || before.looks != 6 || before.renders != -1 {
		t.Errorf("%+v: want 10 calls, 3 writes, 6 looks, renders not counted", before)
	}
	d := after.since(before)
	if d.calls() != 6 || d.writes() != 6 || d.looks != 0 || d.renders != 4 || d.cpu != 3 {
		t.Errorf("%+v: want 6 calls, 6 writes, 4 renders, 3ns", d)
	}
	if got, want := after.each(2), "GET 3.5, POST 1.5, PATCH 3.0"; got != want {
		t.Errorf("each = %q, want %q", got, want)
	}
}

func TestExpect(t *testing.T) {
	s := &seen[*corev1.ConfigMap]{newest: map[string]*corev1.ConfigMap{}}
	show := func(name, value string, gone bool) {
		m := &corev1.ConfigMap{Data: map[string]string{"own": value}}
		m.Name = name
		s.show(m, gone)
	}
	is := func(c <-chan time.Time) bool { return len(c) > 0 }
	show("a", "new", false)
	both := s.expect(2, func(m *corev1.ConfigMap) bool { return m.Data["own"] == "new" })
	one := s.expectOne("b", func(m *corev1.ConfigMap) bool { return m.Data["own"] == "new" })
	show("b", "old", false)
	show("a", "new", true)
	show("b", "new", false)
	if is(both) || !is(one) {
		t.Errorf("one gone, one new: both %v, one %v, want only one", is(both), is(one))
	}
	show("a", "old", false)
	if is(both) {
		t.Error("one old, one new: that counts as both")
	}
	show("a", "new", false)
	if !is(both) || len(s.waits) > 0 {
		t.Errorf("both new: %v, %d waits are left", is(both), len(s.waits))
	}
	if n, last := s.news(); n != 6 || last.IsZero() {
		t.Errorf("news: %d at %s, want 6", n, last)
	}
}

func TestDrawing(t *testing.T) {
	curves := []curve{
		{n: 10, bare: 40 * time.Millisecond, first: time.Second, change: 100 * time.Millisecond, restart: time.Second},
		{n: 1000, bare: 4 * time.Second, first: 40 * time.Second, change: 110 * time.Millisecond, restart: 40 * time.Second},
	}
	for name, curves := range map[string][]curve{"two": curves, "one": curves[:1], "nothing measured": {{n: 5}}} {
		svg := drawing(curves)
		decoder := xml.NewDecoder(strings.NewReader(svg))
		for {
			_, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v\n%s", name, err, svg)
			}
		}
		if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
			t.Errorf("%s: a place is not a number\n%s", name, svg)
		}
	}
	svg := drawing(curves)
	if strings.Contains(svg, "commit to the base") || strings.Count(svg, "<polyline") != 4 {
		t.Errorf("want a line for each of the four that were measured\n%s", svg)
	}
	labels := apart([]label{{y: 10}, {y: 12}, {y: 11}})
	for i := 1; i < len(labels); i++ {
		if labels[i].y-labels[i-1].y < lineHeight {
			t.Errorf("labels lie upon each other: %v", labels)
		}
	}
}

func TestHostileFiles(t *testing.T) {
	for _, kind := range hostileKinds {
		if kind.files == nil {
			continue
		}
		size := 0
		for _, content := range kind.files() {
			size += len(content)
		}
		if size == 0 || size > 2<<20 {
			t.Errorf("%s: %d bytes; a repository that means harm is small", kind.name, size)
		}
	}
}
