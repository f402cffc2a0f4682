package auth

import (
	"context"
	"fmt"
	"strings"

	"github.com/cyan-cd/cyan/internal/problem"
)

// resolve returns what a value of settings stands for: $key for a key of Secret argocd-secret, $secret:key for one of
// another Secret, which has to have the label of the installation. Any other value stands for itself.
func (a Accounts) resolve(ctx context.Context, field, value string) (string, error) {
	reference, isReference := strings.CutPrefix(strings.TrimSpace(value), "$")
	if !isReference {
		return value, nil
	}
	name, key, other := strings.Cut(reference, ":")
	if !other {
		name, key = SecretName, reference
	}
	s, err := a.Objects.Secret(ctx, name)
	if err != nil {
		return "", fmt.Errorf("reading Secret %s: %w", name, err)
	}
	refuse := func(cause, remedy string) error {
		return &problem.Error{Kind: problem.Usage, Object: "ConfigMap " + ConfigName, Field: field, Cause: "$" + cut(reference) + ": " + cause, Remedy: remedy}
	}
	if other && s.Labels[PartOfLabel] != partOf {
		return "", refuse(fmt.Sprintf("Secret %q not found, or without the label %s: %s", cut(name), PartOfLabel, partOf), "label it")
	}
	text := strings.TrimSpace(string(s.Data[key]))
	if text == "" {
		return "", refuse(fmt.Sprintf("Secret %s has no key %q", cut(name), cut(key)), "write it there")
	}
	return text, nil
}
