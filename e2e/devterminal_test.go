package e2e

import (
	"testing"

	"github.com/cyan-cd/cyan/internal/testkit/terminal"
)

// On a terminal the loop is a dashboard: a row for each image, what became of the deployment, the ports and the logs.
// Its keys have everything built again, filter the logs and end the loop, which gives the terminal back and removes
// what it has made.
func TestDevLoopOnATerminal(t *testing.T) {
	w := newDevWorld(t)
	w.setVersion("first")
	mode := terminal.ModeOf(t)
	s := terminal.Start(t, 120, 32, []string{"KUBECONFIG=" + w.cluster.Kubeconfig, "XDG_DATA_HOME=" + w.data, "NO_COLOR=1"}, program("cyan"), "dev", w.dir)
	s.AwaitText("in namespace "+w.namespace, "request-counter/app", "request-counter/redis", "deploy", "✓ ready", "after the start", "Service active-service, port 80", `"msg":"serving"`)
	if _, alt := s.See(); !alt {
		t.Error("the dashboard does not draw on a screen of its own")
	}

	w.setVersion("second")
	s.AwaitText("changed  cmd/app/version.go", "✓ ready", "after the save")
	w.awaitAnswer("second")
	s.Press("r")
	s.AwaitText("changed  rebuild", "✓ ready", "after the key")
	s.Press("/no line has this")
	s.AwaitText(`filter "no line has this"`, "no line has this text")
	s.Press("\x1b")
	s.AwaitText(`"msg":"serving"`)

	s.Press("q")
	s.AwaitGivenBack(mode, "namespace "+w.namespace+" is being removed")
	w.awaitGone()
}
