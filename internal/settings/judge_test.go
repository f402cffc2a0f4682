package settings

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestJudge(t *testing.T) {
	object := func(version, kind string) *unstructured.Unstructured {
		o := &unstructured.Unstructured{Object: map[string]any{"status": map[string]any{"phase": "Up"}}}
		o.SetAPIVersion(version)
		o.SetKind(kind)
		o.SetName("x")
		return o
	}
	going := object("example.com/v1", "Base")
	going.Object["metadata"].(map[string]any)["deletionTimestamp"] = "2026-01-02T03:04:05Z"
	held := going.DeepCopy()
	held.SetFinalizers([]string{"argocd.argoproj.io/hook-finalizer"})
	for _, test := range []struct {
		rule, script string
		object       *unstructured.Unstructured
		want         string
	}{
		{"the script of the kind", `return {status = "Degraded", message = obj.status.phase}`, object("example.com/v1", "Base"), "Degraded Up"},
		{"another kind", `return {status = "Degraded"}`, object("v1", "ConfigMap"), "none"},
		{"another kind that is judged everywhere", `return {status = "Degraded"}`, object("v1", "PersistentVolumeClaim"), "Progressing not bound yet"},
		{"an object that is being deleted", `return {status = "Healthy"}`, going, "Progressing being deleted"},
		{"a hook that is being deleted and held", `return {status = "Healthy", message = obj.metadata.deletionTimestamp}`, held, "Healthy 2026-01-02T03:04:05Z"},
		{"a script that says nothing", `return nil`, object("example.com/v1", "Base"), "none"},
		{"a script that fails", `return obj.spec.x`, object("example.com/v1", "Base"), "Unknown health script of Base.example.com in ConfigMap argocd-cm: line 1: attempt to index a non-table object(nil)"},
		{"a script that is none", `return`, object("example.com/v1", "Base"), "none"},
		{"a script that can't be read", `return {`, object("example.com/v1", "Base"), "Unknown health script of Base.example.com in ConfigMap argocd-cm: invalid Lua: at its end: syntax error"},
		{"a script that never ends", `while true do end`, object("example.com/v1", "Base"), "Unknown health script of Base.example.com in ConfigMap argocd-cm: stopped after 300000 instructions; make the script shorter"},
	} {
		s, _ := Parse(map[string]map[string]string{ConfigName: {"resource.customizations.health.example.com_Base": test.script}})
		got := "none"
		if h := s.Judge().Of(test.object); h != nil {
			got = strings.TrimSpace(string(h.Status) + " " + h.Message)
		}
		if !strings.HasPrefix(got, test.want) || test.want == "none" && got != "none" {
			t.Errorf("%s: %q, want %q", test.rule, got, test.want)
		}
	}
	if (Settings{}).Judge() != nil {
		t.Error("settings without scripts judge by themselves, want by the built-in rules")
	}
}

func TestJudgeRemembersUntilTheObjectChanges(t *testing.T) {
	s, _ := Parse(map[string]map[string]string{ConfigName: {"resource.customizations.health.Base": `return {status = "Healthy", message = obj.phase}`}})
	judge := s.Judge()
	base := func(uid, version, phase string) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Base", "metadata": map[string]any{"uid": uid, "resourceVersion": version}, "phase": phase}}
	}
	for _, step := range []struct{ rule, uid, version, phase, want string }{
		{"first", "a", "1", "one", "one"}, {"the same version", "a", "1", "not looked at", "one"}, {"a newer version", "a", "2", "two", "two"},
		{"another object", "b", "2", "three", "three"}, {"an object without a UID", "", "", "four", "four"}, {"another one without a UID", "", "", "five", "five"},
	} {
		if got := judge.Of(base(step.uid, step.version, step.phase)).Message; got != step.want {
			t.Errorf("%s: %q, want %q", step.rule, got, step.want)
		}
	}
}
