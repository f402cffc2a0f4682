package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/rollout"
	"github.com/cyan-cd/cyan/internal/rollout/strategy"
	"github.com/cyan-cd/cyan/internal/validate"
)

// templateHolder is the object whose pod template a Rollout runs: itself, or what its workloadRef names. It is handled without a type, so that nothing of it is lost.
type templateHolder struct {
	object *unstructured.Unstructured
	// path leads to the template.
	path []string
}

func (h templateHolder) pointer() string { return "/" + strings.Join(h.path, "/") }

func (h templateHolder) name() string { return h.object.GetKind() + " " + h.object.GetName() }

func (r *rollouts) holder(ctx context.Context, c client.Client, ro *v1alpha1.Rollout) (templateHolder, error) {
	h := templateHolder{object: &unstructured.Unstructured{}, path: []string{"spec", "template"}}
	h.object.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(v1alpha1.RolloutKind))
	h.object.SetName(ro.Name)
	if ref := ro.Spec.WorkloadRef; ref != nil {
		h.object.SetAPIVersion(ref.APIVersion)
		h.object.SetKind(ref.Kind)
		h.object.SetName(ref.Name)
		if ref.Kind == "PodTemplate" {
			h.path = []string{"template"}
		}
	}
	if err := c.Get(ctx, client.ObjectKey{Namespace: ro.Namespace, Name: h.object.GetName()}, h.object); err != nil {
		return h, r.explain(err, "reading "+h.name())
	}
	return h, nil
}

// jsonPatch is one step of RFC 6902.
type jsonPatch struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// rewrite patches an object only as it was read.
func (h templateHolder) rewrite(ctx context.Context, c client.Client, steps ...jsonPatch) error {
	steps = append([]jsonPatch{{"test", "/metadata/resourceVersion", h.object.GetResourceVersion()}}, steps...)
	data, err := json.Marshal(steps)
	if err != nil {
		return err
	}
	err = c.Patch(ctx, h.object, client.RawPatch(types.JSONPatchType, data))
	if apierrors.IsInvalid(err) && strings.Contains(err.Error(), "test operation") {
		return apierrors.NewConflict(v1alpha1.GroupVersion.WithResource("rollouts").GroupResource(), h.object.GetName(), err)
	}
	return err
}

func newRolloutSetImage(r *rollouts, use string) *cobra.Command {
	return &cobra.Command{
		Use:   use,
		Short: "Run another image, which starts a new revision",
		Example: `  cyan rollout set-image shop shop=registry.example/shop:v2
  cyan rollout set-image shop '*=registry.example/shop:v2'`,
		Args:              cobra.MinimumNArgs(2),
		ValidArgsFunction: r.completeContainers,
		RunE: func(cmd *cobra.Command, args []string) error {
			images := map[string]string{}
			if err := pairs(args[1:], func(container, image string) { images[container] = image }); err != nil {
				return &Trouble{Problem: err.Error(), Remedy: "write CONTAINER=IMAGE; * stands for every container", Code: codeUsage}
			}
			c, err := r.connect()
			if err != nil {
				return err
			}
			ro, err := r.get(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			err = retry.RetryOnConflict(retry.DefaultBackoff, func() error { return r.setImages(cmd.Context(), c, ro, images) })
			if err != nil {
				return r.explain(err, "setting the image of Rollout "+ro.Name)
			}
			r.warnManaged(ro)
			return r.say(fmt.Sprintf("rollout '%s' image updated", ro.Name))
		},
	}
}

func (r *rollouts) setImages(ctx context.Context, c client.Client, ro *v1alpha1.Rollout, images map[string]string) error {
	h, err := r.holder(ctx, c, ro)
	if err != nil {
		return err
	}
	var steps []jsonPatch
	var there []string
	found := map[string]bool{}
	for _, list := range []string{"initContainers", "containers"} {
		containers, _, _ := unstructured.NestedSlice(h.object.Object, slices.Concat(h.path, []string{"spec", list})...)
		for i, value := range containers {
			container, _ := value.(map[string]any)
			name, _ := container["name"].(string)
			there = append(there, name)
			image, ok := images[name]
			if all, any := images["*"]; any && !ok && list == "containers" {
				image, ok, found["*"] = all, true, true
			}
			if !ok {
				continue
			}
			found[name] = true
			steps = append(steps, jsonPatch{"add", fmt.Sprintf("%s/spec/%s/%d/image", h.pointer(), list, i), image})
		}
	}
	for name := range images {
		if !found[name] {
			return &Trouble{Problem: fmt.Sprintf("%s has no container %q", h.name(), name), Remedy: "it has: " + choices(there), Code: codeMissing}
		}
	}
	return h.rewrite(ctx, c, steps...)
}

// warnManaged tells that git has the last word.
func (r *rollouts) warnManaged(ro *v1alpha1.Rollout) {
	instance, _, ok := plan.ParseTrackingID(ro.Annotations[v1alpha1.TrackingIDAnnotation])
	if ok {
		r.note("note: Application %q keeps this Rollout as git has it: with self-heal this is undone at once; commit the change to keep it", instance)
	}
}

func newRolloutUndo(r *rollouts) *cobra.Command {
	var revision int64
	cmd := &cobra.Command{
		Use:   "undo NAME",
		Short: "Run a version from before again: the last one, or that of --to-revision",
		Example: `  cyan rollout undo shop
  cyan rollout undo shop --to-revision 3`,
		Args:              exactly("the Rollout's name"),
		ValidArgsFunction: r.completeRollouts(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.connect()
			if err != nil {
				return err
			}
			ro, err := r.get(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			rs, err := r.earlier(cmd.Context(), c, ro, revision)
			if err != nil {
				return err
			}
			err = retry.RetryOnConflict(retry.DefaultBackoff, func() error {
				h, err := r.holder(cmd.Context(), c, ro)
				if err != nil {
					return err
				}
				return h.rewrite(cmd.Context(), c, jsonPatch{"replace", h.pointer(), templateOf(rs)})
			})
			if err != nil {
				return r.explain(err, "undoing Rollout "+ro.Name)
			}
			r.warnManaged(ro)
			return r.say(fmt.Sprintf("rollout '%s' undo: goes back to revision %d", ro.Name, rollout.Revision(rs)))
		},
	}
	cmd.Flags().Int64Var(&revision, "to-revision", 0, "the revision; 0 is the one before the newest")
	_ = cmd.RegisterFlagCompletionFunc("to-revision", r.completeRevisions)
	return cmd
}

// revisions are a Rollout's ReplicaSets, the newest first.
func (r *rollouts) revisions(ctx context.Context, c client.Client, ro *v1alpha1.Rollout) ([]*appsv1.ReplicaSet, error) {
	all := &appsv1.ReplicaSetList{}
	if err := c.List(ctx, all, client.InNamespace(ro.Namespace), client.MatchingLabelsSelector{Selector: podHashed()}); err != nil {
		return nil, r.explain(err, "listing ReplicaSets")
	}
	own := slices.DeleteFunc(pointers(all.Items), func(rs *appsv1.ReplicaSet) bool { return !metav1.IsControlledBy(rs, ro) || rollout.Revision(rs) == 0 })
	slices.SortFunc(own, func(x, y *appsv1.ReplicaSet) int { return int(rollout.Revision(y) - rollout.Revision(x)) })
	return own, nil
}

// earlier finds the ReplicaSet to go back to.
func (r *rollouts) earlier(ctx context.Context, c client.Client, ro *v1alpha1.Rollout, revision int64) (*appsv1.ReplicaSet, error) {
	own, err := r.revisions(ctx, c, ro)
	if err != nil {
		return nil, err
	}
	if revision == 0 {
		if len(own) < 2 {
			return nil, &Trouble{Problem: fmt.Sprintf("Rollout %q has no version to go back to", ro.Name), Remedy: "spec.revisionHistoryLimit says how many are kept", Code: codeMissing}
		}
		return own[1], nil
	}
	var there []string
	for _, rs := range own {
		if rollout.Revision(rs) == revision {
			return rs, nil
		}
		there = append(there, strconv.FormatInt(rollout.Revision(rs), 10))
	}
	return nil, &Trouble{Problem: fmt.Sprintf("Rollout %q has no revision %d", ro.Name, revision), Remedy: "it has: " + strings.Join(there, ", "), Code: codeMissing}
}

// templateOf is the pod template as it was asked for: without the hash, and without the metadata of the role that the ReplicaSet had.
func templateOf(rs *appsv1.ReplicaSet) corev1.PodTemplateSpec {
	template := *rs.Spec.Template.DeepCopy()
	delete(template.Labels, v1alpha1.PodHashLabel)
	var role v1alpha1.PodTemplateMetadata
	if err := json.Unmarshal([]byte(rs.Annotations[v1alpha1.EphemeralMetadataAnnotation]), &role); err == nil {
		for key := range role.Labels {
			delete(template.Labels, key)
		}
		for key := range role.Annotations {
			delete(template.Annotations, key)
		}
	}
	return template
}

func (r *rollouts) completeRevisions(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(contextOf(cmd), completionWithin)
	defer cancel()
	c, err := r.connect()
	if err != nil || len(args) == 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ro, err := r.get(ctx, c, args[0])
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	own, err := r.revisions(ctx, c, ro)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var found []string
	for _, rs := range own {
		var images []string
		for _, container := range rs.Spec.Template.Spec.Containers {
			images = append(images, container.Image)
		}
		found = append(found, cobra.CompletionWithDesc(strconv.FormatInt(rollout.Revision(rs), 10), strings.Join(images, " ")))
	}
	return found, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

func (r *rollouts) completeContainers(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return r.completeRollouts(1)(cmd, args, typed)
	}
	ctx, cancel := context.WithTimeout(contextOf(cmd), completionWithin)
	defer cancel()
	none := cobra.ShellCompDirectiveNoFileComp
	c, err := r.connect()
	if err != nil {
		return nil, none
	}
	ro, err := r.get(ctx, c, args[0])
	if err != nil {
		return nil, none
	}
	h, err := r.holder(ctx, c, ro)
	if err != nil {
		return nil, none
	}
	containers, _, _ := unstructured.NestedSlice(h.object.Object, slices.Concat(h.path, []string{"spec", "containers"})...)
	var found []string
	for _, value := range containers {
		container, _ := value.(map[string]any)
		found = append(found, fmt.Sprintf("%v=", container["name"]))
	}
	return found, none | cobra.ShellCompDirectiveNoSpace
}

func newRolloutLint(r *rollouts) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:               "lint -f FILE",
		Short:             "Check Rollouts in a file or directory, without a cluster",
		Example:           "  cyan rollout lint -f k8s/rollout.yaml",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			if file == "" {
				return &Trouble{Problem: "what is missing: the file", Remedy: "give it with --filename", Code: codeUsage}
			}
			objects, err := r.manifests(file)
			if err != nil {
				return err
			}
			found := validate.Check(objects, nil)
			rollouts := 0
			for _, o := range objects {
				if o.Object.GroupVersionKind().GroupKind() == v1alpha1.GroupVersion.WithKind(v1alpha1.RolloutKind).GroupKind() {
					rollouts++
					found = append(found, lint(o)...)
				}
			}
			if err := findings(file, found); err != nil {
				return err
			}
			return r.say(fmt.Sprintf("%s: %d Rollouts are valid", file, rollouts))
		},
	}
	cmd.Flags().StringVarP(&file, "filename", "f", "", "file or directory")
	return cmd
}

// manifests reads a file with manifests, or a directory as Cyan would render it.
func (r *rollouts) manifests(path string) ([]render.Rendered, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &Trouble{Problem: "there is no file " + path, Code: codeUsage, cause: err}
	} else if err != nil {
		return nil, err
	}
	source := v1alpha1.ApplicationSource{}
	root := ""
	if !info.IsDir() {
		source.Directory = &v1alpha1.DirectorySource{Include: filepath.Base(path)}
		path = filepath.Dir(path)
		root = path
	}
	result, err := renderDirectory(root, path, source, render.Options{})
	return result.Objects, err
}

// lint checks what only the Rollout controller knows.
func lint(o render.Rendered) []validate.Finding {
	ro := &v1alpha1.Rollout{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object.Object, ro); err != nil {
		// Fields of a wrong type are told by the validation against the definition.
		return nil
	}
	var found []validate.Finding
	for _, p := range strategy.Lint(ro) {
		line, _ := o.Line(p.Field)
		found = append(found, validate.Finding{File: o.Origin.File, Line: line, Object: v1alpha1.RolloutKind + " " + ro.Name, Field: p.Field, Problem: p.Says})
	}
	return found
}
