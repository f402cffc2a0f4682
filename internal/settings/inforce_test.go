package settings

import (
	"strings"
	"testing"
)

func TestKeysOf(t *testing.T) {
	got := KeysOf(ConfigName, map[string]string{
		"timeout.reconciliation": "60s", "resource.customLabels": "a", "kustomize.path.v4": "/bin/kustomize", "timeout.reconcilation": "1s", "oidc.config": "clientSecret: abc", "application.instanceLabelKey": strings.Repeat("ü", longestValue),
	})
	want := []struct {
		key, value string
		state      State
		meaning    string
	}{
		{"application.instanceLabelKey", strings.Repeat("ü", longestValue/2) + "…", InForce, ""},
		{"kustomize.path.v4", "/bin/kustomize", NotServed, "programs of other versions are not run; build with the kustomize that is built in"},
		{"oidc.config", "", InForce, ""},
		{"resource.customLabels", "a", InForce, "shown on a web page only"},
		{"timeout.reconcilation", "1s", Unknown, "unknown key; did you mean timeout.reconciliation?"},
		{"timeout.reconciliation", "60s", InForce, "the time between two looks at a repository"},
	}
	if len(got) != len(want) {
		t.Fatalf("got %+v", got)
	}
	for i, w := range want {
		if g := got[i]; g.Key != w.key || g.Value != w.value || g.State != w.state || w.meaning != "" && g.Meaning != w.meaning {
			t.Errorf("got %+v, want %+v", g, w)
		}
	}
	if of := KeysOf(NotificationsName, map[string]string{"service.webhook.x": "url: https://x"}); of[0].Value != "" {
		t.Errorf("what may have a token in it is shown: %+v", of)
	}
	if of := KeysOf("argocd-rbac-cm", nil); of == nil || len(of) != 0 {
		t.Errorf("of none: got %v", of)
	}
}
