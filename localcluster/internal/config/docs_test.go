package config

import (
	"os"
	"strings"
	"testing"
)

// TestTheGuideHasTheExample of the help, word for word.
func TestTheGuideHasTheExample(t *testing.T) {
	guide, err := os.ReadFile("../../../docs/local-cluster.md")
	if err != nil {
		t.Fatal(err)
	}
	var example strings.Builder
	for line := range strings.Lines(Example) {
		example.WriteString(strings.TrimPrefix(line, "  "))
	}
	if !strings.Contains(string(guide), "```yaml\n"+example.String()+"```") {
		t.Error("docs/local-cluster.md lacks the example of `cyan local up --help`")
	}
}
