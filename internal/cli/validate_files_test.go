package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unicode/utf16"
)

// wrongMap is a ConfigMap with a number in its data, which is found in line 5, and foundIn what is said of it.
const wrongMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME}\ndata:\n  a: 1\n"

func foundIn(file, name string) string {
	return file + ":5:3: error: ConfigMap " + name + ": data[a]: must be text, and is the number 1; put it in quotes [wrong-type]\n"
}

// inUTF16 is a text as some editors and shells of Windows save it.
func inUTF16(text string) string {
	var b bytes.Buffer
	for _, unit := range utf16.Encode([]rune("\ufeff" + text)) {
		b.Write([]byte{byte(unit), byte(unit >> 8)})
	}
	return b.String()
}

// Files as people have them: each is read, or what keeps it from being read is said of it by its name.
func TestValidateFiles(t *testing.T) {
	inFolder(t, "-- go/d.yaml --\n"+strings.ReplaceAll(wrongMap, "NAME", "d")+"-- outside/far.yaml --\n"+strings.ReplaceAll(wrongMap, "NAME", "far"))
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	write := func(file, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := func(target, file string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, file); err != nil {
			t.Fatal(err)
		}
	}
	plain := func(name string) string { return strings.ReplaceAll(wrongMap, "NAME", name) }
	write("crlf/a.yaml", strings.ReplaceAll(plain("a"), "\n", "\r\n"))
	write("mark/a.yaml", "\ufeff"+plain("m"))
	write("latin/a.yaml", plain("a")+"  b: caf\xe9\n")
	write("wide/a.yaml", inUTF16(plain("a")+"---\n"+plain("b")))
	write("binary/a.yaml", "\x7fELF\x00\x01\x02")
	link("a.yaml", "linked/b.yaml")
	write("linked/a.yaml", plain("a"))
	link("../outside/far.yaml", "away/a.yaml")
	link(filepath.Join(here, "outside", "far.yaml"), "absolute/a.yaml")
	link("nowhere", "dangling/a.yaml")
	link("nowhere", "dangling/passed.txt")
	link("b.yaml", "round/a.yaml")
	link("a.yaml", "round/b.yaml")
	link(".", "loop/within")
	write("loop/a.yaml", plain("a"))
	link("../outside", "folder/there")
	write("large/a.yaml", plain("a")+"  b: "+strings.Repeat("x", 9<<20)+"\n")
	if err := syscall.Mkfifo("pipe", 0o600); err != nil {
		t.Fatal(err)
	}
	const (
		notThere  = `symbolic link to "nowhere", which is not there; `
		notUTF8   = "latin/a.yaml:6:1: error: invalid YAML: byte 0xe9 is not UTF-8; save the file as UTF-8 [not-rendered]\n"
		wide      = "wide/a.yaml:1:1: error: invalid YAML: UTF-16; save the file as UTF-8 [not-rendered]\n"
		binary    = "binary/a.yaml:1:1: error: invalid YAML: control character 0x7f; text has none: leave the file out"
		tooLarge  = "large/a.yaml: error: 9437254 bytes are more than the limit of 8388608; split it [not-rendered]\n"
		inLoop    = "round/a.yaml: error: symbolic link in a loop; replace it by the file that is meant [not-rendered]\n"
		leaveOut  = " with --directory-exclude [not-rendered]\n"
		seenTwice = "linked/a.yaml:1:1: warning: ConfigMap default/a is given twice by linked/a.yaml:1, which a symbolic link may lead to as well; the last one is used; keep one of them [repeated-object]\n"
	)
	for _, c := range []struct {
		line   string
		code   int
		stdout string
	}{
		{"cyan validate crlf", 1, foundIn("crlf/a.yaml", "a")},
		{"cyan validate mark", 1, foundIn("mark/a.yaml", "m")},
		{"cyan validate latin", 1, notUTF8},
		{"cyan validate wide", 1, wide},
		{"cyan validate binary", 1, binary + leaveOut},
		{"cyan validate large", 1, tooLarge},
		{"cyan validate linked", 1, seenTwice + foundIn("linked/a.yaml", "a")},
		{"cyan validate away/a.yaml", 1, foundIn("outside/far.yaml", "far")},
		{"cyan validate absolute/a.yaml", 1, foundIn("outside/far.yaml", "far")},
		{"cyan validate linked/b.yaml", 1, foundIn("linked/a.yaml", "a")},
		{"cyan validate dangling", 1, "dangling/a.yaml: error: " + notThere + "remove it, or leave it out" + leaveOut},
		{"cyan validate round", 1, inLoop},
		{"cyan validate loop", 1, foundIn("loop/a.yaml", "a")},
		{"cyan validate -R crlf mark", 1, foundIn("crlf/a.yaml", "a") + foundIn("mark/a.yaml", "m")},
		{"cyan validate -R latin wide", 1, notUTF8 + wide},
		{"cyan validate -R binary", 1, binary + " [not-rendered]\n"},
		{"cyan validate -R large", 1, tooLarge},
		{"cyan validate -R linked", 1, foundIn("linked/a.yaml", "a")},
		{"cyan validate -R away absolute", 1, foundIn("outside/far.yaml", "far")},
		{"cyan validate -R dangling", 1, "dangling/a.yaml: error: " + notThere + "remove it, or correct where it leads [not-rendered]\n"},
		{"cyan validate -R round", 1, "round/a.yaml: error: symbolic link in a loop; replace it by the file that is meant [not-rendered]\nround/b.yaml: error: symbolic link in a loop; replace it by the file that is meant [not-rendered]\n"},
		{"cyan validate -R loop", 1, foundIn("loop/a.yaml", "a")},
		{"cyan validate -R folder go", 1, "folder/there: note: symbolic link to a folder, which is not looked through; name it to have it checked [skipped-file]\n" + foundIn("go/d.yaml", "d")},
	} {
		if code, stdout, stderr := runLine(t, "", c.line); code != c.code || stdout != c.stdout {
			t.Errorf("%s: got %d and\n%s%swant %d and\n%s", c.line, code, stdout, stderr, c.code, c.stdout)
		}
	}
	for line, want := range map[string]string{
		"cyan validate nowhere.yaml":    "Error: nowhere.yaml: not found; name a file, a folder, or - for standard input\n",
		"cyan validate dangling/a.yaml": "Error: dangling/a.yaml: symbolic link to \"nowhere\", which is not there; name a file, a folder, or - for standard input\n",
		"cyan validate -R nowhere":      "Error: nowhere: not found; name a file, a folder, or - for standard input\n",
	} {
		if code, stdout, stderr := runLine(t, "", line); code != 2 || stdout != "" || stderr != want {
			t.Errorf("%s: got %d, %q and %s", line, code, stdout, stderr)
		}
	}
	// What a shell makes of <(COMMAND) is no file.
	for _, line := range []string{"cyan validate pipe", "kubeconform pipe", "kubeval pipe"} {
		written := make(chan error, 1)
		go func() { written <- os.WriteFile("pipe", []byte(plain("a")), 0o600) }()
		code, stdout, stderr := runLine(t, "", line)
		if code != 1 || !strings.HasPrefix(stdout+stderr, "pipe") && !strings.HasPrefix(stdout+stderr, "WARN - pipe") || !strings.Contains(stdout+stderr, "data[a]") {
			t.Errorf("%s: got %d, %q and %q", line, code, stdout, stderr)
		}
		if err := <-written; err != nil {
			t.Error(err)
		}
	}
}

// The kinds of files that are named, or found below a folder, are known by definitions anywhere in the work tree.
func TestValidateFilesOfCustomKinds(t *testing.T) {
	inFolder(t, `
-- crds/widget.yaml --
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}}
-- examples/one/a.yaml --
apiVersion: example.com/v1
kind: Widget
metadata: {name: a}
spec: {size: big}
-- examples/two/b.yaml --
apiVersion: example.com/v1
kind: Widget
metadata: {name: b}
spec: {size: 1}
`)
	const want = "examples/one/a.yaml:4:8: error: Widget a: spec.size: must be of type integer, and is of type string; write it without quotes [wrong-type]\n"
	for _, line := range []string{"cyan validate examples/one/a.yaml examples/two/b.yaml", "cyan validate -R examples"} {
		if code, stdout, stderr := runLine(t, "", line); code != 1 || !strings.HasPrefix(stdout, want) || strings.Count(stdout, "\n") != 1 {
			t.Errorf("%s: got %d, %s%s", line, code, stdout, stderr)
		}
	}
	code, stdout, _ := runLine(t, "", "cyan validate examples/one/a.yaml --root examples")
	if code != 1 || !strings.Contains(stdout, "unknown kind example.com/v1 Widget") {
		t.Errorf("below --root alone: got %d, %s", code, stdout)
	}
}
