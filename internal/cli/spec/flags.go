// Package spec is how people write an Application's spec on a command line: the flags of create and set, and what
// each changes.
package spec

import (
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// Flags are the flags of create and set: each that was given changes the spec.
type Flags struct {
	set *pflag.FlagSet
	// edits are in the order in which the flags were declared, so that --sync-policy comes before --auto-prune.
	edits []edit
	// which is how the sources that are there are told apart; nil where there are none yet.
	which *Which
}

type edit struct {
	flag string
	// place is what of the spec it changes: one of the place constants.
	place place
	do    func(*v1alpha1.Application) error
}

// place is a part of the spec.
type place int

const (
	ofSource place = iota
	ofApplication
)

// New adds the flags of an Application, or of a source, that is made to a command.
func New(cmd *cobra.Command) *Flags {
	f := newFlags(cmd)
	f.text(ofSource, "source-name", "name of the source in spec.sources", func(app *v1alpha1.Application, v string) { sourceOf(app).Name = v })
	return f
}

// NewSet adds the flags by which an Application is changed to a command.
func NewSet(cmd *cobra.Command) *Flags {
	f := newFlags(cmd)
	f.which = &Which{}
	f.which.Bind(cmd)
	return f
}

func newFlags(cmd *cobra.Command) *Flags {
	f := &Flags{set: cmd.Flags()}
	f.set.SortFlags = false
	f.source()
	f.destination()
	f.policy()
	f.kustomize()
	f.directory()
	f.helm()
	_ = cmd.RegisterFlagCompletionFunc("sync-policy", cobra.FixedCompletions([]string{"none", "automated"}, cobra.ShellCompDirectiveNoFileComp))
	return f
}

// NewRender adds the flags of how a directory is rendered to a command.
func NewRender(cmd *cobra.Command) *Flags {
	f := &Flags{set: cmd.Flags()}
	f.kustomize()
	f.directory()
	return f
}

// Apply carries the flags that were given out on an Application, and returns how many there were.
func (f *Flags) Apply(app *v1alpha1.Application) (edits int, err error) {
	if f.which == nil {
		return f.apply(app)
	}
	at, given, err := f.which.Of(app)
	if err != nil || !given {
		if err == nil {
			edits, err = f.apply(app)
		}
		return edits, err
	}
	all, source := app.Spec.Sources, app.Spec.Source
	app.Spec.Sources, app.Spec.Source = []v1alpha1.ApplicationSource{all[at]}, nil
	edits, err = f.apply(app)
	all[at] = app.Spec.Sources[0]
	app.Spec.Sources, app.Spec.Source = all, source
	return edits, err
}

// Append adds the source that the flags describe to those of an Application.
func (f *Flags) Append(app *v1alpha1.Application) error {
	all := app.Spec.Sources
	app.Spec.Sources = []v1alpha1.ApplicationSource{{}}
	_, err := f.apply(app)
	added := app.Spec.Sources[0]
	app.Spec.Sources = append(slices.Clone(all), added)
	if err == nil && added.RepoURL == "" {
		err = kit.Usage("--repo", "missing", "give the URL of the source's repository")
	}
	return err
}

func (f *Flags) apply(app *v1alpha1.Application) (edits int, err error) {
	for _, edit := range f.edits {
		if !f.set.Changed(edit.flag) {
			continue
		}
		if n := len(app.Spec.Sources); edit.place == ofSource && n > 1 {
			return edits, kit.Usage("--"+edit.flag, fmt.Sprintf("spec.sources has %d entries, and which one is meant is not known", n), "add --source-position or --source-name")
		}
		if err := edit.do(app); err != nil {
			return edits, kit.Usage("--"+edit.flag, err.Error(), "")
		}
		edits++
	}
	return edits, nil
}

func (f *Flags) add(place place, flag string, do func(*v1alpha1.Application) error) {
	f.edits = append(f.edits, edit{flag, place, do})
}

func (f *Flags) text(place place, flag, usage string, do func(app *v1alpha1.Application, value string)) {
	f.parsed(place, flag, usage, func(app *v1alpha1.Application, value string) error { do(app, value); return nil })
}

func (f *Flags) parsed(place place, flag, usage string, do func(app *v1alpha1.Application, value string) error) {
	value := f.set.String(flag, "", usage)
	f.add(place, flag, func(app *v1alpha1.Application) error { return do(app, *value) })
}

func (f *Flags) truth(place place, flag, usage string, do func(app *v1alpha1.Application, value bool) error) {
	value := f.set.Bool(flag, false, usage)
	f.add(place, flag, func(app *v1alpha1.Application) error { return do(app, *value) })
}

func (f *Flags) texts(place place, flag, usage string, do func(app *v1alpha1.Application, values []string) error) {
	value := f.set.StringArray(flag, nil, usage)
	f.add(place, flag, func(app *v1alpha1.Application) error { return do(app, *value) })
}

func (f *Flags) source() {
	f.text(ofSource, "repo", "URL of the git repository", func(app *v1alpha1.Application, v string) { sourceOf(app).RepoURL = v })
	f.text(ofSource, "path", "directory in it", func(app *v1alpha1.Application, v string) { sourceOf(app).Path = v })
	f.text(ofSource, "revision", "branch, tag or commit; HEAD if not given", func(app *v1alpha1.Application, v string) { sourceOf(app).TargetRevision = v })
	f.text(ofSource, "ref", "name by which other sources of the Application refer to this one", func(app *v1alpha1.Application, v string) { sourceOf(app).Ref = v })
}

func (f *Flags) destination() {
	f.text(ofApplication, "dest-server", "URL of the cluster to deploy to; "+v1alpha1.InClusterServer+" is the one that Cyan works on", func(app *v1alpha1.Application, v string) {
		app.Spec.Destination.Server, app.Spec.Destination.Name = v, ""
	})
	f.text(ofApplication, "dest-name", "its name, in place of its URL", func(app *v1alpha1.Application, v string) {
		app.Spec.Destination.Name, app.Spec.Destination.Server = v, ""
	})
	f.text(ofApplication, "dest-namespace", "namespace for objects that name none", func(app *v1alpha1.Application, v string) { app.Spec.Destination.Namespace = v })
	f.text(ofApplication, "project", "AppProject that bounds the Application", func(app *v1alpha1.Application, v string) { app.Spec.Project = v })
}

func (f *Flags) policy() {
	f.parsed(ofApplication, "sync-policy", "none (sync when asked) or automated (also auto, automatic)", setSyncPolicy)
	f.truth(ofApplication, "auto-prune", "delete what git no longer has, with automated sync", func(app *v1alpha1.Application, v bool) error {
		return automated(app, func(a *v1alpha1.AutomatedSync) { a.Prune = &v })
	})
	f.truth(ofApplication, "self-heal", "undo changes made in the cluster, with automated sync", func(app *v1alpha1.Application, v bool) error {
		return automated(app, func(a *v1alpha1.AutomatedSync) { a.SelfHeal = &v })
	})
	f.truth(ofApplication, "allow-empty", "let an automated prune delete everything", func(app *v1alpha1.Application, v bool) error {
		return automated(app, func(a *v1alpha1.AutomatedSync) { a.AllowEmpty = &v })
	})
	f.texts(ofApplication, "sync-option", "Name=value, such as CreateNamespace=true; !Name takes it away", setSyncOptions)
	f.parsed(ofApplication, "sync-retry-limit", "how often a failed sync is tried again; negative for no limit", func(app *v1alpha1.Application, v string) error {
		return number(v, func(n int64) { retryOf(app).Limit = n })
	})
	f.truth(ofApplication, "sync-retry-refresh", "take the newest revision for a retry", func(app *v1alpha1.Application, v bool) error {
		retryOf(app).Refresh = v
		return nil
	})
	f.text(ofApplication, "sync-retry-backoff-duration", "time before the first retry, such as 5s", func(app *v1alpha1.Application, v string) { backoffOf(app).Duration = v })
	f.parsed(ofApplication, "sync-retry-backoff-factor", "what it is multiplied by each time", func(app *v1alpha1.Application, v string) error {
		return number(v, func(n int64) { backoffOf(app).Factor = &n })
	})
	f.text(ofApplication, "sync-retry-backoff-max-duration", "the longest it gets, such as 3m", func(app *v1alpha1.Application, v string) { backoffOf(app).MaxDuration = v })
	f.parsed(ofApplication, "revision-history-limit", "how many deployed revisions are remembered", func(app *v1alpha1.Application, v string) error {
		return number(v, func(n int64) { app.Spec.RevisionHistoryLimit = &n })
	})
}

func (f *Flags) kustomize() {
	f.texts(ofSource, "kustomize-image", "[NAME=]IMAGE[:TAG][@DIGEST], in place of the image called NAME", func(app *v1alpha1.Application, v []string) error {
		k := kustomizeOf(app)
		for _, image := range v {
			k.Images = mergeImage(k.Images, image)
		}
		return nil
	})
	f.text(ofSource, "nameprefix", "prefix of every object's name", func(app *v1alpha1.Application, v string) { kustomizeOf(app).NamePrefix = v })
	f.text(ofSource, "namesuffix", "suffix of every object's name", func(app *v1alpha1.Application, v string) { kustomizeOf(app).NameSuffix = v })
	f.text(ofSource, "kustomize-namespace", "namespace of every object", func(app *v1alpha1.Application, v string) { kustomizeOf(app).Namespace = v })
	f.texts(ofSource, "kustomize-replica", "NAME=COUNT", func(app *v1alpha1.Application, v []string) error {
		return kit.Pairs(v, func(name, count string) {
			k := kustomizeOf(app)
			k.Replicas = slices.DeleteFunc(k.Replicas, func(r v1alpha1.KustomizeReplica) bool { return r.Name == name })
			k.Replicas = append(k.Replicas, v1alpha1.KustomizeReplica{Name: name, Count: intstr.Parse(count)})
		})
	})
	f.texts(ofSource, "kustomize-common-label", "KEY=VALUE on every object", func(app *v1alpha1.Application, v []string) error {
		k := kustomizeOf(app)
		return kit.Pairs(v, func(key, value string) { kit.Put(&k.CommonLabels, key, value) })
	})
	f.texts(ofSource, "kustomize-common-annotation", "KEY=VALUE on every object", func(app *v1alpha1.Application, v []string) error {
		k := kustomizeOf(app)
		return kit.Pairs(v, func(key, value string) { kit.Put(&k.CommonAnnotations, key, value) })
	})
	f.truth(ofSource, "kustomize-label-without-selector", "leave selectors without the common labels", func(app *v1alpha1.Application, v bool) error {
		kustomizeOf(app).LabelWithoutSelector = v
		return nil
	})
	f.truth(ofSource, "kustomize-label-include-templates", "put the common labels on templates all the same", func(app *v1alpha1.Application, v bool) error {
		kustomizeOf(app).LabelIncludeTemplates = v
		return nil
	})
	f.truth(ofSource, "ignore-missing-components", "leave out components whose directory is not there", func(app *v1alpha1.Application, v bool) error {
		kustomizeOf(app).IgnoreMissingComponents = v
		return nil
	})
	f.truth(ofSource, "kustomize-force-common-label", "let common labels replace an object's own", func(app *v1alpha1.Application, v bool) error {
		kustomizeOf(app).ForceCommonLabels = v
		return nil
	})
	f.truth(ofSource, "kustomize-force-common-annotation", "let common annotations replace an object's own", func(app *v1alpha1.Application, v bool) error {
		kustomizeOf(app).ForceCommonAnnotations = v
		return nil
	})
}

func (f *Flags) directory() {
	f.truth(ofSource, "directory-recurse", "read directories below the path as well", func(app *v1alpha1.Application, v bool) error {
		directoryOf(app).Recurse = v
		return nil
	})
	f.text(ofSource, "directory-include", "files to read: a glob; {a,b} lists several", func(app *v1alpha1.Application, v string) { directoryOf(app).Include = v })
	f.text(ofSource, "directory-exclude", "files to leave out", func(app *v1alpha1.Application, v string) { directoryOf(app).Exclude = v })
}

// helm writes a chart's options into the spec as existing tools read them.
func (f *Flags) helm() {
	f.text(ofSource, "helm-chart", "chart in a helm repository", func(app *v1alpha1.Application, v string) { sourceOf(app).Chart = v })
	f.texts(ofSource, "helm-set", "NAME=VALUE for a chart", func(app *v1alpha1.Application, v []string) error {
		return helmParameters(app, v, false)
	})
	f.texts(ofSource, "helm-set-string", "NAME=VALUE for a chart, always as a string", func(app *v1alpha1.Application, v []string) error {
		return helmParameters(app, v, true)
	})
	f.texts(ofSource, "values", "values files of a chart, in the repository", func(app *v1alpha1.Application, v []string) error {
		return EditHelm(sourceOf(app), func(h map[string]any) {
			files, _ := h["valueFiles"].([]any)
			for _, file := range v {
				files = append(files, file)
			}
			h["valueFiles"] = files
		})
	})
	f.parsed(ofSource, "values-literal-file", "local file with values that go into the Application", func(app *v1alpha1.Application, v string) error {
		data, err := os.ReadFile(v)
		if err != nil {
			return err
		}
		return EditHelm(sourceOf(app), func(h map[string]any) { h["values"] = string(data) })
	})
	f.parsed(ofSource, "release-name", "name of a chart's release", func(app *v1alpha1.Application, v string) error {
		return EditHelm(sourceOf(app), func(h map[string]any) { h["releaseName"] = v })
	})
}
