package spec_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/spec"
	"github.com/cyan-cd/cyan/internal/problem"
)

// TestFlagsChangeTheSpec: what each flag makes of a spec, as JSON, or the error that names the flag.
func TestFlagsChangeTheSpec(t *testing.T) {
	const destination = `"destination":{},"project":""`
	for _, c := range []struct{ name, before, line, want, refused string }{
		{"a source", `{}`, "--repo r --path p", `{"source":{"repoURL":"r","path":"p"},` + destination + `}`, ""},
		{"the only one of a list", `{"sources":[{"repoURL":"r","path":"p"}]}`, "--path q", `{"sources":[{"repoURL":"r","path":"q"}],` + destination + `}`, ""},
		{"an image of the only one of a list", `{"sources":[{"repoURL":"r"}]}`, "--kustomize-image a:v1", `{"sources":[{"repoURL":"r","kustomize":{"images":["a:v1"]}}],` + destination + `}`, ""},
		{"one of several", `{"sources":[{"repoURL":"r"},{"repoURL":"s"}]}`, "--path q", "", "--path: spec.sources has 2 entries"},
		{"a directory's option of one of several", `{"sources":[{"repoURL":"r"},{"repoURL":"s"}]}`, "--directory-recurse", "", "--directory-recurse: spec.sources has 2 entries"},
		{"the project of an Application with several", `{"sources":[{"repoURL":"r"},{"repoURL":"s"}]}`, "--project x", `{"sources":[{"repoURL":"r"},{"repoURL":"s"}],"destination":{},"project":"x"}`, ""},
		{"a cluster's name in place of its URL", `{"destination":{"server":"https://a"}}`, "--dest-name b", `{"destination":{"name":"b"},"project":""}`, ""},
		{"a policy after what needs it", `{}`, "--auto-prune --sync-policy automated", `{` + destination + `,"syncPolicy":{"automated":{"prune":true}}}`, ""},
		{"what needs a policy", `{}`, "--self-heal", "", "--self-heal: automated sync is off; add --sync-policy automated"},
		{"an unknown policy", `{}`, "--sync-policy often", "", `--sync-policy: "often" is invalid; give none or automated`},
		{"an option in place of the same", `{"syncPolicy":{"syncOptions":["A=true","B=true"]}}`, "--sync-option A=false", `{` + destination + `,"syncPolicy":{"syncOptions":["B=true","A=false"]}}`, ""},
		{"an option less", `{"syncPolicy":{"syncOptions":["A=true","B=true"]}}`, "--sync-option !A", `{` + destination + `,"syncPolicy":{"syncOptions":["B=true"]}}`, ""},
		{"an option without a value", `{}`, "--sync-option A", "", `--sync-option: "A" has no value; write Name=value`},
		{"an image in place of the same", `{"source":{"repoURL":"r","kustomize":{"images":["h:5000/a:v1","b=c:v1"]}}}`, "--kustomize-image h:5000/a@sha256:1 --kustomize-image b=d", `{"source":{"repoURL":"r","kustomize":{"images":["h:5000/a@sha256:1","b=d"]}},` + destination + `}`, ""},
		{"a count that is not a number", `{}`, "--revision-history-limit many", "", `--revision-history-limit: "many" is not a number`},
	} {
		app := &v1alpha1.Application{}
		if err := json.Unmarshal([]byte(`{"spec":`+c.before+`}`), app); err != nil {
			t.Fatal(err)
		}
		cmd := &cobra.Command{Use: "set"}
		flags := spec.New(cmd)
		if err := cmd.ParseFlags(strings.Fields(c.line)); err != nil {
			t.Fatal(err)
		}
		_, err := flags.Apply(app)
		if c.refused != "" {
			if err == nil || !strings.HasPrefix(err.Error(), c.refused) || problem.KindOf(err) != problem.Usage {
				t.Errorf("%s: got %v, want the usage error %q", c.name, err, c.refused)
			}
			continue
		}
		if got, _ := json.Marshal(app.Spec); err != nil || string(got) != c.want {
			t.Errorf("%s: got %s, %v, want %s", c.name, got, err, c.want)
		}
	}
}
