package ingress

import (
	"context"
	"log/slog"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/cyan-cd/cyan/localcluster/internal/routing"
)

// statusClient is the client of a kind, as far as a status is written with it.
type statusClient[T any] interface {
	UpdateStatus(ctx context.Context, object T, options metav1.UpdateOptions) (T, error)
}

// write writes an object of which the status was changed, and reports whether that needs no other try: a write that was
// overtaken is made anew from what comes next. Where nothing has changed, nothing is written.
func write[T metav1.Object](ctx context.Context, client statusClient[T], before, changed T) bool {
	if equality.Semantic.DeepEqual(before, changed) {
		return true
	}
	_, err := client.UpdateStatus(ctx, changed, metav1.UpdateOptions{})
	if err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return true
	}
	slog.Warn("status could not be written", "object", nameOf(before).String(), "cause", err.Error())
	return false
}

// merged returns the wanted conditions, with the times of those before that were the same.
func merged(before, wanted []metav1.Condition) []metav1.Condition {
	conditions := slices.Clone(before)
	for _, c := range wanted {
		meta.SetStatusCondition(&conditions, c)
	}
	return conditions
}

// withTimes returns the listeners that are wanted, each with the times of its conditions that were the same before.
func withTimes[L any](before, wanted []L, look func(*L) (gatewayv1.SectionName, *[]metav1.Condition)) []L {
	were := map[gatewayv1.SectionName][]metav1.Condition{}
	for i := range before {
		name, conditions := look(&before[i])
		were[name] = *conditions
	}
	listeners := slices.Clone(wanted)
	for i := range listeners {
		name, conditions := look(&listeners[i])
		*conditions = merged(were[name], *conditions)
	}
	return listeners
}

// statement is what a controller says of an object at one place.
type statement struct {
	by         gatewayv1.GatewayController
	at         gatewayv1.ParentReference
	conditions *[]metav1.Condition
}

func ofParent(s *gatewayv1.RouteParentStatus) statement {
	return statement{s.ControllerName, s.ParentRef, &s.Conditions}
}

func ofAncestor(s *gatewayv1.PolicyAncestorStatus) statement {
	return statement{s.ControllerName, s.AncestorRef, &s.Conditions}
}

// stated returns what a status is to have: what other controllers say, as it is, and what is wanted of this one.
func stated[S any](there, wanted []S, look func(*S) statement) []S {
	all := []S{}
	for i := range there {
		if look(&there[i]).by != routing.GatewayController {
			all = append(all, there[i])
		}
	}
	for _, one := range wanted {
		says := look(&one)
		*says.conditions = merged(conditionsAt(there, says.at, look), *says.conditions)
		all = append(all, one)
	}
	return all
}

// conditionsAt returns what this controller has said at a place.
func conditionsAt[S any](there []S, at gatewayv1.ParentReference, look func(*S) statement) []metav1.Condition {
	for i := range there {
		if says := look(&there[i]); says.by == routing.GatewayController && equality.Semantic.DeepEqual(says.at, at) {
			return *says.conditions
		}
	}
	return nil
}
