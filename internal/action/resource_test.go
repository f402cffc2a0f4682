package action_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/action"
)

// TestResourceActions: which actions an object has, a - before those that it is in no state for, and what one sends.
func TestResourceActions(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	const rollout = `{apiVersion: argoproj.io/v1alpha1, kind: Rollout, `
	for _, c := range []struct{ name, object, want, run, sends string }{
		{"a Deployment", `{apiVersion: apps/v1, kind: Deployment}`, "pause restart -resume", "pause", `:{"spec":{"paused":true}}`},
		{"a paused Deployment", `{apiVersion: apps/v1, kind: Deployment, spec: {paused: true}}`, "-pause restart resume", "resume", `:{"spec":{"paused":false}}`},
		{"a StatefulSet", `{apiVersion: apps/v1, kind: StatefulSet}`, "restart", "restart", `:{"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":"2026-05-01T12:00:00Z"}}}}}`},
		{"a DaemonSet", `{apiVersion: apps/v1, kind: DaemonSet}`, "restart", "", ""},
		{"a CronJob", `{apiVersion: batch/v1, kind: CronJob}`, "-resume suspend", "suspend", `:{"spec":{"suspend":true}}`},
		{"a suspended Job", `{apiVersion: batch/v1, kind: Job, spec: {suspend: true}}`, "resume -suspend", "resume", `:{"spec":{"suspend":false}}`},
		{"a Rollout that is where it should be", rollout + `status: {currentPodHash: a, stableRS: a}}`, "-abort -pause -promote-full restart -resume -retry", "restart", `:{"spec":{"restartAt":"2026-05-01T12:00:00Z"}}`},
		{"a Rollout between versions", rollout + `status: {currentPodHash: b, stableRS: a}}`, "abort pause promote-full restart -resume -retry", "abort", `status:{"status":{"abort":true}}`},
		{"a Rollout that waits", rollout + `status: {currentPodHash: b, stableRS: a, pauseConditions: [{reason: BlueGreenPause, startTime: null}]}}`, "abort pause promote-full restart resume -retry", "resume", `status:{"status":{"pauseConditions":null}}`},
		{"a Rollout that was aborted", rollout + `status: {currentPodHash: b, stableRS: a, abort: true}}`, "-abort -pause promote-full restart -resume retry", "retry", `status:{"status":{"abort":false}}`},
		{"a Rollout that cannot be read", rollout + `spec: {replicas: many}}`, "-abort -pause -promote-full restart -resume -retry", "", ""},
		{"another kind", `{apiVersion: v1, kind: ConfigMap}`, "", "", ""},
		{"a Deployment of another group", `{apiVersion: x.example/v1, kind: Deployment}`, "", "", ""},
	} {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(c.object), &o.Object); err != nil {
			t.Fatal(err)
		}
		var names, sends []string
		all, err := action.ResourceActions(o, nil, now)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		for _, a := range all {
			names = append(names, map[bool]string{true: "", false: "-"}[a.Available]+a.Name)
			for _, p := range a.Request.Patches {
				if a.Name == c.run {
					sends = append(sends, fmt.Sprintf("%s:%s", p.Subresource, p.Body))
				}
			}
		}
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
		if got := strings.Join(sends, " "); got != c.sends {
			t.Errorf("%s: %s sends %s, want %s", c.name, c.run, got, c.sends)
		}
	}
}
