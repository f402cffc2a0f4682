package cli_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/cli"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// counterTree is a repository as people have it: the file of the dev loop beside the manifests.
func counterTree(image string) map[string]string {
	return map[string]string{
		"builds.json":                   `{"builds":[{"imageName":"pokotyan/counter","tag":"registry.example/counter:v3@sha256:` + strings.Repeat("0", 64) + `"}]}`,
		"none.json":                     `{"builds":[]}`,
		"broken.yaml":                   "apiVersion: skaffold/v3\nkind: Config\nmanifests: {rawYaml: [broken/pod.yaml]}\n",
		"broken/pod.yaml":               "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: x, image: x, imagePullPolicy: Sometimes}]}\n",
		"Dockerfile":                    "FROM scratch\nCOPY Dockerfile /\n",
		"k8s/base/deployment.yml":       deployment("app", "app-image"),
		"k8s/base/kustomization.yml":    "resources: [deployment.yml]\n",
		"k8s/overlay/kustomization.yml": "resources: [../base]\nimages:\n  - name: app-image\n    newName: pokotyan/counter\n    newTag: v1\n",
		"k8s/skaffold.yml": `apiVersion: skaffold/v2beta10
kind: Config
metadata:
  name: app
build:
  artifacts:
    - image: ` + image + `
      docker:
        dockerfile: ./Dockerfile
  tagPolicy:
    sha256: {}
  local:
    push: false
profiles:
  - name: local
    deploy:
      kustomize:
        paths: ["k8s/overlay"]
`,
	}
}

// inTree makes files the working directory.
func inTree(t *testing.T, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("KUBECONFIG", os.DevNull)
	t.Setenv("XDG_DATA_HOME", dir)
	t.Chdir(dir)
}

func called(t *testing.T, line string) (code int, stdout, stderr string) {
	t.Helper()
	var out, note bytes.Buffer
	words := strings.Fields(line)
	for i := range words {
		words[i] = strings.ReplaceAll(words[i], "json_", "json ")
	}
	root := cli.New(words[0], "v1.2.3", kit.Streams{In: strings.NewReader(""), Out: &out, Err: &note})
	root.SetArgs(words[1:])
	err := root.ExecuteContext(t.Context())
	if message := kit.Message(err); message != "" {
		note.WriteString(message + "\n")
	}
	return kit.ExitCode(err), out.String(), note.String()
}

// What does not concern the image that is built is the same in all rows.
func TestSkaffoldLines(t *testing.T) {
	const trap = "k8s/skaffold.yml:7: image pokoytan/counter: built, and nothing deployed has it; k8s/overlay/kustomization.yml:4 has pokotyan/counter; did you mean pokotyan/counter? Write the same name in both places"
	for _, c := range []struct {
		rule, image, line string
		code              int
		// out and note are parts of what is printed; "" is for nothing at all.
		out, note string
	}{
		{"the trap is shown by a check", "pokoytan/counter", "cyan skaffold check k8s/skaffold.yml -p local", 1, "To be corrected:\n  " + trap + "\n", "Error: k8s/skaffold.yml: 1 place to be corrected before anything is built"},
		{"the trap is met before a build", "pokoytan/counter", "skaffold build -f k8s/skaffold.yml -p local", 2, "", "Error: " + trap + "\n"},
		{"a sound file", "pokotyan/counter", "cyan skaffold check k8s/skaffold.yml -p local", 0, "  image      pokotyan/counter, of Dockerfile, with what is in .\n  manifests  the kustomization k8s/overlay\n", ""},
		{"what is honoured", "pokotyan/counter", "skaffold diagnose -f k8s/skaffold.yml -p local", 0, "\nHonoured:\n  k8s/skaffold.yml:1: apiVersion: ", ""},
		{"what is done in another way", "pokotyan/counter", "skaffold diagnose -f k8s/skaffold.yml -p local", 0, "  k8s/skaffold.yml:13: build.local.push: images are pushed", ""},
		{"for programs", "pokotyan/counter", "cyan skaffold check k8s/skaffold.yml -p local -o json", 0, `"Image": "pokotyan/counter"`, ""},
		{"the newest form", "pokotyan/counter", "skaffold diagnose -f k8s/skaffold.yml -p local --yaml-only", 0, "manifests:\n  kustomize:\n    paths:\n      - k8s/overlay\n", ""},
		{"nothing is built by a dry run", "pokotyan/counter", "skaffold build -f k8s/skaffold.yml -p local --dry-run", 0, "pokotyan/counter -> pokotyan/counter:latest\n", ""},
		{"a repository, a tag and a template", "pokotyan/counter", "skaffold build -q -o {{json_.}} -f k8s/skaffold.yml -p local --dry-run -d localhost:5000 -t v2", 0, `{"builds":[{"imageName":"pokotyan/counter","tag":"localhost:5000/pokotyan_counter:v2"}]}` + "\n", ""},
		{"flags that mean nothing", "pokotyan/counter", "skaffold build -v info --cache-artifacts=false -f k8s/skaffold.yml -p local --dry-run", 0, "pokotyan/counter:latest", "note: --cache-artifacts has no effect"},
		{"an image that is not there", "pokotyan/counter", "skaffold build -b redis -f k8s/skaffold.yml -p local --dry-run", 2, "", "--build-image: no image has redis in its name; choose among pokotyan/counter"},
		{"a tag that no registry takes", "pokotyan/counter", "skaffold build -t .v9 -f k8s/skaffold.yml -p local --dry-run", 2, "", "image pokotyan/counter: invalid tag \".v9\"; give one of letters, digits"},
		{"a profile that is not there", "pokotyan/counter", "skaffold build -f k8s/skaffold.yml -p lokal", 2, "", "did you mean local?"},
		{"a file that is not there", "pokotyan/counter", "skaffold diagnose -f skaffold.yml", 13, "", "skaffold.yml: file not found; did you mean k8s/skaffold.yml?"},
		{"standard input", "pokotyan/counter", "skaffold diagnose -f -", 2, "", "--filename: - is not a file of this machine; save it to a file"},
		{"a file elsewhere", "pokotyan/counter", "skaffold diagnose -f /etc/hosts", 2, "", "--filename: /etc/hosts is not below "},
		{"manifests as they stand", "pokotyan/counter", "skaffold render -f k8s/skaffold.yml -p local --digest-source none", 0, "image: pokotyan/counter:v1\n", ""},
		{"manifests with tags", "pokotyan/counter", "skaffold render -f k8s/skaffold.yml -p local --digest-source tag -d registry.example -t v9 -n shop", 0, "image: registry.example/pokotyan_counter:v9\n", ""},
		{"manifests with what was built", "pokotyan/counter", "skaffold render -f k8s/skaffold.yml -p local -a builds.json", 0, "image: registry.example/counter:v3@sha256:", ""},
		{"a file without the image", "pokotyan/counter", "skaffold render -f k8s/skaffold.yml -p local -a none.json", 2, "", "--build-artifacts none.json: without pokotyan/counter; build all images"},
		{"a file that is none", "pokotyan/counter", "skaffold render -f k8s/skaffold.yml -p local -a Dockerfile", 2, "", "--build-artifacts Dockerfile: invalid character"},
		{"a source of digests that is none", "pokotyan/counter", "skaffold render -f k8s/skaffold.yml -p local --digest-source moon", 2, "", "--digest-source: \"moon\" unknown; give local, remote, tag or none"},
		{"a tag that no registry has", "pokotyan/counter", "skaffold render -f k8s/skaffold.yml -p local --digest-source remote -d 127.0.0.1:1", 13, "", "image 127.0.0.1:1/pokotyan_counter:latest: "},
		{"manifests that are invalid", "pokotyan/counter", "skaffold render -f broken.yaml --digest-source none", 1, "", "manifests: 1 problem:\n  broken/pod.yaml:"},
		{"a command that is not served", "pokotyan/counter", "skaffold exec -f x", 2, "", "Error: skaffold exec: not served by Cyan; "},
		{"a flag that is not served", "pokotyan/counter", "skaffold build --wait-for-connection", 2, "", "Error: skaffold build: --wait-for-connection is not served by Cyan; events are served to nobody\n"},
		{"a command that is unknown", "pokotyan/counter", "skaffold bulid", 2, "", `Error: skaffold: unknown command "bulid"; did you mean "build"?` + "\n"},
		{"a kubeconfig that is not there", "pokotyan/counter", "skaffold build -f k8s/skaffold.yml -p local --kubeconfig /nowhere", 11, "", "kubeconfig: stat /nowhere: no such file"},
		{"a template that is none", "pokotyan/counter", "skaffold build -o {{.x", 2, "", "write json, or a template"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			inTree(t, counterTree(c.image))
			code, out, note := called(t, c.line)
			if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(note, c.note) || c.out == "" && out != "" || c.note == "" && note != "" {
				t.Errorf("%s: got %d\n%s%s\nwant %d\n%s%s", c.line, code, out, note, c.code, c.out, c.note)
			}
		})
	}
}

// Flags may be variables too, and those of the command line win.
func TestSkaffoldFlagsOfTheEnvironment(t *testing.T) {
	inTree(t, counterTree("pokotyan/counter"))
	t.Setenv("SKAFFOLD_FILENAME", "k8s/skaffold.yml")
	t.Setenv("SKAFFOLD_PROFILE", "local")
	t.Setenv("SKAFFOLD_DEFAULT_REPO", "registry.example/env")
	if _, out, note := called(t, "skaffold build --dry-run"); out != "pokotyan/counter -> registry.example/env/pokotyan_counter:latest\n" {
		t.Errorf("got %s%s", out, note)
	}
	if _, out, note := called(t, "skaffold build --dry-run -d registry.example/flag"); !strings.Contains(out, "-> registry.example/flag/") {
		t.Errorf("got %s%s", out, note)
	}
	t.Setenv("SKAFFOLD_DRY_RUN", "perhaps")
	if code, _, note := called(t, "skaffold build"); code != 2 || !strings.Contains(note, "SKAFFOLD_DRY_RUN: ") {
		t.Errorf("got %d, %s", code, note)
	}
}

// Tags are those of git, where the policy asks for them and the folder is in a work tree.
func TestSkaffoldTags(t *testing.T) {
	tree := counterTree("pokotyan/counter")
	tree["k8s/skaffold.yml"] = strings.Replace(tree["k8s/skaffold.yml"], "sha256: {}", "gitCommit: {variant: CommitSha, prefix: v-}", 1)
	inTree(t, tree)
	const line = "skaffold build -f k8s/skaffold.yml -p local --dry-run"
	if _, out, note := called(t, line); out != "pokotyan/counter -> pokotyan/counter:latest\n" || !strings.Contains(note, "gitCommit: not known of this folder; its tag is latest") {
		t.Errorf("outside of git: got %s%s", out, note)
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "-A"}, {"-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "x"}} {
		if out, err := exec.Command("git", args...).CombinedOutput(); err != nil {
			t.Fatal(err, string(out))
		}
	}
	commit, err := exec.Command("git", "rev-parse", "HEAD").Output()
	if err != nil {
		t.Fatal(err)
	}
	want := "pokotyan/counter -> pokotyan/counter:v-" + strings.TrimSpace(string(commit))
	if _, out, note := called(t, line); out != want+"\n" {
		t.Errorf("got %s%s, want %s", out, note, want)
	}
	if err := os.WriteFile("Dockerfile", []byte("FROM scratch\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, out, _ := called(t, line); out != want+"-dirty\n" {
		t.Errorf("got %s, want %s-dirty", out, want)
	}
}
