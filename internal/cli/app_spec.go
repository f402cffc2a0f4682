package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// specFlags are the flags of create and set: each that was given changes the spec.
type specFlags struct {
	set *pflag.FlagSet
	// edits are in the order in which the flags were declared, so that --sync-policy comes before --auto-prune.
	edits []specEdit
}

type specEdit struct {
	flag string
	do   func(*v1alpha1.Application) error
}

// changed applies the flags that were given.
func (f *specFlags) changed(app *v1alpha1.Application) (edits int, err error) {
	for _, edit := range f.edits {
		if !f.set.Changed(edit.flag) {
			continue
		}
		if err := edit.do(app); err != nil {
			return edits, &Trouble{Problem: fmt.Sprintf("--%s: %v", edit.flag, err), Code: codeUsage, cause: err}
		}
		edits++
	}
	return edits, nil
}

func (f *specFlags) add(flag string, do func(*v1alpha1.Application) error) {
	f.edits = append(f.edits, specEdit{flag, do})
}

func (f *specFlags) text(flag, usage string, do func(app *v1alpha1.Application, value string)) {
	f.parsed(flag, usage, func(app *v1alpha1.Application, value string) error { do(app, value); return nil })
}

func (f *specFlags) parsed(flag, usage string, do func(app *v1alpha1.Application, value string) error) {
	value := f.set.String(flag, "", usage)
	f.add(flag, func(app *v1alpha1.Application) error { return do(app, *value) })
}

func (f *specFlags) truth(flag, usage string, do func(app *v1alpha1.Application, value bool) error) {
	value := f.set.Bool(flag, false, usage)
	f.add(flag, func(app *v1alpha1.Application) error { return do(app, *value) })
}

func (f *specFlags) texts(flag, usage string, do func(app *v1alpha1.Application, values []string) error) {
	value := f.set.StringArray(flag, nil, usage)
	f.add(flag, func(app *v1alpha1.Application) error { return do(app, *value) })
}

func newSpecFlags(cmd *cobra.Command) *specFlags {
	f := &specFlags{set: cmd.Flags()}
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

func (f *specFlags) source() {
	f.text("repo", "URL of the git repository", func(app *v1alpha1.Application, v string) { sourceOf(app).RepoURL = v })
	f.text("path", "directory in it", func(app *v1alpha1.Application, v string) { sourceOf(app).Path = v })
	f.text("revision", "branch, tag or commit; HEAD if not given", func(app *v1alpha1.Application, v string) { sourceOf(app).TargetRevision = v })
}

func (f *specFlags) destination() {
	f.text("dest-server", "URL of the cluster to deploy to; "+v1alpha1.InClusterServer+" is the one that Cyan works on", func(app *v1alpha1.Application, v string) {
		app.Spec.Destination.Server, app.Spec.Destination.Name = v, ""
	})
	f.text("dest-name", "its name, in place of its URL", func(app *v1alpha1.Application, v string) {
		app.Spec.Destination.Name, app.Spec.Destination.Server = v, ""
	})
	f.text("dest-namespace", "namespace for objects that name none", func(app *v1alpha1.Application, v string) { app.Spec.Destination.Namespace = v })
	f.text("project", "AppProject that bounds the Application", func(app *v1alpha1.Application, v string) { app.Spec.Project = v })
}

func (f *specFlags) policy() {
	f.parsed("sync-policy", "none (sync when asked) or automated (also auto, automatic)", setSyncPolicy)
	f.truth("auto-prune", "delete what git no longer has, with automated sync", func(app *v1alpha1.Application, v bool) error {
		return automated(app, func(a *v1alpha1.AutomatedSync) { a.Prune = v })
	})
	f.truth("self-heal", "undo changes made in the cluster, with automated sync", func(app *v1alpha1.Application, v bool) error {
		return automated(app, func(a *v1alpha1.AutomatedSync) { a.SelfHeal = v })
	})
	f.truth("allow-empty", "let an automated prune delete everything", func(app *v1alpha1.Application, v bool) error {
		return automated(app, func(a *v1alpha1.AutomatedSync) { a.AllowEmpty = v })
	})
	f.texts("sync-option", "Name=value, such as CreateNamespace=true; !Name takes it away", setSyncOptions)
	f.parsed("sync-retry-limit", "how often a failed sync is tried again; negative for no limit", func(app *v1alpha1.Application, v string) error {
		return number(v, func(n int64) { retryOf(app).Limit = n })
	})
	f.text("sync-retry-backoff-duration", "time before the first retry, such as 5s", func(app *v1alpha1.Application, v string) { backoffOf(app).Duration = v })
	f.parsed("sync-retry-backoff-factor", "what it is multiplied by each time", func(app *v1alpha1.Application, v string) error {
		return number(v, func(n int64) { backoffOf(app).Factor = &n })
	})
	f.text("sync-retry-backoff-max-duration", "the longest it gets, such as 3m", func(app *v1alpha1.Application, v string) { backoffOf(app).MaxDuration = v })
	f.parsed("revision-history-limit", "how many deployed revisions are remembered", func(app *v1alpha1.Application, v string) error {
		return number(v, func(n int64) { app.Spec.RevisionHistoryLimit = &n })
	})
}

func (f *specFlags) kustomize() {
	f.texts("kustomize-image", "[NAME=]IMAGE[:TAG][@DIGEST], in place of the image called NAME", func(app *v1alpha1.Application, v []string) error {
		k := kustomizeOf(app)
		for _, image := range v {
			k.Images = mergeImage(k.Images, image)
		}
		return nil
	})
	f.text("nameprefix", "prefix of every object's name", func(app *v1alpha1.Application, v string) { kustomizeOf(app).NamePrefix = v })
	f.text("namesuffix", "suffix of every object's name", func(app *v1alpha1.Application, v string) { kustomizeOf(app).NameSuffix = v })
	f.text("kustomize-namespace", "namespace of every object", func(app *v1alpha1.Application, v string) { kustomizeOf(app).Namespace = v })
	f.texts("kustomize-replica", "NAME=COUNT", func(app *v1alpha1.Application, v []string) error {
		return pairs(v, func(name, count string) {
			k := kustomizeOf(app)
			k.Replicas = slices.DeleteFunc(k.Replicas, func(r v1alpha1.KustomizeReplica) bool { return r.Name == name })
			k.Replicas = append(k.Replicas, v1alpha1.KustomizeReplica{Name: name, Count: intstr.Parse(count)})
		})
	})
	f.texts("kustomize-common-label", "KEY=VALUE on every object", func(app *v1alpha1.Application, v []string) error {
		k := kustomizeOf(app)
		return pairs(v, func(key, value string) { put(&k.CommonLabels, key, value) })
	})
	f.texts("kustomize-common-annotation", "KEY=VALUE on every object", func(app *v1alpha1.Application, v []string) error {
		k := kustomizeOf(app)
		return pairs(v, func(key, value string) { put(&k.CommonAnnotations, key, value) })
	})
	f.truth("kustomize-force-common-label", "let common labels replace an object's own", func(app *v1alpha1.Application, v bool) error {
		kustomizeOf(app).ForceCommonLabels = v
		return nil
	})
	f.truth("kustomize-force-common-annotation", "let common annotations replace an object's own", func(app *v1alpha1.Application, v bool) error {
		kustomizeOf(app).ForceCommonAnnotations = v
		return nil
	})
}

func (f *specFlags) directory() {
	f.truth("directory-recurse", "read directories below the path as well", func(app *v1alpha1.Application, v bool) error {
		directoryOf(app).Recurse = v
		return nil
	})
	f.text("directory-include", "files to read: a glob; {a,b} lists several", func(app *v1alpha1.Application, v string) { directoryOf(app).Include = v })
	f.text("directory-exclude", "files to leave out", func(app *v1alpha1.Application, v string) { directoryOf(app).Exclude = v })
}

// helm writes what is asked into the spec as existing tools read it.
func (f *specFlags) helm() {
	f.text("helm-chart", "chart in a helm repository", func(app *v1alpha1.Application, v string) { sourceOf(app).Chart = v })
	f.texts("helm-set", "NAME=VALUE for a chart", func(app *v1alpha1.Application, v []string) error {
		return helmParameters(app, v, false)
	})
	f.texts("helm-set-string", "NAME=VALUE for a chart, always as a string", func(app *v1alpha1.Application, v []string) error {
		return helmParameters(app, v, true)
	})
	f.texts("values", "values files of a chart, in the repository", func(app *v1alpha1.Application, v []string) error {
		return editHelm(app, func(h map[string]any) {
			files, _ := h["valueFiles"].([]any)
			for _, file := range v {
				files = append(files, file)
			}
			h["valueFiles"] = files
		})
	})
	f.parsed("values-literal-file", "local file with values that go into the Application", func(app *v1alpha1.Application, v string) error {
		data, err := os.ReadFile(v)
		if err != nil {
			return err
		}
		return editHelm(app, func(h map[string]any) { h["values"] = string(data) })
	})
	f.parsed("release-name", "name of a chart's release", func(app *v1alpha1.Application, v string) error {
		return editHelm(app, func(h map[string]any) { h["releaseName"] = v })
	})
}

func sourceOf(app *v1alpha1.Application) *v1alpha1.ApplicationSource {
	if app.Spec.Source == nil {
		app.Spec.Source = &v1alpha1.ApplicationSource{}
	}
	return app.Spec.Source
}

func kustomizeOf(app *v1alpha1.Application) *v1alpha1.KustomizeSource {
	if s := sourceOf(app); s.Kustomize == nil {
		s.Kustomize = &v1alpha1.KustomizeSource{}
	}
	return app.Spec.Source.Kustomize
}

func directoryOf(app *v1alpha1.Application) *v1alpha1.DirectorySource {
	if s := sourceOf(app); s.Directory == nil {
		s.Directory = &v1alpha1.DirectorySource{}
	}
	return app.Spec.Source.Directory
}

func policyOf(app *v1alpha1.Application) *v1alpha1.SyncPolicy {
	if app.Spec.SyncPolicy == nil {
		app.Spec.SyncPolicy = &v1alpha1.SyncPolicy{}
	}
	return app.Spec.SyncPolicy
}

func retryOf(app *v1alpha1.Application) *v1alpha1.RetryStrategy {
	if p := policyOf(app); p.Retry == nil {
		p.Retry = &v1alpha1.RetryStrategy{Limit: 5}
	}
	return app.Spec.SyncPolicy.Retry
}

func backoffOf(app *v1alpha1.Application) *v1alpha1.RetryBackoff {
	if r := retryOf(app); r.Backoff == nil {
		r.Backoff = &v1alpha1.RetryBackoff{}
	}
	return app.Spec.SyncPolicy.Retry.Backoff
}

func setSyncPolicy(app *v1alpha1.Application, value string) error {
	switch value {
	case "none", "manual", "":
		if app.Spec.SyncPolicy != nil {
			app.Spec.SyncPolicy.Automated = nil
		}
	case "automated", "auto", "automatic":
		if policyOf(app).Automated == nil {
			app.Spec.SyncPolicy.Automated = &v1alpha1.AutomatedSync{}
		}
	default:
		return fmt.Errorf("%q is not a policy; give none or automated", value)
	}
	return nil
}

func automated(app *v1alpha1.Application, edit func(*v1alpha1.AutomatedSync)) error {
	if app.Spec.SyncPolicy == nil || app.Spec.SyncPolicy.Automated == nil {
		return fmt.Errorf("it needs automated sync; add --sync-policy automated")
	}
	edit(app.Spec.SyncPolicy.Automated)
	return nil
}

func setSyncOptions(app *v1alpha1.Application, values []string) error {
	p := policyOf(app)
	for _, value := range values {
		name, remove := strings.CutPrefix(value, "!")
		name, _, ok := strings.Cut(name, "=")
		if !ok && !remove {
			return fmt.Errorf("%q has no value; write Name=value", value)
		}
		p.SyncOptions = slices.DeleteFunc(p.SyncOptions, func(s string) bool { return strings.HasPrefix(s, name+"=") })
		if !remove {
			p.SyncOptions = append(p.SyncOptions, value)
		}
	}
	return nil
}

// mergeImage replaces the entry for the same image.
func mergeImage(images []string, image string) []string {
	for i, old := range images {
		if imageName(old) == imageName(image) {
			images[i] = image
			return images
		}
	}
	return append(images, image)
}

// imageName is the name that an entry replaces: before =, or the image without tag and digest.
func imageName(entry string) string {
	if name, _, ok := strings.Cut(entry, "="); ok {
		return name
	}
	entry, _, _ = strings.Cut(entry, "@")
	if i := strings.LastIndex(entry, ":"); i > strings.LastIndex(entry, "/") {
		entry = entry[:i]
	}
	return entry
}

func helmParameters(app *v1alpha1.Application, values []string, asString bool) error {
	return errorOr(editHelm(app, func(h map[string]any) {
		parameters, _ := h["parameters"].([]any)
		_ = pairs(values, func(name, value string) {
			parameters = slices.DeleteFunc(parameters, func(p any) bool {
				m, ok := p.(map[string]any)
				return ok && m["name"] == name
			})
			p := map[string]any{"name": name, "value": value}
			if asString {
				p["forceString"] = true
			}
			parameters = append(parameters, p)
		})
		h["parameters"] = parameters
	}), pairs(values, func(string, string) {}))
}

func errorOr(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

func editHelm(app *v1alpha1.Application, edit func(map[string]any)) error {
	s := sourceOf(app)
	helm := map[string]any{}
	if s.Helm != nil && len(s.Helm.Raw) > 0 {
		if err := json.Unmarshal(s.Helm.Raw, &helm); err != nil {
			return fmt.Errorf("reading spec.source.helm: %w", err)
		}
	}
	edit(helm)
	data, err := json.Marshal(helm)
	if err != nil {
		return err
	}
	s.Helm = &runtime.RawExtension{Raw: data}
	return nil
}

func number(value string, use func(int64)) error {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return fmt.Errorf("%q is not a number", value)
	}
	use(n)
	return nil
}

func pairs(values []string, use func(key, value string)) error {
	for _, v := range values {
		key, value, ok := strings.Cut(v, "=")
		if !ok || key == "" {
			return fmt.Errorf("%q is not of the form KEY=VALUE", v)
		}
		use(key, value)
	}
	return nil
}

func put(m *map[string]string, key, value string) {
	if *m == nil {
		*m = map[string]string{}
	}
	(*m)[key] = value
}
