package apply

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/util/retry"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/intern"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/problem"
)

// Kinds knows where objects of a kind are served.
type Kinds interface {
	// Resource returns the resource that serves a kind and whether it lives in namespaces; ok is false when the cluster
	// doesn't serve it.
	Resource(kind schema.GroupVersionKind) (resource schema.GroupVersionResource, namespaced, ok bool)
	// Served lists the versions in which the cluster serves a kind, the preferred one first.
	Served(kind schema.GroupKind) []string
}

// Client changes objects of one cluster. It is safe for concurrent use.
type Client struct {
	dynamic dynamic.Interface
	kinds   Kinds
	// limit is why an object must not be read or written; nil for no limit.
	limit func(Ref) error
	// values are what the objects that were read have in common.
	values *intern.Values
}

// NewClient makes a Client of a connection and what is known of the cluster's kinds.
func NewClient(connection dynamic.Interface, kinds Kinds) *Client {
	return &Client{dynamic: connection, kinds: kinds, values: &intern.Values{}}
}

// By returns a client of the same cluster, with the same limit, by another connection, such as that of another user.
func (c *Client) By(connection dynamic.Interface) *Client {
	other := *c
	other.dynamic = connection
	return &other
}

// Within returns a client of the same cluster that neither reads nor writes the objects for which limit returns an
// error.
func (c *Client) Within(limit func(Ref) error) *Client {
	limited := *c
	limited.limit = limit
	return &limited
}

// Method is how an object is written.
type Method string

// The values of Method.
const (
	// ServerSide applies server-side and takes the fields over from whoever owned them.
	ServerSide Method = ""
	// ClientSide patches with what changed since the last-applied-configuration annotation, for kinds whose server-side
	// apply is broken.
	ClientSide Method = "ClientSide"
	// Replace updates the object as a whole.
	Replace Method = "Replace"
)

// Trial is whether a write lasts.
type Trial string

// The values of Trial.
const (
	// Real writes last.
	Real Trial = ""
	// DryRun has the server go through everything, admission included, and store nothing.
	DryRun Trial = "DryRun"
)

// How is the manner of a write.
type How struct {
	Method Method
	// Force deletes and creates again what can't be changed; without it such a write fails.
	Force bool
	Trial Trial
	// Lax has the server drop fields that it does not know, instead of refusing them.
	Lax bool
	// Basis is the resourceVersion that the object must still have; "" for any. If it has another by now, nothing is
	// written and the reason is Conflict.
	Basis string
}

func (h How) validation() string {
	if h.Lax {
		return metav1.FieldValidationIgnore
	}
	return metav1.FieldValidationStrict
}

// Change is what a write did.
type Change string

// The values of Change.
const (
	Created    Change = "created"
	Configured Change = "configured"
	Unchanged  Change = "unchanged"
	// Replaced is what a whole object did that was put in the place of another, whether or not that changed anything.
	Replaced  Change = "replaced"
	Recreated Change = "deleted and created again"
	// Deleting is the first half of that: the object is created by the next Apply, once it is gone.
	Deleting Change = "deleted, to be created again"
	Deleted  Change = "deleted"
	Absent   Change = "was gone already"
)

// Outcome is what a write that succeeded did.
type Outcome struct {
	Change Change
	// TakenOver are the former appliers whose fields are Cyan's now.
	TakenOver []string
	// Object is what the server answered: the object as stored, or as it would be stored by a dry run. It is nil for
	// deletions.
	Object *unstructured.Unstructured
}

// String is what was done, for people.
func (o Outcome) String() string {
	if len(o.TakenOver) == 0 {
		return string(o.Change)
	}
	return fmt.Sprintf("%s, with the fields that %s had applied", o.Change, strings.Join(o.TakenOver, " and "))
}

// Get reads an object in the version of kind; nil when it isn't there.
func (c *Client) Get(ctx context.Context, kind schema.GroupVersionKind, namespace, name string) (*unstructured.Unstructured, error) {
	ref := Ref{kind, namespace, name}
	resource, err := c.resource(ref)
	if err != nil {
		return nil, err
	}
	found, err := resource.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, explain(ref, err)
	}
	return found, nil
}

// Apply brings an object to its desired state. live is the object as last read, or nil when there is none; it is only
// used to see what changed and who owned the fields.
func (c *Client) Apply(ctx context.Context, desired, live *unstructured.Unstructured, how How) (Outcome, error) {
	ref := RefOf(desired)
	resource, err := c.resource(ref)
	if err != nil {
		return Outcome{}, err
	}
	write := serverSide
	switch how.Method {
	case Replace:
		write = c.replace
	case ClientSide:
		write = c.clientSide
	case ServerSide:
	}
	after, err := write(ctx, resource, desired, live, how)
	switch {
	case err == nil:
		change := changeOf(live, after)
		if how.Method == Replace && change != Created {
			change = Replaced
		}
		return Outcome{Change: change, TakenOver: takenOver(live, after), Object: after}, nil
	case how.Force && live != nil && cannotChange(err):
		return c.recreate(ctx, resource, desired, live, how)
	}
	return Outcome{}, explain(ref, err, desired, live)
}

func changeOf(before, after *unstructured.Unstructured) Change {
	switch {
	case before == nil || before.GetUID() != after.GetUID():
		return Created
	case before.GetResourceVersion() == after.GetResourceVersion():
		return Unchanged
	}
	return Configured
}

// forApply drops what the server keeps itself and refuses in an apply.
func forApply(desired *unstructured.Unstructured) *unstructured.Unstructured {
	clean := desired.DeepCopy()
	for _, field := range []string{"managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds"} {
		unstructured.RemoveNestedField(clean.Object, "metadata", field)
	}
	unstructured.RemoveNestedField(clean.Object, "status")
	return clean
}

func (c *Client) replace(ctx context.Context, resource dynamic.ResourceInterface, desired, live *unstructured.Unstructured, how How) (*unstructured.Unstructured, error) {
	body := forApply(desired)
	if live == nil {
		return resource.Create(ctx, body, metav1.CreateOptions{FieldManager: v1alpha1.FieldManager, DryRun: dryRun(how), FieldValidation: how.validation()})
	}
	var after *unstructured.Unstructured
	err := onLatest(ctx, resource, live, how, func(live *unstructured.Unstructured) error {
		body.SetResourceVersion(live.GetResourceVersion())
		var err error
		after, err = resource.Update(ctx, body, metav1.UpdateOptions{FieldManager: v1alpha1.FieldManager, DryRun: dryRun(how), FieldValidation: how.validation()})
		return err
	})
	return after, err
}

// recreate deletes an object that can't be changed. It waits for nothing: once the object is gone, applying it creates
// it.
func (c *Client) recreate(ctx context.Context, resource dynamic.ResourceInterface, desired, live *unstructured.Unstructured, how How) (Outcome, error) {
	if how.Trial == DryRun {
		return Outcome{Change: Recreated, Object: desired.DeepCopy()}, nil
	}
	outcome, err := c.Delete(ctx, live, metav1.DeletePropagationForeground, Real)
	if err != nil {
		return Outcome{}, err
	}
	if outcome.Change == Absent {
		after, err := resource.Create(ctx, forApply(desired), metav1.CreateOptions{FieldManager: v1alpha1.FieldManager})
		if err == nil {
			return Outcome{Change: Recreated, Object: after}, nil
		}
		if !apierrors.IsAlreadyExists(err) {
			return Outcome{}, explain(RefOf(desired), err, desired)
		}
	}
	return Outcome{Change: Deleting}, nil
}

// Create makes a hook. One that exists already under its name, of the same operation, is left as it is and given back.
func (c *Client) Create(ctx context.Context, desired *unstructured.Unstructured, how How) (Outcome, error) {
	ref := RefOf(desired)
	resource, err := c.resource(ref)
	if err != nil {
		return Outcome{}, err
	}
	after, err := resource.Create(ctx, forApply(desired), metav1.CreateOptions{
		FieldManager: v1alpha1.FieldManager, DryRun: dryRun(how), FieldValidation: how.validation(),
	})
	if apierrors.IsAlreadyExists(err) {
		live, err := resource.Get(ctx, desired.GetName(), metav1.GetOptions{})
		if err != nil {
			return Outcome{}, explain(ref, err)
		}
		return Outcome{Change: Unchanged, Object: live}, nil
	}
	if err != nil {
		return Outcome{}, explain(ref, err, desired)
	}
	return Outcome{Change: Created, Object: after}, nil
}

// Delete deletes the object that was seen: one of the same name that came since stays. Without a policy the object's
// children go in the foreground. What has to outlive its children's deletion goes in the background all the same
// (plan.PropagationOf), whoever deletes it and why.
func (c *Client) Delete(ctx context.Context, seen *unstructured.Unstructured, policy metav1.DeletionPropagation, trial Trial) (Outcome, error) {
	ref := RefOf(seen)
	resource, err := c.resource(ref)
	if err != nil {
		return Outcome{}, err
	}
	policy = plan.PropagationOf(seen, cmp.Or(policy, metav1.DeletePropagationForeground))
	options := metav1.DeleteOptions{PropagationPolicy: &policy, DryRun: dryRun(How{Trial: trial})}
	if uid := seen.GetUID(); uid != "" {
		options.Preconditions = &metav1.Preconditions{UID: &uid}
	}
	err = resource.Delete(ctx, ref.Name, options)
	switch {
	case apierrors.IsNotFound(err), apierrors.IsConflict(err):
		return Outcome{Change: Absent}, nil
	case err != nil:
		return Outcome{}, explain(ref, err)
	}
	return Outcome{Change: Deleted}, nil
}

// RemoveFinalizer takes one finalizer from the object that was seen. An object of the same name that came since keeps
// its own.
func (c *Client) RemoveFinalizer(ctx context.Context, seen *unstructured.Unstructured, finalizer string) error {
	ref := RefOf(seen)
	resource, err := c.resource(ref)
	if err != nil {
		return err
	}
	err = retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		live, err := resource.Get(ctx, ref.Name, metav1.GetOptions{})
		if err != nil || live.GetUID() != seen.GetUID() || !slices.Contains(live.GetFinalizers(), finalizer) {
			return err
		}
		kept := slices.DeleteFunc(live.GetFinalizers(), func(f string) bool { return f == finalizer })
		body, err := json.Marshal(map[string]any{"metadata": map[string]any{"finalizers": kept, "resourceVersion": live.GetResourceVersion()}})
		if err != nil {
			return err
		}
		_, err = resource.Patch(ctx, ref.Name, types.MergePatchType, body, metav1.PatchOptions{FieldManager: v1alpha1.FieldManager})
		return err
	})
	if err != nil && !apierrors.IsNotFound(err) {
		return explain(ref, err)
	}
	return nil
}

func dryRun(how How) []string {
	if how.Trial == DryRun {
		return []string{metav1.DryRunAll}
	}
	return nil
}

func (c *Client) resource(ref Ref) (dynamic.ResourceInterface, error) {
	resource, namespaced, ok := c.kinds.Resource(ref.Kind)
	if !ok {
		return nil, unserved(ref, c.kinds.Served(ref.Kind.GroupKind()))
	}
	if !namespaced {
		ref.Namespace = ""
	}
	if c.limit != nil && (!namespaced || ref.Namespace != "") {
		if err := c.limit(ref); err != nil {
			return nil, err
		}
	}
	if !namespaced {
		return sharing{c.dynamic.Resource(resource), c.values}, nil
	}
	if ref.Namespace == "" {
		return nil, &problem.Error{Kind: problem.Refused, Object: ref.String(), Cause: "no namespace: neither the object nor the Application's destination names one",
			Remedy: "set spec.destination.namespace, or metadata.namespace in the manifest", Err: &refusal{reason: ReasonInvalid}}
	}
	return sharing{c.dynamic.Resource(resource).Namespace(ref.Namespace), c.values}, nil
}

// Ref names an object.
type Ref struct {
	Kind            schema.GroupVersionKind
	Namespace, Name string
}

// RefOf names an object that is given.
func RefOf(object *unstructured.Unstructured) Ref {
	return Ref{object.GroupVersionKind(), object.GetNamespace(), object.GetName()}
}

// String is such as "Deployment default/app".
func (r Ref) String() string {
	if r.Namespace == "" {
		return fmt.Sprintf("%s %s", r.Kind.Kind, r.Name)
	}
	return fmt.Sprintf("%s %s/%s", r.Kind.Kind, r.Namespace, r.Name)
}
