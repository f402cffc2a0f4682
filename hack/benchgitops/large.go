package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// large is the name of an Application, perFile the number of its objects in one file, and statusBound the size that its
// status may have.
const (
	large       = "large"
	perFile     = 100
	statusBound = 300 << 10
)

func largeName(i int) string { return fmt.Sprintf("part-%05d", i) }

// largeObject is the manifest of the i-th object.
func largeObject(i int, value string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " + largeName(i) + "\ndata:\n  own: " + value + "\n"
}

// largeFiles are files with n objects.
func largeFiles(n int) map[string]string {
	files := map[string]string{}
	for i := range n {
		files[largeFile(i)] += "---\n" + largeObject(i, "first")
	}
	return files
}

func largeFile(i int) string { return fmt.Sprintf("parts/%03d.yaml", i/perFile) }

// largeApplication syncs one Application of many objects, and changes single ones.
func largeApplication(ctx context.Context, w *world) error {
	n := w.objects
	files := largeFiles(n)
	var err error
	if w.repo, err = w.host.create(ctx, large, files); err != nil {
		return err
	}
	if w.apps, err = watch(ctx, w.cluster, &v1alpha1.Application{}, control); err != nil {
		return err
	}
	if w.limits.apply, err = measureApply(ctx, w); err != nil {
		return err
	}
	bare, err := median(func() (time.Duration, error) { return bareLarge(ctx, w, n) })
	if err != nil {
		return err
	}
	if err := w.cluster.client.Create(ctx, application(large, w.repo.url, "parts", target)); err != nil {
		return err
	}
	done := w.apps.expectOne(large, isSynced)
	if err := w.start(ctx); err != nil {
		return err
	}
	ended, err := at(ctx, "the sync of "+large, done)
	if err != nil {
		return err
	}
	used, err := w.settle(ctx)
	if err != nil {
		return err
	}
	status, err := json.Marshal(w.apps.get(large).Status)
	if err != nil {
		return err
	}
	w.sheet.add(figure{what: fmt.Sprintf("an Application of %d objects syncs", n), measured: []amount{lasting(ended.Sub(w.server.started))}, limit: ofBare(bare, ended.Sub(w.server.started))})
	w.sheet.add(figure{what: "its first sync: CPU, memory at most", measured: []amount{lasting(used.cpu), memory(used.peak)}})
	w.sheet.add(figure{what: "size of its status", measured: []amount{kilo(len(status))}, targets: []amount{kilo(statusBound)}})
	return changeLarge(ctx, w, files)
}

func kilo(bytes int) amount { return amount{float64(bytes), fmt.Sprintf("%d KB", (bytes+1023)>>10)} }

func bareLarge(ctx context.Context, w *world, n int) (time.Duration, error) {
	var all []*unstructured.Unstructured
	for i := range n {
		o, err := object(largeName(i), largeObject(i, "first"))
		if err != nil {
			return 0, err
		}
		all = append(all, o)
	}
	return w.cluster.bareApply(ctx, all)
}

// changeLarge changes one object at a time, by a commit.
func changeLarge(ctx context.Context, w *world, files map[string]string) error {
	var live, cpu []time.Duration
	var calls []float64
	for k := range medianOf {
		i, value := place(k, medianOf, w.objects), fmt.Sprintf("change-%d", k)
		files[largeFile(i)] = strings.Replace(files[largeFile(i)], largeObject(i, "first"), largeObject(i, value), 1)
		if err := w.repo.commit(ctx, "Change "+largeName(i), map[string]string{largeFile(i): files[largeFile(i)]}); err != nil {
			return err
		}
		before, err := w.settle(ctx)
		if err != nil {
			return err
		}
		done := w.maps.expectOne(largeName(i), func(m *corev1.ConfigMap) bool { return m.Data["own"] == value })
		pushed := time.Now()
		if err := w.server.pushed(ctx, w.repo.url); err != nil {
			return err
		}
		ended, err := at(ctx, "the change of "+largeName(i), done)
		if err != nil {
			return err
		}
		after, err := w.settle(ctx)
		if err != nil {
			return err
		}
		used := after.since(before)
		live, cpu, calls = append(live, ended.Sub(pushed)), append(cpu, used.cpu), append(calls, used.calls())
	}
	w.sheet.add(figure{what: "one changed object: webhook → live (median)", measured: []amount{lasting(quantile(live, 0.5))}, limit: rounded(w.limits.apply) + ", one apply"})
	w.sheet.add(figure{what: "one changed object: CPU in all (median)", measured: []amount{lasting(quantile(cpu, 0.5))}, targets: []amount{lasting(300 * time.Millisecond)}})
	w.sheet.add(figure{what: "one changed object: API calls", measured: []amount{number(calls[0])}, limit: "1"})
	return w.printHeap(ctx)
}
