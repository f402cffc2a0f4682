package cli_test

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli"
	"github.com/cyan-cd/cyan/internal/cli/dev"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/skaffold"
)

const (
	skaffoldGlobal = "color interactive timestamps update-check verbosity kubeconfig kube-context"
	skaffoldRead   = "assume-yes config filename module profile profile-auto-activation propagate-profiles"
	skaffoldBuilds = "build-concurrency cache-artifacts cache-file check-cluster-node-platforms default-repo detect-minikube disable-multi-platform-build enable-platform-node-affinity " +
		"enable-rpc event-log-file insecure-registry minikube-profile mute-logs namespace platform remote-cache-dir rpc-http-port rpc-port skip-tests sync-remote-cache tag toot wait-for-connection"
	skaffoldDeploys = "cloud-run-location cloud-run-project force hydration-dir iterative-status-check label port-forward resource-selector-rules-file status-check status-check-selectors " +
		"tail tolerate-failures-until-deadline wait-for-deletions wait-for-deletions-delay wait-for-deletions-max"
	skaffoldPrunes = "no-prune no-prune-children"
)

// Every flag that the commands of the skaffold program have is honoured, or named: none is unknown, and none is passed
// over without a word.
func TestSkaffoldFlagsAreHonouredOrNamed(t *testing.T) {
	root := func() *cobra.Command {
		root := cli.New(kit.NameSkaffold, "v1", kit.Streams{In: strings.NewReader(""), Out: &strings.Builder{}, Err: &strings.Builder{}}, func(e *kit.Env) *cobra.Command {
			return skaffold.NewDev(e, skaffold.Wiring{Lines: dev.Lines})
		}, func(e *kit.Env) *cobra.Command {
			return skaffold.NewDebug(e, skaffold.Wiring{Lines: dev.Lines})
		})
		return root
	}
	for command, flags := range map[string][]string{
		"dev":                   {skaffoldGlobal, skaffoldRead, skaffoldBuilds, skaffoldDeploys, skaffoldPrunes, "auto-build auto-deploy auto-sync cleanup digest-source keep-running-on-failure trigger watch-image watch-poll-interval"},
		"debug":                 {skaffoldGlobal, skaffoldRead, skaffoldBuilds, skaffoldDeploys, skaffoldPrunes, "auto-build auto-deploy auto-sync cleanup digest-source protocols"},
		"run":                   {skaffoldGlobal, skaffoldRead, skaffoldBuilds, skaffoldDeploys, skaffoldPrunes, "build-image cleanup digest-source load-images"},
		"build":                 {skaffoldGlobal, skaffoldRead, skaffoldBuilds, "build-image dry-run file-output output push quiet label"},
		"deploy":                {skaffoldGlobal, skaffoldRead, skaffoldDeploys, "build-artifacts default-repo images load-images namespace skip-render tag digest-source"},
		"apply":                 {skaffoldGlobal, skaffoldRead, skaffoldDeploys, "default-repo namespace"},
		"render":                {skaffoldGlobal, skaffoldRead, skaffoldBuilds, "add-skaffold-labels build-artifacts digest-source images label loud offline output set set-value-file hydration-dir"},
		"delete":                {skaffoldGlobal, skaffoldRead, "default-repo dry-run namespace"},
		"diagnose":              {skaffoldGlobal, skaffoldRead, "enable-templating output yaml-only"},
		"inspect profiles list": {skaffoldGlobal, "filename module format build-env profile"},
		"version":               {skaffoldGlobal, "output"},
	} {
		for _, flag := range strings.Fields(strings.Join(flags, " ")) {
			tree := root()
			found, _, err := tree.Find(strings.Fields(command))
			if err != nil {
				t.Fatal(err)
			}
			if found.Flag(flag) != nil {
				continue
			}
			tree.SetArgs(append(strings.Fields(command), "--"+flag+"=x"))
			if err := tree.Execute(); err == nil || !strings.Contains(err.Error(), "--"+flag+" is not served by Cyan; ") {
				t.Errorf("skaffold %s --%s: got %v, want it honoured or named", command, flag, err)
			}
		}
	}
}

// Of a flag with one value that is served, any other is an error.
func TestSkaffoldFlagsOfOneValue(t *testing.T) {
	for _, c := range []struct{ flag, served, other, want string }{
		{"--trigger", "notify", "manual", "files are watched"},
		{"--digest-source", "local", "remote", "images are built by the loop"},
		{"--auto-build", "true", "false", "every save is built"},
		{"-w", "", "web", "all images are watched"},
	} {
		for value, fails := range map[string]bool{c.served: false, c.other: true} {
			if value == "" {
				continue
			}
			cmd := skaffold.NewDev(&kit.Env{}, skaffold.Wiring{})
			err := cmd.ParseFlags([]string{c.flag + "=" + value})
			if (err != nil) != fails || fails && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s=%s: got %v, want an error (%t) with %q", c.flag, value, err, fails, c.want)
			}
		}
	}
}

// What does not go with a loop on the objects of an Application is an error before anything is asked or built.
func TestSkaffoldDevInPlace(t *testing.T) {
	inTree(t, map[string]string{"skaffold.yaml": "broken"})
	for line, want := range map[string]string{
		"--promote":                     "--promote: given without --in-place",
		"--application shop":            "--application: given without --in-place",
		"--in-place -n shop":            "--namespace: given with --in-place; leave it out: objects go where the Application has them",
		"--in-place --cleanup=false":    "--cleanup=false: given with --in-place; leave it out: what git wants comes back",
		"--in-place -l a=b":             "--label: given with --in-place; leave it out: objects have the labels that git gives them",
		"--in-place --promote":          "skaffold.yaml",
		"--in-place --application ns/a": "skaffold.yaml",
	} {
		tree := cli.New(kit.NameSkaffold, "v1", kit.Streams{In: strings.NewReader(""), Out: &strings.Builder{}, Err: &strings.Builder{}}, func(e *kit.Env) *cobra.Command {
			return skaffold.NewDev(e, skaffold.Wiring{Lines: dev.Lines})
		})
		tree.SetArgs(append([]string{"dev"}, strings.Fields(line)...))
		if err := tree.Execute(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("skaffold dev %s: got %v, want %s", line, err, want)
		}
	}
}
