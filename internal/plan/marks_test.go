package plan_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/internal/plan"
)

// TestCheckMarks: what annotations say about hooks, waves and comparing, and means nothing.
func TestCheckMarks(t *testing.T) {
	for _, c := range []struct{ annotations, want string }{
		{"", ""},
		{"argocd.argoproj.io/hook: 'PreSync,PostSync'", ""},
		{"argocd.argoproj.io/hook: PreDelete", ""},
		{"argocd.argoproj.io/hook: ''", ""},
		{"argocd.argoproj.io/hook: PreSyncc", `Job j, annotation argocd.argoproj.io/hook: "PreSyncc": unknown hook; did you mean PreSync?`},
		{"argocd.argoproj.io/hook: presync", `Job j, annotation argocd.argoproj.io/hook: "presync": unknown hook; did you mean PreSync?`},
		{"argocd.argoproj.io/hook: 'Sync,Weekly'", `"Weekly": unknown hook; write one of PreSync, Sync, PostSync, SyncFail, Skip, PreDelete, PostDelete`},
		{"argocd.argoproj.io/hook-delete-policy: 'HookSucceeded,HookFailed,BeforeHookCreation'", ""},
		{"argocd.argoproj.io/hook-delete-policy: HookSuceeded", `"HookSuceeded": unknown hook delete policy; did you mean HookSucceeded?`},
		{"argocd.argoproj.io/sync-wave: '-5'", ""},
		{"argocd.argoproj.io/sync-wave: one", `annotation argocd.argoproj.io/sync-wave: "one": invalid wave, taken for 0; write a whole number`},
		{"argocd.argoproj.io/sync-wave: ''", `"": invalid wave`},
		{"argocd.argoproj.io/sync-wave: '1.5'", `"1.5": invalid wave`},
		{"helm.sh/hook: 'pre-install,post-delete,test-failure', helm.sh/hook-weight: '-5', helm.sh/hook-delete-policy: 'hook-succeeded,before-hook-creation'", ""},
		{"helm.sh/hook: pre-instal", `Job j, annotation helm.sh/hook: "pre-instal": unknown hook; did you mean pre-install?`},
		{"helm.sh/hook-delete-policy: hook-success", `annotation helm.sh/hook-delete-policy: "hook-success": unknown hook delete policy; did you mean hook-succeeded?`},
		{"helm.sh/hook-weight: first", `annotation helm.sh/hook-weight: "first": invalid wave, taken for 0; write a whole number`},
		{"argocd.argoproj.io/sync-wave: one, helm.sh/hook-weight: '3'", `annotation argocd.argoproj.io/sync-wave: "one": invalid wave, taken for 3; write a whole number`},
	} {
		got := strings.Join(plan.CheckMarks([]plan.Desired{{Object: object(t, named("Job", "j", c.annotations))}}), "; ")
		if !strings.Contains(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%s: got %q, want %q", c.annotations, got, c.want)
		}
	}
}

// TestNamesOfHooks: hooks without a name get one for each phase, as the API server would have made it.
func TestNamesOfHooks(t *testing.T) {
	hook := func(meta, phases string) string {
		return "{apiVersion: batch/v1, kind: Job, metadata: {" + meta + "annotations: {argocd.argoproj.io/hook: '" + phases + "'}}}"
	}
	const revision, started = "0123456789", "-1700000000"
	long := strings.Repeat("x", 60)
	for _, c := range []struct {
		name string
		git  []string
		want string
	}{
		{"a name stays", []string{hook("name: j, ", "PreSync,PostSync")}, "PreSync j, PostSync j"},
		{"a prefix", []string{hook("generateName: j-, ", "PreSync")}, "PreSync j-0123456-presync" + started},
		{"no name at all", []string{hook("", "Sync")}, "Sync 0123456-sync" + started},
		{"a name for each phase", []string{hook("generateName: j-, ", "PreSync,PostSync")}, "PreSync j-0123456-presync" + started + ", PostSync j-0123456-postsync" + started},
		{"two hooks with one prefix", []string{hook("generateName: j-, ", "PreSync"), hook("generateName: j-, ", "PreSync")},
			"PreSync j-0123456-presync" + started + ", PreSync j-0123456-presync" + started + "-2"},
		{"a long prefix is cut", []string{hook("generateName: "+long+", ", "PreSync")}, "PreSync " + long[:37] + "0123456-presync" + started},
	} {
		p, warnings := given{policy: plan.Policy{Revision: revision, StartedAt: time.Unix(1700000000, 0)}, git: c.git}.build(t)
		var got []string
		for _, task := range p.Tasks {
			got = append(got, string(task.Phase)+" "+task.Key.Name)
			if n := len(task.Key.Name); n > 63 {
				t.Errorf("%s: %s has %d letters, want 63 at most", c.name, task.Key.Name, n)
			}
			if task.Object.GetGenerateName() != "" {
				t.Errorf("%s: %s keeps its generateName", c.name, task.Key.Name)
			}
		}
		if text := strings.Join(got, ", "); text != c.want || len(warnings) > 0 {
			t.Errorf("%s: got %q, warnings %v; want %q", c.name, text, warnings, c.want)
		}
	}
}

// TestNamespacesComeFirst: a namespace comes before whatever lives in it.
func TestNamespacesComeFirst(t *testing.T) {
	wave := func(n string) string { return "argocd.argoproj.io/sync-wave: '" + n + "'" }
	namespace := func(name, annotations string) string {
		return "{apiVersion: v1, kind: Namespace, metadata: {name: " + name + ", annotations: {" + annotations + "}}}"
	}
	created := plan.Policy{Options: plan.Options{"CreateNamespace": "true"}}
	for _, c := range []struct {
		name string
		given
		want string
	}{
		{"in git, before a hook", given{git: []string{named("Job", "j", "argocd.argoproj.io/hook: PreSync, "+wave("-3")), namespace("d", ""), named("ConfigMap", "a", "")}}, "PreSync -3 d, PreSync -3 j, Sync 0 a"},
		{"in git, at a late wave", given{git: []string{namespace("d", wave("5")), named("ConfigMap", "a", wave("2"))}}, "Sync 2 d, Sync 2 a"},
		{"in git, at an early wave", given{git: []string{namespace("d", wave("-100")), named("ConfigMap", "a", "")}}, "Sync -100 d, Sync 0 a"},
		{"in git, that nothing lives in", given{git: []string{namespace("other", wave("5")), named("ConfigMap", "a", "")}}, "Sync 0 a, Sync 5 other"},
		{"created, before a hook", given{policy: created, git: []string{named("Job", "j", "argocd.argoproj.io/hook: PreSync"), named("ConfigMap", "a", "")}}, "PreSync 0 d, PreSync 0 j, Sync 0 a"},
		{"created, at the first wave", given{policy: created, git: []string{named("ConfigMap", "a", wave("-7"))}}, "PreSync 0 d, Sync -7 a"},
		{"there already, which nobody asks anything more of", given{policy: created, git: []string{named("ConfigMap", "a", "")}, live: []string{namespace("d", "")}}, "Sync 0 a"},
	} {
		p, _ := c.build(t)
		var got []string
		for _, task := range p.Tasks {
			got = append(got, strings.Join([]string{string(task.Phase), strconv.Itoa(task.Wave), task.Key.Name}, " "))
		}
		if text := strings.Join(got, ", "); text != c.want {
			t.Errorf("%s: got %q, want %q", c.name, text, c.want)
		}
	}
}

// TestResourcesOfHooksAndLeftovers: what the status lists besides git's objects.
func TestResourcesOfHooksAndLeftovers(t *testing.T) {
	mark := func(kind, name string) string {
		return "argocd.argoproj.io/tracking-id: 'shop:" + map[string]string{"Job": "batch"}[kind] + "/" + kind + ":d/" + name + "'"
	}
	p, _ := given{policy: plan.Policy{Options: plan.Options{"Prune": "confirm"}}, git: []string{named("ConfigMap", "a", ""), named("Job", "j", "argocd.argoproj.io/hook: PreSync")}, live: []string{
		liveNamed("ConfigMap", "a", mark("ConfigMap", "a")+", argocd.argoproj.io/sync-options: Delete=confirm"),
		liveNamed("Job", "j", mark("Job", "j")+", argocd.argoproj.io/hook: PreSync"), liveNamed("Job", "skipped", mark("Job", "skipped")+", argocd.argoproj.io/hook: Skip"),
		liveNamed("ConfigMap", "x", mark("ConfigMap", "x")+", argocd.argoproj.io/compare-options: IgnoreExtraneous"),
	}}.build(t)
	var got []string
	for _, s := range p.ResourceStatuses() {
		line := s.Name + " " + string(s.Status)
		for word, is := range map[string]bool{"hook": s.Hook, "pruning": s.RequiresPruning} {
			if is {
				line += " " + word
			}
		}
		if s.RequiresDeletionConfirmation {
			line += " confirm"
		}
		got = append(got, line)
	}
	if text, want := strings.Join(got, ", "), "a Synced confirm, x OutOfSync pruning confirm, j  hook"; text != want {
		t.Errorf("got %q, want %q", text, want)
	}
}
