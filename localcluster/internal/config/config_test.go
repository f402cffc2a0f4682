package config

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/cyan-cd/cyan/localcluster/internal/state"
)

// known is what files are judged by here: these directories, files, extras and gates there are.
var known = Known{
	Extras: []string{"storage", "metrics"},
	Gates:  map[string]Gate{"ContextualLogging": {Default: true}, "ContextualOther": {}, "Settled": {Default: true, Locked: true}},
	IsDir:  func(path string) bool { return path == "/tmp" || path == "/srv" },
	IsFile: func(path string) bool { return path == "/etc/hostname" },
	Own:    "/srv/me/cyan",
}

const head = "apiVersion: cyan.dev/v1alpha1\nkind: LocalCluster\n"

func TestTheExampleIsHonoured(t *testing.T) {
	f, err := Parse("cluster.yaml", []byte(Example), known)
	want := File{
		Nodes: "real", Simulated: 3, Ports: Ports{16443, 15000, 18080}, Without: []string{"metrics"},
		Settings: Settings{
			Mirrors: map[string][]string{"index.docker.io": {"https://mirror.example"}},
			Registries: map[string]Registry{
				"registry.example": {Username: "robot", PasswordFile: "/etc/hostname"}, "insecure.example:5000": {PlainHTTP: true},
			},
			Mounts:       []Mount{{"/tmp", "/mnt/data", true}},
			FeatureGates: map[string]bool{"ContextualLogging": true},
		},
	}
	if err != nil || !reflect.DeepEqual(f, want) {
		t.Errorf("got %+v, %v\nwant %+v", f, err, want)
	}
	if got := f.Settings.Gates(); got != "ContextualLogging=true" {
		t.Errorf("gates: got %s", got)
	}
	if f, err := Parse("x", []byte(head), known); err != nil || !reflect.DeepEqual(f, File{}) {
		t.Errorf("nothing said: got %+v, %v", f, err)
	}
	if f, err := Parse("x", []byte(head+"without: []\n"), known); err != nil || f.Without == nil {
		t.Errorf("nothing left out: got %#v, %v; want an empty list, which is not nil", f.Without, err)
	}
}

func TestWhatIsNotHonouredIsAnErrorWithItsLine(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"empty", "", "f: empty; write apiVersion"},
		{"comments alone", "# nothing\n", "f: empty; write apiVersion"},
		{"no YAML", head + "nodes: [\n", "f: line "},
		{"not a mapping", "- a\n", "f:1: not a mapping"},
		{"no version", "kind: LocalCluster\n", "f:1: apiVersion: missing; write cyan.dev/v1alpha1"},
		{"no kind", "apiVersion: cyan.dev/v1alpha1\n", "f:1: kind: missing; write LocalCluster"},
		{"another version", "apiVersion: v1\nkind: LocalCluster\n", `f:1: apiVersion: "v1" is not known here; write cyan.dev/v1alpha1`},
		{"kind's own file", "apiVersion: cyan.dev/v1alpha1\nkind: Cluster\n", `f:2: kind: "Cluster" is not known here; write LocalCluster`},
		{"two documents", head + "---\n" + head, "more than one document"},
		{"an unknown field", head + "port: 1\n", "f:3: port: unknown field; there are apiVersion, featureGates, kind, mirrors, mounts, nodes, ports, registries, without"},
		{"an unknown field below", head + "ports:\n  api: 1\n", "f:4: ports.api: unknown field; there are apiServer, ingress, registry"},
		{"a field twice", head + "ports: {}\nnodes: {}\nports: {}\n", "f:5: ports: given in line 3 as well; keep one"},
		{"an alias", head + "without: &a [metrics]\nmirrors: *a\n", "f:4: mirrors: aliases are not read"},
		{"a port that is none", head + "ports:\n  apiServer: 70000\n", `f:4: ports.apiServer: "70000" is not a number between 1 and 65535`},
		{"a port in quotation marks", head + "ports:\n  apiServer: \"16443\"\n", `f:4: ports.apiServer: "16443" is not a number`},
		{"one port for two", head + "ports:\n  apiServer: 7000\n  registry: 7000\n", "f:5: ports.registry: 7000 is that of ports.apiServer"},
		{"nodes of another kind", head + "nodes:\n  kind: virtual\n", `f:4: nodes.kind: "virtual" is neither real nor simulated`},
		{"too many nodes", head + "nodes:\n  simulated: 5001\n", "f:4: nodes.simulated"},
		{"a negative number", head + "nodes:\n  simulated: -1\n", "f:4: nodes.simulated"},
		{"an unknown extra", head + "without:\n- everything\n", `f:4: without[0]: "everything" is unknown; there are storage, metrics`},
		{"no list", head + "without: metrics\n", "f:3: without: not a list"},
		{"a mirror that is no URL", head + "mirrors:\n  docker.io: [mirror.example]\n", `f:4: mirrors.docker.io[0]: "mirror.example" is not the URL of a registry`},
		{"a mirror with a password", head + "mirrors:\n  docker.io: [\"https://a:b@mirror.example\"]\n", "its account below registries"},
		{"a mirror with a path", head + "mirrors:\n  docker.io: [\"https://mirror.example/cache\"]\n", "leave /cache out"},
		{"a host that is none", head + "mirrors:\n  https://docker.io: [\"https://mirror.example\"]\n", "f:4: mirrors.https://docker.io: not the host of a registry"},
		{"half an account", head + "registries:\n  r.example:\n    username: a\n", "f:5: registries.r.example: an account has a username and a password"},
		{"a password without a name", head + "registries:\n  r.example:\n    password: a\n", "an account has a username and a password"},
		{"two passwords", head + "registries:\n  r.example: {username: a, password: b, passwordFile: /etc/hostname}\n", "both password and passwordFile"},
		{"a password file that is not there", head + "registries:\n  r.example: {username: a, passwordFile: /nowhere}\n", `passwordFile: "/nowhere" is not the absolute path of a file`},
		{"a password that is a number", head + "registries:\n  r.example: {username: a, password: 123}\n", "put it into quotation marks"},
		{"neither true nor false", head + "registries:\n  r.example: {plainHTTP: \"yes\"}\n", `"yes" is neither true nor false`},
		{"a mount from nowhere", head + "mounts:\n- hostPath: /nowhere\n  nodePath: /mnt/a\n", `f:4: mounts[0].hostPath: "/nowhere" is not the absolute path of a directory`},
		{"a mount to nowhere", head + "mounts:\n- hostPath: /tmp\n  nodePath: /data\n", `f:5: mounts[0].nodePath: "/data" is neither below /mnt nor a directory`},
		{"a mount over what the node needs", head + "mounts:\n- hostPath: /tmp\n  nodePath: /run/cyan\n", "would hide what the node needs"},
		{"a mount over the accounts of the node", head + "mounts:\n- hostPath: /tmp\n  nodePath: /etc\n", `f:5: mounts[0].nodePath: "/etc" would hide what the node needs; take one below /mnt`},
		{"a mount over the cluster's directory", head + "mounts:\n- hostPath: /tmp\n  nodePath: /srv/me/cyan\n", `f:5: mounts[0].nodePath: "/srv/me/cyan" would hide the cluster's own directory`},
		{"a mount over what has the cluster's directory", head + "mounts:\n- hostPath: /tmp\n  nodePath: /srv\n", `f:5: mounts[0].nodePath: "/srv" would hide the cluster's own directory, /srv/me/cyan, or what is in it; take one below /mnt`},
		{"a mount into the cluster's directory", head + "mounts:\n- hostPath: /tmp\n  nodePath: /srv/me/cyan/pki\n", "would hide the cluster's own directory"},
		{"a mount over programs", head + "mounts:\n- hostPath: /tmp\n  nodePath: /usr/sbin\n", "would hide what the node needs"},
		{"a mount with a detour", head + "mounts:\n- hostPath: /tmp\n  nodePath: /mnt/../srv\n", "without detours"},
		{"half a mount", head + "mounts:\n- hostPath: /tmp\n", "f:4: mounts[0]: a mount has a hostPath and a nodePath"},
		{"two mounts at one path", head + "mounts:\n- {hostPath: /tmp, nodePath: /mnt/a}\n- {hostPath: /srv, nodePath: /mnt/a}\n", "f:5: mounts[1].nodePath: \"/mnt/a\" is that of mounts[0].nodePath"},
		{"mounts of simulated nodes", head + "nodes: {kind: simulated}\nmounts:\n- {hostPath: /tmp, nodePath: /mnt/a}\n", "mounts: simulated nodes have no files"},
		{"an unknown gate", head + "featureGates:\n  contextuallogging: true\n", "f:4: featureGates.contextuallogging: unknown feature gate; some that begin alike are ContextualLogging, ContextualOther"},
		{"a locked gate", head + "featureGates:\n  Settled: false\n", "f:4: featureGates.Settled: locked to true"},
		{"a gate without a value", head + "featureGates:\n  ContextualOther:\n", "neither true nor false"},
		{"too large", strings.Repeat("#", maxFile+1), "f: larger than"},
	} {
		_, err := Parse("f", []byte(test.text), known)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q in it", test.name, err, test.want)
		}
	}
}

// TestAllErrorsAreTold at once.
func TestAllErrorsAreTold(t *testing.T) {
	_, err := Parse("f", []byte(head+"port: 1\nwithout: [x]\nnodes: {kind: y}\n"), known)
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("got %v, want three lines", err)
	}
}

func TestSettingsAreKept(t *testing.T) {
	dir, err := state.At(filepath.Join(t.TempDir(), "cluster"))
	if err == nil {
		err = dir.Create()
	}
	if err != nil {
		t.Fatal(err)
	}
	if s, err := Load(dir); err != nil || !reflect.DeepEqual(s, Settings{}) {
		t.Errorf("of a cluster that has none: %+v, %v", s, err)
	}
	want := Settings{Registries: map[string]Registry{"r.example": {Username: "a", Password: "b"}}, Simulated: 2}
	if err := Save(dir, want); err != nil {
		t.Fatal(err)
	}
	got, err := Load(dir)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	repository, err := name.NewRepository("r.example/app")
	if err != nil {
		t.Fatal(err)
	}
	account, err := got.Resolve(repository)
	if basic, ok := account.(*authn.Basic); err != nil || !ok || basic.Username != "a" || basic.Password != "b" {
		t.Errorf("account: got %v, %v", account, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(Example)
	f.Add(head + "without: &a [*a]\n")
	f.Add("? {a: b}\n: c\n")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := Parse("f", []byte(text), known)
		if err == nil && (file.Simulated < 0 || file.Ports.APIServer > 65535) {
			t.Errorf("accepted: %+v", file)
		}
	})
}
