package kit

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/cyan-cd/cyan/internal/cli/term"
	"github.com/cyan-cd/cyan/internal/problem"
)

// Confirm asks before something is taken away. Where a question cannot be answered it refuses, and names the flag
// that goes without.
func (e *Env) Confirm(question string, yes bool) error {
	if yes {
		return nil
	}
	if !term.InputIsTerminal(e.In) {
		return Usage("confirmation", fmt.Sprintf("no terminal to ask on (%s)", question), "add -y if you mean it")
	}
	fmt.Fprintf(e.Err, "%s [y/N] ", question)
	line, err := bufio.NewReader(e.In).ReadString('\n')
	if err != nil && line == "" {
		return &problem.Error{Kind: problem.Negative, Object: "confirmation", Cause: fmt.Sprintf("no answer (%s)", question), Remedy: "add -y if you mean it", Err: err}
	}
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return nil
	}
	return &problem.Error{Kind: problem.Negative, Object: "confirmation", Cause: "answered no; nothing was changed"}
}
