package admin

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/settings"
)

func newValidate(a *kit.Control) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "validate", Short: "Name what of the settings is invalid, unknown, or not served",
		Example: `  cyan admin settings validate
  cyan admin settings validate --argocd-cm-path argocd-cm.yaml`,
		Args: kit.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			data, err := readSettings(cmd, a, file)
			if err != nil {
				return err
			}
			_, findings := settings.Parse(data)
			findings = slices.DeleteFunc(findings, func(f settings.Finding) bool { return f.Verdict == settings.Harmless })
			if len(findings) == 0 {
				return a.Say("the settings are valid, and all are served")
			}
			for _, f := range findings {
				if err := a.Say(f.Problem().Error()); err != nil {
					return err
				}
			}
			return &kit.Exit{Code: 1}
		},
	}
	cmd.Flags().StringVar(&file, "argocd-cm-path", "", "file with the ConfigMap "+settings.ConfigName+", in place of the cluster's")
	a.Idle(cmd, "all settings are validated", "group=", "load-cluster-settings")
	return cmd
}

// readSettings returns the data of the ConfigMaps of settings, by their names.
func readSettings(cmd *cobra.Command, a *kit.Control, file string) (map[string]map[string]string, error) {
	data := map[string]map[string]string{}
	if file != "" {
		text, err := a.ReadInput(file)
		if err != nil {
			return nil, &problem.Error{Kind: problem.Usage, Object: "--argocd-cm-path", Cause: err.Error(), Err: err}
		}
		m := &corev1.ConfigMap{}
		if err := yaml.Unmarshal(text, m); err != nil {
			return nil, &problem.Error{Kind: problem.Usage, File: file, Cause: err.Error(), Err: err}
		}
		if m.Kind != "ConfigMap" {
			return nil, kit.Usage(file, fmt.Sprintf("kind %q found, where a ConfigMap is expected", m.Kind), "")
		}
		data[settings.ConfigName] = m.Data
		return data, nil
	}
	c, err := a.Connect()
	if err != nil {
		return nil, err
	}
	all := &corev1.ConfigMapList{}
	if err := c.List(cmd.Context(), all, client.InNamespace(a.Namespace)); err != nil {
		return nil, a.Explain(err, "listing ConfigMaps")
	}
	for _, m := range all.Items {
		if slices.Contains(settings.ConfigMapNames, m.Name) {
			data[m.Name] = m.Data
		}
	}
	return data, nil
}
