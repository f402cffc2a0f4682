package repo

import (
	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	repourl "github.com/cyan-cd/cyan/internal/repository"
	"github.com/cyan-cd/cyan/internal/source"
)

func newGet(a *kit.Control) *cobra.Command {
	var out kit.Format
	var project string
	cmd := &cobra.Command{
		Use: "get URL", Short: "Show a repository; credentials are named, never shown", Example: "  cyan repo get https://git.example/shop", Args: kit.Exactly("the repository's URL"), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.Check(); err != nil {
				return err
			}
			c, err := a.Connect()
			if err != nil {
				return err
			}
			secrets, err := a.Secrets(cmd.Context(), c, v1alpha1.SecretTypeRepository)
			if err != nil {
				return err
			}
			var found []corev1.Secret
			var there []string
			for _, s := range secrets {
				if !repourl.Same(string(s.Data["url"]), args[0]) {
					there = append(there, source.Repository{URL: string(s.Data["url"])}.String())
				} else if project == "" || project == string(s.Data["project"]) {
					found = append(found, s)
				}
			}
			if len(found) == 0 {
				return kit.Missing("repository", a.Namespace, source.Repository{URL: args[0]}.String(), there, a.Command("repo add URL")+" adds one")
			}
			return show(a, found, out.Value)
		},
	}
	cmd.Flags().StringVar(&project, "project", "", "the credentials of this project, where several have some")
	a.Idle(cmd, "nothing is cached here", "refresh=")
	out.Bind(cmd, kit.JSON, kit.YAML, kit.Wide, kit.Name, "url")
	return cmd
}
