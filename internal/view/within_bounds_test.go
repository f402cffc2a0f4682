package view

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

// All objects together are bounded, however large they are: of what is refused, too.
func TestManyLargeChangesAreBounded(t *testing.T) {
	c := Compared{Complete: true, Desired: map[plan.Key]*unstructured.Unstructured{}}
	for i := range 36 {
		key := plan.Key{Kind: "ConfigMap", Name: fmt.Sprint(i)}
		large := object(t, "{kind: ConfigMap, data: {a: "+strings.Repeat("x", longestObject)+"}}")
		c.Desired[key] = large
		c.Plan.Resources = append(c.Plan.Resources, plan.Resource{Key: key, Status: v1alpha1.OutOfSync, Live: large})
		c.Plan.Tasks = append(c.Plan.Tasks, plan.Task{Key: key, Verb: plan.Apply, Object: large})
	}
	changes, size := ChangesOf(c, unmasked, func(plan.Key) bool { return true }, true), 0
	for _, o := range changes.Items {
		size += len(o.Live) + len(o.Desired) + len(o.After)
	}
	if size > longestAll+3*longestObject+100 || len(changes.Items)+changes.Hidden != 36 || changes.Hidden == 0 {
		t.Errorf("changes: got %d bytes of %d objects and %d hidden", size, len(changes.Items), changes.Hidden)
	}
	preview, size := PreviewOf(c, unmasked), 0
	for _, o := range preview.Objects {
		size += len(o.YAML)
	}
	if size > longestAll+longestObject || len(preview.Objects)+preview.Hidden != 36 || preview.Hidden == 0 {
		t.Errorf("preview: got %d bytes of %d objects and %d hidden", size, len(preview.Objects), preview.Hidden)
	}
	many := func(value string) *unstructured.Unstructured {
		data := map[string]any{}
		for i := range mostChanges {
			data[fmt.Sprint(i)] = strings.Repeat(value, longestText)
		}
		return &unstructured.Unstructured{Object: map[string]any{"data": data}}
	}
	for i := range c.Plan.Tasks {
		c.Plan.Tasks[i].Live, c.Plan.Tasks[i].Object = many("a"), many("b")
	}
	tasks, size := PlanOf(c, unmasked), 0
	for _, task := range tasks.Tasks {
		size += sizeOf(task.Changes)
	}
	if size > longestAll+3*mostChanges*longestText || len(tasks.Tasks)+tasks.Hidden != 36 || tasks.Hidden == 0 {
		t.Errorf("plan: got %d bytes of %d tasks and %d hidden", size, len(tasks.Tasks), tasks.Hidden)
	}
	// What is said of a task counts as well as what changes by it.
	noted := plan.Task{Verb: plan.Delete, Skip: strings.Repeat("x", longestAll/2)}
	if tasks = PlanOf(Compared{Complete: true, Plan: plan.Plan{Tasks: []plan.Task{noted, noted, noted}}}, unmasked); len(tasks.Tasks) != 2 || tasks.Hidden != 1 {
		t.Errorf("notes: got %d tasks and %d hidden", len(tasks.Tasks), tasks.Hidden)
	}
}
