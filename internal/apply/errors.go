package apply

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/secret"
)

// Reason is why a cluster did not take a change.
type Reason string

// The values of Reason.
const (
	ReasonInvalid     Reason = "Invalid"
	ReasonImmutable   Reason = "Immutable"
	ReasonTooLarge    Reason = "TooLarge"
	ReasonUnserved    Reason = "Unserved"
	ReasonConflict    Reason = "Conflict"
	ReasonForbidden   Reason = "Forbidden"
	ReasonWebhook     Reason = "Webhook"
	ReasonNoNamespace Reason = "NoNamespace"
	ReasonTerminating Reason = "Terminating"
	ReasonUnreachable Reason = "Unreachable"
	ReasonOther       Reason = "Other"
)

// refusal is where the errors of this package come from: the reason, and the client's error; nil when no request was
// made.
type refusal struct {
	reason Reason
	err    error
}

func (r *refusal) Error() string {
	if r.err == nil {
		return string(r.reason)
	}
	return r.err.Error()
}

func (r *refusal) Unwrap() error { return r.err }

// ReasonOf returns the reason of an error of this package, or ReasonOther.
func ReasonOf(err error) Reason {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.reason
	}
	return ReasonOther
}

// explain returns what went wrong with an object as a problem for people. Values of the objects that the request was
// about stay out of it, if they are Secrets.
func explain(ref Ref, err error, about ...*unstructured.Unstructured) error {
	if _, known := errors.AsType[*refusal](err); known {
		return err
	}
	s := symptomOf(err)
	cause := secret.Redact(problem.Refusal(err), about...)
	if s.reason == ReasonImmutable {
		cause = immutableFields(err, cause)
	}
	object := ref.String()
	if apierrors.IsInvalid(err) {
		object = problem.Invalid(ref.Kind.Kind, ref.Name)
	}
	return &problem.Error{Kind: s.kind, Object: object, Cause: cause, Remedy: s.remedy, Err: &refusal{s.reason, err}}
}

type symptom struct {
	reason Reason
	kind   problem.Kind
	fits   func(error) bool
	remedy string
}

func symptomOf(err error) symptom {
	for _, s := range symptoms {
		if s.fits(err) {
			return s
		}
	}
	return symptom{reason: ReasonOther}
}

// symptoms are looked through in order; the first that fits counts.
var symptoms = []symptom{
	{ReasonUnreachable, problem.Unreachable, IsUnreachable, "check that the cluster's API server runs and can be reached from here"},
	{ReasonTooLarge, problem.Refused, hasLongAnnotations, "shorten the annotations to 256 kB in all; the sync option ServerSideApply=false puts the whole object into one: remove it"},
	{ReasonTooLarge, problem.Refused, isTooLarge, "split the object: the API server stores about 1.5 MB of one, and 1 MB of a ConfigMap or Secret"},
	{ReasonWebhook, problem.Refused, isWebhook, "an admission webhook of the cluster decides this: change the manifest as it asks, or repair the webhook"},
	{ReasonTerminating, problem.Refused, func(err error) bool { return apierrors.HasStatusCause(err, "NamespaceTerminating") },
		"the namespace is being deleted: wait until it is gone, or see what holds it"},
	{ReasonImmutable, problem.Refused, cannotChange, `undo the change, give the object a new name, or annotate it with argocd.argoproj.io/sync-options: Force=true,Replace=true, which deletes and creates it again`},
	{ReasonInvalid, problem.Refused, isTooLong, "shorten it"},
	{ReasonInvalid, problem.Refused, isInvalid, "correct the field in the manifest"},
	{ReasonForbidden, problem.Refused, func(err error) bool { return apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) },
		"give the credentials that Cyan uses for this cluster the right to do it, or remove the object from git"},
	{ReasonNoNamespace, problem.Absent, isNoNamespace, "add the Namespace to the manifests, or set the sync option CreateNamespace=true"},
	{ReasonConflict, problem.Failed, apierrors.IsConflict, "someone changed the object at the same time: it is tried again"},
}

// cannotChange: the server refuses an update for a field that only a new object can have.
func cannotChange(err error) bool {
	if !apierrors.IsInvalid(err) {
		return false
	}
	text := err.Error()
	for _, mark := range []string{"immutable", "may not be changed once set", "updates to statefulset spec", "cannot change roleRef", "may not change once set", "pod updates may not change"} {
		if strings.Contains(text, mark) {
			return true
		}
	}
	return false
}

// immutableFields names the fields that can't be changed, without what the API server prints of their values.
func immutableFields(err error, otherwise string) string {
	status, ok := errors.AsType[*apierrors.StatusError](err)
	if !ok || status.ErrStatus.Details == nil {
		return otherwise
	}
	var names []string
	for _, cause := range status.ErrStatus.Details.Causes {
		if cause.Field != "" && cause.Field != "<nil>" {
			names = append(names, cause.Field)
		}
	}
	if len(names) == 0 {
		return otherwise
	}
	return strings.Join(names, ", ") + ": immutable"
}

func hasLongAnnotations(err error) bool {
	return apierrors.IsInvalid(err) && strings.Contains(err.Error(), "metadata.annotations: Too long")
}

func isTooLarge(err error) bool {
	text := err.Error()
	return apierrors.IsRequestEntityTooLargeError(err) || strings.Contains(text, "etcdserver: request is too large") || strings.Contains(text, "Too long: may not be more than 1048576 bytes")
}

func isTooLong(err error) bool {
	return apierrors.IsInvalid(err) && strings.Contains(err.Error(), ": Too long: ")
}

func isInvalid(err error) bool {
	return apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) || strings.Contains(err.Error(), "field not declared in schema") || strings.Contains(err.Error(), "failed to create typed patch object")
}

func isWebhook(err error) bool {
	text := err.Error()
	return strings.Contains(text, "admission webhook") || strings.Contains(text, "failed calling webhook") || strings.Contains(text, "conversion webhook")
}

func isNoNamespace(err error) bool {
	status, ok := errors.AsType[*apierrors.StatusError](err)
	return ok && apierrors.IsNotFound(err) && status.ErrStatus.Details != nil && status.ErrStatus.Details.Kind == "namespaces"
}

// IsUnreachable reports whether no server answered, or one that is not able to work. No error is none of that.
func IsUnreachable(err error) bool {
	if err == nil {
		return false
	}
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.reason == ReasonUnreachable
	}
	if errors.Is(err, context.Canceled) {
		return false
	}
	var urlErr *url.Error
	var netErr net.Error
	switch {
	case apierrors.IsServerTimeout(err), apierrors.IsTimeout(err), apierrors.IsServiceUnavailable(err), apierrors.IsTooManyRequests(err):
		return true
	case apierrors.ReasonForError(err) != metav1.StatusReasonUnknown:
		return false
	case errors.As(err, &urlErr), errors.As(err, &netErr), errors.Is(err, context.DeadlineExceeded):
		return true
	}
	text := err.Error()
	return strings.Contains(text, "connection refused") || strings.Contains(text, "connection reset") || strings.Contains(text, "unexpected EOF")
}

func unserved(ref Ref, served []string) error {
	e := &problem.Error{
		Kind: problem.Refused, Object: ref.String(), Cause: fmt.Sprintf("the cluster does not serve %s %s", ref.Kind.GroupVersion(), ref.Kind.Kind),
		Remedy: "correct apiVersion and kind, or install its CustomResourceDefinition first", Err: &refusal{reason: ReasonUnserved},
	}
	if len(served) == 0 {
		return e
	}
	group := ref.Kind.Group
	if group != "" {
		group += "/"
	}
	e.Remedy = "use apiVersion " + group + strings.Join(served, " or "+group)
	return e
}
