package kit

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	xterm "golang.org/x/term"

	"github.com/cyan-cd/cyan/internal/cli/term"
	"github.com/cyan-cd/cyan/internal/problem"
)

// Secret asks for something without showing it, or reads a line of standard input where there is no terminal.
func (s Streams) Secret(prompt string) (string, error) {
	if file, ok := s.In.(*os.File); ok && term.InputIsTerminal(s.In) {
		fmt.Fprint(s.Err, prompt)
		typed, err := xterm.ReadPassword(int(file.Fd()))
		fmt.Fprintln(s.Err)
		return string(typed), err
	}
	line, err := readLine(s.In)
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", &problem.Error{Kind: problem.Usage, Object: "standard input", Cause: "empty", Remedy: "give the password there, or by its flag", Err: err}
	}
	return line, nil
}

// longestLine bounds what is read of an answer.
const longestLine = 64 << 10

// readLine reads a line and nothing behind it: the next answer is there for the next question.
func readLine(in io.Reader) (string, error) {
	var line []byte
	one := make([]byte, 1)
	for len(line) < longestLine {
		n, err := in.Read(one)
		if n > 0 && one[0] == '\n' {
			return string(line), nil
		}
		if line = append(line, one[:n]...); err != nil {
			return string(line), err
		}
	}
	return "", errors.New("line is too long")
}

// Ask asks for something on a terminal, or reads a line of standard input.
func (s Streams) Ask(prompt string) (string, error) {
	if term.InputIsTerminal(s.In) {
		fmt.Fprint(s.Err, prompt)
	}
	line, err := readLine(s.In)
	if line = strings.TrimSpace(line); line == "" {
		return "", &problem.Error{Kind: problem.Usage, Object: strings.TrimRight(prompt, ": "), Cause: "not given", Remedy: "give it by its flag", Err: err}
	}
	return line, nil
}

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
