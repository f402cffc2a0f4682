package manifests

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/renderers"
)

// Build builds the kustomization of a directory of this machine as the kustomize program does: what it is built on may
// be anywhere on the machine, and nothing but the kustomization has a say.
func Build(path string, settings render.Settings) (result *render.Result, err error) {
	return buildEdited(path, settings, nil)
}

// buildEdited is Build with files that have another content, by their full paths without symbolic links.
func buildEdited(path string, settings render.Settings, files map[string][]byte) (result *render.Result, err error) {
	keys, err := Keys()
	if err != nil {
		return nil, err
	}
	here, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	settings.WithoutOverrides = true
	top := filepath.VolumeName(here) + string(filepath.Separator)
	err = open(top, path, func(tree fs.FS, inside string) error {
		if len(files) > 0 {
			tree = EditedIn(top, tree, files)
		}
		source := v1alpha1.ApplicationSource{Path: inside, Kustomize: &v1alpha1.KustomizeSource{}}
		result, err = renderers.Render(tree, source, render.Options{Keys: keys, Settings: settings})
		return err
	})
	if err != nil {
		return nil, nearbyOf(here, full).problem(refusal(inWords(err, ofBuild)))
	}
	return nearbyOf(here, full).warnings(warningsInWords(result, ofBuild)), nil
}

// ofBuild are the words for who has named a folder to the kustomize program.
var ofBuild = strings.NewReplacer(
	"source.kustomize is given, and the directory has no kustomization.yaml, kustomization.yml or Kustomization", "no kustomization.yaml, kustomization.yml or Kustomization",
	"add one, or remove source.kustomize", "name a folder that has one",
	": app path does not exist in this revision", ": not found", " in this revision", "",
	"; `cyan render` shows the same on your machine", "", "correct the kustomization, and see it with `cyan render`", "correct the kustomization",
)

// nearby names files as they are named in a folder of this machine, and not from its root.
type nearby struct {
	here string
	// begin matches where a file in a text begins as the folder that is spoken of, and head is what is put before it.
	begin *regexp.Regexp
	head  string
}

// nearbyOf names files as in the folder here, where those of another folder are spoken of.
func nearbyOf(here, folder string) nearby {
	volume := filepath.VolumeName(folder)
	parts := strings.SplitAfter(strings.Trim(filepath.ToSlash(folder[len(volume):]), "/"), "/")
	begin := strings.Join(parts[:min(len(parts), 2)], "")
	return nearby{here, regexp.MustCompile("(^|[^a-zA-Z0-9/._-])(" + regexp.QuoteMeta(begin) + ")"), filepath.ToSlash(volume) + "/"}
}

func (n nearby) file(name string) string {
	if name == "" {
		return ""
	}
	full := filepath.FromSlash(n.head + name)
	if short, err := filepath.Rel(n.here, full); err == nil && len(short) < len(full) {
		return short
	}
	return full
}

// text names the files in a text likewise.
func (n nearby) text(text string) string {
	if n.here == filepath.VolumeName(n.here)+string(filepath.Separator) {
		return text
	}
	text = n.begin.ReplaceAllString(text, "${1}"+n.head+"${2}")
	return strings.ReplaceAll(text, filepath.ToSlash(n.here)+"/", "")
}

func (n nearby) problem(err error) error {
	p := problem.Of(err)
	if p == nil {
		return err
	}
	said := *p
	said.File, said.Cause, said.Remedy = n.file(p.File), n.text(p.Cause), n.text(p.Remedy)
	said.Err = err
	return &said
}

func (n nearby) warnings(result *render.Result) *render.Result {
	said := *result
	said.Warnings = nil
	for _, w := range result.Warnings {
		w.Message, w.File = n.text(w.Message), n.file(w.File)
		said.Warnings = append(said.Warnings, w)
	}
	return &said
}
