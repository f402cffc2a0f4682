package repo

import (
	"cmp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/settings"
	"github.com/cyan-cd/cyan/internal/source"
)

// repository is a repository as its Secret has it, without what is secret.
type repository struct {
	Type    string `json:"type,omitempty"`
	Name    string `json:"name,omitempty"`
	URL     string `json:"url"`
	Project string `json:"project,omitempty"`
	// Credentials lists the kinds of credentials that are kept.
	Credentials string `json:"credentials"`
}

func newList(a *kit.Control, secretType string) *cobra.Command {
	var out kit.Format
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the repositories; credentials are named, never shown", Example: "  cyan repo list", Args: kit.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.Check(); err != nil {
				return err
			}
			c, err := a.Connect()
			if err != nil {
				return err
			}
			secrets, err := a.Secrets(cmd.Context(), c, secretType)
			if err != nil {
				return err
			}
			if len(secrets) == 0 {
				if err := a.CheckNamespace(cmd.Context(), c); err != nil {
					return err
				}
			}
			return show(a, secrets, out.Value)
		},
	}
	if secretType == v1alpha1.SecretTypeRepository {
		a.Idle(cmd, "nothing is cached here", "refresh=")
	}
	out.Bind(cmd, kit.JSON, kit.YAML, kit.Wide, kit.Name, "url")
	return cmd
}

func show(a *kit.Control, secrets []corev1.Secret, as string) error {
	var all []repository
	for _, s := range secrets {
		opened := source.OpenedBy(s)
		all = append(all, repository{string(s.Data["type"]), string(s.Data["name"]), opened.String(), string(s.Data["project"]), opened.Credentials.String()})
	}
	slices.SortFunc(all, func(x, y repository) int { return strings.Compare(x.URL, y.URL) })
	switch as {
	case kit.JSON, kit.YAML:
		return a.Dump(all, as)
	case kit.Name, "url":
		for _, r := range all {
			if err := a.Say(r.URL); err != nil {
				return err
			}
		}
		return nil
	}
	for _, s := range secrets {
		noteUnserved(a, s)
	}
	rows := [][]string{{"TYPE", "NAME", "REPO", "PROJECT", "CREDENTIALS"}}
	for _, r := range all {
		rows = append(rows, []string{cmp.Or(r.Type, "git"), r.Name, r.URL, r.Project, r.Credentials})
	}
	return a.Table(rows, 2)
}

// noteUnserved warns of what a Secret asks for and does not get.
func noteUnserved(a *kit.Control, s corev1.Secret) {
	for _, f := range settings.InSecret(s.Name, s.Labels[v1alpha1.SecretTypeLabel], s.Data) {
		if f.Verdict != settings.Harmless {
			a.Note("warning: %s", f.Problem())
		}
	}
}
