package spec

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// sourceOf returns the source that a flag changes: the only one that the spec lists, or spec.source.
func sourceOf(app *v1alpha1.Application) *v1alpha1.ApplicationSource {
	if len(app.Spec.Sources) == 1 {
		return &app.Spec.Sources[0]
	}
	if app.Spec.Source == nil {
		app.Spec.Source = &v1alpha1.ApplicationSource{}
	}
	return app.Spec.Source
}

// Chosen returns the source that flags tell apart, or else the only one; nil where there is none, or no flag says which
// of several.
func (w *Which) Chosen(app *v1alpha1.Application) (*v1alpha1.ApplicationSource, error) {
	at, given, err := w.Of(app)
	switch {
	case err != nil:
		return nil, err
	case given:
		return &app.Spec.Sources[at], nil
	case len(app.Spec.Sources) == 1:
		return &app.Spec.Sources[0], nil
	case len(app.Spec.Sources) > 1:
		return nil, kit.Usage("spec.sources", fmt.Sprintf("has %d entries, and which one is meant is not known", len(app.Spec.Sources)), "add --source-position or --source-name")
	}
	return app.Spec.Source, nil
}

func kustomizeOf(app *v1alpha1.Application) *v1alpha1.KustomizeSource {
	s := sourceOf(app)
	if s.Kustomize == nil {
		s.Kustomize = &v1alpha1.KustomizeSource{}
	}
	return s.Kustomize
}

func directoryOf(app *v1alpha1.Application) *v1alpha1.DirectorySource {
	s := sourceOf(app)
	if s.Directory == nil {
		s.Directory = &v1alpha1.DirectorySource{}
	}
	return s.Directory
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
		return fmt.Errorf("%q is invalid; give none or automated", value)
	}
	return nil
}

func automated(app *v1alpha1.Application, edit func(*v1alpha1.AutomatedSync)) error {
	if app.Spec.SyncPolicy == nil || app.Spec.SyncPolicy.Automated == nil {
		return errors.New("automated sync is off; add --sync-policy automated")
	}
	edit(app.Spec.SyncPolicy.Automated)
	return nil
}

func setSyncOptions(app *v1alpha1.Application, values []string) (err error) {
	p := policyOf(app)
	p.SyncOptions, err = MergeSyncOptions(p.SyncOptions, values)
	return err
}

// MergeSyncOptions sets options of the form Name=value, and takes those of the form !Name away.
func MergeSyncOptions(options, values []string) ([]string, error) {
	for _, value := range values {
		name, remove := strings.CutPrefix(value, "!")
		name, _, ok := strings.Cut(name, "=")
		if !ok && !remove {
			return options, fmt.Errorf("%q has no value; write Name=value", value)
		}
		options = slices.DeleteFunc(options, func(s string) bool { return strings.HasPrefix(s, name+"=") })
		if !remove {
			options = append(options, value)
		}
	}
	return options, nil
}

// mergeImage replaces the entry for the same image.
func mergeImage(images []string, image string) []string {
	for i, old := range images {
		if ImageName(old) == ImageName(image) {
			images[i] = image
			return images
		}
	}
	return append(images, image)
}

// ImageName returns the name of the image that an entry of spec.source.kustomize.images replaces: what is before =,
// or the image without tag and digest.
func ImageName(entry string) string {
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
	err := EditHelm(sourceOf(app), func(h map[string]any) {
		parameters, _ := h["parameters"].([]any)
		_ = kit.Pairs(values, func(name, value string) {
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
	})
	return cmp.Or(err, kit.Pairs(values, func(string, string) {}))
}

// EditHelm changes a source's options for a chart, whatever fields they have.
func EditHelm(s *v1alpha1.ApplicationSource, edit func(map[string]any)) error {
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
