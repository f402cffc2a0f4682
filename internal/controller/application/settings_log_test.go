package application

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/settings"
)

// TestWhatSettingsAskInVainIsLogged: at the start, and whenever it is written, each setting that is not honoured is
// named with what to do; what was named before is not repeated.
func TestWhatSettingsAskInVainIsLogged(t *testing.T) {
	var out strings.Builder
	log := slog.New(slog.NewTextHandler(&out, nil))
	s := &currentSettings{}
	written := map[string]map[string]string{"argocd-cm": {"resource.exclusions": "- {"}}
	s.take(written, []settings.Finding{{Object: "Secret far", Field: "awsAuthConfig", Verdict: settings.Refused, Cause: "not served", Remedy: "use a token"}}, log)
	for _, part := range []string{`msg="setting not honoured"`, `object="ConfigMap argocd-cm" key=resource.exclusions cause=`, `object="Secret far" key=awsAuthConfig cause="not served" remedy="use a token"`} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("the log has no %s:\n%s", part, out.String())
		}
	}
	out.Reset()
	s.take(written, nil, log)
	if out.Len() > 0 {
		t.Errorf("named again:\n%s", out.String())
	}
	written = map[string]map[string]string{"argocd-cm": {"resource.exclusions": "- {", "resource.inclusions": "- {"}}
	s.take(written, nil, log)
	if got := out.String(); !strings.Contains(got, "key=resource.inclusions") || strings.Contains(got, "resource.exclusions") {
		t.Errorf("a new one: got\n%s", got)
	}
}
