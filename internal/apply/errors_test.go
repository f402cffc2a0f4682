package apply_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/problem"
)

// Whatever the API server finds wrong with a Secret, by whatever request, its values are in no error, nor in what the
// error comes with.
func TestNoErrorShowsAValueOfASecret(t *testing.T) {
	c, _, namespace := setup(t)
	const value, number = "correct-horse-battery", "31337424242"
	encoded := base64.StdEncoding.EncodeToString([]byte(value))
	good := object(t, namespace, "{apiVersion: v1, kind: Secret, metadata: {name: good}, immutable: true, stringData: {p: "+value+"}}")
	if _, err := c.Apply(t.Context(), good, nil, apply.How{}); err != nil {
		t.Fatal(err)
	}
	live := read(t, c, good)
	for _, bad := range []string{
		"stringData: {p: " + number + "}",
		"stringData: {p: " + value + ", n: " + number + "}",
		"stringData: {p: [" + value + "]}",
		"stringData: {p: {deep: " + value + "}}",
		"stringData: " + value,
		"data: {p: '" + value + "'}",
		"data: {p: " + number + "}",
		"data: " + value,
		"data: {'not a key!': " + encoded + "}",
		"stringData: {'not a key!': " + value + "}",
		"stringdata: {p: " + value + "}",
		"password: " + value,
		"type: kubernetes.io/tls\ndata: {tls.crt: " + encoded + "}",
		"immutable: " + value,
		"type: kubernetes.io/dockerconfigjson\nstringData: {.dockerconfigjson: '{" + value + "'}",
		"type: kubernetes.io/basic-auth\nstringData: {p: " + value + "-new}",
	} {
		for _, method := range []apply.Method{apply.ServerSide, apply.ClientSide, apply.Replace} {
			for _, trial := range []apply.Trial{apply.DryRun, apply.Real} {
				for _, over := range []*unstructured.Unstructured{nil, live} {
					name := "good"
					if over == nil {
						name = "bad"
					}
					desired := object(t, namespace, "apiVersion: v1\nkind: Secret\nmetadata: {name: "+name+"}\n"+bad)
					_, err := c.Apply(t.Context(), desired, over, apply.How{Method: method, Trial: trial})
					checkHides(t, fmt.Sprintf("%s (%s, %s, live %v)", bad, method, trial, over != nil), err, value, number, encoded)
				}
			}
		}
		_, err := c.Create(t.Context(), object(t, namespace, "apiVersion: v1\nkind: Secret\nmetadata: {name: hook}\n"+bad), apply.How{Trial: apply.DryRun})
		checkHides(t, "creating "+bad, err, value, number, encoded)
	}
}

func checkHides(t *testing.T, what string, err error, values ...string) {
	t.Helper()
	if err == nil {
		return
	}
	if problem.Of(err) == nil {
		t.Errorf("%s: %v is not told as a problem", what, err)
	}
	for _, value := range values {
		for _, text := range []string{err.Error(), problem.Message(err), fmt.Sprintf("%v", err)} {
			if strings.Contains(text, value[:8]) {
				t.Errorf("%s: the error shows the value: %s", what, text)
			}
		}
	}
}

// What the API server refuses is told in one short line, by what is to be done about it.
func TestRefusalsAreShort(t *testing.T) {
	c, _, namespace := setup(t)
	first, err := c.Apply(t.Context(), object(t, namespace, job), nil, apply.How{})
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 300_000)
	for _, test := range []struct {
		name     string
		manifest string
		how      apply.How
		over     *unstructured.Unstructured
		reason   apply.Reason
		kind     problem.Kind
		want     string
	}{
		{"an immutable template", strings.Replace(job, "one:1", "two:2", 1), apply.How{}, first.Object, apply.ReasonImmutable, problem.Refused, `Job "work" is invalid: spec.template: immutable; undo the change`},
		{"long annotations", "{apiVersion: v1, kind: ConfigMap, metadata: {name: long, annotations: {a: " + long + "}}}", apply.How{}, nil, apply.ReasonTooLarge, problem.Refused,
			`ConfigMap "long" is invalid: metadata.annotations: Too long: may not be more than 262144 bytes; shorten the annotations`},
		{"an annotation of the last applied configuration that is long", "{apiVersion: v1, kind: ConfigMap, metadata: {name: long}, data: {a: " + long + "}}", apply.How{Method: apply.ClientSide}, nil, apply.ReasonTooLarge, problem.Refused,
			"ServerSideApply=false puts the whole object into one: remove it"},
		{"much data", "{apiVersion: v1, kind: ConfigMap, metadata: {name: long}, data: {a: " + strings.Repeat(long, 4) + "}}", apply.How{}, nil, apply.ReasonTooLarge, problem.Refused, `ConfigMap "long" is invalid: `},
		{"more than a request may have", "{apiVersion: v1, kind: ConfigMap, metadata: {name: long}, data: {a: " + strings.Repeat(long, 12) + "}}", apply.How{}, nil, apply.ReasonTooLarge, problem.Refused, "split the object"},
		{"a long label", "{apiVersion: v1, kind: ConfigMap, metadata: {name: long, labels: {a: " + long[:100] + "}}}", apply.How{}, nil, apply.ReasonInvalid, problem.Refused, "metadata.labels: Invalid value"},
		{"a kind of another group that has the name of a known one", "{apiVersion: serving.example.org/v1, kind: Service, metadata: {name: s}}", apply.How{}, nil, apply.ReasonUnserved, problem.Refused,
			"Service NS/s: the cluster does not serve serving.example.org/v1 Service; correct apiVersion and kind"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, trial := range []apply.Trial{apply.DryRun, apply.Real} {
				test.how.Trial = trial
				_, err := c.Apply(t.Context(), object(t, namespace, test.manifest), test.over, test.how)
				if apply.ReasonOf(err) != test.reason || problem.KindOf(err) != test.kind {
					t.Errorf("reason %s, kind %d; want %s, %d: %.300v", apply.ReasonOf(err), problem.KindOf(err), test.reason, test.kind, err)
				}
				if want := strings.ReplaceAll(test.want, "NS", namespace); err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 600 || strings.Contains(err.Error(), "\n") {
					t.Errorf("got %.1000v, want a short line with %q", err, want)
				}
			}
		})
	}
}

// Whether a server answers is asked of what calls return, which is no error as a rule.
func TestIsUnreachable(t *testing.T) {
	for _, row := range []struct {
		rule string
		err  error
		want bool
	}{
		{"no error", nil, false},
		{"nobody listens", errors.New("dial tcp 127.0.0.1:1: connect: connection refused"), true},
		{"it takes too long", context.DeadlineExceeded, true},
		{"it was not waited for", context.Canceled, false},
		{"an answer", apierrors.NewNotFound(schema.GroupResource{Resource: "pods"}, "a"), false},
		{"it cannot work now", apierrors.NewServiceUnavailable("later"), true},
	} {
		if got := apply.IsUnreachable(row.err); got != row.want {
			t.Errorf("%s: got %v, want %v", row.rule, got, row.want)
		}
	}
}
