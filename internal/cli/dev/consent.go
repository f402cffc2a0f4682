package dev

import (
	"os"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

// beforehand reads the project before the loop begins, for the context that it names, and for consent to what it does
// on this machine. What is wrong with it is for the loop to report.
func (c *command) beforehand(root string) error {
	if c.overlay != "" || len(c.images) > 0 {
		return nil
	}
	disk, err := os.OpenRoot(root)
	if err != nil {
		return kit.Usage("folder "+root, err.Error(), "give the folder of the app")
	}
	defer func() { _ = disk.Close() }()
	project, findings, err := skaffold.Read(disk.FS(), c.file, c.options(root))
	if err != nil || len(skaffold.Errors(findings)) > 0 {
		return nil
	}
	if _, named := c.Kube.Named(); project.Deploy.KubeContext != "" && named == "" {
		c.Kube.UseContext(project.Deploy.KubeContext)
	}
	_, err = c.consent.Of(c.Env, project)
	return err
}
