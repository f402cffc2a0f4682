package repo

import (
	"context"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/patch"
	repourl "github.com/cyan-cd/cyan/internal/repository"
	"github.com/cyan-cd/cyan/internal/source"
)

func newRemove(a *kit.Control, secretType string) *cobra.Command {
	var yes bool
	var project string
	cmd := &cobra.Command{
		Use: "rm URL", Aliases: []string{"remove", "delete"}, Short: "Forget a repository's credentials", Example: "  cyan repo rm https://git.example/shop",
		Args: kit.Exactly("the repository's URL"),
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			list := &corev1.SecretList{}
			return a.CompleteObjects(cmd, list, a.Namespace, func() (urls []string) {
				for _, s := range list.Items {
					if s.Labels[v1alpha1.SecretTypeLabel] == secretType && len(args) == 0 {
						urls = append(urls, source.Repository{URL: string(s.Data["url"])}.String())
					}
				}
				return urls
			})
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return remove(cmd.Context(), a, secretType, args[0], project, yes)
		},
	}
	if secretType == v1alpha1.SecretTypeRepository {
		cmd.Flags().StringVar(&project, "project", "", "those of this project, where several have some")
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

func remove(ctx context.Context, a *kit.Control, secretType, url, project string, yes bool) error {
	c, err := a.Connect()
	if err != nil {
		return err
	}
	secrets, err := a.Secrets(ctx, c, secretType)
	if err != nil {
		return err
	}
	shown := source.Repository{URL: url}.String()
	var there []string
	for i := range secrets {
		s := &secrets[i]
		if same := repourl.Same(string(s.Data["url"]), url); same && project != "" && project != string(s.Data["project"]) {
			continue
		} else if !same {
			there = append(there, source.Repository{URL: string(s.Data["url"])}.String())
			continue
		}
		if err := a.Confirm("forget the credentials of "+shown+"?", yes); err != nil {
			return err
		}
		if err := patch.DeleteSeen(ctx, c, s); err != nil {
			return a.Explain(err, "forgetting the repository "+shown)
		}
		return a.Say("repository '" + shown + "' removed")
	}
	return kit.Missing("repository", a.Namespace, shown, there, a.Command("repo add URL")+" adds one")
}
