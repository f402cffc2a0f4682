package image

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// dockerfile is what a Dockerfile says, as far as it matters before it is built.
type dockerfile struct {
	// syntax is the image of the frontend, from the first line, "" for the builder's own.
	syntax string
	stages []stage
}

type stage struct {
	name  string
	base  string
	steps []instruction
}

// instruction is one line, with what it continues on.
type instruction struct {
	line  int
	name  string // in capitals
	flags map[string]string
	rest  string
}

var (
	directive = regexp.MustCompile(`^#\s*(syntax|escape|check)\s*=\s*(.+?)\s*$`)
	heredoc   = regexp.MustCompile(`<<-?\s*(["']?)([A-Za-z_][A-Za-z0-9_]*)(["']?)`)
	variable  = regexp.MustCompile(`\\\$|\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-+])([^}]*))?\})`)
)

// parseDockerfile reads a Dockerfile. args are build arguments that win over the defaults of ARG.
func parseDockerfile(data string, args map[string]string) (*dockerfile, error) {
	d := &dockerfile{}
	instructions, err := d.split(strings.TrimPrefix(strings.ReplaceAll(data, "\r\n", "\n"), "\ufeff"))
	if err != nil {
		return nil, err
	}
	global := map[string]string{}
	for _, in := range instructions {
		switch {
		case in.name == "FROM":
			s, err := parseFrom(in, global)
			if err != nil {
				return nil, err
			}
			d.stages = append(d.stages, s)
		case len(d.stages) > 0:
			s := &d.stages[len(d.stages)-1]
			s.steps = append(s.steps, in)
		case in.name == "ARG":
			for word := range strings.FieldsSeq(in.rest) {
				key, value, _ := strings.Cut(word, "=")
				if given, ok := args[key]; ok {
					value = given
				}
				global[key] = expand(strings.Trim(value, `"'`), global)
			}
		default:
			return nil, fmt.Errorf("line %d: %s stands before the first FROM", in.line, in.name)
		}
	}
	if len(d.stages) == 0 {
		return nil, errors.New("it has no FROM")
	}
	return d, nil
}

func parseFrom(in instruction, global map[string]string) (stage, error) {
	words := strings.Fields(in.rest)
	if len(words) != 1 && (len(words) != 3 || !strings.EqualFold(words[1], "AS")) {
		return stage{}, fmt.Errorf("line %d: write FROM IMAGE or FROM IMAGE AS NAME, not %q", in.line, "FROM "+in.rest)
	}
	s := stage{base: expand(words[0], global)}
	if s.base == "" {
		return stage{}, fmt.Errorf("line %d: FROM %s comes to nothing: give the argument a default, or a value with --build-arg", in.line, words[0])
	}
	if len(words) == 3 {
		s.name = strings.ToLower(words[2])
	}
	return s, nil
}

// expand puts variables in.
func expand(s string, vars map[string]string) string {
	return variable.ReplaceAllStringFunc(s, func(found string) string {
		m := variable.FindStringSubmatch(found)
		value, set := vars[m[1]+m[2]]
		if m[1] != "" {
			return value
		}
		switch {
		case found == `\$`:
			return "$"
		case m[3] == ":-" && value == "", m[3] == "-" && !set:
			return m[4]
		case m[3] == ":+" && value != "", m[3] == "+" && set:
			return m[4]
		case strings.HasSuffix(m[3], "+"):
			return ""
		}
		return value
	})
}

// split takes the file apart: directives, comments, continued lines and here-documents.
func (d *dockerfile) split(data string) ([]instruction, error) {
	var found []instruction
	escape := `\`
	rows := strings.Split(data, "\n")
	i := 0
	for ; i < len(rows); i++ {
		m := directive.FindStringSubmatch(strings.ToLower(strings.TrimSpace(rows[i])))
		if m == nil {
			break
		}
		_, value, _ := strings.Cut(rows[i], "=")
		switch m[1] {
		case "escape":
			escape = m[2]
		case "syntax":
			d.syntax = strings.TrimSpace(value)
		}
	}
	for i < len(rows) {
		start := i
		var parts []string
		for ; i < len(rows); i++ {
			row := strings.TrimSpace(rows[i])
			if strings.HasPrefix(row, "#") || (row == "" && len(parts) > 0) {
				continue
			}
			more := strings.HasSuffix(row, escape)
			parts = append(parts, strings.TrimSpace(strings.TrimSuffix(row, escape)))
			if !more {
				break
			}
		}
		i++
		text := strings.TrimSpace(strings.Join(parts, " "))
		if text == "" {
			continue
		}
		in := parseInstruction(text, start+1)
		if in.name == "RUN" || in.name == "COPY" || in.name == "ADD" {
			var err error
			if i, err = skipHeredocs(rows, i, in); err != nil {
				return nil, err
			}
		}
		found = append(found, in)
	}
	return found, nil
}

func skipHeredocs(rows []string, i int, in instruction) (int, error) {
	for _, m := range heredoc.FindAllStringSubmatch(in.rest, -1) {
		for ; ; i++ {
			if i >= len(rows) {
				return i, fmt.Errorf("line %d: the text that %q begins has no end", in.line, m[0])
			}
			if strings.TrimLeft(rows[i], "\t") == m[2] {
				i++
				break
			}
		}
	}
	return i, nil
}

func parseInstruction(text string, line int) instruction {
	name, rest, _ := strings.Cut(text, " ")
	in := instruction{line: line, name: strings.ToUpper(name), flags: map[string]string{}, rest: strings.TrimSpace(rest)}
	for strings.HasPrefix(in.rest, "--") {
		flag, rest, _ := strings.Cut(in.rest, " ")
		key, value, _ := strings.Cut(strings.TrimPrefix(flag, "--"), "=")
		if in.flags[key] != "" {
			// RUN may have several mounts.
			value = in.flags[key] + " " + value
		}
		in.flags[key] = value
		in.rest = strings.TrimSpace(rest)
	}
	return in
}

// stage finds an earlier stage by name or number.
func (d *dockerfile) stage(ref string, before int) (int, bool) {
	for i := before - 1; i >= 0; i-- {
		if d.stages[i].name != "" && d.stages[i].name == strings.ToLower(ref) {
			return i, true
		}
	}
	if n, err := strconv.Atoi(ref); err == nil && n >= 0 && n < before {
		return n, true
	}
	return 0, false
}

// images are those that building the last stage takes from elsewhere, each once, in the order of the file.
func (d *dockerfile) images() []string {
	var images []string
	seen := map[int]bool{}
	var visit func(i int)
	use := func(ref string, before int) {
		if i, ok := d.stage(ref, before); ok {
			visit(i)
		} else if ref != "scratch" && ref != "" && !slices.Contains(images, ref) {
			images = append(images, ref)
		}
	}
	visit = func(i int) {
		if seen[i] {
			return
		}
		seen[i] = true
		use(d.stages[i].base, i)
		for _, in := range d.stages[i].steps {
			if from, ok := in.flags["from"]; ok && in.name == "COPY" && !strings.Contains(from, "$") {
				use(from, i)
			}
			for mount := range strings.FieldsSeq(in.flags["mount"]) {
				for option := range strings.SplitSeq(mount, ",") {
					if from, ok := strings.CutPrefix(option, "from="); ok && in.name == "RUN" {
						use(from, i)
					}
				}
			}
		}
	}
	if d.syntax != "" {
		images = append(images, d.syntax)
	}
	visit(len(d.stages) - 1)
	return images
}
