package cli

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/cyan-cd/cyan/internal/cli/term"
)

// confirm asks before something is taken away. Where nobody can answer it refuses, and says how to go without being asked.
func (e *env) confirm(question string, yes bool) error {
	if yes {
		return nil
	}
	if !term.InputIsTerminal(e.In) {
		return &Trouble{Problem: "not asked: " + question, Remedy: "there is no terminal to answer on; add -y if you mean it", Code: codeUsage}
	}
	fmt.Fprintf(e.Err, "%s [y/N] ", question)
	line, err := bufio.NewReader(e.In).ReadString('\n')
	if err != nil && line == "" {
		return &Trouble{Problem: "no answer to: " + question, Remedy: "add -y if you mean it", Code: codeNo, cause: err}
	}
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return nil
	}
	return &Trouble{Problem: "left as it is", Code: codeNo}
}
