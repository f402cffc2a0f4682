package problem_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/internal/problem"
)

func TestRefusal(t *testing.T) {
	invalid := func(causes ...metav1.StatusCause) error {
		return &apierrors.StatusError{ErrStatus: metav1.Status{
			Reason: metav1.StatusReasonInvalid, Message: `Deployment "web" is invalid: …`, Details: &metav1.StatusDetails{Causes: causes},
		}}
	}
	cause := func(field, message string) metav1.StatusCause {
		return metav1.StatusCause{Field: field, Message: message}
	}
	value := strings.Repeat(`{"a":5}`, 100)
	var many []metav1.StatusCause
	for i := range 7 {
		many = append(many, cause(fmt.Sprintf("f%d", i), "Required value"))
	}
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"no answer of an API server", errors.New("connection refused"), "connection refused"},
		{"another refusal", &apierrors.StatusError{ErrStatus: metav1.Status{Reason: metav1.StatusReasonForbidden, Message: "no"}}, "no"},
		{"without causes", invalid(), `Deployment "web" is invalid: …`},
		{"a field", invalid(cause("spec.replicas", "Invalid value: -1: too few")), "spec.replicas: Invalid value: -1: too few"},
		{"the object itself", invalid(cause("<nil>", "no")), "no"},
		{"no field", invalid(cause("", "no")), "no"},
		{"a long value", invalid(cause("patch", "Invalid value: "+value+": not a number")), "patch: Invalid value: not a number"},
		{"a long message without a value", invalid(cause("f", strings.Repeat("é", 200))), "f: " + strings.Repeat("é", 150) + "…"},
		{"a long reason", invalid(cause("f", "Invalid value: 1: "+strings.Repeat("x", 400))), "f: Invalid value: 1: " + strings.Repeat("x", 300-len("Invalid value: 1: ")) + "…"},
		{"as long as it may be", invalid(cause("f", "Invalid value: "+strings.Repeat("x", 300-len("Invalid value: ")))), "f: Invalid value: " + strings.Repeat("x", 300-len("Invalid value: "))},
		{"a value without a reason", invalid(cause("f", "Invalid value: "+strings.Repeat("x", 400))), "f: Invalid value: " + strings.Repeat("x", 300-len("Invalid value: ")) + "…"},
		{"a reason as long as it may be", invalid(cause("f", "Invalid value: "+value+": "+strings.Repeat("x", 298))), "f: Invalid value: " + strings.Repeat("x", 298)},
		{"a reason without a value", invalid(cause("f", "Invalid value: : "+strings.Repeat("x", 290))), "f: Invalid value: " + strings.Repeat("x", 290)},
		{"many", invalid(many...), "f0: Required value; f1: Required value; f2: Required value; f3: Required value; f4: Required value; and 2 more"},
	} {
		if got := problem.Refusal(c.err); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
