// Package render turns one commit's tree into Kubernetes objects, and records every file and directory that it read.
//
// This page is the contract: a Renderer for each kind of source, the Tree that it reads by, and the Result that it
// makes. The renderers are neighbours (render/kustomize, render/directory), put together in render/renderers.
//
// Nothing from the tree is executed and nothing outside it is read: remote bases, plugins, absolute paths, and
// symbolic links that leave the tree are refused by name, each by the renderer that it concerns.
package render

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render/sops"
)

// Func renders a source from a commit's tree. The tree may implement HashFS, which saves hashing what was read; where
// it implements fs.ReadLinkFS, symbolic links are followed inside the tree and never out of it.
//
// A source that cannot be rendered ends with a *problem.Error in the chain, and with a Result whose ReadSet has what
// must change before another attempt makes sense. A Result may be shared, and is not to be changed.
type Func func(tree fs.FS, src v1alpha1.ApplicationSource, opts Options) (*Result, error)

// Renderer renders one kind of source.
type Renderer interface {
	// Type is the kind of source, as an Application's status.sourceType spells it.
	Type() string
	// Named reports whether a field of src asks for this renderer. The error refuses a field that it does not serve.
	Named(src v1alpha1.ApplicationSource) (bool, error)
	// Detect reports whether a directory is for this renderer when no field asks for any.
	Detect(tree *Tree, dir string) (bool, error)
	// Render fills in the result's objects, warnings and EnvUsed from a directory of the tree.
	Render(tree *Tree, dir string, src v1alpha1.ApplicationSource, opts Options, result *Result) error
}

// IsRefusal reports whether an error is about what the tree has, so that it is the same the next time. Its message
// begins with the file or the field.
func IsRefusal(err error) bool { return err != nil && problem.KindOf(err) == problem.Usage }

// Types of Warning, which are also the types of an Application's conditions.
const (
	// RepeatedResource warns of an object that is given twice; the last one wins.
	RepeatedResource = v1alpha1.ConditionRepeatedResourceWarning
	// SkippedFile warns of a file, or a document of one, that holds no Kubernetes object.
	SkippedFile = v1alpha1.ConditionSkippedFileWarning
	// DeprecatedField warns of a field of a kustomization that a later version of kustomize removes.
	DeprecatedField = v1alpha1.ConditionDeprecatedFieldWarning
	// ManifestWarning warns of what is lost of a kustomization without an error; its rule tells how.
	ManifestWarning = v1alpha1.ConditionManifestWarning
)

// Result is what a source renders to.
type Result struct {
	// Objects in the order in which the source has them.
	Objects []Rendered
	// ReadSet is what the rendering depends on: as long as it is unchanged, so is the result. It is also filled when
	// rendering fails.
	ReadSet ReadSet
	// SourceType is the Type of the renderer, or "" when none was found.
	SourceType string
	// EnvUsed names the entries of Options.Env that went into the result, or into the error. They are not part of the
	// read set.
	EnvUsed []string
	// Overrides are the files of the tree that were merged over the source, and NamesUsed is whether Options.Names chose
	// among them.
	Overrides []string
	NamesUsed bool
	// NamespaceUsed is whether the result depends on Options.Namespace.
	NamespaceUsed bool
	// Images are the entries of images in the kustomizations. They are not looked for where rendering alone costs much,
	// of which ImagesUnread is a place.
	Images       []ImageEntry
	ImagesUnread *Place
	// directory is the resolved source.path.
	directory string
	// Warnings are about what was rendered all the same.
	Warnings []Warning
	// Size is about how much memory the result takes, in bytes.
	Size int64
}

// Warning is something that a person should know, though it stops nothing.
type Warning struct {
	// Type is one of RepeatedResource, SkippedFile, DeprecatedField and ManifestWarning.
	Type string
	// Rule names what was broken where the type does not; it may be empty.
	Rule string
	// Message is one line, with file and line where there is one.
	Message string
	// File and Line are where that is; both may be missing.
	File string
	Line int
	// Replacement is the field that replaces one that is deprecated.
	Replacement string
}

// The rules of a ManifestWarning.
const (
	RuleRepeatedKey    = "duplicate-key"
	RulePatchOfNothing = "patch-of-nothing"
)

// Remedy returns what to do about a warning, as an imperative.
func (w Warning) Remedy() string {
	switch w.Rule {
	case RuleRepeatedKey:
		return "write both as one"
	case RulePatchOfNothing:
		return "correct the target, or remove the patch"
	}
	switch w.Type {
	case RepeatedResource:
		return "keep one of them"
	case SkippedFile:
		return "correct it, or keep it elsewhere"
	case DeprecatedField:
		switch w.Replacement {
		case "":
			return "write what replaces it"
		case "replacements":
			return "write into replacements which fields get the value"
		}
		return "`cyan validate --fix` writes it as " + w.Replacement
	}
	return "remove it"
}

// Options are what a source cannot know by itself.
type Options struct {
	// Namespace is where objects go that name none. It is used to find repeated objects and is not written into them.
	Namespace string
	// Env holds the variables for kustomize.commonAnnotationsEnvsubst, such as ARGOCD_APP_NAME.
	Env map[string]string
	// Names are those that files of the tree may call the Application by.
	Names []string
	// Settings are those of the installation.
	Settings Settings
	// Keys open files that are encrypted with SOPS.
	Keys sops.Keys
	// Limits bound what a source may cost; the zero value means DefaultLimits.
	Limits Limits
	// Control governs the rendering while it runs.
	Control Control
	// Files are what files were read as before; nil for none.
	Files *FileStore
	// Anew has the source rendered although the result is known, such as by somebody who does not trust what is.
	Anew bool
}

// Settings are how an installation has sources rendered.
type Settings struct {
	// WithoutKustomize has a directory with a kustomization read as one of plain manifests.
	WithoutKustomize bool
	// AnyFile lets a kustomization read single files of the whole repository, and not only those below it.
	AnyFile bool
	// WithoutOverrides has no file of the tree merged over the source.
	WithoutOverrides bool
	// Unsorted leaves the objects of a kustomization in the order in which they were read, unless it sorts them itself.
	Unsorted bool
}

// With returns a Func that renders by the first of the renderers that a field of the source asks for, or else by the
// first that detects the directory as its own.
func With(renderers ...Renderer) Func {
	return func(src fs.FS, source v1alpha1.ApplicationSource, opts Options) (*Result, error) {
		tree := NewTree(src, NewBudget(opts.Limits, opts.Control), opts.Keys)
		tree.files, tree.anew = opts.Files, opts.Anew
		result := &Result{}
		err := render(renderers, tree, source, opts, result)
		if err != nil {
			if !IsRefusal(err) {
				err = fmt.Errorf("rendering %s: %w", DisplayPath(source.Path), err)
			}
			result = &Result{SourceType: result.SourceType, EnvUsed: result.EnvUsed, NamesUsed: result.NamesUsed, directory: result.directory}
		}
		result.ReadSet = tree.record.reads
		result.Size = tree.budget.size(result)
		return result, err
	}
}

// inFile adds the file to a problem that names none.
func inFile(err error, file string) error {
	p := problem.Of(err)
	if p == nil || p.File != "" {
		return err
	}
	located := *p
	located.File = file
	return &located
}

func render(renderers []Renderer, tree *Tree, src v1alpha1.ApplicationSource, opts Options, result *Result) error {
	renderer, err := named(renderers, src)
	if err != nil {
		return err
	}
	dir, err := sourceDirectory(tree, src.Path)
	if err != nil {
		return err
	}
	tree.directory = dir
	merged, err := overridden(tree, dir, src, opts, result)
	if err != nil {
		return err
	}
	if len(result.Overrides) > 0 {
		src = merged
		if renderer, err = named(renderers, src); err != nil {
			return inFile(err, result.Overrides[len(result.Overrides)-1])
		}
	}
	if renderer == nil {
		if renderer, err = detect(renderers, tree, dir, opts.Settings); err != nil {
			return err
		}
	}
	if opts.Settings.leavesOut(renderer) {
		return &problem.Error{Kind: problem.Usage, Cause: "source." + strings.ToLower(renderer.Type()) + " is given, and kustomize.enable is false in ConfigMap argocd-cm", Remedy: "use a directory of manifests"}
	}
	result.SourceType = renderer.Type()
	if err := renderer.Render(tree, dir, src, opts, result); err != nil {
		return err
	}
	if err := tree.budget.Allows(Objects, int64(len(result.Objects)), DisplayPath(dir)); err != nil {
		return err
	}
	dropRepeated(result, opts.Namespace)
	return nil
}
