package cli_test

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// actionsOf are actions in Lua, for a kind each.
var actionsOf = map[string]string{
	"ConfigMap": `
discovery.lua: |
  return {copy = {}, mark = {disabled = obj.data ~= nil and obj.data.mark ~= nil}, steal = {}, hide = {}, ["copy-role"] = {}, broken = {}, state = {}}
definitions:
- name: copy
  action.lua: |
    copy = {apiVersion = "v1", kind = "ConfigMap", metadata = {name = obj.metadata.name .. "-copy"}, data = obj.data}
    obj.metadata.annotations = {copied = os.date("!%Y")}
    return {{operation = "create", resource = copy}, {operation = "patch", resource = obj}}
- name: mark
  action.lua: |
    obj.data = {mark = "x"}
    return obj
- name: steal
  action.lua: |
    obj.metadata.namespace = "kube-system"
    return obj
- name: hide
  action.lua: |
    return {{operation = "create", resource = {apiVersion = "v1", kind = "ConfigMap", metadata = {name = "a", namespace = "kube-system"}}}}
- name: copy-role
  action.lua: |
    return {{operation = "create", resource = {apiVersion = "rbac.authorization.k8s.io/v1", kind = "ClusterRole", metadata = {name = "a"}}}}
- name: state
  action.lua: |
    obj.status = {a = "b"}
    return obj
- name: broken
  action.lua: return obj.x.y
`,
	"apps_Deployment": "mergeBuiltinActions: false\ndiscovery.lua: |\n  return {status = {}}\ndefinitions:\n- name: status\n  action.lua: |\n    obj.spec.paused = true\n    obj.status = {observedGeneration = 77}\n    return obj\n",
	"Secret":          "discovery.lua: return {",
}

// TestActionsInLua: actions that scripts in ConfigMap argocd-cm offer, as people ask for them.
func TestActionsInLua(t *testing.T) {
	s := newShell(t)
	namespace := deployed(s, "scripted")
	written := map[string]string{}
	for kind, text := range actionsOf {
		written["resource.customizations.actions."+kind] = text
	}
	s.setting(written)
	// The project permits the namespace alone, and no kind without one.
	s.storeProject("scripted", `{"sourceRepos":["*"],"destinations":[{"server":"*","namespace":"`+namespace+`"}]}`)
	app := s.app("scripted")
	app.Spec.Project = "scripted"
	if err := s.cluster.Client.Update(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("$NS", namespace)
	const a = " --kind ConfigMap --resource-name a"
	for _, c := range []struct {
		line           string
		code           int
		stdout, stderr string
	}{
		{"list scripted" + a, 0, "GROUP  KIND       NAME  ACTION     DISABLED\n       ConfigMap  a     broken     false\n       ConfigMap  a     copy       false\n       ConfigMap  a     copy-role  false\n" +
			"       ConfigMap  a     hide       false\n       ConfigMap  a     mark       false\n       ConfigMap  a     state      false\n       ConfigMap  a     steal      false\n", ""},
		{"run scripted state" + a, 0, "ConfigMap $NS/a state done\n", ""},
		{"run scripted copy" + a, 0, "ConfigMap $NS/a copy done\n", ""},
		{"run scripted mark" + a, 0, "ConfigMap $NS/a mark done\n", ""},
		{"run scripted mark" + a, 20, "", "Error: ConfigMap $NS/a: in no state for the action mark\n"},
		{"run scripted steal" + a, 20, "", "Error: ConfigMap $NS/a: action.lua of \"steal\": returned another object than the one it was given, and none but that is patched; correct the script\n"},
		{"run scripted hide" + a, 20, "", "Error: ConfigMap kube-system/a: namespace \"kube-system\" of https://kubernetes.default.svc is not permitted in project scripted; add it to the project's destinations\n"},
		{"run scripted copy-role" + a, 20, "", "*is not permitted in project scripted"},
		{"run scripted copy" + a, 20, "", "*configmaps \"a-copy\" already exists"},
		{"run scripted broken" + a, 20, "", "Error: ConfigMap $NS/a: action.lua of \"broken\": line 1: attempt to index a non-table object(nil) with key 'y'; correct the script\n"},
		{"run scripted nosuch" + a, 2, "", "Error: ConfigMap $NS/a: unknown action \"nosuch\"; there are: broken, copy, copy-role, hide, mark, state, steal\n"},
		{"list scripted --kind Deployment", 0, "GROUP  KIND        NAME  ACTION  DISABLED\napps   Deployment  web   status  false\n", ""},
		{"run scripted status --kind Deployment", 0, "Deployment $NS/web status done\n", ""},
		{"list scripted --kind Secret", 0, "GROUP  KIND  NAME  ACTION  DISABLED\n", "warning: ConfigMap argocd-cm: resource.customizations.actions of Secret: discovery.lua: invalid Lua: at its end: syntax error; correct it\n"},
		{"run scripted x --kind Secret", 20, "", "Error: ConfigMap argocd-cm: resource.customizations.actions of Secret: discovery.lua: invalid Lua: at its end: syntax error; correct it\n"},
	} {
		got := s.ends(append([]string{"argocd", "app", "actions"}, strings.Fields(c.line)...)...)
		if got.code != c.code || !says(got.stdout, fill.Replace(c.stdout)) || !says(got.stderr, fill.Replace(c.stderr)) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", c.line, got, c)
		}
	}
	var found, copied corev1.ConfigMap
	s.get(&found, namespace, "a")
	s.get(&copied, namespace, "a-copy")
	if found.Data["mark"] != "x" || len(found.Annotations["copied"]) != 4 || copied.Data["k"] != "v" {
		t.Errorf("got %v %v and the copy %v", found.Data, found.Annotations, copied.Data)
	}
	web := &appsv1.Deployment{}
	if s.get(web, namespace, "web"); !web.Spec.Paused {
		t.Error("the Deployment is not paused")
	}
}
