package manifests

import (
	"strings"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
)

// Renderers speak of the fields of an Application's source. Where there is none, what is meant is a path that was
// named, and flags: longer phrases come before their parts.
var (
	inFlags = strings.NewReplacer(append([]string{
		"let source.path name its directory, or exclude it with source.directory.exclude", "name its folder, or leave it out with --directory-exclude",
		"exclude this file with source.directory.exclude", "leave this file out with --directory-exclude",
		"exclude the file with source.directory.exclude", "leave the file out with --directory-exclude",
		"exclude it with source.directory.exclude", "leave it out with --directory-exclude",
		"is left out by source.directory.exclude", "is left out by --directory-exclude",
		"source.directory.exclude", "--directory-exclude",
		"source.directory.include", "--directory-include",
	}, common...)...)
	// ofFolder are those for a folder of this machine, which has no revision.
	ofFolder = strings.NewReplacer(
		": app path does not exist in this revision", ": not found", " in this revision", "", ", and the revision of a repository", "",
		"nothing outside the repository is read: copy what is needed into it", "nothing outside the work tree is read: copy what is needed into it, or give --root",
	)
	// ofFile are the words for a single file, which nothing excludes but its not being named.
	ofFile = strings.NewReplacer(append([]string{
		"let source.path name its directory, or exclude it with source.directory.exclude", "name its folder, or what it is built to",
		"exclude this file with source.directory.exclude", "leave this file out",
		"exclude the file with source.directory.exclude", "leave the file out",
		"exclude it with source.directory.exclude", "leave it out",
		"is left out by source.directory.exclude", "had better not be named",
	}, common...)...)
	common = []string{
		"kustomization in a source that is read as a directory of plain files", "kustomization and not an object: its folder is what is built",
		"check source.path and source.targetRevision", "check the path, and the revision of a repository",
		"check source.path", "check the path",
		"source.path ", "path ",
		"render it to plain manifests or a kustomization, commit that, and point source.path at it", "render it, such as by `helm template`, and give what comes out as standard input (-)",
		"source.kustomize is given, and the directory has no", "options of kustomize are given, and the directory has no",
		"remove source.kustomize", "leave them out",
		"source.kustomize.images", "--kustomize-image",
		"source.kustomize.replicas", "--kustomize-replica",
		"source.kustomize.labelIncludeTemplates has no meaning without labelWithoutSelector", "--kustomize-label-include-templates has no meaning without --kustomize-label-without-selector",
		"set labelWithoutSelector as well, or remove it", "give both, or neither",
		"source.kustomize.commonLabels", "--kustomize-common-label",
		"set forceCommonLabels", "give --kustomize-force-common-label",
		"source.kustomize.commonAnnotations", "--kustomize-common-annotation",
		"set forceCommonAnnotations", "give --kustomize-force-common-annotation",
		"split the source into several Applications", "split it into parts",
	}
)

// replacer puts words in place of others.
type replacer interface{ Replace(text string) string }

// inTurn replaces by one after the other.
type inTurn []replacer

// Replace implements replacer.
func (all inTurn) Replace(text string) string {
	for _, words := range all {
		text = words.Replace(text)
	}
	return text
}

// inWords is an error of a renderer in the words of who has named a path.
func inWords(err error, words replacer) error {
	p := problem.Of(err)
	if p == nil {
		return err
	}
	said := *p
	said.Field, said.Cause, said.Remedy = words.Replace(p.Field), words.Replace(p.Cause), words.Replace(p.Remedy)
	said.Err = err
	return &said
}

// warningsInWords does the same for the warnings of a result.
func warningsInWords(result *render.Result, words replacer) *render.Result {
	if result == nil || len(result.Warnings) == 0 {
		return result
	}
	said := *result
	said.Warnings = make([]render.Warning, len(result.Warnings))
	for i, w := range result.Warnings {
		w.Message = words.Replace(w.Message)
		said.Warnings[i] = w
	}
	return &said
}
