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
)

// Reason is why a cluster did not take a change.
type Reason string

// The values of Reason.
const (
	ReasonInvalid     Reason = "Invalid"
	ReasonImmutable   Reason = "Immutable"
	ReasonUnserved    Reason = "Unserved"
	ReasonConflict    Reason = "Conflict"
	ReasonForbidden   Reason = "Forbidden"
	ReasonWebhook     Reason = "Webhook"
	ReasonNoNamespace Reason = "NoNamespace"
	ReasonTerminating Reason = "Terminating"
	ReasonUnreachable Reason = "Unreachable"
	ReasonOther       Reason = "Other"
)

// Error is a change that the cluster did not take, for a reader: object, cause, remedy.
type Error struct {
	Reason Reason
	Ref    Ref
	// Doing is what was tried, such as "applying".
	Doing string
	// Problem is the cause; Remedy what to do about it, or "".
	Problem string
	Remedy  string
	cause   error
}

// Error is one line.
func (e *Error) Error() string {
	return fmt.Sprintf("%s %s: %s", e.Doing, e.Ref, e.Message())
}

// Message is cause and remedy without the object.
func (e *Error) Message() string {
	if e.Remedy == "" {
		return e.Problem
	}
	return e.Problem + "; " + e.Remedy
}

// Unwrap returns what the client said.
func (e *Error) Unwrap() error { return e.cause }

// ReasonOf returns the reason of an error of this package, or ReasonOther.
func ReasonOf(err error) Reason {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return ReasonOther
}

func explain(doing string, ref Ref, err error) error {
	var known *Error
	if errors.As(err, &known) {
		return err
	}
	e := &Error{Doing: doing, Ref: ref, Reason: ReasonOther, Problem: essence(err), cause: err}
	for _, s := range symptoms {
		if s.fits(err) {
			e.Reason, e.Remedy = s.reason, s.remedy
			break
		}
	}
	return e
}

type symptom struct {
	reason Reason
	fits   func(error) bool
	remedy string
}

// symptoms are looked through in order; the first that fits counts.
var symptoms = []symptom{
	{ReasonUnreachable, IsUnreachable, "check that the cluster's API server runs and can be reached from here; Cyan tries again by itself"},
	{ReasonWebhook, isWebhook, "an admission webhook of the cluster decides this: change the manifest as it asks, or repair the webhook"},
	{ReasonTerminating, func(err error) bool { return apierrors.HasStatusCause(err, "NamespaceTerminating") },
		"the namespace is being deleted: wait until it is gone, or see what holds it"},
	{ReasonImmutable, cannotChange, `the field can't be changed in place: undo the change, give the object a new name, or annotate it with argocd.argoproj.io/sync-options: Force=true,Replace=true, which deletes and creates it again`},
	{ReasonInvalid, isInvalid, "correct the field in the manifest"},
	{ReasonForbidden, func(err error) bool { return apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) },
		"give the credentials that Cyan uses for this cluster the right to do it, or remove the object from git"},
	{ReasonNoNamespace, isNoNamespace, "add the Namespace to the manifests, or set the sync option CreateNamespace=true"},
	{ReasonConflict, apierrors.IsConflict, "someone changed the object at the same time: it is tried again"},
}

// cannotChange: the server refuses an update for a field that only a new object can have.
func cannotChange(err error) bool {
	if !apierrors.IsInvalid(err) {
		return false
	}
	text := err.Error()
	for _, mark := range []string{"field is immutable", "may not be changed once set", "updates to statefulset spec", "cannot change roleRef", "may not change once set",
		"is immutable after creation", "spec is immutable", "pod updates may not change", "immutable"} {
		if strings.Contains(text, mark) {
			return true
		}
	}
	return false
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

// IsUnreachable reports whether no server answered, or one that is not able to work.
func IsUnreachable(err error) bool {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason == ReasonUnreachable
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

// essence is the server's message without what the reader knows already.
func essence(err error) string {
	status, ok := errors.AsType[*apierrors.StatusError](err)
	if !ok {
		return err.Error()
	}
	if d := status.ErrStatus.Details; d != nil && apierrors.IsInvalid(err) && len(d.Causes) > 0 {
		var causes []string
		for _, c := range d.Causes {
			causes = append(causes, strings.TrimPrefix(c.Field+": "+c.Message, ": "))
		}
		return strings.Join(causes, "; ")
	}
	return status.ErrStatus.Message
}

func unserved(ref Ref, served []string) error {
	e := &Error{Reason: ReasonUnserved, Ref: ref, Doing: "applying", Problem: fmt.Sprintf("the cluster does not serve %s %s", ref.Kind.GroupVersion(), ref.Kind.Kind)}
	if len(served) == 0 {
		e.Remedy = "correct apiVersion and kind, or install its CustomResourceDefinition first"
		return e
	}
	group := ref.Kind.Group
	if group != "" {
		group += "/"
	}
	e.Remedy = "use apiVersion " + group + strings.Join(served, " or "+group)
	return e
}
